//! Answering peers. The asker is the name in the certificate; what it may ask depends on its part in the job, how much
//! at once on [`Door`](super::Door).

use super::absent::{alike, leaves, not_here};
use super::door::{Caller, Desk, Pass, SMALL, STAYS, Turn, arrives_within};
use super::{Answer, Ask, HelloAnswer, JobAnswer};
use crate::fault::{Code, Fault, Result};
use crate::job;
use crate::journal::Note;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::verbs::{self, to_value};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::authorisation::Authorisation;
use yu_governance::catalogue::CatalogueEntry;
use yu_governance::destroy::DestructionCertificate;
use yu_governance::id::PartyName;
use yu_governance::request::{Approval, DataRequest};
use yu_governance::sign::Signed;
use yu_wire::carrier::Connection;
use yu_wire::rpc::{RpcStream, accept_stream};
use yu_wire::trust::Peer;

/// How long a stranger may take to hang up after its answer: closing earlier could destroy the answer on its way.
const LEAVES: Duration = Duration::from_secs(2);

/// Answers the questions of one connection until it closes.
pub(crate) async fn serve_connection(node: Arc<Node>, connection: Connection, pass: Pass) {
    match pass.caller() {
        Caller::Peer => serve_peer(&node, &connection, &pass).await,
        // the time is over, or it was answered: either way it goes
        Caller::Stranger => drop(tokio::time::timeout(STAYS, serve_stranger(&node, &connection, &pass)).await),
    }
    connection.close();
}

async fn serve_peer(node: &Arc<Node>, connection: &Connection, pass: &Pass) {
    loop {
        let stream = tokio::select! {
            stream = accept_stream(connection) => stream,
            () = pass.evicted() => return,
        };
        let Ok(stream) = stream else { return };
        let (node, connection, desk) = (Arc::clone(node), connection.clone(), pass.desk().clone());
        let place = desk.place().await;
        tokio::spawn(async move {
            // the asker may be gone; it will ask again
            let _ = question(&node, &connection, &desk, stream).await;
            drop(place);
        });
    }
}

/// One question, then it has to go: a peer that is admitted meanwhile comes back as one.
async fn serve_stranger(node: &Arc<Node>, connection: &Connection, pass: &Pass) {
    while let Ok(stream) = accept_stream(connection).await {
        match question(node, connection, pass.desk(), stream).await {
            Ok(Asked::Nothing) => {}
            Ok(Asked::Question) => {
                let _ = tokio::time::timeout(LEAVES, connection.closed()).await;
                return;
            }
            Err(e) => {
                tracing::debug!(error = %e, "question of a stranger");
                return;
            }
        }
    }
}

/// What a stream brought.
enum Asked {
    /// The announcement that the connection is for questions.
    Nothing,
    Question,
}

async fn question(node: &Arc<Node>, connection: &Connection, desk: &Desk, stream: RpcStream) -> yu_wire::Result<Asked> {
    let Some(body) = stream.head(arrives_within(0)).await? else { return Ok(Asked::Nothing) };
    let came = Instant::now();
    let announced = body.announced();
    let large = if announced > SMALL && announced <= desk.limit() { Some(desk.large().await) } else { None };
    let request = body.read(desk.limit(), arrives_within(announced)).await?;
    // a sign of life does not wait behind long questions: its asker would take this node for dead
    let mut turn: Option<Turn> = if is_hello(request.body()) { None } else { Some(desk.turn().await) };
    let (node, connection) = (Arc::clone(node), connection.clone());
    let work = tokio::task::spawn_blocking(move || {
        let answer = match reply(&node, &connection, request.body()) {
            Ok(value) => Answer::Ok(value),
            Err(fault) => Answer::Fault(fault),
        };
        let hides = matches!(&answer, Answer::Fault(fault) if fault.code == Code::NotFound);
        (request, serde_json::to_vec(&answer).unwrap_or_default(), hides)
    });
    if let Ok((request, bytes, hides)) = work.await {
        if hides {
            turn = None;
            tokio::time::sleep_until(leaves(came, Instant::now()).into()).await;
        }
        // an asker that does not take its answer keeps no other from being answered, as long as little memory is held
        if bytes.len() <= SMALL {
            turn = None;
        }
        request.reply(&bytes, arrives_within(bytes.len())).await?;
    }
    drop((turn, large));
    Ok(Asked::Question)
}

fn is_hello(body: &[u8]) -> bool {
    body.len() < 64 && matches!(serde_json::from_slice(body), Ok(Ask::Hello))
}

/// The answer as it may leave: a fault names this node, and nothing of its files.
fn reply(node: &Arc<Node>, connection: &Connection, body: &[u8]) -> Result<Value> {
    let asked = serde_json::from_slice::<Ask>(body).map_err(|_| Fault::new(Code::PeerProtocol, "question does not parse"));
    let name = asked.as_ref().map_or("unknown", Ask::name);
    asked.and_then(|ask| answer(node, connection, ask)).map_err(|fault| {
        crate::attempts::of_peer(node, &connection.peer().name().to_string(), name, &fault);
        let told = alike(node, fault.clone().party(node.name()).for_peers());
        if told.detail != fault.detail || told.place != fault.place {
            tracing::warn!(peer = %connection.peer().name(), %fault, "a peer's question failed; it was told less than this");
        }
        told
    })
}

