//! The end of an authorisation at this node (授权终止, L1, L4, L5, L6): jobs stop, approvals are taken back, everything that was held is destroyed or sealed and
//! named in one certificate that the regulator countersigns.
//!
//! ```text
//! yu end run   nothing open    destroy, with a certificate per job or model ──> ending-certificate ──> regulator signs ──> docket
//!              matter open     sealed package (two halves of a key) ──> authority and regulator sign ──> docket
//!                              local keys are destroyed at once; `yu end run` again files the certificate when the package is filed
//! ```
//! | to see | open |
//! |---|---|
//! | what belongs to an authorisation here | [`inventory`] |
//! | the sealed package, and how two open it | [`package`] |
//! | how long the log is locked | [`retention`] |

pub mod inventory;
pub mod package;
pub mod retention;

use crate::docket::draft;
use crate::docket::kind::Document;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::procedure::{chain, effect, law};
use crate::verbs::{lines, to_value};
use inventory::Thing;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::asset::{Action, DisposalPlan, Hold, action};
use yu_governance::audit::{Event, Verb};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::ending::{EndedAsset, EndingCertificate, MOST, root_of};
use yu_governance::id::{AuthorisationId, PartyName};
use yu_governance::sign::Signed;
use yu_governance::workflow::authorisation::{Case, Event as Step};
use yu_governance::workflow::{Machine as _, Word as _};

/// Kind of what is remembered of an end, by the authorisation.
const KIND: &str = "ending";

/// How far an end has come here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begun {
    ended: Time,
    is_held: bool,
    plan: Option<Hash>,
    /// What was found, with what is to be done.
    things: Vec<(Thing, Action)>,
    /// The sealed package, once it is written: hash of its document.
    package: Option<Hash>,
    /// Everything is done that was to be done.
    is_done: bool,
    assets: Vec<EndedAsset>,
}

/// When an authorisation ended by its procedure, if it has.
///
/// # Errors
/// `storage.damaged`.
fn end_of(node: &Node, id: &AuthorisationId) -> Result<Option<Time>> {
    if effect::has_ended(node, id.as_str())? { ended(node, id).map(|(at, _)| Some(at)) } else { Ok(None) }
}

/// When an authorisation ended by its procedure, and whether a matter is open.
///
/// # Errors
/// `state.wrong` when it has not; `not-found` without a profile.
fn ended(node: &Node, id: &AuthorisationId) -> Result<(Time, bool)> {
    law::required(node)?;
    if !effect::has_ended(node, id.as_str())? {
        let state = chain::replay::<Case>(node, id.as_str())?.case().state_at(now());
        return Err(Fault::new(Code::State, format!("`{id}` has not ended: it is {state} ({})", state.zh())).party(node.name()));
    }
    let here = chain::replay::<Case>(node, id.as_str())?;
    let stopped = chain::steps::<Case>(node, id.as_str())?.into_iter();
    let stopped =
        stopped.filter(|step| matches!(step.arrow.payload.event, Step::Terminate { .. })).map(|step| step.receipt.payload.at).next();
    let term = here.case().term().map(|(_, end)| end);
    let at = [stopped, term].into_iter().flatten().min().unwrap_or_else(now);
    Ok((at, !here.case().matters().is_empty()))
}

/// Ends an authorisation here. It may be repeated: what was done is not done again, what waits for others goes on.
///
/// # Errors
/// `state.wrong` before the end, while jobs of it have not stopped, or when a plan asks for what no node does; by the rules.
pub fn run(node: &Arc<Node>, authorisation: &str) -> Result<Value> {
    let id: AuthorisationId = authorisation.parse()?;
    let is_as_it_was = |begun: &Begun| Ok::<_, Fault>(begun.is_done || begun.package.is_some() || begun.is_held == ended(node, &id)?.1);
    let mut begun = match kept(node, &id)? {
        Some(begun) if is_as_it_was(&begun)? => begun,
        // not yet begun, or a matter was opened or closed before anything was done
        _ => begin(node, &id)?,
    };
    if !begun.is_done {
        // one destruction at a time: each has one certificate
        let turn = node.live().ending();
        carry_out(node, &id, &mut begun)?;
        drop(turn);
    }
    if let Some(package) = begun.package
        && !node.docket().with(node, |book| Ok(book.endings.packages.contains_key(&package)))?
    {
        let say = (
            format!(
                "{id}: sealed, local keys destroyed; the package {package} waits for the authority and the regulator, then run this again"
            ),
            format!("{id}：已封存，本地密钥已销毁；封存包 {package} 待主管部门与监管方签署，之后请再次执行"),
        );
        return Ok(json!({ "authorisation": id, "package": package, "say": lines([say]) }));
    }
    certify(node, &id, &begun)
}

