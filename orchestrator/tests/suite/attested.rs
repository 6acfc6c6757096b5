//! Every published attack on attested sessions, carried out over real QUIC sessions between two processes: the provider is this
//! process, the attacker another one. The attacker is a member of the domain with a valid certificate, operates the worker that the
//! contract names, sees and changes everything on its side, and has a genuine environment at hand that attests for anybody.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant as Clock, SystemTime};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::runtime::{Builder, Runtime};
use yu_orchestrator::attest::attester::Attest;
use yu_orchestrator::attest::exchange::{self, Exchange, Line, Subject, leaf_hash};
use yu_orchestrator::fault::{Fault, Result as Done};
use yu_tee_attest::binding::{Role, Session as Bound};
use yu_tee_attest::release::SessionKey;
use yu_tee_attest::signed::Document as _;
use yu_tee_attest::simulated::{Attester, SimulatedPolicy, judge};
use yu_tee_attest::{Evidence, Instant};
use yu_wire::carrier::{CarrierKind, Endpoint, EndpointConfig};
use yu_wire::channel::{Channel, Expect};
use yu_wire::identity::{Env, NodeIdentity, OrgRoot};
use yu_wire::session::{BindSigner, BindVerifier, Offer, Session, SessionConfig, SessionHub, classify};
use yu_wire::trust::TrustStore;

const MEASUREMENT: [u8; 32] = [0x5a; 32];
const CHILD: &str = "YU_ATTACKER";

fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
}

fn subject(policy: &SimulatedPolicy, job: u8) -> Subject {
    Subject { job: [job; 32], code: [2; 32], policy: policy.hash().unwrap() }
}

fn policy(attester: &Attester) -> SimulatedPolicy {
    SimulatedPolicy { name: "test".into(), root: attester.root(), measurements: vec![hex::encode(MEASUREMENT)] }
}

/// Binds sessions to nothing but their roles: what is tested stands above that.
struct Open(&'static str);

impl BindSigner for Open {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        Sha256::digest([self.0.as_bytes(), message].concat()).to_vec()
    }
}

impl BindVerifier for Open {
    fn verify(&self, role: &str, message: &[u8], signature: &[u8]) -> bool {
        Sha256::digest([role.as_bytes(), message].concat()).as_slice() == signature
    }
}

/// An organisation's node with its own runtime.
struct Node {
    _runtime: Runtime,
    identity: Arc<NodeIdentity>,
    endpoint: Endpoint,
    hub: SessionHub,
}

impl Node {
    fn start(identity: Arc<NodeIdentity>, roots: &[(&NodeIdentity, &[u8])]) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let trust = TrustStore::new();
        roots.iter().for_each(|(peer, root)| trust.add(peer.name(), root).unwrap());
        let mut config = EndpointConfig::new(Arc::clone(&identity), trust, runtime.handle().clone());
        config.listen = Some("127.0.0.1:0".parse().unwrap());
        let endpoint = Endpoint::bind(config).unwrap();
        let hub = SessionHub::new(runtime.handle().clone());
        let (accepting, offering) = (endpoint.clone(), hub.clone());
        runtime.spawn(async move {
            while let Ok(connection) = accepting.accept().await {
                if let Ok(Offer::Session(offer)) = classify(connection).await {
                    offering.offer(offer);
                }
            }
        });
        Self { _runtime: runtime, identity, endpoint, hub }
    }

    fn address(&self) -> String {
        self.endpoint.listen_address().unwrap().to_string()
    }

    fn leaf(&self) -> [u8; 32] {
        leaf_hash(self.identity.leaf_der()).unwrap()
    }
}

fn config(id: u8, role: &'static str, peer: &'static str) -> SessionConfig {
    let mut config = SessionConfig::new([id; 32], role, peer, Arc::new(Open(role)), Arc::new(Open(role)));
    config.carrier = CarrierKind::Quic;
    config.establish_limit = Duration::from_secs(30);
    config
}

/// A genuine environment: attests whatever its own session says.
struct Genuine(Attester);

impl Attest for Genuine {
    fn evidence(&self, session: &Bound) -> Done<Evidence> {
        Ok(self.0.evidence(MEASUREMENT, session.report_data(), false))
    }
}

/// What the attacker sends and receives, without looking whether it makes sense.
struct Raw(Channel);

