//! What a proposer shows is compared with what a node knows itself: every signature in these contracts is good, and they are
//! refused all the same. Documents are known under one id with one text, and a result is decided once.

use super::rig::{LONG, expect, logs_verify};
use super::support::{ORGS, Plan, World, free_port, path};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yu_governance::authorisation::Authorisation;
use yu_governance::catalogue::CatalogueEntry;
use yu_governance::contract::Contract;
use yu_governance::id::document_hash;
use yu_governance::request::{Approval, DataRequest};
use yu_governance::sign::{Signed, SignedType, SigningKey};
use yu_orchestrator::control::{Answer, Ask, LIMIT, ProposeAnswer};
use yu_orchestrator::job::bundle::Bundle;
use yu_orchestrator::job::plan;
use yu_wire::carrier::{CarrierKind, Endpoint, EndpointConfig};
use yu_wire::identity::{NodeIdentity, NodeName};
use yu_wire::trust::TrustStore;

/// Speaks to health with the keys of other nodes.
struct Liar {
    world: World,
    address: SocketAddr,
    runtime: tokio::runtime::Runtime,
}

fn name(org: &str) -> String {
    format!("yu://dev/{org}/n1")
}

impl Liar {
    fn key(&self, org: &str) -> SigningKey {
        SigningKey::from_bytes(&std::fs::read(self.world.dir(org).join("keys/signing.key")).unwrap().try_into().unwrap())
    }

    fn sign<T: SignedType>(&self, payload: T, org: &str) -> Signed<T> {
        Signed::sign(payload, &name(org), &self.key(org)).unwrap()
    }

    fn ask(&self, org: &str, ask: &Ask) -> Answer {
        let identity =
            |org: &str| NodeIdentity::from_pem(&std::fs::read_to_string(self.world.dir(org).join("keys/node.pem")).unwrap()).unwrap();
        let (trust, health) = (TrustStore::new(), identity("health"));
        trust.add(health.name(), health.root_der()).unwrap();
        let config = EndpointConfig::new(Arc::new(identity(org)), trust, self.runtime.handle().clone());
        let to: NodeName = name("health").parse().unwrap();
        let reply = self.runtime.block_on(async {
            let endpoint = Endpoint::bind(config).unwrap();
            let connection = endpoint.connect(&self.address.to_string(), &to, CarrierKind::Quic).await.unwrap();
            yu_wire::rpc::call(&connection, &serde_json::to_vec(ask).unwrap(), LIMIT, Duration::from_secs(20)).await.unwrap()
        });
        serde_json::from_slice(&reply).unwrap()
    }

    /// Signs a changed contract as the bank, proposes it, and expects to be refused with this code and these words.
    fn refused(&self, bundle: &Bundle, change: impl FnOnce(&mut Bundle), code: &str, words: &[&str]) {
        let mut changed = bundle.clone();
        change(&mut changed);
        changed.contract = self.sign(changed.contract.payload, "bank");
        let answer = self.ask("bank", &Ask::Propose { bundle: serde_json::to_value(&changed).unwrap() });
        let Answer::Ok(value) = answer else { panic!("{answer:?}") };
        match serde_json::from_value(value).unwrap() {
            ProposeAnswer::Refused { fault } => {
                assert_eq!(fault.code.as_str(), code, "{fault}");
                assert!(words.iter().all(|w| fault.to_string().contains(w)), "{fault} should name {words:?}");
            }
            other => panic!("{words:?}: {other:?}"),
        }
    }

    /// Proposes a contract that says what health knows.
    fn accepted(&self, bundle: &Bundle) {
        let mut again = bundle.clone();
        again.contract = self.sign(again.contract.payload, "bank");
        let answer = self.ask("bank", &Ask::Propose { bundle: serde_json::to_value(&again).unwrap() });
        let Answer::Ok(value) = answer else { panic!("{answer:?}") };
        assert!(matches!(serde_json::from_value(value).unwrap(), ProposeAnswer::Pending));
    }

