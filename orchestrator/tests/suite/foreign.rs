//! Tenants apart (D6): whoever asks for something of others gets the same bytes as for something that is nowhere.

use super::docket::{file, template};
use super::peers::{ask_as, runtime};
use super::procedures::{adopt, town};
use super::rig::LONG;
use super::support::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use yu_governance::destroy::DestructionCertificate;
use yu_governance::request::{Approval, DataRequest};
use yu_governance::sign::{Signed, SignedType, SigningKey};
use yu_orchestrator::control::{Answer, Ask};
use yu_orchestrator::destroy::parse_job;
use yu_orchestrator::home::Home;
use yu_orchestrator::job::bundle::Bundle;
use yu_orchestrator::keys::now;
use yu_orchestrator::store::Store;

/// Questions about the asked node itself, or about what everybody is told (a dossier is asked for by lines of the docket): they name no object of a
/// tenant's.
const NAME_NOTHING: [&str; 9] = ["dossier", "hello", "join", "catalogue", "procedures", "docket", "docket-compare", "log", "countersign"];

struct Asker {
    world: World,
    runtime: tokio::runtime::Runtime,
    asked: BTreeSet<&'static str>,
}

fn name(org: &str) -> String {
    format!("yu://dev/{org}/n1")
}

impl Asker {
    fn sign<T: SignedType>(&self, payload: T, org: &str) -> Signed<T> {
        let key = std::fs::read(self.world.dir(org).join("keys/signing.key")).unwrap();
        Signed::sign(payload, &name(org), &SigningKey::from_bytes(&key.try_into().unwrap())).unwrap()
    }

    fn address(&self) -> SocketAddr {
        let text = std::fs::read_to_string(self.world.dir("health").join("node.toml")).unwrap();
        let line = text.lines().find(|line| line.starts_with("listen")).unwrap();
        line.split('"').nth(1).unwrap().parse().unwrap()
    }

    /// What health answers, byte for byte.
    fn answer(&mut self, org: &str, ask: &Ask) -> String {
        self.asked.insert(ask.name());
        let answer: Answer = ask_as(&self.world, &self.runtime, org, "health", self.address(), ask);
        serde_json::to_string(&answer).unwrap()
    }

    /// Both questions get the same answer, with this code in it.
    fn alike(&mut self, org: &str, foreign: &Ask, missing: &Ask, code: &str) {
        let (one, other) = (self.answer(org, foreign), self.answer(org, missing));
        assert_eq!(one, other, "{} of {org}", foreign.name());
        assert!(one.contains(&format!("\"{code}\"")), "{}: {one}", foreign.name());
    }
}

fn deliver<T: serde::Serialize>(kind: &str, document: T) -> Ask {
    Ask::Deliver { kind: kind.into(), document: serde_json::to_value(document).unwrap() }
}

fn destroyed(job: &str) -> DestructionCertificate {
    DestructionCertificate { v: 1, job: parse_job(job).unwrap(), node: name("watch").parse().unwrap(), items: Vec::new(), at: now() }
}

/// Every question about a job, for one of them.
fn about(job: &str) -> Vec<Ask> {
    let (job, fault) = (job.to_owned(), yu_orchestrator::fault::Fault::new(yu_orchestrator::fault::Code::Halted, "stop"));
    vec![
        Ask::Refuse { job: job.clone(), fault: fault.clone() },
        Ask::Start { job: job.clone() },
        Ask::Again { job: job.clone(), session: "00".repeat(32) },
        Ask::Abort { job: job.clone(), fault },
        Ask::Job { job: job.clone() },
        Ask::Share { job: job.clone(), share: json!({}) },
        Ask::Release { job: job.clone(), package: json!({}) },
        Ask::Outcome { job, decision: json!({}) },
    ]
}

