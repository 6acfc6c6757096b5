//! The red team: a licensee and a platform administrator, each with its organisation's keys and its machine, try to reach raw rows or to let a result
//! out without its review. Every path fails, and every refused question stands in the log of whoever refused it (P1, P2, P8, A18, O2).

use super::peers::{ask_as, now, runtime};
use super::procedures::town_at;
use super::rig::LONG;
use super::support::{Said, World, free_port, path};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::sign::{Signed, SignedType};
use yu_orchestrator::control::{Answer, Ask};
use yu_orchestrator::home::Home;
use yu_orchestrator::keys::Keys;

const HEALTH: &str = "yu://dev/health/n1";
const BANK: &str = "yu://dev/bank/n1";
const PLATFORM: &str = "yu://dev/platform/n1";
const A: &str = "dev/authority/a-1";
const VISITS: &str = "dev/health/visits";

/// A town with one job that is done, one that waits for its review, one that is only proposed.
struct Field {
    world: World,
    listen: BTreeMap<&'static str, SocketAddr>,
    runtime: tokio::runtime::Runtime,
    done: String,
    held: String,
    proposed: String,
    /// The licensee's request for the provider's data.
    request: String,
}

impl Field {
    fn new() -> Self {
        let listen: BTreeMap<&str, SocketAddr> = ["authority", "health", "bank", "platform"].map(|org| (org, free_port())).into();
        let world = town_at(listen.clone());
        let done = world.submit_and_sign(&world.job());
        world.complete(&done);
        let held = world.submit_and_sign(&world.job());
        world.wait("authority", &held, &["held"], LONG);
        let proposed = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
        ["health", "platform", "authority"].iter().for_each(|org| drop(world.wait(org, &proposed, &["proposed"], LONG)));
        let db = store(&world, "bank");
        let sql = "SELECT id FROM object WHERE kind='request' AND json LIKE '%dev/health/visits%'";
        let request = db.query_row(sql, [], |r| r.get(0)).unwrap();
        Self { world, listen, runtime: runtime(), done, held, proposed, request }
    }

    fn ask(&self, from: &str, to: &str, ask: &Ask) -> Answer {
        ask_as(&self.world, &self.runtime, from, to, self.listen[to], ask)
    }

    /// How many refusals a node's log holds.
    fn refusals(&self, org: &str) -> usize {
        let log = std::fs::read_to_string(self.world.dir(org).join("audit/entries.jsonl")).unwrap();
        ["attempt.refused", "offer.refused", "job.refused"].iter().map(|verb| log.matches(&format!("\"verb\":\"{verb}\"")).count()).sum()
    }

    /// A question that must be refused, and be in the log of who refused it.
    fn refused(&self, what: &str, from: &str, to: &str, ask: &Ask) {
        let before = self.refusals(to);
        match self.ask(from, to, ask) {
            Answer::Fault(_) => {}
            Answer::Ok(value) if value["verdict"] == "refused" => {}
            Answer::Ok(value) => panic!("{what}: {to} accepted it from {from}: {value}"),
        }
        assert!(self.refusals(to) > before, "{what}: {to} has no entry for it");
    }

    /// A command at an attacker's own console that must be refused, and be in its log.
    fn console(&self, what: &str, org: &str, args: &[&str]) -> Said {
        let before = self.refusals(org);
        let said = self.world.yu(org, args);
        assert_ne!(said.status, 0, "{what}: {}", said.all);
        assert!(self.refusals(org) > before, "{what}: {org} has no entry for it: {}", said.all);
        said
    }

    fn sign<T: SignedType>(&self, org: &str, payload: T) -> Signed<T> {
        let home = Home::new(self.world.dir(org));
        let keys = Keys::load(&home, &home.config().unwrap()).unwrap();
        Signed::sign(payload, &self.world.name(org), &keys.signing).unwrap()
    }

    /// The proposal of a job as the licensee sent it, changed and signed anew by an attacker.
    fn proposal(&self, org: &str, job: &str, change: impl FnOnce(&mut Value)) -> Ask {
        let db = store(&self.world, "bank");
        let text: String = db.query_row("SELECT contract FROM job WHERE id=?1", [job], |r| r.get(0)).unwrap();
        let mut bundle: Value = serde_json::from_str(&text).unwrap();
        bundle["contract"]["payload"]["nonce"] = Value::from("5a".repeat(32));
        change(&mut bundle);
        let contract: Contract = serde_json::from_value(bundle["contract"]["payload"].clone()).unwrap();
        bundle["contract"] = serde_json::to_value(self.sign(org, contract)).unwrap();
        Ask::Propose { bundle }
    }

