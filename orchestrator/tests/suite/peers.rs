//! Faults between nodes: tickets, identities, versions, clocks, altered contracts. The other side is played by this test
//! with the keys of a node that was stopped.

use super::rig::{LONG, expect, expect_failed, nothing_released};
use super::support::{Plan, Process, World, free_port, yu};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use yu_orchestrator::control::{Answer, Ask, HelloAnswer, LIMIT};
use yu_wire::carrier::{CarrierKind, Endpoint, EndpointConfig};
use yu_wire::identity::{Env, NodeIdentity, NodeName, OrgRoot};
use yu_wire::trust::TrustStore;

const DAY: i64 = 86_400;

pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

pub(crate) fn identity(world: &World, org: &str) -> NodeIdentity {
    NodeIdentity::from_pem(&std::fs::read_to_string(world.dir(org).join("keys/node.pem")).unwrap()).unwrap()
}

pub(crate) fn root(world: &World, org: &str) -> OrgRoot {
    OrgRoot::from_pem(&std::fs::read_to_string(world.dir(org).join("keys/org-root.pem")).unwrap()).unwrap()
}

/// Trusts the real organisations.
pub(crate) fn trust(world: &World, orgs: &[&str]) -> TrustStore {
    let trust = TrustStore::new();
    for org in orgs {
        let identity = identity(world, org);
        trust.add(identity.name(), identity.root_der()).unwrap();
    }
    trust
}

#[test]
fn tickets_are_used_once_in_time_and_in_their_own_environment() {
    let world = World::start(&Plan::default());
    let ticket = |minutes: &str| {
        world.yu("authority", &["peer", "invite", "--valid-minutes", minutes]).ok("invite")["ticket"].as_str().unwrap().to_owned()
    };
    expect(&world.yu("health", &["peer", "accept", &ticket("0")]), "ticket.bad", &["expired"]);

    let used = ticket("5");
    world.yu("health", &["peer", "accept", &used]).ok("accept");
    // another one is open, so the newcomer gets as far as showing the used one
    let open = ticket("5");
    expect(&world.yu("bank", &["peer", "accept", &used]), "ticket.bad", &["used", "yu://dev/authority/n1"]);
    assert_eq!(world.yu("bank", &["peer", "list"]).ok("list")["peers"], json!([]));

    let mut body: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(open.strip_prefix("yu1.").unwrap()).unwrap()).unwrap();
    body["v"] = json!(2);
    let newer = format!("yu1.{}", URL_SAFE_NO_PAD.encode(body.to_string()));
    expect(&world.yu("bank", &["peer", "accept", &newer]), "version.mismatch", &["ticket"]);
    body["v"] = json!(1);
    body["card"]["payload"]["controller"] = json!("somebody-else");
    let altered = format!("yu1.{}", URL_SAFE_NO_PAD.encode(body.to_string()));
    expect(&world.yu("bank", &["peer", "accept", &altered]), "signature.bad", &["yu://dev/authority/n1"]);
    expect(&world.yu("bank", &["peer", "accept", &open[..open.len() - 9]]), "ticket.bad", &[]);

    // production does not take it
    let dir = world.file("prod");
    let listen = free_port().to_string();
    yu(
        &dir,
        &["init", "--org", "clinic", "--role", "provider", "--env", "prod", "--listen", &listen, "--authority", "yu://prod/authority/n1"],
    )
    .ok("init");
    let clinic = Process::up(&dir);
    let said = yu(&dir, &["peer", "accept", &open]);
    drop(clinic);
    expect(&said, "env.mismatch", &["prod", "yu://dev/authority/n1"]);
    // after all of it the open ticket is still good
    world.yu("bank", &["peer", "accept", &open]).ok("accept");
}

/// Plays a node at its address until dropped.
struct Impostor {
    endpoint: Endpoint,
}

impl Impostor {
    fn at(
        runtime: &tokio::runtime::Runtime,
        address: SocketAddr,
        identity: NodeIdentity,
        trust: TrustStore,
        change: impl FnOnce(&mut EndpointConfig),
        hello: HelloAnswer,
    ) -> Self {
        let mut config = EndpointConfig::new(Arc::new(identity), trust, runtime.handle().clone());
        config.listen = Some(address);
        change(&mut config);
        let endpoint = runtime.block_on(async { Endpoint::bind(config) }).unwrap();
        let accepting = endpoint.clone();
        runtime.spawn(async move {
            loop {
                match accepting.accept().await {
                    Ok(connection) => {
                        let answer = serde_json::to_vec(&Answer::Ok(serde_json::to_value(&hello).unwrap())).unwrap();
                        tokio::spawn(async move {
                            while let Ok(request) = yu_wire::rpc::accept(&connection, LIMIT, Duration::from_secs(5)).await {
                                request.reply(&answer, Duration::from_secs(5)).await.unwrap();
                            }
                        });
                    }
                    Err(yu_wire::Error::Closed) => return,
                    Err(_) => {}
                }
            }
        });
        Self { endpoint }
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.endpoint.close();
    }
}