fn kept(node: &Node, id: &AuthorisationId) -> Result<Option<Begun>> {
    let damaged = |_| Fault::new(Code::Damaged, "an end that was begun does not parse").at(id.to_string());
    node.store().object(KIND, id.as_str())?.map(|kept| serde_json::from_str(&kept.json).map_err(damaged)).transpose()
}

fn keep(node: &Node, id: &AuthorisationId, begun: &Begun) -> Result<()> {
    node.store().put_object(KIND, id.as_str(), "", &to_value(begun)?.to_string(), now().unix())
}

/// Stops everything, and writes down what there is before anything of it goes.
fn begin(node: &Arc<Node>, id: &AuthorisationId) -> Result<Begun> {
    let (ended, is_held) = ended(node, id)?;
    effect::follow(node);
    let withdrawn = crate::job::recurring::withdraw(node, id)?;
    tracing::info!(withdrawn, "standing approvals of an ended authorisation are taken back");
    let plan = node.docket().with(node, |book| Ok(book.endings.plans.get(id).cloned()))?;
    let hold = if is_held { Hold::Open } else { Hold::None };
    let things = inventory::of(node, id)?;
    let things: Vec<(Thing, Action)> = things
        .into_iter()
        .map(|thing| {
            let action = wanted(&thing, plan.as_ref().map(|(plan, _)| plan), hold)?;
            Ok((thing, action))
        })
        .collect::<Result<_>>()?;
    let plan = plan.map(|(_, hash)| hash);
    let begun = Begun { ended, is_held, plan, things, package: None, is_done: false, assets: Vec::new() };
    keep(node, id, &begun)?;
    Ok(begun)
}

/// What is done with a thing: by the plan; without one what was held is destroyed, or sealed while a matter is open, and what was released stays.
fn wanted(thing: &Thing, plan: Option<&DisposalPlan>, hold: Hold) -> Result<Action> {
    if thing.certificate.is_some() {
        return Ok(Action::Destroy);
    }
    match plan {
        Some(plan) => {
            action(plan, thing.kind, hold).map_err(|found| found.first().map_or_else(|| Fault::new(Code::Bug, "a plan"), Fault::from))
        }
        None if thing.receipt.is_some() => Ok(Action::Keep),
        None if hold == Hold::Open => Ok(Action::Seal),
        None => Ok(Action::Destroy),
    }
}

/// Seals and destroys. What a crash interrupted goes on: the package is written before any key goes.
fn carry_out(node: &Arc<Node>, id: &AuthorisationId, begun: &mut Begun) -> Result<()> {
    let of = |wanted: &[Action]| -> Vec<String> {
        let things = begun.things.iter().filter(|(_, action)| wanted.contains(action));
        things.flat_map(|(thing, _)| thing.vault.clone()).collect()
    };
    let (leaves, goes) = (of(&[Action::Seal, Action::HandOver]), of(&[Action::Destroy]));
    if !leaves.is_empty() && begun.package.is_none() {
        begun.package = Some(package::seal(node, id, &leaves)?);
        keep(node, id, begun)?;
    }
    let all: Vec<String> = leaves.into_iter().chain(goes).collect();
    let certificate = if all.is_empty() { None } else { Some(crate::destroy::authorisation(node, id, &all)?) };
    let mut assets = Vec::new();
    for (thing, action) in &begun.things {
        let evidence = match action {
            Action::Destroy => thing.certificate.or(certificate),
            Action::Seal | Action::HandOver => begun.package,
            Action::Keep => thing.receipt.or(begun.plan),
        };
        let evidence = evidence.ok_or_else(|| Fault::new(Code::Bug, "an asset without evidence"))?;
        assets.push(EndedAsset { id: thing.id.clone(), kind: thing.kind, content: thing.content, action: *action, evidence });
    }
    begun.assets = assets;
    begun.is_done = true;
    keep(node, id, begun)
}