impl Raw {
    fn send(&mut self, step: Exchange, value: &Value) {
        self.0.send(step, serde_json::to_vec(value).unwrap().into()).unwrap();
    }

    fn receive(&mut self, step: Exchange) -> Value {
        serde_json::from_slice(&self.0.recv(step, Expect::AtMost(1 << 22)).unwrap()).unwrap()
    }
}

/// Files with which the two processes meet.
struct Meeting(PathBuf);

impl Meeting {
    fn put(&self, name: &str, bytes: &[u8]) {
        let temporary = self.0.join(format!("{name}.part"));
        std::fs::write(&temporary, bytes).unwrap();
        std::fs::rename(temporary, self.0.join(name)).unwrap();
    }

    fn get(&self, name: &str) -> Vec<u8> {
        let end = Clock::now() + Duration::from_secs(60);
        loop {
            if let Ok(bytes) = std::fs::read(self.0.join(name)) {
                return bytes;
            }
            assert!(Clock::now() < end, "`{name}` does not come");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn identity(&self, name: &str) -> Arc<NodeIdentity> {
        Arc::new(NodeIdentity::from_pem(std::str::from_utf8(&self.get(name)).unwrap()).unwrap())
    }
}

/// The attacker's process, ended with the test.
struct Attacker(Child);

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Provider and genuine environment here, the attacker there; sessions of all three.
struct Scene {
    _folder: tempfile::TempDir,
    attester: Attester,
    policy: SimulatedPolicy,
    provider: Node,
    worker: Node,
    _attacker: Attacker,
    meeting: Meeting,
}

impl Scene {
    fn new(attack: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let meeting = Meeting(folder.path().to_owned());
        let make = |org: &str| {
            let root = OrgRoot::generate(Env::Dev, org).unwrap();
            let identity = Arc::new(root.issue("n1", now() - 60, now() + 3600).unwrap());
            meeting.put(org, identity.to_pem().as_bytes());
            (root.root_der().to_vec(), identity)
        };
        let (health, platform, cloud) = (make("health"), make("platform"), make("cloud"));
        let attester = Attester::generate(&mut rand::rng());
        meeting.put("seed", &*attester.seed());
        let provider = Node::start(health.1.clone(), &[(&platform.1, &platform.0)]);
        let worker = Node::start(cloud.1.clone(), &[(&platform.1, &platform.0)]);
        meeting.put("worker-address", worker.address().as_bytes());
        let attacker = Command::new(std::env::current_exe().unwrap())
            .args(["attested::the_attacker", "--exact", "--nocapture"])
            .env(CHILD, folder.path())
            .env("YU_ATTACK", attack)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let policy = policy(&attester);
        Self { _folder: folder, attester, policy, provider, worker, _attacker: Attacker(attacker), meeting }
    }

    /// A session of the provider with the attacker.
    fn session(&self, id: u8) -> Session {
        let address = String::from_utf8(self.meeting.get("attacker-address")).unwrap();
        let peer = self.meeting.identity("platform");
        Session::dial_blocking(&self.provider.endpoint, &address, peer.name(), config(id, "health", "platform")).unwrap()
    }

    /// The provider asks for evidence on a channel; the reason of the verdict.
    fn ask(&self, session: &Session, channel: u32, job: u8) -> Result<String, Fault> {
        let mut channel = session.channel(channel).unwrap();
        let ends = || session.ends().map_err(Fault::from);
        let mut line = Line { channel: &mut channel, ends: &ends, own_leaf: self.provider.leaf() };
        let mut judge = |evidence: &Evidence, binding: &yu_tee_attest::Binding| {
            judge(&self.policy, evidence, Instant(now()), binding).map_err(Fault::from)
        };
        let ((_, verdict), ..) = exchange::ask(&mut line, &subject(&self.policy, job), &mut judge, &mut rand::rng())?;
        Ok(verdict.outcome.reason().to_owned())
    }

    /// The genuine environment answers whoever comes to it, as often as it is asked.
    fn serve(&self) {
        let platform = self.meeting.identity("platform");
        let session = self.worker.hub.expect_blocking(platform.name(), config(9, "cloud", "platform")).unwrap();
        let mut channel = session.channel(1).unwrap();
        let ends = || session.ends().map_err(Fault::from);
        let mut line = Line { channel: &mut channel, ends: &ends, own_leaf: self.worker.leaf() };
        let genuine = Genuine(Attester::from_seed(&self.attester.seed()));
        // the attacker may not answer any more: it has what it wants
        let _ = exchange::prove(&mut line, &subject(&self.policy, 1), &genuine, &mut rand::rng());
    }
}

fn attacked(attack: &str, expected: &str) {
    let scene = Scene::new(attack);
    let session = scene.session(1);
    let got = std::thread::scope(|scope| {
        if attack == "relay" {
            scope.spawn(|| scene.serve());
        }
        scene.ask(&session, 1, 1)
    });
    match got {
        Ok(reason) => assert_eq!(reason, expected, "{attack}"),
        Err(fault) => assert!(fault.detail.contains(expected), "{attack}: {fault}"),
    }
}

#[test]
fn an_honest_worker_is_affirmed() {
    attacked("honest", "affirmed");
}

#[test]
fn relay_of_a_genuine_environment_is_refused() {
    attacked("relay", "binding.mismatch");
}

#[test]
fn diversion_to_another_environment_is_refused() {
    attacked("diversion", "binding.mismatch");
}

#[test]
fn a_key_that_the_evidence_does_not_name_is_refused() {
    attacked("other-key", "binding.mismatch");
}

#[test]
fn reflection_of_the_own_nonce_is_refused() {
    attacked("reflected-nonce", "binding.nonce");
}

#[test]
fn evidence_for_another_job_is_refused() {
    attacked("other-job", "binding.mismatch");
}

#[test]
fn evidence_for_another_code_or_policy_is_refused() {
    attacked("other-code", "binding.mismatch");
    attacked("other-policy", "binding.mismatch");
}

#[test]
fn a_wrong_measurement_and_a_debugged_environment_are_refused_by_rule() {
    attacked("other-code-measured", "worker-code");
    attacked("debugged", "no-debug");
}

#[test]
fn evidence_of_another_deployment_s_simulator_is_refused() {
    attacked("other-root", "simulated.root");
}

#[test]
fn reflection_of_the_own_evidence_is_refused() {
    // the provider attests as well, in the same session; the attacker hands its evidence back
    let scene = Scene::new("reflected-evidence");
    let session = scene.session(1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut channel = session.channel(2).unwrap();
            let ends = || session.ends().map_err(Fault::from);
            let mut line = Line { channel: &mut channel, ends: &ends, own_leaf: scene.provider.leaf() };
            let genuine = Genuine(Attester::from_seed(&scene.attester.seed()));
            let _ = exchange::prove(&mut line, &subject(&scene.policy, 1), &genuine, &mut rand::rng());
        });
        assert_eq!(scene.ask(&session, 1, 1).unwrap(), "binding.mismatch");
    });
}

