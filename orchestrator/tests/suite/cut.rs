//! The network is cut while a job runs: relays stand between all nodes and stand still.

use super::rig::{LONG, expect_failed, logs_verify, nothing_released};
use super::support::{ORGS, Plan, World, free_port};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use yu_orchestrator::admin::{self, AdminAsk};
use yu_orchestrator::home::Home;
use yu_wire::relay::Relay;

/// Large enough that the alignment takes longer than it takes to notice that it began.
const ROWS: u64 = 6000;
/// Of the issue: a node names what failed this long after the configured limit at the latest.
const GRACE: Duration = Duration::from_secs(15);

struct Net {
    world: World,
    relays: Vec<Relay>,
    _runtime: tokio::runtime::Runtime,
}

impl Net {
    fn new(carrier: &'static str, resume_limit_s: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (mut listen, mut advertise, mut relays) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (org, _) in ORGS {
            let address = free_port();
            let relay = Relay::start(runtime.handle(), address).unwrap();
            listen.insert(org, address);
            advertise.insert(org, relay.address().to_string());
            relays.push(relay);
        }
        let plan = Plan {
            rows: ROWS,
            carrier,
            resume_limit_s,
            listen,
            advertise,
            node_toml: vec![("auto_sign = false", "auto_sign = true")],
            ..Plan::default()
        };
        Self { world: World::ready(&plan), relays, _runtime: runtime }
    }

    fn cut(&self) {
        self.relays.iter().for_each(Relay::cut);
    }

    fn restore(&self) {
        self.relays.iter().for_each(Relay::restore);
    }

    /// Names of the events of a job at a node.
    fn story(&self, org: &str, job: &str) -> Vec<String> {
        let ask = AdminAsk::JobStatus { job: job.to_owned(), from: 0 };
        let Ok(status) = admin::ask(&Home::new(self.world.dir(org)), &ask) else { return Vec::new() };
        status["events"].as_array().unwrap().iter().map(|e| e["verb"].as_str().unwrap().to_owned()).collect()
    }

    /// Submits a job and returns when the two input parties have joined their sessions and begun.
    fn begun(&self) -> String {
        let job = self.world.submit(&self.world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
        let end = Instant::now() + LONG;
        let open = |org| self.story(org, &job).iter().filter(|v| *v == "session").count() == 2;
        while !(open("bank") && open("health") && open("platform")) {
            assert!(Instant::now() < end, "no sessions: {:?} {:?}", self.story("bank", &job), self.world.state("bank", &job));
            std::thread::sleep(Duration::from_millis(10));
        }
        job
    }
}

fn a_cut_below_the_limit(carrier: &'static str, length: Duration, limit_s: u64) {
    let net = Net::new(carrier, limit_s);
    let job = net.begun();
    net.cut();
    std::thread::sleep(length);
    for (org, _) in ORGS {
        assert!(!net.story(org, &job).contains(&"computed".to_owned()), "{org}: the job was over before the cut");
    }
    net.restore();
    assert!(net.world.complete(&job)["document"].is_string());
    let told: Vec<Vec<String>> = ["health", "bank", "platform"].map(|o| net.story(o, &job)).to_vec();
    for verb in ["session-cut", "session-resumed"] {
        assert!(told.iter().all(|story| story.iter().any(|v| v == verb)), "{verb}: {told:?}");
    }
    logs_verify(&net.world, &["health", "bank", "platform", "authority"]);
}

fn a_cut_beyond_the_limit(carrier: &'static str) {
    const LIMIT: u64 = 4;
    let net = Net::new(carrier, LIMIT);
    let job = net.begun();
    net.cut();
    let cut = Instant::now();
    for (org, _) in ORGS {
        let left = (Duration::from_secs(LIMIT) + GRACE).saturating_sub(cut.elapsed());
        net.world.wait(org, &job, &["failed"], left);
    }
    expect_failed(&net.world, &["health", "bank", "platform", "authority"], &job, "peer.lost", &["yu://dev/"]);
    nothing_released(&net.world, &job);
    net.restore();
    // what was decided on one side reaches the others, and the same nodes run the job again
    let again = net.begun();
    assert!(net.world.complete(&again)["document"].is_string());
    nothing_released_of(&net, &job);
    logs_verify(&net.world, &["health", "bank", "platform", "authority"]);
}

fn nothing_released_of(net: &Net, job: &str) {
    for (org, _) in ORGS {
        assert_eq!(net.world.yu(org, &["job", "result", job]).fault(), Some("not-found"), "{org}");
    }
}

#[test]
fn a_short_cut_is_a_pause_over_quic() {
    a_cut_below_the_limit("quic", Duration::from_secs(12), 45);
}

#[test]
fn a_cut_of_thirty_seconds_is_a_pause_over_tcp() {
    a_cut_below_the_limit("tcp", Duration::from_secs(30), 60);
}

#[test]
fn a_long_cut_is_named_on_every_side_over_quic() {
    a_cut_beyond_the_limit("quic");
}

#[test]
fn a_long_cut_is_named_on_every_side_over_tcp() {
    a_cut_beyond_the_limit("tcp");
}