/// Signs the certificate, in parts where it is long, and asks the countersigner.
fn certify(node: &Arc<Node>, id: &AuthorisationId, begun: &Begun) -> Result<Value> {
    let kind = crate::docket::named(EndingCertificate::KIND)?;
    let parts: Vec<&[EndedAsset]> = if begun.assets.is_empty() { vec![&[]] } else { begun.assets.chunks(MOST).collect() };
    let number = |n: usize| u32::try_from(n).map_err(|_| Fault::new(Code::Input, "too many assets"));
    let (count, holder): (u32, PartyName) = (number(parts.len())?, node.name().parse()?);
    let (mut hashes, mut say) = (Vec::new(), Vec::new());
    for (part, assets) in (1..).zip(&parts) {
        if node.docket().with(node, |book| Ok(book.endings.certificates.contains_key(&(id.clone(), holder.clone(), part))))? {
            continue;
        }
        let place = format!("{id}#{part}");
        let certificate = match node.signed::<EndingCertificate>(KIND_PART, &place) {
            Ok(signed) => signed.payload,
            Err(fault) if fault.code == Code::NotFound => EndingCertificate {
                v: 1,
                authorisation: id.clone(),
                holder: holder.clone(),
                ended: begun.ended,
                is_held: begun.is_held,
                plan: begun.plan,
                part: [part, count],
                assets: assets.to_vec(),
                root: root_of(assets)?,
                at: now(),
            },
            Err(fault) => return Err(fault),
        };
        let hash = payload_hash(&certificate)?;
        let signed = Signed::sign(certificate, node.name(), node.signing())?;
        let is_new = node.store().object(KIND_PART, &place)?.is_none();
        if is_new {
            node.keep_signed(KIND_PART, &place, &signed, |hash| Ok(Event::new(Verb::AuthorisationCleared).hash("document", hash)))?;
        }
        let told = draft::start(node, kind, &to_value(&Signed::unsigned(signed.payload))?)?;
        say.extend(told["say"].as_array().cloned().unwrap_or_default());
        hashes.push(hash);
    }
    if hashes.is_empty() {
        let text = (format!("{id}: the end is certified"), format!("{id}：终止清理证明已备案"));
        say = lines([text]).as_array().cloned().unwrap_or_default();
    }
    Ok(json!({ "authorisation": id, "assets": begun.assets.len(), "certificates": hashes, "say": say }))
}

/// Parts of certificates that this node signed.
const KIND_PART: &str = "ending-certificate";

/// What was done with the assets of an authorisation, at every node that said so, and who has not; what lineage shows here and no certificate names.
///
/// # Errors
/// `not-found` without a profile; `input.bad`.
pub fn show(node: &Arc<Node>, authorisation: &str) -> Result<Value> {
    let id: AuthorisationId = authorisation.parse()?;
    law::required(node)?;
    let mut certificates = Vec::new();
    node.docket().with(node, |book| {
        let own = book.endings.certificates.iter().filter(|((known, ..), _)| *known == id);
        certificates.extend(own.map(|(_, (certificate, at))| (certificate.clone(), *at)));
        Ok(())
    })?;
    let mut say: Vec<(String, String)> = Vec::new();
    for (certificate, at) in &certificates {
        let [part, parts] = certificate.part;
        let (holder, count) = (&certificate.holder, certificate.assets.len());
        say.push((
            format!("{holder}: part {part} of {parts}, {count} assets, filed {at}"),
            format!("{holder}：第 {part}/{parts} 部分，{count} 项资产，{at} 备案"),
        ));
    }
    // who took part in a job of it, and has said nothing
    let silent: Vec<PartyName> = {
        let mut all = inventory::parties(node, &id)?;
        all.retain(|party| !certificates.iter().any(|(certificate, _)| certificate.holder == *party));
        all
    };
    for party in &silent {
        say.push((format!("{party}: NO certificate"), format!("{party}：尚无清理证明")));
    }
    let hidden = inventory::hidden(node, &id, certificates.iter().flat_map(|(certificate, _)| &certificate.assets))?;
    for finding in &hidden {
        say.push((format!("NOT ACCOUNTED: {}", finding.what.en), format!("未处置：{}", finding.what.zh)));
    }
    Ok(json!({ "authorisation": id, "certificates": certificates, "silent": silent, "hidden": hidden, "say": lines(say) }))
}

/// The proof for one asset of a filed certificate.
///
/// # Errors
/// `not-found`.
pub fn prove(node: &Node, authorisation: &str, asset: &str) -> Result<Value> {
    let id: AuthorisationId = authorisation.parse()?;
    let proof = node.docket().with(node, |book| {
        for ((known, ..), (certificate, _)) in &book.endings.certificates {
            if let Some(index) = certificate.assets.iter().position(|one| *known == id && one.id == asset) {
                return Ok(Some((certificate.prove(index)?, certificate.root)));
            }
        }
        Ok(None)
    })?;
    let missing = || Fault::new(Code::NotFound, format!("asset `{}` in a certificate of `{id}`", asset.escape_debug())).party(node.name());
    let (proof, root) = proof.ok_or_else(missing)?;
    let text = serde_json::to_string_pretty(&proof).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    Ok(json!({ "proof": proof, "root": root, "say": lines([(text.clone(), text)]) }))
}
