//! What the node does for its command line: every verb returns one JSON document with sentences for people in `say`.

mod audit;
mod data;
mod doctor;
mod jobs;
mod join;
mod keys;
mod models;
mod peers;
mod procedures;
mod review;

use crate::admin::AdminAsk;
use crate::docket;
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use crate::procedure::{self, draft::Wanted};
use crate::store::JobEvent;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) use audit::countersign_for;
pub(crate) use data::{environment, fetch_catalogue, known_authorisation};
pub(crate) use join::{join_label, joined};

/// How a job stands, as `job watch` sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobStatus {
    /// Job.
    pub job: String,
    /// State.
    pub state: String,
    /// State in Chinese.
    pub state_zh: String,
    /// Nothing moves until a person acts, or never again.
    pub at_rest: bool,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// How far the run is.
    pub percent: u8,
    /// What it does.
    pub step: String,
    /// Metered costs.
    pub measured: Option<Value>,
    /// Story from the wanted position on.
    pub events: Vec<JobEvent>,
}

/// Answers one verb.
///
/// # Errors
/// The fault that a person is shown.
pub fn handle(node: &Arc<Node>, ask: AdminAsk) -> Result<Value> {
    answer(node, ask).inspect_err(|fault| crate::attempts::of_console(node, fault))
}