/// Codes and texts of the hops that the doctor finds at fault.
fn doctor(world: &World, org: &str, peer: &str) -> Vec<(String, String, String)> {
    let said = world.yu(org, &["doctor", "--peer", peer]);
    let hops = said
        .all
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .find(|v| v["hops"].is_array())
        .unwrap_or_else(|| panic!("{}", said.all));
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let faults: Vec<_> = hops["hops"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|h| h["ok"] == false)
        .map(|h| (text(&h["hop"]), text(&h["fault"]["code"]), h["fault"].to_string()))
        .collect();
    assert_eq!(said.status == 0, faults.is_empty(), "{}", said.all);
    faults
}

fn expect_hops(found: &[(String, String, String)], hops: &[&str], code: &str, names: &[&str]) {
    assert_eq!(found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), hops, "{found:?}");
    for (_, found_code, text) in found {
        assert_eq!(found_code, code, "{text}");
        assert!(names.iter().all(|n| text.contains(n)), "{text} should name {names:?}");
    }
}

#[test]
fn who_is_not_the_named_peer_is_refused_by_name() {
    let listen = free_port();
    let mut world = World::ready(&Plan { carrier: "auto", resume_limit_s: 10, listen: [("platform", listen)].into(), ..Plan::default() });
    let (name, runtime) = ("yu://dev/platform/n1", runtime());
    assert_eq!(doctor(&world, "health", name), []);
    world.kill("platform");
    let trust = trust(&world, &["health", "bank", "authority"]);
    let hello = HelloAnswer { name: name.into(), version: env!("CARGO_PKG_VERSION").into(), time: now(), environment: "dev".into() };
    let play = |identity: NodeIdentity, change: &dyn Fn(&mut EndpointConfig), hello: &HelloAnswer| {
        let fake = Impostor::at(&runtime, listen, identity, trust.clone(), change, hello.clone());
        let found = doctor(&world, "health", name);
        drop(fake);
        std::thread::sleep(Duration::from_millis(200));
        found
    };
    let keep = |_: &mut EndpointConfig| {};
    let both = ["udp+tls", "tcp+tls"];
    let real = || identity(&world, "platform");

    assert_eq!(play(real(), &keep, &hello), []);
    let late = HelloAnswer { time: now() - 3600, ..hello.clone() };
    expect_hops(&play(real(), &keep, &late), &["clock"], "clock.skew", &["60 s allowed", name]);
    let newer = HelloAnswer { version: "9.9.9".into(), ..hello.clone() };
    expect_hops(&play(real(), &keep, &newer), &["version"], "version.mismatch", &["9.9.9", name]);
    expect_hops(&play(real(), &|c: &mut EndpointConfig| c.version += 1, &hello), &both, "version.mismatch", &[name]);
    let expired = root(&world, "platform").issue("n1", now() - 9 * DAY, now() - DAY).unwrap();
    expect_hops(&play(expired, &keep, &hello), &both, "peer.identity", &["expired", name]);
    let early = root(&world, "platform").issue("n1", now() + DAY, now() + 9 * DAY).unwrap();
    expect_hops(&play(early, &keep, &hello), &both, "peer.identity", &[name]);
    let forged = OrgRoot::generate(Env::Dev, "platform").unwrap().issue("n1", now() - DAY, now() + DAY).unwrap();
    expect_hops(&play(forged, &keep, &hello), &both, "peer.identity", &[name]);
    expect_hops(&play(identity(&world, "bank"), &keep, &hello), &both, "peer.identity", &[name]);
    let prod = OrgRoot::generate(Env::Prod, "platform").unwrap().issue("n1", now() - DAY, now() + DAY).unwrap();
    expect_hops(&play(prod, &keep, &hello), &both, "env.mismatch", &["prod", "dev", "platform"]);

    // a job that needs the peer does not get anywhere with the impostor
    let forged = OrgRoot::generate(Env::Dev, "platform").unwrap().issue("n1", now() - DAY, now() + DAY).unwrap();
    let fake = Impostor::at(&runtime, listen, forged, trust.clone(), keep, hello);
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    expect_failed(&world, &["bank"], &job, "peer.identity", &[name]);
    nothing_released(&world, &job);
    drop(fake);

    // the same from the other side: a node whose certificate expired is refused, and told why
    let expired = root(&world, "bank").issue("n1", now() - 9 * DAY, now() - DAY).unwrap();
    world.kill("bank");
    let pem = world.dir("bank").join("keys/node.pem");
    let good = std::fs::read(&pem).unwrap();
    let org_root = world.dir("bank").join("keys/org-root.pem");
    let kept = std::fs::read(&org_root).unwrap();
    std::fs::write(&pem, expired.to_pem().as_bytes()).unwrap();
    std::fs::remove_file(&org_root).unwrap();
    world.up("bank");
    expect_hops(&doctor(&world, "bank", "yu://dev/health/n1"), &both, "peer.identity", &["expired"]);
    assert!(world.yu("bank", &["doctor"]).all.contains("own certificate expired"));
    expect(&world.submit(&world.job()), "peer.identity", &["yu://dev/"]);
    world.kill("bank");
    std::fs::write(&pem, good).unwrap();
    std::fs::write(&org_root, kept).unwrap();
    world.up("bank");
    assert_eq!(doctor(&world, "bank", "yu://dev/health/n1"), []);
}