    fn expect_fault(&self, org: &str, ask: &Ask, code: &str) {
        match self.ask(org, ask) {
            Answer::Fault(fault) => assert_eq!(fault.code.as_str(), code, "{fault}"),
            Answer::Ok(value) => panic!("accepted: {value}"),
        }
    }
}

/// A change of a contract by its JSON.
fn with(bundle: &mut Bundle, change: impl FnOnce(&mut Value)) {
    let mut json = serde_json::to_value(&bundle.contract.payload).unwrap();
    change(&mut json);
    bundle.contract = Signed::unsigned(serde_json::from_value::<Contract>(json).unwrap());
}

fn find<'a>(list: &'a mut Value, key: &str, is: &str) -> &'a mut Value {
    list.as_array_mut().unwrap().iter_mut().find(|v| v[key] == is).unwrap()
}

#[test]
fn a_contract_that_says_other_than_the_node_knows_is_refused() {
    let listen = free_port();
    let mut world = World::ready(&Plan { resume_limit_s: 60, listen: [("health", listen)].into(), ..Plan::default() });
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    let job_joined = world.submit(&world.job_joined()).ok("submit")["job"].as_str().unwrap().to_owned();
    for job in [&job, &job_joined] {
        world.wait("health", job, &["proposed"], LONG);
    }
    world.kill("bank");
    let db = rusqlite::Connection::open(world.dir("bank").join("store/yu.sqlite")).unwrap();
    let contract = |job: &str| -> Bundle {
        let text: String = db.query_row("SELECT contract FROM job WHERE id=?1", [job], |r| r.get(0)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let (bundle, joined) = (contract(&job), contract(&job_joined));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let liar = Liar { world, address: listen, runtime };
    let (health, bank, platform) = (name("health"), name("bank"), name("platform"));

    // who reviews, who controls whom, to whose key it is sealed
    let reviewer = |b: &mut Bundle| with(b, |c| c["reviewer"]["party"] = json!(platform));
    liar.refused(&bundle, reviewer, "contract.rule", &["parties.reviewer-not-authority", &platform]);
    let controller = |b: &mut Bundle| with(b, |c| find(&mut c["parties"], "name", &platform)["controller"] = json!("somebody else"));
    liar.refused(&bundle, controller, "contract.rule", &["parties.standing", &platform]);
    let zone = |b: &mut Bundle| with(b, |c| find(&mut c["parties"], "name", &health)["zone"] = json!("outside"));
    liar.refused(&bundle, zone, "contract.rule", &["parties.standing", &health]);
    let own_key = |b: &mut Bundle| with(b, |c| c["reviewer"]["seal"] = c["receivers"][0]["seal"].clone());
    liar.refused(&bundle, own_key, "contract.rule", &["parties.seal", &name("authority")]);
    let other_key = |b: &mut Bundle| with(b, |c| c["receivers"][0]["seal"] = c["reviewer"]["seal"].clone());
    liar.refused(&bundle, other_key, "contract.rule", &["parties.seal", &bank]);
    // what follows from the plan
    let most = u64::MAX.to_string();
    liar.refused(&bundle, |b| with(b, |c| c["cost"]["max_bytes"] = json!(most)), "contract.rule", &["contract.cost"]);
    // a plan that would take gigabytes to price is refused before anybody prices it
    let many = |b: &mut Bundle| {
        with(b, |c| {
            (c["protocol"]["psi"]["kind"], c["reveal_match"]) = (json!("shared-join-80"), json!("none"));
            for side in ["left", "right"] {
                c["protocol"]["statistics"][side]["columns"] = (0..4000).map(|n| json!(format!("c{n}"))).collect();
                c["protocol"]["statistics"][side]["exponents"] = vec![json!(1); 4000].into();
            }
        });
    };
    let start = Instant::now();
    liar.refused(&bundle, many, "contract.rule", &["contract.size", "8000 columns"]);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let layout = |b: &mut Bundle| with(b, |c| c["outputs"][0]["layout"] = json!(format!("sha-256:{}", "00".repeat(32))));
    liar.refused(&bundle, layout, "contract.rule", &["contract.layout"]);
    // one person's consent for another's rows
    let subject = |b: &mut Bundle| with(b, |c| find(&mut c["inputs"], "party", &health)["consent"]["subject_column"] = json!("district"));
    liar.refused(&bundle, subject, "contract.rule", &["consent.subject", "district"]);

    // what was never stated about its rows; cost and layout follow from the lie
    let priced = |b: &mut Bundle| {
        let cost = plan::cost(&b.contract.payload).unwrap();
        with(b, |c| c["cost"] = json!(cost));
    };
    let stated = ["inputs.stated", "dev/health/visits"];
    let rows = |b: &mut Bundle| {
        with(b, |c| find(&mut c["inputs"], "party", &health)["rows"] = json!("250"));
        priced(b);
    };
    liar.refused(&bundle, rows, "contract.rule", &stated);
    let consents = |b: &mut Bundle| {
        let other = format!("sha-256:{}", "11".repeat(32));
        with(b, |c| find(&mut c["inputs"], "party", &health)["consent"]["commitment"] = json!(other));
    };
    liar.refused(&bundle, consents, "contract.rule", &stated);
    liar.refused(&joined, rows, "contract.rule", &stated);
    let magnitudes = |b: &mut Bundle| {
        with(b, |c| c["protocol"]["statistics"]["left"]["exponents"][0] = json!(14));
        priced(b);
    };
    liar.refused(&joined, magnitudes, "contract.rule", &["inputs.stated", "magnitudes"]);
    let fewer = |b: &mut Bundle| {
        let without = |list: &mut Value| {
            list.as_array_mut().unwrap().retain(|c| c != "visits" && c["column"] != "visits");
        };
        with(b, |c| {
            without(&mut find(&mut c["inputs"], "party", &health)["columns"]);
            without(&mut c["protocol"]["statistics"]["left"]["columns"]);
            without(&mut c["protocol"]["steps"][0]["columns"]);
        });
        priced(b);
        let output = b.contract.payload.outputs[0].clone();
        let outputs = plan::outputs(&b.contract.payload, output.digits, output.own_correlations).unwrap();
        with(b, |c| c["outputs"] = json!(outputs));
    };
    liar.refused(&bundle, fewer, "contract.rule", &["inputs.stated", "nothing was stated"]);
    // what it was told, it may say
    liar.accepted(&joined);

    // other texts under good signatures: older ones, or ones that were never delivered here
    let authorisation = |b: &mut Bundle| {
        let mut other: Authorisation = b.dossier.authorisation.clone().unwrap().payload;
        other.contingency_plan.as_mut().unwrap().scope.push_str(" and more");
        with(b, |c| c["authorisation"]["hash"] = json!(document_hash(&other).unwrap()));
        b.dossier.authorisation = Some(liar.sign(other, "authority"));
    };
    liar.refused(&bundle, authorisation, "contract.altered", &["authorisation"]);
    let approval = |b: &mut Bundle| {
        let of_health = b.dossier.approvals.iter().position(|a| a.payload.approver.as_str() == health).unwrap();
        let mut other: Approval = b.dossier.approvals[of_health].payload.clone();
        other.not_after = other.not_after.plus_days(-1);
        let hash = document_hash(&other).unwrap();
        with(b, |c| find(&mut c["approvals"], "request", other.request.as_str())["hash"] = json!(hash));
        b.dossier.approvals[of_health] = liar.sign(other, "health");
    };
    liar.refused(&bundle, approval, "contract.altered", &["approval"]);
    let entry = |b: &mut Bundle| {
        let of_health = b.dossier.catalogue.iter().position(|e| e.payload.provider.as_str() == health).unwrap();
        let mut other: CatalogueEntry = b.dossier.catalogue[of_health].payload.clone();
        other.summary.push_str(", as it was last year");
        b.dossier.catalogue[of_health] = liar.sign(other, "health");
    };
    liar.refused(&bundle, entry, "contract.altered", &["catalogue", "dev/health/visits"]);
    let no_entry = |b: &mut Bundle| b.dossier.catalogue.retain(|e| e.payload.provider.as_str() != health);
    liar.refused(&bundle, no_entry, "contract.altered", &["catalogue", "dev/health/visits"]);
    // health's own state moves on: what was true yesterday is an older text today
    liar.world.add_datasets_of_health("a new title");
    liar.refused(&bundle, |_| {}, "contract.altered", &["catalogue", "dev/health/visits"]);

    one_text(&liar, &bundle);
}

/// Another text under a known id is refused, whoever signed it; the same text again is no news.
fn one_text(liar: &Liar, bundle: &Bundle) {
    let deliver = |kind: &str, document: Value| Ask::Deliver { kind: kind.into(), document };
    let known = bundle.dossier.authorisation.clone().unwrap();
    let mut other = known.payload.clone();
    other.datasets.iter_mut().for_each(|grant| grant.columns = yu_governance::id::ColumnSet::new(["resident_id", "district"]).unwrap());
    let other = deliver("authorisation", serde_json::to_value(liar.sign(other, "authority")).unwrap());
    liar.expect_fault("authority", &other, "exists");
    assert!(matches!(liar.ask("authority", &deliver("authorisation", serde_json::to_value(&known).unwrap())), Answer::Ok(_)));

    let of_health = |r: &&Signed<DataRequest>| r.payload.dataset.organisation() == "health";
    let known = bundle.dossier.requests.iter().find(of_health).unwrap();
    let mut other = known.payload.clone();
    other.columns.pop();
    liar.expect_fault("bank", &deliver("request", serde_json::to_value(liar.sign(other, "bank")).unwrap()), "exists");
    assert!(matches!(liar.ask("bank", &deliver("request", serde_json::to_value(known).unwrap())), Answer::Ok(_)));

    // neither can the authority sign two texts under one id with its own program
    let text = liar.world.authorisation();
    expect(&liar.world.sign(&text.replace("leak or loss", "leak")), "exists", &["a-1"]);
    liar.world.sign(&text).ok("the same text again");
}

#[test]
fn a_result_is_decided_once() {
    let world = World::ready(&Plan { node_toml: vec![("auto_sign = false", "auto_sign = true")], ..Plan::default() });
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    world.wait("authority", &job, &["held"], LONG);
    let dir = world.dir("authority");
    let decide = |n: usize| {
        let verdict = ["approve", "refuse"][n % 2];
        let mut args = vec!["review", verdict, &job, "--reviewer", ["Zhang", "Li"][n % 2], "--item", "purpose,sources,other-risk"];
        if verdict == "refuse" {
            args.extend(["--reason", "not today"]);
        }
        (verdict, super::support::yu(&dir, &args))
    };
    let said: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..6).map(|n| scope.spawn(move || decide(n))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let won: Vec<&str> = said.iter().filter(|(_, said)| said.status == 0).map(|(verdict, _)| *verdict).collect();
    assert_eq!(won.len(), 1, "{:?}", said.iter().map(|(v, s)| (v, &s.all)).collect::<Vec<_>>());
    for (_, lost) in said.iter().filter(|(_, said)| said.status != 0) {
        expect(lost, "state.wrong", &[]);
    }
    let end = if won[0] == "approve" { "done" } else { "rejected" };
    for (org, _) in ORGS {
        world.wait(org, &job, &[end], LONG);
    }
    assert_eq!(world.yu("bank", &["job", "result", &job]).status == 0, won[0] == "approve");
    let log = world.yu("authority", &["audit", "show", "--job", &job]).all;
    assert_eq!(log.matches("review.decided").count(), 1, "{log}");
    assert_eq!(log.matches("result.released").count(), usize::from(won[0] == "approve"), "{log}");
    let file = world.file("checked");
    std::fs::create_dir(&file).unwrap();
    if won[0] == "approve" {
        world.yu("bank", &["job", "result", &job, "--out", path(&file)]).ok("result");
        world.yu("bank", &["result", "verify", path(&file)]).ok("verify");
    }
    logs_verify(&world, &ORGS.map(|(org, _)| org));
}