fn answer(node: &Arc<Node>, ask: AdminAsk) -> Result<Value> {
    match ask {
        AdminAsk::Stop => {
            node.stop();
            Ok(done("stopping", "正在停止"))
        }
        AdminAsk::Status => Ok(
            json!({ "name": node.name(), "waiting": node.store().outbox()?.len(), "listen": node.endpoint().listen_address().map(|a| a.to_string()),
            "say": lines([(format!("{} is running", node.name()), format!("{} 正在运行", node.name()))]) }),
        ),
        AdminAsk::PeerInvite { valid_minutes, expects } => peers::invite(node, valid_minutes, expects),
        AdminAsk::PeerAccept { ticket } => join::accept(node, &ticket),
        AdminAsk::PeerCard => peers::card(node),
        AdminAsk::PeerCountersign { ticket } => peers::countersign(node, &ticket),
        AdminAsk::PeerList => peers::list(node),
        AdminAsk::PeerRemove { peer } => peers::remove(node, &peer),
        AdminAsk::Doctor { peer } => doctor::doctor(node, peer.as_deref()),
        AdminAsk::DatasetAdd(add) => data::add(node, &add),
        AdminAsk::DatasetList { peer } => data::list(node, peer.as_deref()),
        AdminAsk::DatasetImport(ask) => crate::quarantine::import(node, &ask),
        AdminAsk::DatasetAdmit { dataset } => crate::quarantine::admit(node, &dataset),
        AdminAsk::DatasetQuarantine => crate::quarantine::list(node),
        AdminAsk::DatasetDestroy { dataset } => data::destroy(node, &dataset),
        AdminAsk::KeyNew { name } => keys::new(node, &name),
        AdminAsk::KeyList => keys::list(node),
        AdminAsk::ModelList => models::list(node),
        AdminAsk::ModelDestroy { job } => models::destroy(node, &job),
        AdminAsk::KeyDestroy { name } => keys::destroy(node, &name),
        AdminAsk::AuthorisationSign { toml } => data::authorise(node, &toml),
        AdminAsk::AuthorisationList => data::authorisations(node),
        AdminAsk::RequestSend { authorisation, provider, dataset, columns } => {
            data::request(node, &authorisation, &provider, &dataset, &columns)
        }
        AdminAsk::RequestList => data::requests(node),
        AdminAsk::RequestDecide { id, columns, reason } => data::decide(node, &id, columns.as_deref(), &reason),
        AdminAsk::JobCheck { toml } => jobs::check(node, &toml),
        AdminAsk::JobExplain { toml, job } => jobs::explain(node, toml.as_deref(), job.as_deref()),
        AdminAsk::JobSubmit { toml } => jobs::submit(node, &toml),
        AdminAsk::JobList => jobs::list(node),
        AdminAsk::JobApprove { job } => jobs::approve(node, &job),
        AdminAsk::JobRefuse { job, reason } => jobs::refuse(node, &job, &reason),
        AdminAsk::JobHalt { job, reason } => jobs::halt(node, &job, &reason),
        AdminAsk::JobStatus { job, from } => to_value(&jobs::status(node, &job, from)?),
        AdminAsk::JobWhy { job } => jobs::why(node, &job),
        AdminAsk::JobResult { job } => review::result(node, &job),
        AdminAsk::ReviewList => review::list(node),
        AdminAsk::ReviewShow { job } => review::show(node, &job),
        AdminAsk::ReviewDecide { job, approve, reviewer, reason, items, automatic } => {
            review::decide(node, &job, approve, (&reviewer, &reason), &items, automatic)
        }
        AdminAsk::Trace { what, backward, forward } => crate::trace::trace(node, &what, backward, forward),
        AdminAsk::SuperviseStatus => crate::supervise::status(node),
        AdminAsk::AuthorisationUsage { authorisation } => crate::quotas::usage(node, &authorisation),
        AdminAsk::StandingApprove { job, runs, until, rows } => crate::job::recurring::approve(node, &job, runs, until, rows),
        AdminAsk::StandingList => crate::job::recurring::list(node),
        AdminAsk::StandingRevoke { approval, reason } => crate::job::recurring::revoke(node, &approval, &reason),
        AdminAsk::ProcedureList => procedure::chain::list(node),
        AdminAsk::ProcedureShow { machine, object } => procedure::chain::show(node, &machine, &object),
        AdminAsk::ProcedureStep { machine, object, event, evidence, signers } => {
            let wanted = Wanted { machine: &machine, object: &object, event: &event, evidence, signers: &signers };
            procedure::draft::step(node, &wanted)
        }
        AdminAsk::ProcedureSign { seen } => procedure::draft::sign(node, &seen),
        AdminAsk::ProcedureDrop { seen } => procedure::draft::drop_draft(node, &seen),
        AdminAsk::ProcedureAppoint { toml } => procedure::adopt::appoint(node, &toml),
        AdminAsk::ProcedureSync => procedures::sync(node),
        AdminAsk::Report { wanted } => crate::reports::answer(node, wanted),
        AdminAsk::Catalogue(asked) => crate::catalogue::handle(node, *asked),
        AdminAsk::Dossier(asked) => crate::dossier::handle(node, *asked),
        AdminAsk::DocketTemplate { kind } => docket::show::template(kind.as_deref()),
        AdminAsk::DocketFile { kind, toml } => docket::draft::file(node, &kind, &toml),
        AdminAsk::DocketWaiting => docket::draft::list(node),
        AdminAsk::DocketSign { seen } => docket::draft::sign(node, &seen),
        AdminAsk::DocketDrop { seen } => docket::draft::drop_draft(node, &seen),
        AdminAsk::DocketList { kind, from } => docket::show::list(node, kind.as_deref(), from),
        AdminAsk::DocketShow { which } => docket::show::one(node, &which),
        AdminAsk::DocketStatus { chapter } => docket::show::status(node, chapter.as_deref()),
        AdminAsk::DocketSync => docket::sync::now(node),
        AdminAsk::ProfileAdopt { profile, parent } => procedure::adopt::propose(node, *profile, parent.map(|parent| *parent)),
        AdminAsk::ProfileProposed => procedures::proposed(node),
        AdminAsk::ProfileCountersign { seen } => procedure::adopt::countersign(node, &seen),
        AdminAsk::Market { about } => crate::market::handle(node, about),
        AdminAsk::ConsentImport { dataset, file } => crate::consent::book::import(node, &dataset, &file),
        AdminAsk::ConsentRevoke { dataset, subject, scenario, document } => {
            crate::consent::book::revoke(node, &dataset, &subject, scenario.as_deref(), document)
        }
        AdminAsk::ConsentList { dataset } => crate::consent::book::list(node, &dataset),
        AdminAsk::ConsentExport { dataset, out } => crate::consent::book::export(node, &dataset, &out),
        AdminAsk::ConsentDelete { dataset } => crate::consent::book::delete(node, &dataset),
        AdminAsk::AuditPrune => crate::ending::retention::prune(node),
        AdminAsk::EndRun { authorisation } => crate::ending::run(node, &authorisation),
        AdminAsk::EndShow { authorisation } => crate::ending::show(node, &authorisation),
        AdminAsk::EndProve { authorisation, asset } => crate::ending::prove(node, &authorisation, &asset),
        AdminAsk::EndHalf { file } => crate::ending::package::half(node, &file),
        AdminAsk::EndOpen { file, half, out } => crate::ending::package::open(node, &file, &half, &out),
        AdminAsk::BackupEscrow { folder } => crate::backup::make::escrow(node, &folder),
        AdminAsk::BackupMake { folder, to } => crate::backup::make::make(node, &folder, &to),
        AdminAsk::Watch(ask) => crate::watch::answer(node, ask),
        AdminAsk::AuditCheckpoint => audit::checkpoint(node),
        AdminAsk::Person(ask) => crate::people::verbs::handle(node, None, ask),
    }
}

/// Sentences for people, English and Chinese.
pub(crate) fn lines(all: impl IntoIterator<Item = (String, String)>) -> Value {
    all.into_iter().map(|(en, zh)| json!({ "en": en, "zh": zh })).collect()
}

/// An answer that is one sentence.
pub(crate) fn done(en: &str, zh: &str) -> Value {
    json!({ "say": lines([(en.to_owned(), zh.to_owned())]) })
}

/// The organisation of a node by its name.
pub(crate) fn organisation(name: &str) -> &str {
    name.trim_start_matches("yu://").split('/').nth(1).unwrap_or_default()
}

/// Serialises an answer.
pub(crate) fn to_value<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| Fault::new(Code::Bug, e.to_string()))
}