fn answer(node: &Arc<Node>, connection: &Connection, ask: Ask) -> Result<Value> {
    let peer = connection.peer();
    if let Ask::Join { ticket, invite, proof } = &ask {
        let binding = connection.export_keying_material(verbs::join_label().as_bytes(), invite.as_bytes());
        return verbs::joined(node, (peer, connection.inner_key()), &binding, ticket, invite, proof);
    }
    let from = peer.name().to_string();
    // A certificate of a known organisation is not enough: the node itself must have been admitted by ticket.
    let row = node.store().peer(&from)?.filter(|_| !matches!(peer, Peer::Unadmitted(..)));
    let row = row.ok_or_else(|| Fault::new(Code::PeerUnknown, format!("`{from}`")).party(node.name()))?;
    // who connected before the peer was admitted, under its name and with another key, is not it
    crate::suite::same_key(connection.inner_key(), &crate::node::public_key(&row)?, &from)?;
    match ask {
        Ask::Hello => to_value(&HelloAnswer {
            name: node.name().into(),
            version: env!("CARGO_PKG_VERSION").into(),
            time: now().unix(),
            environment: node.config().environment.clone(),
        }),
        Ask::Catalogue => to_value(&node.all_signed::<CatalogueEntry>("catalogue")?),
        Ask::Deliver { kind, document } => deliver(node, &from, &kind, document),
        Ask::Offer { authorisation, request, key, normalisation, columns, measured } => {
            let wanted = job::offer::Wanted { key: &key, steps: &normalisation, columns: &columns, measured: &measured };
            job::offer::answer(node, &from, &authorisation, &request, &wanted)
        }
        Ask::Propose { bundle } => job::admit::proposed(node, &from, bundle),
        Ask::Sign { job, signature } => job::admit::signed(node, &from, &job, signature),
        Ask::Refuse { job, fault } => job::admit::refused(node, &from, &job, fault),
        Ask::Admit { bundle } => job::admit::admitted(node, &from, bundle),
        Ask::Start { job } => job::admit::start(node, &from, &job),
        Ask::Again { job, session } => job::again::met(node, &from, &job, &session),
        Ask::Abort { job, fault } => job::end::aborted(node, &from, &job, fault),
        Ask::Job { job } => {
            let row = job::bundle::of_party(node, &from, &job)?;
            to_value(&JobAnswer { state: row.state.to_string(), fault: row.fault.map(Fault::for_peers) })
        }
        Ask::Share { job, share } => job::held::share(node, &from, &job, share),
        Ask::Release { job, package } => job::held::release(node, &from, &job, package),
        Ask::Outcome { job, decision } => job::held::outcome(node, &from, &job, decision),
        Ask::Log { have } => crate::supervise::answer(node, &from, have),
        Ask::Procedures { from: place } => crate::procedure::sync::answer(node, place),
        Ask::Dossier { application, document } => crate::dossier::answer(node, &from, &application, &document),
        Ask::Docket { from: place } => crate::docket::sync::answer(node, &from, place),
        Ask::DocketCompare { line } => {
            let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at("docket").party(from.clone());
            crate::docket::sync::compare(node, line.map(serde_json::from_value).transpose().map_err(parse)?)
        }
        Ask::Countersign { checkpoints } => verbs::countersign_for(node, &from, &checkpoints),
        Ask::Join { .. } => Err(Fault::new(Code::Bug, "answered above")),
    }
}

/// A document is known under one id with one text; another text needs another id.
fn unless_other(node: &Node, kind: &str, id: &str, hash: yu_governance::canonical::Hash) -> Result<()> {
    match node.store().object(kind, id)? {
        Some(kept) if kept.hash != hash.to_string() => Err(Fault::new(Code::Exists, format!("{kind} `{id}` is known with another text"))),
        _ => Ok(()),
    }
}

/// Requests come from the licensee, for a data set of this node, or to the authority for an import of the licensee's own.
fn entitled_to_ask(node: &Node, request: &DataRequest, authorisation: &Authorisation) -> Result<()> {
    let asker = request.requester.organisation();
    if request.id.organisation() != asker {
        return Err(Fault::new(Code::Refused, format!("`{}` may not name a request `{}`", request.requester, request.id)));
    }
    // A20: outside the authorised list a request is refused without asking anybody, and without a look at what is here.
    let granted = authorisation.grant(&request.dataset).cloned().unwrap_or_default();
    if let Some(beyond) = request.asked()?.beyond(&granted).first() {
        return Err(Fault::new(Code::ColumnBeyond, format!("`{beyond}` of {} is not in the authorisation", request.dataset)));
    }
    let own = node.store().dataset(request.dataset.as_str())?.is_some();
    let import = node.config().authority.as_deref() == Some(node.name()) && request.dataset.organisation() == asker;
    if own || import { Ok(()) } else { Err(not_here(node.name())) }
}