#[test]
fn evidence_of_an_earlier_session_is_refused() {
    let scene = Scene::new("replay");
    let first = scene.session(1);
    assert_eq!(scene.ask(&first, 1, 1).unwrap(), "affirmed");
    let second = scene.session(2);
    assert_eq!(scene.ask(&second, 1, 1).unwrap(), "binding.mismatch");
}

#[test]
fn evidence_of_an_earlier_question_in_the_same_session_is_refused() {
    let scene = Scene::new("nonce-reuse");
    let session = scene.session(1);
    assert_eq!(scene.ask(&session, 1, 1).unwrap(), "affirmed");
    assert_eq!(scene.ask(&session, 2, 1).unwrap(), "binding.mismatch");
}

#[test]
fn evidence_of_one_job_is_no_good_for_another_in_one_session() {
    let scene = Scene::new("nonce-reuse");
    let session = scene.session(1);
    assert_eq!(scene.ask(&session, 1, 1).unwrap(), "affirmed");
    assert_eq!(scene.ask(&session, 2, 7).unwrap(), "binding.mismatch");
}

#[test]
fn genuine_hardware_under_stale_collateral_is_refused() {
    let Some(folder) = super::support::shared("vectors/tee/tdx") else { return };
    let scene = Scene::new("hardware");
    scene.meeting.put("quote", &std::fs::read(folder.join("tdx-v4-cos113-gcp.quote")).unwrap());
    let entry: Value = serde_json::from_slice(&std::fs::read(folder.join("collateral-8fd125e5.json")).unwrap()).unwrap();
    let mut entry = entry;
    entry["maker"] = "intel".into();
    let bundle = yu_tee_attest::Bundle {
        name: "stale".into(),
        issued: Instant::parse("2025-10-24T00:00:00Z").unwrap(),
        entries: vec![serde_json::from_value(entry).unwrap()],
    };
    let provider = yu_tee_attest::crypto::default_provider();
    let collateral = bundle.verify(provider).unwrap();
    let policy = yu_tee_attest::Policy {
        name: "any code".into(),
        profile: yu_tee_attest::policy::Profile::Standard,
        kinds: vec![yu_tee_attest::Kind::Tdx],
        from: None,
        until: None,
        rules: Vec::new(),
        any_code: true,
    };
    let session = scene.session(1);
    // today, long after the collateral's next update; and while it was fresh: then the evidence is somebody else's
    for (channel, at, expected) in
        [(1, Instant(now()), "time.expired"), (2, Instant::parse("2025-10-25T00:00:00Z").unwrap(), "binding.mismatch")]
    {
        let mut channel = session.channel(channel).unwrap();
        let ends = || session.ends().map_err(Fault::from);
        let mut line = Line { channel: &mut channel, ends: &ends, own_leaf: scene.provider.leaf() };
        let mut judge = |evidence: &Evidence, binding: &yu_tee_attest::Binding| {
            yu_tee_attest::Judge { provider, collateral: &collateral, policy: &policy }.judge(evidence, at, binding).map_err(Fault::from)
        };
        let ((passed, verdict), ..) = exchange::ask(&mut line, &subject(&scene.policy, 1), &mut judge, &mut rand::rng()).unwrap();
        assert!(passed.is_none());
        assert_eq!(verdict.outcome.reason(), expected);
    }
}