/// Asks a node as another one, with that one's keys.
pub(crate) fn ask_as(world: &World, runtime: &tokio::runtime::Runtime, org: &str, to: &str, address: SocketAddr, ask: &Ask) -> Answer {
    let config = EndpointConfig::new(Arc::new(identity(world, org)), trust(world, &[to]), runtime.handle().clone());
    let name: NodeName = format!("yu://dev/{to}/n1").parse().unwrap();
    let reply = runtime.block_on(async {
        let endpoint = Endpoint::bind(config).unwrap();
        let connection = endpoint.connect(&address.to_string(), &name, CarrierKind::Quic).await.unwrap();
        yu_wire::rpc::call(&connection, &serde_json::to_vec(ask).unwrap(), LIMIT, Duration::from_secs(20)).await.unwrap()
    });
    serde_json::from_slice(&reply).unwrap()
}

pub(crate) fn fault(answer: Answer) -> (String, String) {
    match answer {
        Answer::Fault(fault) => (fault.code.as_str().to_owned(), fault.to_string()),
        Answer::Ok(value) => panic!("accepted: {value}"),
    }
}

#[test]
fn a_contract_that_differs_between_the_parties_is_refused() {
    let listen = free_port();
    let mut world = World::ready(&Plan { resume_limit_s: 10, listen: [("health", listen)].into(), ..Plan::default() });
    let runtime = runtime();
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    for org in ["health", "platform", "authority"] {
        world.wait(org, &job, &["proposed"], LONG);
    }
    world.yu("health", &["job", "approve", &job]).ok("approve");
    world.wait("health", &job, &["signed"], LONG);
    // from here this test is the bank
    world.kill("bank");
    let db = rusqlite::Connection::open(world.dir("bank").join("store/yu.sqlite")).unwrap();
    let text: String = db.query_row("SELECT contract FROM job WHERE id=?1", [&job], |r| r.get(0)).unwrap();
    drop(db);
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let as_bank = |ask: Ask| ask_as(&world, &runtime, "bank", "health", listen, &ask);

    let mut altered = bundle.clone();
    altered["contract"]["payload"]["nonce"] = json!("00".repeat(32));
    let (code, said) = fault(as_bank(Ask::Admit { bundle: altered.clone() }));
    assert_eq!(code, "contract.altered", "{said}");
    assert!(said.contains("yu://dev/bank/n1"), "{said}");
    let (code, said) = fault(as_bank(Ask::Propose { bundle: altered }));
    assert_eq!(code, "signature.bad", "{said}");
    // the true contract, but not all have signed
    let (code, said) = fault(as_bank(Ask::Admit { bundle: bundle.clone() }));
    assert_eq!(code, "signature.bad", "{said}");
    // a started job that was never admitted does not start, and nobody but the proposer may try
    assert!(matches!(as_bank(Ask::Start { job: job.clone() }), Answer::Ok(_)));
    let (code, _) = fault(ask_as(&world, &runtime, "platform", "health", listen, &Ask::Start { job: job.clone() }));
    assert_eq!(code, "state.wrong");
    let (code, _) = fault(ask_as(&world, &runtime, "platform", "health", listen, &Ask::Share { job: job.clone(), share: json!({}) }));
    assert_eq!(code, "state.wrong");
    assert_eq!(world.state("health", &job).0, "signed");

    world.up("bank");
    expect_failed(&world, &["bank", "health", "platform", "authority"], &job, "node.restarted", &["yu://dev/bank/n1"]);
    nothing_released(&world, &job);
}
