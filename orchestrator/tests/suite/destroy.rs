//! What certificates of destruction say, and that it was so.

use super::rig::{LONG, expect, expect_failed, logs_verify};
use super::support::{ORGS, Plan, World, path};
use rusqlite::Connection;
use std::time::{Duration, Instant};
use yu_governance::destroy::{DestroyedKind, DestructionCertificate, Method};
use yu_governance::sign::Signed;
use yu_orchestrator::fault::{Code, Fault};
use yu_orchestrator::home::Home;
use yu_orchestrator::job::{State, end, run};
use yu_orchestrator::node::Node;
use yu_orchestrator::vault::Vault;

fn store(world: &World, org: &str) -> Connection {
    Connection::open(world.dir(org).join("store/yu.sqlite")).unwrap()
}

/// The certificate that a node signed for a job, once it has; nobody signs two.
fn certificate(world: &World, org: &str, job: &str) -> DestructionCertificate {
    let end = Instant::now() + LONG;
    loop {
        let mut own = certificates(world, org);
        own.retain(|c| c.job.0.to_hex() == job);
        assert!(own.len() <= 1, "{org} signed {}", own.len());
        match own.pop() {
            Some(certificate) => return certificate,
            None => assert!(Instant::now() < end, "{org}: no certificate"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// All certificates that a node signed itself.
fn certificates(world: &World, org: &str) -> Vec<DestructionCertificate> {
    let db = store(world, org);
    let mut query = db.prepare("SELECT json FROM object WHERE kind='certificate'").unwrap();
    let all = query.query_map([], |r| r.get::<_, String>(0)).unwrap();
    all.map(|json| serde_json::from_str::<Signed<DestructionCertificate>>(&json.unwrap()).unwrap().payload)
        .filter(|c| c.node.as_str() == format!("yu://dev/{org}/n1"))
        .collect()
}

/// Secrets of the run that a certificate names, with how they ended.
fn run_keys(certificate: &DestructionCertificate) -> Vec<(&str, Method)> {
    let keys = certificate.items.iter().filter(|item| item.kind == DestroyedKind::ProtocolKey);
    let mut keys: Vec<_> = keys.map(|item| (item.id.split(' ').next().unwrap(), item.method)).collect();
    keys.sort_by_key(|(name, _)| *name);
    keys
}

fn log_of(world: &World, org: &str, job: &str) -> String {
    world.yu(org, &["audit", "show", "--job", job]).all
}

const PSI: (&str, Method) = ("psi-exponent", Method::Zeroize);
const PRG: (&str, Method) = ("prg-keys", Method::Zeroize);

#[test]
fn l1_certificates_name_the_keys_that_a_run_made_here_and_no_others() {
    let world = World::ready(&Plan::default());

    // ended before anybody ran
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    world.wait("health", &job, &["proposed"], LONG);
    world.yu("health", &["job", "halt", &job, "--reason", "second thoughts"]).ok("halt");
    expect_failed(&world, &["health", "bank"], &job, "job.halted", &["yu://dev/health/n1"]);
    for org in ["health", "bank"] {
        assert_eq!(certificate(&world, org, &job).items, [], "{org}");
        assert!(log_of(&world, org, &job).contains("working.destroyed"), "{org}");
    }

    // ended after the alignment: the input parties had an exponent, the helper had begun to share keys
    let job = world.submit_and_sign(&format!("{}[limits]\nmin_rows = 260\n", world.job()));
    expect_failed(&world, &["health", "bank", "platform", "authority"], &job, "rows.too-few-matched", &[]);
    for (org, keys) in [("health", &[PSI][..]), ("bank", &[PSI]), ("platform", &[PRG]), ("authority", &[])] {
        assert_eq!(run_keys(&certificate(&world, org, &job)), keys, "{org}");
    }

    // to its end
    let job = world.submit_and_sign(&world.job());
    world.complete(&job);
    for (org, keys) in [("health", &[PRG, PSI][..]), ("bank", &[PRG, PSI]), ("platform", &[PRG]), ("authority", &[])] {
        assert_eq!(run_keys(&certificate(&world, org, &job)), keys, "{org}");
    }
    let salt = certificate(&world, "authority", &job).items;
    assert_eq!(salt.iter().map(|i| (i.kind, i.method)).collect::<Vec<_>>(), [(DestroyedKind::HeldResult, Method::CryptoShred)]);
    logs_verify(&world, &ORGS.map(|(org, _)| org));
}

#[test]
fn a_process_that_died_in_the_middle_of_a_run_does_not_claim_to_have_wiped_its_keys() {
    // large enough that the alignment is still going on when it is noticed
    let plan = Plan { rows: 6000, node_toml: vec![("auto_sign = false", "auto_sign = true")], ..Plan::default() };
    let mut world = World::ready(&plan);
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    let end = Instant::now() + LONG;
    let live = "SELECT COUNT(*) FROM run_key WHERE job=?1 AND what='psi-exponent' AND wiped=0";
    while store(&world, "health").query_row(live, [&job], |r| r.get::<_, i64>(0)).unwrap() == 0 {
        assert!(Instant::now() < end, "the alignment did not begin: {:?}", world.state("health", &job));
        std::thread::sleep(Duration::from_millis(10));
    }
    world.kill("health");
    world.up("health");
    expect_failed(&world, &["health"], &job, "node.restarted", &["yu://dev/health/n1"]);
    assert_eq!(run_keys(&certificate(&world, "health", &job)), [("psi-exponent", Method::ProcessEnd)]);
    // its partner's process lives and wiped what it had
    world.wait("bank", &job, &["failed"], LONG);
    assert_eq!(run_keys(&certificate(&world, "bank", &job)), [PSI]);
}

#[test]
fn the_certificate_waits_for_the_thread_of_the_run() {
    let mut world = World::ready(&Plan::default());
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    world.wait("health", &job, &["proposed"], LONG);
    world.kill("health");
    {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let node = Node::open(&Home::new(world.dir("health")), runtime.handle().clone()).unwrap();
        // a run is under way, and its thread holds an exponent
        assert!(node.live().begin(&job));
        assert!(node.store().move_job(&job, &[State::Proposed], State::Running, 0).unwrap());
        node.store().key_made(&job, "psi-exponent").unwrap();
        let cleaned = || node.store().job(&job).unwrap().unwrap().cleaned;
        // another thread ends the job: as the watchdog does, a person, or a peer
        end::fail(&node, &job, &Fault::new(Code::Halted, "by a person").party(node.name()));
        end::clean_up(&node, &job);
        assert_eq!(node.store().job(&job).unwrap().unwrap().state, State::Failed);
        assert!(log_of(&world, "health", &job).contains("job.failed"), "the failure is logged at once");
        assert!(!cleaned() && certificates(&world, "health").is_empty(), "signed while the exponent is in memory");
        // the same thread of the run cannot sign it either before it has let go
        end::fail(&node, &job, &Fault::new(Code::PeerFailed, "its session ended"));
        assert!(!cleaned() && certificates(&world, "health").is_empty());
        run::ended(&node, &job);
        assert!(cleaned());
        run::ended(&node, &job);
        node.stop();
    }
    assert_eq!(run_keys(&certificate(&world, "health", &job)), [PSI]);
    let log = log_of(&world, "health", &job);
    assert_eq!((log.matches("job.failed").count(), log.matches("working.destroyed").count()), (1, 1), "{log}");
}

#[test]
fn a_destroyed_data_set_leaves_neither_its_entry_nor_its_salts() {
    let mut world = World::ready(&Plan::default());
    let file = world.file("job.toml");
    std::fs::write(&file, world.job()).unwrap();
    world.yu("bank", &["job", "check", path(&file)]).ok("check");
    let kept = |world: &World, what: &[&str]| {
        let names = std::fs::read_dir(world.dir("health").join("keys/data")).unwrap();
        let names = names.map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|name| what.iter().any(|w| name.starts_with(w))).count()
    };
    assert_eq!((kept(&world, &["salt-"]), kept(&world, &["ds-", "consent-"])), (1, 2));
    let offered = |org: &str| world.yu(org, &["dataset", "list", "--peer", "yu://dev/health/n1"]).ok("list")["entries"].clone();
    assert_eq!(offered("bank").as_array().unwrap().len(), 1);

    world.yu("health", &["destroy", "--dataset", "visits"]).ok("destroy");
    assert_eq!(kept(&world, &["salt-", "ds-", "consent-"]), 0);
    assert_eq!(std::fs::read_dir(world.dir("health").join("store/blobs")).unwrap().count(), 0);
    assert_eq!(offered("bank"), serde_json::json!([]));
    assert_eq!(world.yu("health", &["dataset", "list"]).ok("list")["entries"], serde_json::json!([]));
    expect(&world.yu("bank", &["job", "check", path(&file)]), "not-found", &["dev/health/visits", "yu://dev/health/n1"]);
    expect(&world.yu("health", &["destroy", "--dataset", "visits"]), "not-found", &["visits"]);
    let log = world.yu("health", &["audit", "show"]).all;
    assert!(log.contains("catalogue.withdrawn") && log.contains("dataset.destroyed"), "{log}");
    let mut own = certificates(&world, "health");
    let items = own.remove(0).items;
    assert!(own.is_empty());
    assert_eq!(items.len(), 3, "{items:?}");
    assert!(items.iter().all(|i| i.kind == DestroyedKind::Dataset && i.method == Method::CryptoShred));
    // a new data set of the same name is as good as any
    world.add_datasets();
    assert_eq!(offered("bank").as_array().unwrap().len(), 1);
    world.kill("health");
    assert_eq!(Vault::open(&Home::new(world.dir("health"))).unwrap().ids().len(), 2);
}

#[test]
fn secrets_of_past_invitations_are_destroyed() {
    let mut world = World::start(&Plan::default());
    let secrets = |world: &World| {
        let names = std::fs::read_dir(world.dir("authority").join("keys/data")).unwrap();
        names.filter(|e| e.as_ref().unwrap().file_name().to_str().unwrap().starts_with("invite-")).count()
    };
    // open, used, and past at once
    world.yu("authority", &["peer", "invite"]).ok("invite");
    world.invite("authority", "bank").ok("accept");
    let past = world.yu("authority", &["peer", "invite", "--valid-minutes", "0"]).ok("invite");
    let end = Instant::now() + LONG;
    while secrets(&world) != 1 {
        assert!(Instant::now() < end, "{} secrets are left", secrets(&world));
        std::thread::sleep(Duration::from_millis(100));
    }
    expect(&world.yu("health", &["peer", "accept", past["ticket"].as_str().unwrap()]), "ticket.bad", &[]);
    // what a crash between the use and the destruction leaves is destroyed at the start; the open one still works
    world.kill("authority");
    Vault::open(&Home::new(world.dir("authority"))).unwrap().put("invite-00", b"of an invitation that nobody knows").unwrap();
    let open = store(&world, "authority").query_row("SELECT id FROM invite WHERE used=0", [], |r| r.get::<_, String>(0)).unwrap();
    world.up("authority");
    assert_eq!(secrets(&world), 1);
    assert!(world.dir("authority").join(format!("keys/data/invite-{open}.key")).exists());
    world.invite("authority", "health").ok("accept");
}