/// The other process: no test of its own.
#[test]
fn the_attacker() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let meeting = Meeting(Path::new(&folder).to_owned());
    let (platform, health, cloud) = (meeting.identity("platform"), meeting.identity("health"), meeting.identity("cloud"));
    let seed: [u8; 32] = meeting.get("seed").try_into().unwrap();
    let attester = Attester::from_seed(&seed);
    let node = Node::start(platform, &[(&health, health.root_der()), (&cloud, cloud.root_der())]);
    meeting.put("attacker-address", node.address().as_bytes());
    let attack = std::env::var("YU_ATTACK").unwrap();
    let session = node.hub.expect_blocking(health.name(), config(1, "platform", "health")).unwrap();
    let channel = session.channel(1).unwrap();
    match attack.as_str() {
        "relay" => relay(&node, &cloud, &meeting, Raw(channel)),
        "reflected-evidence" => reflect(Raw(channel), Raw(session.channel(2).unwrap())),
        "replay" => {
            let recorded = recording(&node, &session, channel, &attester);
            let again = node.hub.expect_blocking(health.name(), config(2, "platform", "health")).unwrap();
            play(Raw(again.channel(1).unwrap()), &recorded);
            std::thread::sleep(Duration::from_secs(2));
        }
        "nonce-reuse" => {
            let recorded = recording(&node, &session, channel, &attester);
            play(Raw(session.channel(2).unwrap()), &recorded);
        }
        "hardware" => {
            let quote = Evidence::new(yu_tee_attest::Kind::Tdx, meeting.get("quote"));
            for channel in [channel, session.channel(2).unwrap()] {
                answer(Raw(channel), &session, &node, &|_| quote.clone(), &|bound| bound);
            }
        }
        alone => alone_with(alone, Raw(channel), &session, &node, &attester),
    }
    // what was sent last is read before this process ends; the test ends it
    std::thread::sleep(Duration::from_secs(30));
}