/// The provider decides about its data, the authority about imports (A20, P4): of the data set that was asked for, whatever the approval says.
fn may_approve(node: &Node, approver: &PartyName, request: &DataRequest) -> bool {
    if request.dataset.organisation() == node.config().organisation {
        return node.config().authority.as_deref() == Some(approver.as_str());
    }
    approver.organisation() == request.dataset.organisation()
}

/// Keeps a signed document that concerns this node.
fn deliver(node: &Arc<Node>, from: &str, kind: &str, document: Value) -> Result<Value> {
    let ring = node.ring()?;
    let parse = |e: serde_json::Error| Fault::new(Code::PeerProtocol, e.to_string()).at(kind.to_owned()).party(from);
    match kind {
        "authorisation" => {
            let signed: Signed<Authorisation> = serde_json::from_value(document).map_err(parse)?;
            let authority = signed.payload.authority.to_string();
            if node.config().authority.as_deref() != Some(&authority) {
                return Err(Fault::new(Code::Refused, format!("`{authority}` is not this node's authority")));
            }
            signed.verify(&ring, &[&authority])?;
            let id = signed.payload.id.clone();
            unless_other(node, "authorisation", id.as_str(), payload_hash(&signed.payload)?)?;
            node.keep_signed("authorisation", id.as_str(), &signed, |hash| {
                let received = Event::new(Verb::AuthorisationReceived).by(&authority)?;
                Ok(received.with("authorisation", Field::Authorisation(id.clone())).hash("document", hash))
            })?;
        }
        "request" => {
            let signed: Signed<DataRequest> = serde_json::from_value(document).map_err(parse)?;
            let r = &signed.payload;
            if r.requester.as_str() != from {
                return Err(Fault::new(Code::Signature, "requester and sender differ").party(from));
            }
            signed.verify(&ring, &[from])?;
            let authorisation: Signed<Authorisation> = node.signed("authorisation", r.authorisation.as_str())?;
            // D6: an authorisation of somebody else's is as good as none
            if authorisation.payload.licensee != r.requester.organisation() {
                return Err(not_here(node.name()));
            }
            if payload_hash(&authorisation.payload)? != r.authorisation_hash {
                return Err(Fault::new(Code::Tampered, "the request cites another text of the authorisation").party(from));
            }
            entitled_to_ask(node, r, &authorisation.payload)?;
            unless_other(node, "request", r.id.as_str(), payload_hash(r)?)?;
            let id = r.id.clone();
            node.keep_signed("request", id.as_str(), &signed, |hash| {
                Ok(Event::new(Verb::RequestReceived).by(from)?.with("request", Field::Request(id.clone())).hash("document", hash))
            })?;
        }
        "approval" => {
            let signed: Signed<Approval> = serde_json::from_value(document).map_err(parse)?;
            signed.verify(&ring, &[from])?;
            if signed.payload.approver.as_str() != from {
                return Err(Fault::new(Code::Signature, "approver and sender differ").party(from));
            }
            let request: Signed<DataRequest> = node.signed("request", signed.payload.request.as_str())?;
            // D6: whoever may not decide a request does not learn that there is one
            if request.payload.requester.as_str() != node.name() || !may_approve(node, &signed.payload.approver, &request.payload) {
                return Err(not_here(node.name()));
            }
            if let Some(finding) = signed.payload.check(&request.payload, &payload_hash(&request.payload)?).first() {
                return Err(finding.into());
            }
            let id = signed.payload.request.clone();
            node.keep_signed("approval", id.as_str(), &signed, |hash| {
                Ok(Event::new(Verb::RequestApproved).by(from)?.with("request", Field::Request(id.clone())).hash("document", hash))
            })?;
        }
        "certificate" => {
            let signed: Signed<DestructionCertificate> = serde_json::from_value(document).map_err(parse)?;
            signed.verify(&ring, &[from])?;
            let told = &signed.payload;
            if told.node.as_str() != from {
                return Err(Fault::new(Code::Signature, "a certificate comes from who destroyed").party(from));
            }
            // of a job that both know
            job::bundle::of_party(node, from, &told.job.0.to_hex())?;
            let hash = payload_hash(told)?;
            if node.store().object("certificate", &hash.to_hex())?.is_some() {
                return Ok(json!({}));
            }
            node.keep_signed("certificate", &hash.to_hex(), &signed, |hash| {
                Ok(Event::new(Verb::CertificateReceived).by(from)?.hash("document", hash))
            })?;
        }
        "profile" => crate::procedure::adopt::arrived(node, from, document)?,
        "appointments" => crate::procedure::adopt::appointed(node, from, document)?,
        "docket" => crate::docket::line::arrived(node, from, document)?,
        "docket-draft" => crate::docket::draft::arrived(node, from, document)?,
        "docket-complete" => crate::docket::line::complete(node, from, document)?,
        "step" => crate::procedure::chain::arrived(node, from, document)?,
        "step-draft" => crate::procedure::draft::arrived(node, from, document)?,
        "step-complete" => crate::procedure::draft::complete(node, from, document)?,
        other => return Err(Fault::new(Code::PeerProtocol, format!("unknown document `{}`", other.escape_default())).party(from)),
    }
    Ok(json!({}))
}