#[test]
fn d6_what_is_of_others_answers_as_what_is_nowhere() {
    let mut asker = Asker { world: town(), runtime: runtime(), asked: BTreeSet::new() };
    let job = asker.world.submit(&asker.world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    asker.world.wait("health", &job, &["proposed"], LONG);
    let nowhere = "ab".repeat(32);

    // jobs: the regulator's node is admitted and no party
    for (foreign, missing) in about(&job).into_iter().zip(about(&nowhere)) {
        asker.alike("watch", &foreign, &missing, "not-found");
    }
    let signature = serde_json::to_value(&asker.sign(destroyed(&nowhere), "watch").signatures[0]).unwrap();
    let signs = |job: &str| Ask::Sign { job: job.to_owned(), signature: signature.clone() };
    asker.alike("watch", &signs(&job), &signs(&nowhere), "not-found");
    assert_eq!(asker.world.state("health", &job).0, "proposed", "nothing of it did anything");
    let home = |org: &str| Home::new(asker.world.dir(org));
    let store = Store::open(&home("bank")).unwrap();
    let bundle: Bundle = serde_json::from_str(&store.job(&job).unwrap().unwrap().contract).unwrap();
    let mut changed = bundle.clone();
    changed.contract.payload.nonce = "cd".repeat(32);
    let admit = |bundle: &Bundle| Ask::Admit { bundle: serde_json::to_value(bundle).unwrap() };
    asker.alike("watch", &admit(&bundle), &admit(&changed), "contract.altered");
    let certificate = |job: &str| asker.sign(destroyed(job), "watch");
    let (foreign, missing) = (deliver("certificate", certificate(&job)), deliver("certificate", certificate(&nowhere)));
    asker.alike("watch", &foreign, &missing, "not-found");

    // requests, approvals, authorisations
    let of_health = |a: &&Signed<Approval>| a.payload.approver.as_str() == name("health");
    let approval = bundle.dossier.approvals.iter().find(of_health).unwrap().clone();
    let request = bundle.dossier.requests.iter().find(|r| r.payload.id == approval.payload.request).unwrap().payload.clone();
    let offer = |authorisation: &str, request: &str| Ask::Offer {
        authorisation: authorisation.into(),
        request: request.into(),
        key: vec!["resident_id".into()],
        normalisation: Vec::new(),
        columns: yu_governance::id::ColumnSet::new(["resident_id"]).unwrap(),
        measured: Vec::new(),
    };
    let (known, known_authorisation) = (request.id.to_string(), request.authorisation.to_string());
    asker.alike("watch", &offer(&known_authorisation, &known), &offer(&known_authorisation, "dev/bank/r-none"), "not-found");
    asker.alike("watch", &offer(&known_authorisation, &known), &offer("dev/authority/a-9", "dev/bank/r-none"), "not-found");
    // its own request under an authorisation that is not its own answers as one under none
    asker.alike("bank", &offer("dev/authority/a-8", &known), &offer("dev/authority/a-9", &known), "not-found");
    let asks = |authorisation: &str| {
        let (id, requester) = ("dev/watch/r-1".parse().unwrap(), name("watch").parse().unwrap());
        let asked = DataRequest { id, requester, authorisation: authorisation.parse().unwrap(), ..request.clone() };
        deliver("request", asker.sign(asked, "watch"))
    };
    let (foreign, missing) = (asks(&known_authorisation), asks("dev/authority/a-9"));
    asker.alike("watch", &foreign, &missing, "not-found");
    let approves = |id: &str, dataset: &str| {
        let other = Approval {
            request: id.parse().unwrap(),
            approver: name("watch").parse().unwrap(),
            dataset: dataset.parse().unwrap(),
            ..approval.payload.clone()
        };
        deliver("approval", asker.sign(other, "watch"))
    };
    // not even if it calls the data its own
    let datasets = ["dev/health/visits", "dev/watch/visits"];
    let pairs = datasets.map(|dataset| (approves(&known, dataset), approves("dev/bank/r-none", dataset)));
    for (foreign, missing) in pairs {
        asker.alike("watch", &foreign, &missing, "not-found");
    }

    // a proposal that shows an approval which health never signed is no way to find out which requests there are
    let forged = |id: &str| {
        let mut forged = bundle.clone();
        let at = forged.dossier.approvals.iter().position(|a| a.payload.approver.as_str() == name("health")).unwrap();
        let other = Approval { request: id.parse().unwrap(), not_after: now(), ..approval.payload.clone() };
        forged.dossier.approvals[at] = asker.sign(other, "bank");
        Ask::Propose { bundle: serde_json::to_value(forged).unwrap() }
    };
    let (foreign, missing) = (forged(&known), forged("dev/bank/r-none"));
    asker.alike("bank", &foreign, &missing, "signature.bad");

    // a data set that is there and was not granted, and one that is not there
    let (csv, consent) = (asker.world.file("health.csv"), asker.world.file("consent.csv"));
    let add = ["dataset", "add", csv.to_str().unwrap(), "--id", "secret", "--key", "resident_id", "--consent", consent.to_str().unwrap()];
    asker.world.yu("health", &add).ok("add");
    let mut told = Vec::new();
    for dataset in ["dev/health/secret", "dev/health/absent"] {
        let asked = DataRequest { id: "dev/bank/r-2".parse().unwrap(), dataset: dataset.parse().unwrap(), ..request.clone() };
        let ask = deliver("request", asker.sign(asked, "bank"));
        told.push(asker.answer("bank", &ask).replace(dataset, ""));
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].contains("column.beyond-approval"), "{}", told[0]);

    waiting(&mut asker);
    every_question(&asker);
}

/// A document that waits at its drafter for another's signature.
fn waiting(asker: &mut Asker) {
    adopt(&asker.world);
    let record = template(&asker.world, "health", "catalogue-record");
    let first = file(&asker.world, "health", "catalogue-record", &record).ok("file")["hash"].as_str().unwrap().to_owned();
    let lower = record
        .replace("number = \"1\"", &format!("number = \"2\"\nprevious = \"sha-256:{first}\""))
        .replace("level = \"city\"", "level = \"county\"")
        .replace("at = \"2026-06-01", "at = \"2026-06-02");
    file(&asker.world, "health", "catalogue-record", &lower).ok("file");
    let waits = asker.world.yu("health", &["docket", "waiting"]).ok("waiting")["waiting"][0]["document"].clone();
    let draft = |document: &Value| {
        let document = json!({ "payload": document, "signatures": [] });
        deliver("docket-draft", json!({ "kind": "catalogue-record", "drafter": name("health"), "document": document }))
    };
    let mut other = waits.clone();
    other["entry"]["rows"] = json!("77");
    for org in ["watch", "bank"] {
        asker.alike(org, &draft(&waits), &draft(&other), "not-found");
    }
}

/// A question that is added later has to be looked at here, or to be known to name nothing.
fn every_question(asker: &Asker) {
    let source = include_str!("../../src/control/message.rs");
    let names = source.lines().filter(|line| line.trim_start().starts_with("Self::") && line.contains("=> \""));
    let all: BTreeSet<&str> = names.filter_map(|line| line.split('"').nth(1)).collect();
    assert!(all.len() > 20, "{all:?}");
    let seen: BTreeSet<&str> = asker.asked.iter().copied().chain(NAME_NOTHING).collect();
    let unseen: Vec<&&str> = all.difference(&seen).collect();
    assert!(unseen.is_empty(), "ask {unseen:?} here for a foreign and for a missing object, or add it to NAME_NOTHING");
}