/// Answers one question: `change` alters what the evidence is made for, `make` makes it.
fn answer(
    mut raw: Raw,
    session: &Session,
    node: &Node,
    make: &dyn Fn(&Bound) -> Evidence,
    change: &dyn Fn(Bound) -> Bound,
) -> (Value, Value) {
    let hello = serde_json::json!({ "nonce": hex::encode([0x11; 32]) });
    raw.send(Exchange::Hello, &hello);
    let theirs = raw.receive(Exchange::Hello);
    let ends = session.ends().unwrap();
    let key = SessionKey::generate(&mut rand::rng());
    let mut nonce = [0; 32];
    hex::decode_to_slice(theirs["nonce"].as_str().unwrap(), &mut nonce).unwrap();
    let honest = Bound {
        role: Role::Responder,
        own_leaf: node.leaf(),
        peer_leaf: leaf_hash(&ends.peer_leaf).unwrap(),
        exporter: ends.exporter,
        own_nonce: [0x11; 32],
        peer_nonce: nonce,
        hpke_key: key.public(),
        job: [1; 32],
        code: [2; 32],
        policy: [0; 32],
    };
    let evidence = make(&change(honest.clone()));
    let proof = serde_json::json!({ "hpke_key": hex::encode(honest.hpke_key), "evidence": base64(&evidence.encode()) });
    raw.send(Exchange::Proof, &proof);
    raw.receive(Exchange::Answer);
    (hello, proof)
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn alone_with(attack: &str, mut raw: Raw, session: &Session, node: &Node, attester: &Attester) {
    if attack == "reflected-nonce" {
        let theirs = raw.receive(Exchange::Hello);
        raw.send(Exchange::Hello, &theirs);
        raw.send(Exchange::Proof, &serde_json::json!({ "hpke_key": hex::encode([1; 32]), "evidence": "" }));
        return;
    }
    let policy = policy(attester).hash().unwrap();
    let change = |bound: Bound| {
        let bound = Bound { policy, ..bound };
        match attack {
            // what a second environment, with a certificate of its own, would say of this session
            "diversion" => Bound { own_leaf: [7; 32], ..bound },
            "other-key" => Bound { hpke_key: [7; 32], ..bound },
            "other-job" => Bound { job: [7; 32], ..bound },
            "other-code" => Bound { code: [7; 32], ..bound },
            "other-policy" => Bound { policy: [7; 32], ..bound },
            _ => bound,
        }
    };
    let make = |bound: &Bound| {
        let data = bound.report_data();
        match attack {
            "other-code-measured" => attester.evidence([1; 32], data, false),
            "debugged" => attester.evidence(MEASUREMENT, data, true),
            "other-root" => Attester::generate(&mut rand::rng()).evidence(MEASUREMENT, data, false),
            _ => attester.evidence(MEASUREMENT, data, false),
        }
    };
    answer(raw, session, node, &make, &change);
}

/// Forwards a genuine environment's proof of its session with the attacker.
fn relay(node: &Node, cloud: &NodeIdentity, meeting: &Meeting, mut victim: Raw) {
    let address = String::from_utf8(meeting.get("worker-address")).unwrap();
    let session = Session::dial_blocking(&node.endpoint, &address, cloud.name(), config(9, "platform", "cloud")).unwrap();
    let mut genuine = Raw(session.channel(1).unwrap());
    let theirs = victim.receive(Exchange::Hello);
    genuine.send(Exchange::Hello, &theirs);
    let hello = genuine.receive(Exchange::Hello);
    victim.send(Exchange::Hello, &hello);
    let proof = genuine.receive(Exchange::Proof);
    victim.send(Exchange::Proof, &proof);
    let answer = victim.receive(Exchange::Answer);
    genuine.send(Exchange::Answer, &answer);
}

/// Hands the provider's own evidence back to it.
fn reflect(mut asking: Raw, mut proving: Raw) {
    let question = asking.receive(Exchange::Hello);
    proving.send(Exchange::Hello, &question);
    let hello = proving.receive(Exchange::Hello);
    asking.send(Exchange::Hello, &hello);
    let proof = proving.receive(Exchange::Proof);
    asking.send(Exchange::Proof, &proof);
    let answer = asking.receive(Exchange::Answer);
    proving.send(Exchange::Answer, &answer);
}

/// Is honest once, and remembers what it sent.
fn recording(node: &Node, session: &Session, channel: Channel, attester: &Attester) -> (Value, Value) {
    let policy = policy(attester).hash().unwrap();
    let make = |bound: &Bound| attester.evidence(MEASUREMENT, bound.report_data(), false);
    answer(Raw(channel), session, node, &make, &|bound| Bound { policy, ..bound })
}

/// Sends it again.
fn play(mut raw: Raw, (hello, proof): &(Value, Value)) {
    raw.send(Exchange::Hello, hello);
    raw.receive(Exchange::Hello);
    raw.send(Exchange::Proof, proof);
    raw.receive(Exchange::Answer);
}