    /// A stored signed document of a node.
    fn object(&self, org: &str, kind: &str, id: &str) -> Value {
        let text: String =
            store(&self.world, org).query_row("SELECT json FROM object WHERE kind=?1 AND id=?2", [kind, id], |r| r.get(0)).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn store(world: &World, org: &str) -> rusqlite::Connection {
    rusqlite::Connection::open(world.dir(org).join("store/yu.sqlite")).unwrap()
}

fn deliver(kind: &str, document: Value) -> Ask {
    Ask::Deliver { kind: kind.into(), document }
}

fn offer(field: &Field, request: &str, authorisation: &str, columns: &[&str]) -> Ask {
    let columns = serde_json::from_value(json!(columns)).unwrap();
    let _ = field;
    Ask::Offer {
        authorisation: authorisation.into(),
        request: request.into(),
        key: vec!["resident_id".into()],
        normalisation: vec!["trim".into(), "resident_id".into()],
        columns,
        measured: Vec::new(),
    }
}

/// Everything below a folder, keys of the own organisation aside.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Whether a result stands at a node: only the receiver of a released one has it.
fn no_result(field: &Field, job: &str) {
    for org in ["health", "bank", "platform"] {
        assert_ne!(field.world.yu(org, &["job", "result", job]).status, 0, "{org}");
    }
}

#[test]
fn p1_p2_p8_a18_o2_a_licensee_and_a_platform_reach_no_rows_and_no_unreviewed_result() {
    let field = Field::new();
    licensee_asks_for_more(&field);
    licensee_forges_documents(&field);
    licensee_proposes(&field);
    jobs_out_of_turn(&field);
    platform_attacks(&field);
    consoles(&field);
    disks(&field);
    no_result(&field, &field.held);
    // after all of it the honest life goes on, and every log verifies
    field.world.complete(&field.held);
    for org in ["authority", "health", "bank", "platform", "watch"] {
        field.world.yu(org, &["audit", "checkpoint"]).ok("checkpoint");
        field.world.yu(org, &["audit", "verify", path(&field.world.dir(org))]).ok("audit");
    }
}

/// More columns, other requests, other authorisations than were approved (A5, A18).
fn licensee_asks_for_more(field: &Field) {
    let to_health = |what: &str, ask: &Ask| field.refused(what, "bank", "health", ask);
    to_health("rows for a column that was not approved", &offer(field, &field.request, A, &["resident_id", "chronic"]));
    to_health("rows under an authorisation of its own making", &offer(field, &field.request, "dev/authority/a-99", &["resident_id"]));
    to_health("rows under a request that does not exist", &offer(field, "dev/bank/r-99", A, &["resident_id"]));
    let beyond = ["resident_id", "district", "age", "visits", "outpatient_cost", "chronic"];
    let mut request = field.object("bank", "request", &field.request)["payload"].clone();
    request["id"] = Value::from("dev/bank/r-more");
    request["columns"] = json!(beyond);
    if let Ok(request) = serde_json::from_value::<yu_governance::request::DataRequest>(request.clone()) {
        let signed = serde_json::to_value(field.sign("bank", request)).unwrap();
        to_health("a request beyond the authorisation", &deliver("request", signed));
    } else {
        to_health("a request beyond the authorisation", &deliver("request", json!({ "payload": request, "signatures": [] })));
    }
    to_health("the log of a node that it does not supervise", &Ask::Log { have: [0, 0, 0] });
    to_health("what is in force, from a node that is not the authority", &Ask::Procedures { from: 0 });
    to_health("lines of the docket from a node that is not the authority", &Ask::Docket { from: 0 });
    to_health("a job of others", &Ask::Job { job: "00".repeat(32) });
}

/// Documents that somebody else has to sign.
fn licensee_forges_documents(field: &Field) {
    let to_health = |what: &str, ask: &Ask| field.refused(what, "bank", "health", ask);
    let authorisation = field.object("bank", "authorisation", A);
    let mut more = authorisation.clone();
    more["payload"]["not_after"] = Value::from("2035-01-01T00:00:00Z");
    to_health("an authorisation with a longer term under the old signature", &deliver("authorisation", more.clone()));
    let own: yu_governance::authorisation::Authorisation = serde_json::from_value(more["payload"].clone()).unwrap();
    to_health("an authorisation that it signed itself", &deliver("authorisation", serde_json::to_value(field.sign("bank", own)).unwrap()));
    let approval = field.object("bank", "approval", &field.request);
    to_health("an approval of its own request", &deliver("approval", approval));
    let mut foreign = field.object("bank", "request", &field.request);
    foreign["payload"]["requester"] = Value::from(PLATFORM);
    to_health("a request in another's name", &deliver("request", foreign));
    let appointments = json!({ "payload": { "v": 1, "version": 9, "authority": "yu://dev/authority/n1", "appointed": [], "at": Time::from_unix(now()) }, "signatures": [] });
    to_health("appointments", &deliver("appointments", appointments));
    to_health("a profile", &deliver("profile", json!({ "profile": { "payload": {}, "signatures": [] } })));
    to_health("a step that the authority did not take in", &deliver("step", json!({ "machine": "suspension", "step": {} })));
    to_health("a line of the docket", &deliver("docket", json!({ "line": {} })));
    to_health("a document of a kind that does not exist", &deliver("skeleton-key", json!({})));
    let complete = |kind: &str| json!({ "kind": kind, "document": { "payload": {}, "signatures": [{ "signer": BANK }] } });
    field.refused(
        "a record of data that it does not provide",
        "bank",
        "authority",
        &deliver("docket-complete", complete("catalogue-record")),
    );
    let step = json!({ "machine": "authorisation", "arrow": {} });
    field.refused("a step for the authority to take in", "bank", "authority", &deliver("step-complete", step));
    let certificate = json!({ "payload": { "node": HEALTH, "job": field.done }, "signatures": [] });
    to_health("a destruction that did not happen", &deliver("certificate", certificate));
    to_health("countersignature of a log that it made up", &Ask::Countersign { checkpoints: vec!["{}".into()] });
}

/// Contracts that ask for more than was approved, or go around the reviewer.
fn licensee_proposes(field: &Field) {
    let propose = |what: &str, change: &dyn Fn(&mut Value)| {
        let ask = field.proposal("bank", &field.proposed, |bundle| change(&mut bundle["contract"]["payload"]));
        field.refused(what, "bank", "health", &ask);
    };
    let of_health = |contract: &Value| contract["inputs"].as_array().unwrap().iter().position(|input| input["party"] == HEALTH).unwrap();
    propose("a column more", &|c| {
        let at = of_health(c);
        c["inputs"][at]["columns"].as_array_mut().unwrap().push("chronic".into());
    });
    propose("another version of the data", &|c| {
        let at = of_health(c);
        c["inputs"][at]["version"] = Value::from(Hash::of_file(b"other").to_string());
    });
    propose("more rows than were stated", &|c| {
        let at = of_health(c);
        c["inputs"][at]["rows"] = "100000".into();
    });
    propose("itself as reviewer", &|c| c["reviewer"] = c["receivers"][0].clone());
    propose("another receiver", &|c| c["receivers"][0]["party"] = PLATFORM.into());
    propose("a receiver more", &|c| {
        let mut more = c["receivers"][0].clone();
        more["party"] = PLATFORM.into();
        c["receivers"].as_array_mut().unwrap().push(more);
    });
    propose("another purpose", &|c| c["purpose"] = "advertising".into());
    propose("another scenario", &|c| c["scenario"] = "advertising".into());
    propose("small groups", &|c| c["limits"]["min_cell"] = "1".into());
    propose("few rows", &|c| c["limits"]["min_rows"] = "1".into());
    propose("a result with all digits", &|c| c["outputs"][0]["digits"] = 17.into());
    propose("no end", &|c| c["expires"] = "2099-01-01T00:00:00Z".into());
    let without = field.proposal("bank", &field.proposed, |bundle| bundle["dossier"]["approvals"] = json!([]));
    field.refused("no approvals", "bank", "health", &without);
}

/// Words of the protocol at the wrong time, by the wrong party, or with other content (O2).
fn jobs_out_of_turn(field: &Field) {
    let db = store(&field.world, "bank");
    let text: String = db.query_row("SELECT contract FROM job WHERE id=?1", [&field.proposed], |r| r.get(0)).unwrap();
    let bundle: Value = serde_json::from_str(&text).unwrap();
    field.refused("admission without all signatures", "bank", "health", &Ask::Admit { bundle });
    field.refused("a start of another's job", "platform", "health", &Ask::Start { job: field.proposed.clone() });
    field.refused("a share for another's review", "bank", "health", &Ask::Share { job: field.held.clone(), share: json!({}) });
    field.refused("another share than before", "bank", "authority", &Ask::Share { job: field.held.clone(), share: json!({}) });
    field.refused("a release by a party", "bank", "health", &Ask::Release { job: field.held.clone(), package: json!({}) });
    let decision = json!({ "payload": { "job": field.held, "verdict": "approved" }, "signatures": [] });
    field.refused("a decision of its own", "bank", "health", &Ask::Outcome { job: field.held.clone(), decision });
    let session = "11".repeat(32);
    field.refused("a session for a job that is over", "bank", "health", &Ask::Again { job: field.done.clone(), session });
    field.refused("a signature that is none", "bank", "health", &Ask::Sign { job: field.proposed.clone(), signature: json!({}) });
}

/// The administrator of the platform's node has its keys and its messages.
fn platform_attacks(field: &Field) {
    field.refused("rows for the platform", "platform", "health", &offer(field, &field.request, A, &["resident_id"]));
    field.refused("a release to the receiver", "platform", "bank", &Ask::Release { job: field.held.clone(), package: json!({}) });
    field.refused("another share than before", "platform", "authority", &Ask::Share { job: field.held.clone(), share: json!({}) });
    let own =
        field.proposal("platform", &field.proposed, |bundle| bundle["contract"]["payload"]["receivers"][0]["party"] = PLATFORM.into());
    field.refused("a contract of the platform for itself", "platform", "health", &own);
    field.refused("the log of a node that it does not supervise", "platform", "health", &Ask::Log { have: [0, 0, 0] });
    let authorisation = field.object("platform", "authorisation", A);
    let mut own: yu_governance::authorisation::Authorisation = serde_json::from_value(authorisation["payload"].clone()).unwrap();
    own.licensee = "platform".into();
    let own = serde_json::to_value(field.sign("platform", own)).unwrap();
    field.refused("an authorisation for itself", "platform", "health", &deliver("authorisation", own));
    let suspend = json!({ "machine": "suspension", "arrow": {} });
    field.refused("opening what was suspended", "platform", "authority", &deliver("step-complete", suspend));
}

/// Commands at the attackers' own nodes.
fn consoles(field: &Field) {
    field.console("the review at the licensee", "bank", &["review", "approve", &field.held, "--reviewer", "Zhang"]);
    field.console("the review at the platform", "platform", &["review", "approve", &field.held, "--reviewer", "Zhang"]);
    field.console("the result before its review", "bank", &["job", "result", &field.held]);
    field.console("the result at the platform", "platform", &["job", "result", &field.done]);
    field.console("the approval of its own request", "bank", &["request", "approve", &field.request]);
    let file = field.world.file("own-authorisation.toml");
    std::fs::write(&file, field.world.authorisation().replace("a-1", "a-2")).unwrap();
    field.console("an authorisation signed by the licensee", "bank", &["authorisation", "sign", path(&file)]);
    field.console("a profile proposed by the platform", "platform", &["profile", "adopt", "zhejiang"]);
    field.console("a profile countersigned by the platform", "platform", &["profile", "countersign", "0123456789abcdef"]);
    field.console("the logs of others", "platform", &["supervise"]);
    field.console("a data set of another", "platform", &["destroy", "--dataset", VISITS]);
}

/// What lies on the attackers' disks: no row of the provider, no key of it, in any file.
fn disks(field: &Field) {
    let csv = std::fs::read_to_string(field.world.file("health.csv")).unwrap();
    let ids: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert!(ids.len() >= 400 && ids.iter().all(|id| id.len() == 18), "{}", ids[0]);
    // the licensee has residents of its own; it is asked for those that only the provider knows
    let bank = std::fs::read_to_string(field.world.file("bank.csv")).unwrap();
    for org in ["platform", "bank", "authority"] {
        let mut all = Vec::new();
        files(&field.world.dir(org), &mut all);
        assert!(all.len() > 10, "{org}");
        for file in all.iter().filter(|file| file.is_file()) {
            let bytes = std::fs::read(file).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            let own = |id: &&&str| org != "bank" || !bank.contains(**id);
            if let Some(id) = ids.iter().filter(own).find(|id| text.contains(**id)) {
                panic!("{}: {} holds the row of {id}", org, file.display());
            }
        }
    }
}
