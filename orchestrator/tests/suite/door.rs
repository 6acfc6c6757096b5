//! What callers may do to a node: strangers at the door, peers that ask too much, tickets shown twice, words that leave,
//! the local socket. The other side is played by this test.

use super::peers::{ask_as, fault, identity, now, runtime, trust};
use super::rig::LONG;
use super::support::{Plan, Process, World, free_port, yu};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use yu_governance::id::{ColumnSet, document_hash};
use yu_governance::sign::{Signed, SigningKey};
use yu_orchestrator::control::{Answer, Ask, LIMIT};
use yu_orchestrator::home::Home;
use yu_orchestrator::store::{PeerRow, Store};
use yu_orchestrator::ticket::{NodeCard, Ticket};
use yu_wire::carrier::{CarrierKind, Connection, Endpoint, EndpointConfig, RecvHalf, SendHalf};
use yu_wire::identity::{Env, NodeIdentity, NodeName, OrgRoot};
use yu_wire::rpc::{self, MAGIC};
use yu_wire::trust::TrustStore;

const SECOND: Duration = Duration::from_secs(1);
const BOTH: [CarrierKind; 2] = [CarrierKind::Quic, CarrierKind::Tcp];

/// Somebody who calls one node.
struct Caller<'a> {
    runtime: &'a Runtime,
    endpoint: Endpoint,
    name: NodeName,
    address: String,
}

impl<'a> Caller<'a> {
    fn new(runtime: &'a Runtime, identity: NodeIdentity, trust: TrustStore, org: &str, address: SocketAddr) -> Self {
        let config = EndpointConfig::new(Arc::new(identity), trust, runtime.handle().clone());
        let endpoint = runtime.block_on(async { Endpoint::bind(config) }).unwrap();
        Self { runtime, endpoint, name: format!("yu://dev/{org}/n1").parse().unwrap(), address: address.to_string() }
    }

    fn connect(&self, kind: CarrierKind) -> yu_wire::Result<Connection> {
        self.endpoint.connect_blocking(&self.address, &self.name, kind)
    }

    fn announced(&self, kind: CarrierKind) -> Connection {
        let connection = self.connect(kind).unwrap();
        self.runtime.block_on(rpc::open(&connection)).unwrap();
        connection
    }

    fn call(&self, connection: &Connection, body: &[u8]) -> yu_wire::Result<Answer> {
        let reply = self.runtime.block_on(rpc::call(connection, body, LIMIT, 20 * SECOND))?;
        Ok(serde_json::from_slice(&reply).unwrap())
    }

    fn ask(&self, connection: &Connection, ask: &Ask) -> yu_wire::Result<Answer> {
        self.call(connection, &serde_json::to_vec(ask).unwrap())
    }

    /// How long it lasts from now on, if it ends within `limit`.
    fn ends(&self, connection: &Connection, limit: Duration) -> Option<Duration> {
        let start = Instant::now();
        self.runtime.block_on(async { tokio::time::timeout(limit, connection.closed()).await }).ok().map(|()| start.elapsed())
    }
}

fn stranger() -> NodeIdentity {
    OrgRoot::generate(Env::Dev, "stranger").unwrap().issue("n1", now() - 60, now() + 3600).unwrap()
}

#[test]
fn strangers_may_redeem_a_ticket_and_nothing_else() {
    let (listen, runtime) = (free_port(), runtime());
    let world = World::start(&Plan { listen: [("authority", listen)].into(), ..Plan::default() });
    let caller = Caller::new(&runtime, stranger(), trust(&world, &["authority"]), "authority", listen);
    let invite = |minutes: &str| world.yu("authority", &["peer", "invite", "--valid-minutes", minutes]).ok("invite");
    let closed = || BOTH.map(|kind| caller.connect(kind).is_err()) == [true; 2];
    assert!(closed());
    // an invitation that is over opens no door, and nobody has to come to close it
    invite("0");
    assert!(closed());
    invite("5");

    for kind in BOTH {
        let connection = caller.announced(kind);
        let (code, _) = fault(caller.ask(&connection, &Ask::Hello).unwrap());
        assert_eq!(code, "peer.unknown");
        assert!(caller.ends(&connection, 5 * SECOND).is_some(), "a stranger's connection is for one question");
        let join = |len: usize| Ask::Join { ticket: "x".repeat(len), invite: "none".into(), proof: String::new() };
        let (code, _) = fault(caller.ask(&caller.announced(kind), &join(60 << 10)).unwrap());
        assert_eq!(code, "ticket.bad");
        caller.ask(&caller.announced(kind), &join(64 << 10)).unwrap_err();
    }

    // two connections of one stranger, and no more; they last as long as a join may take
    let silent = caller.connect(CarrierKind::Quic).unwrap();
    let waiting = caller.announced(CarrierKind::Tcp);
    let start = Instant::now();
    std::thread::sleep(SECOND / 2);
    for kind in BOTH {
        let third = caller.connect(kind).unwrap();
        assert!(caller.ends(&third, 3 * SECOND).is_some(), "a third connection is kept");
    }
    // somebody else is not affected
    let other = Caller::new(&runtime, stranger(), trust(&world, &["authority"]), "authority", listen);
    let (code, _) = fault(other.ask(&other.announced(CarrierKind::Quic), &Ask::Catalogue).unwrap());
    assert_eq!(code, "peer.unknown");
    assert!(caller.ends(&silent, 15 * SECOND).is_some(), "a connection that says nothing is kept");
    assert!(!waiting.is_closed());
    assert!(caller.ends(&waiting, 35 * SECOND).is_some(), "a stranger that asks nothing is kept");
    assert!(start.elapsed() > 20 * SECOND, "it had no time to join");
}

/// A question of one mebibyte whose last bytes have not been sent.
fn unfinished(runtime: &Runtime, connection: &Connection) -> (SendHalf, RecvHalf) {
    runtime.block_on(async {
        let (mut send, recv) = connection.open_bi().await.unwrap();
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(1u32 << 20).to_le_bytes());
        bytes.extend_from_slice(&[b' '; 1000]);
        send.write_all(&bytes).await.unwrap();
        (send, recv)
    })
}

#[test]
fn a_peer_that_asks_too_much_waits_and_holds_up_nobody_else() {
    let (listen, runtime) = (free_port(), runtime());
    let mut world = World::start(&Plan { listen: [("health", listen)].into(), ..Plan::default() });
    world.introduce();
    for org in ["bank", "platform"] {
        world.kill(org);
    }
    let as_org = |org: &str| Caller::new(&runtime, identity(&world, org), trust(&world, &["health"]), "health", listen);
    let (bank, platform) = (as_org("bank"), as_org("platform"));
    for kind in BOTH {
        let connection = bank.announced(kind);
        let mut held: Vec<_> = (0..8).map(|_| unfinished(&runtime, &connection)).collect();
        std::thread::sleep(SECOND);
        let small = serde_json::to_vec(&Ask::Catalogue).unwrap();
        let mut question = small.clone();
        question.resize(70 << 10, b' ');
        let ninth = {
            let connection = connection.clone();
            runtime.spawn(async move { rpc::call(&connection, &question, LIMIT, 20 * SECOND).await })
        };
        std::thread::sleep(2 * SECOND);
        assert!(!ninth.is_finished(), "{kind}: it is answered beside eight others");
        // what trickles in takes no turn: small questions of the same peer are answered
        let start = Instant::now();
        assert!(matches!(bank.call(&connection, &small).unwrap(), Answer::Ok(_)));
        assert!(start.elapsed() < 2 * SECOND, "{kind}: a small question waited {:?}", start.elapsed());
        // a sign of life does not wait, on any connection
        assert!(matches!(bank.ask(&connection, &Ask::Hello).unwrap(), Answer::Ok(_)));
        assert!(matches!(bank.ask(&bank.announced(kind), &Ask::Hello).unwrap(), Answer::Ok(_)));
        let start = Instant::now();
        assert!(matches!(platform.ask(&platform.announced(kind), &Ask::Catalogue).unwrap(), Answer::Ok(_)));
        assert!(start.elapsed() < 2 * SECOND, "{kind}: another peer waited {:?}", start.elapsed());
        assert!(!ninth.is_finished());
        // one of the eight comes to its end: the ninth was waiting, it had not failed
        let (mut send, mut recv) = held.pop().unwrap();
        runtime.block_on(async {
            send.write_all(&vec![b' '; (1 << 20) - 1000]).await.unwrap();
            assert!(recv.read(&mut [0; 100]).await.unwrap() > 0, "no answer to a question that ended");
            let answer = ninth.await.unwrap().unwrap();
            assert!(matches!(serde_json::from_slice(&answer).unwrap(), Answer::Ok(_)));
        });
        drop(held);
        connection.close();
    }
    // what does not arrive in time is not waited for
    let connection = bank.announced(CarrierKind::Quic);
    let (_send, mut recv) = unfinished(&runtime, &connection);
    let start = Instant::now();
    runtime.block_on(async {
        let end = tokio::time::timeout(20 * SECOND, recv.read(&mut [0; 100])).await.expect("a question that trickles in is kept");
        assert!(!matches!(end, Ok(n) if n > 0), "it was answered");
    });
    assert!(start.elapsed() > 8 * SECOND, "it had no time to arrive");
    // a hundred at once are all answered
    let question = serde_json::to_vec(&Ask::Catalogue).unwrap();
    let asked: Vec<_> = (0..100)
        .map(|_| {
            let (connection, question) = (connection.clone(), question.clone());
            runtime.spawn(async move { rpc::call(&connection, &question, LIMIT, 20 * SECOND).await })
        })
        .collect();
    for answer in asked {
        runtime.block_on(answer).unwrap().unwrap();
    }
}

#[test]
fn faults_leave_without_paths_and_names_of_files() {
    let (listen, runtime) = (free_port(), runtime());
    let mut world = World::ready(&Plan { listen: [("health", listen)].into(), ..Plan::default() });
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    world.wait("health", &job, &["proposed"], LONG);
    world.kill("bank");
    let db = |org: &str| rusqlite::Connection::open(world.dir(org).join("store/yu.sqlite")).unwrap();
    let bundle: String = db("bank").query_row("SELECT contract FROM job WHERE id=?1", [&job], |r| r.get(0)).unwrap();
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    let told = |answer: Answer, code: &str| {
        let text = serde_json::to_string(&answer).unwrap();
        assert!(text.contains(code), "{text}");
        let root = world.root.path().to_str().unwrap();
        for secret in [root, "health.csv", "cedar", "sqlite", "object", ".json", "store/"] {
            assert!(!text.contains(secret), "`{secret}` was told: {text}");
        }
        assert!(text.contains("yu://dev/health/n1"), "it does not say who: {text}");
    };
    let ask = |ask: &Ask| ask_as(&world, &runtime, "bank", "health", listen, ask);

    // a policy that cannot be read, asked through an answer that carries a fault inside
    let policy = world.dir("health").join("policy.cedar");
    std::fs::create_dir(&policy).unwrap();
    told(ask(&Ask::Propose { bundle }), "policy.refused");
    std::fs::remove_dir(&policy).unwrap();

    // a data set whose file changed and whose payload is gone
    let known = world.yu("health", &["request", "list"]).ok("list").to_string();
    let request = approvals(&db("bank")).into_iter().find(|id| known.contains(id.as_str())).unwrap();
    let authorisations = world.yu("health", &["authorisation", "list"]).ok("list")["authorisations"].clone();
    let offer = Ask::Offer {
        authorisation: authorisations[0]["id"].as_str().unwrap().into(),
        request,
        key: vec!["resident_id".into()],
        // another one than in the job, whose statement is still remembered
        normalisation: vec!["trim".into(), "nfkc".into(), "resident_id".into()],
        columns: ColumnSet::new(["resident_id"]).unwrap(),
        measured: Vec::new(),
    };
    std::fs::write(world.file("health.csv"), "other\n1\n").unwrap();
    told(ask(&offer), "dataset.changed");
    std::fs::remove_file(world.file("health.csv")).unwrap();
    for blob in std::fs::read_dir(world.dir("health").join("store/blobs")).unwrap() {
        std::fs::remove_file(blob.unwrap().path()).unwrap();
    }
    let answer = ask(&offer);
    let (code, _) = fault(serde_json::from_value(serde_json::to_value(&answer).unwrap()).unwrap());
    assert!(["file.missing", "storage.damaged"].contains(&code.as_str()), "{code}");
    told(answer, &code);

    // the store itself
    db("health").execute_batch("ALTER TABLE object RENAME TO hidden").unwrap();
    told(ask(&Ask::Catalogue), "storage.failed");
    db("health").execute_batch("ALTER TABLE hidden RENAME TO object").unwrap();
    assert!(matches!(ask(&Ask::Catalogue), Answer::Ok(_)));
}

/// Approved requests of a node.
fn approvals(db: &rusqlite::Connection) -> Vec<String> {
    let mut query = db.prepare("SELECT id FROM object WHERE kind='approval'").unwrap();
    query.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A newcomer whose card is made from the keys of a node that was stopped.
fn card_of(world: &World, org: &str) -> Signed<NodeCard> {
    let text = |file: &str| std::fs::read(world.dir(org).join("keys").join(file)).unwrap();
    let signing = SigningKey::from_bytes(&text("signing.key").try_into().unwrap());
    let seal = yu_wire::seal::SealKey::from_bytes(&text("seal.key")).unwrap();
    let identity = identity(world, org);
    let name = identity.name().to_string();
    let card = NodeCard {
        v: 1,
        name: name.clone(),
        root: base64::Engine::encode(&base64::engine::general_purpose::STANDARD, identity.root_der()),
        signing_key: signing.public(),
        seal_key: hex::encode(seal.public().0),
        address: None,
        role: "provider".into(),
        controller: org.into(),
        zone: "inside".into(),
    };
    Signed::sign(card, &name, &signing).unwrap()
}

fn join(caller: &Caller<'_>, card: &Signed<NodeCard>, ticket: &Ticket) -> Answer {
    let connection = caller.announced(CarrierKind::Tcp);
    let binding = connection.export_keying_material(b"EXPORTER-yu-join-v1", ticket.invite.as_bytes());
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &hex::decode(&ticket.secret).unwrap());
    let proof = hex::encode(aws_lc_rs::hmac::sign(&key, &binding).as_ref());
    let ask = Ask::Join { ticket: serde_json::to_string(card).unwrap(), invite: ticket.invite.clone(), proof };
    let answer = caller.ask(&connection, &ask).unwrap();
    connection.close();
    answer
}

#[test]
fn a_ticket_shown_again_by_its_newcomer_is_answered_as_before() {
    let (listen, runtime) = (free_port(), runtime());
    let mut world = World::start(&Plan { listen: [("authority", listen)].into(), ..Plan::default() });
    let ticket = || Ticket::decode(world.yu("authority", &["peer", "invite"]).ok("invite")["ticket"].as_str().unwrap()).unwrap();
    let (first, _open) = (ticket(), ticket());
    for org in ["health", "bank"] {
        world.kill(org);
    }
    let newcomer = |org: &str| Caller::new(&runtime, identity(&world, org), trust(&world, &["authority"]), "authority", listen);
    let (health, bank) = (newcomer("health"), newcomer("bank"));
    let ok = |answer: Answer| match answer {
        Answer::Ok(value) => value,
        Answer::Fault(fault) => panic!("{fault}"),
    };
    let card = card_of(&world, "health");
    let answered = ok(join(&health, &card, &first));
    assert_eq!(answered["signatures"].as_array().unwrap().len(), 2, "the authority countersigns");
    assert_eq!(ok(join(&health, &card, &first)), answered);
    let entries = || world.yu("authority", &["audit", "show"]).all.matches("peer.joined").count();
    assert_eq!(entries(), 1);
    // nobody else, not with the admitted node's card, and not the same node with another one
    let (code, _) = fault(join(&bank, &card_of(&world, "bank"), &first));
    assert_eq!(code, "ticket.bad");
    let (code, _) = fault(join(&bank, &card, &first));
    assert_eq!(code, "peer.identity");
    let mut other = card.payload.clone();
    other.controller = "somebody".into();
    let signing = SigningKey::from_bytes(&std::fs::read(world.dir("health").join("keys/signing.key")).unwrap().try_into().unwrap());
    let other = Signed::sign(other, &card.payload.name, &signing).unwrap();
    let (code, _) = fault(join(&health, &other, &first));
    assert_eq!(code, "ticket.bad");
    // nor the same node after it was removed
    world.yu("authority", &["peer", "remove", "yu://dev/health/n1"]).ok("remove");
    let (code, _) = fault(join(&health, &card, &first));
    assert_eq!(code, "ticket.bad");
    assert_eq!(world.yu("authority", &["peer", "list"]).ok("list")["peers"], json!([]));
}

/// Passes TCP on; the connections with these numbers, counted from 0, end at once.
fn broken_relay(to: SocketAddr, broken: &'static [usize]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let near = near.unwrap();
            if broken.contains(&counted.fetch_add(1, Ordering::SeqCst)) {
                continue;
            }
            let far = TcpStream::connect(to).unwrap();
            for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    (address, count)
}

#[test]
fn a_ticket_is_redeemed_over_a_network_that_fails_at_first() {
    let listen = free_port();
    // the connection itself, then a later stream of it
    let (relay, count) = broken_relay(listen, &[0, 3]);
    let world = World::start(&Plan {
        carrier: "tcp",
        listen: [("authority", listen)].into(),
        advertise: [("authority", relay.to_string())].into(),
        ..Plan::default()
    });
    world.invite("authority", "health").ok("accept");
    assert!(count.load(Ordering::SeqCst) > 4, "the relay broke nothing");
    assert_eq!(world.yu("authority", &["peer", "list"]).ok("list")["peers"][0]["name"], "yu://dev/health/n1");
}

#[test]
fn the_local_socket_is_its_owners_from_the_first_instant() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("n");
    yu(&home, &["init", "--org", "health", "--role", "provider"]).ok("init");
    let socket = home.join("admin.sock");
    // the operator opened the folder, and the shell creates what everybody may use
    for open in [dir.path(), &home] {
        std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "umask 000 && exec \"$0\" --dir \"$1\" up", env!("CARGO_BIN_EXE_yu")]).arg(&home);
    let _node = Process(command.spawn().unwrap());
    let end = Instant::now() + LONG;
    let first = loop {
        if let Ok(meta) = std::fs::symlink_metadata(&socket) {
            break meta.permissions().mode() & 0o777;
        }
        if let Ok(meta) = std::fs::symlink_metadata(home.join(".new")) {
            assert_eq!(meta.permissions().mode() & 0o777, 0o700);
        }
        assert!(Instant::now() < end);
    };
    assert_eq!(first, 0o600);
    yu(&home, &["peer", "list"]).ok("the owner is answered");
    assert!(!home.join(".new").exists());

    // even if the permissions were lost, the kernel says who connects
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    let python = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ntry:\n s.sendall(b'{\"verb\":\"status\"}')\n s.shutdown(1)\n print(len(s.recv(9)))\nexcept OSError:\n print(0)";
    let mut other = std::process::Command::new("python3");
    other.args(["-c", python]).arg(&socket);
    let own = String::from_utf8(other.output().unwrap().stdout).unwrap();
    assert_eq!(own.trim(), "9");
    match other.uid(65_534).gid(65_534).output() {
        Ok(said) => assert_eq!(String::from_utf8(said.stdout).unwrap().trim(), "0", "another user was answered"),
        Err(e) => eprintln!("skipped: another user cannot be played ({e}); run as root"),
    }
}

#[test]
fn a_crash_after_a_ticket_was_redeemed_locks_nobody_out() {
    let (listen, runtime) = (free_port(), runtime());
    let mut world = World::start(&Plan { listen: [("authority", listen)].into(), ..Plan::default() });
    let ticket = world.yu("authority", &["peer", "invite"]).ok("invite")["ticket"].as_str().unwrap().to_owned();
    let ticket = Ticket::decode(&ticket).unwrap();
    world.kill("health");
    let card = card_of(&world, "health");
    let health = Caller::new(&runtime, identity(&world, "health"), trust(&world, &["authority"]), "authority", listen);
    // the process ends after the one step of the store: its log, its vault and the newcomer know nothing
    world.kill("authority");
    let store = Store::open(&Home::new(world.dir("authority"))).unwrap();
    let c = &card.payload;
    let row = PeerRow {
        name: c.name.clone(),
        address: None,
        root: c.root.clone(),
        signing_key: c.signing_key.to_string(),
        seal_key: c.seal_key.clone(),
        role: c.role.clone(),
        controller: c.controller.clone(),
        zone: c.zone.clone(),
    };
    let (hash, answer) = (document_hash(c).unwrap().to_string(), serde_json::to_string(&card).unwrap());
    assert!(store.redeem_invite(&ticket.invite, &hash, &answer, &row, now()).unwrap());
    drop(store);
    world.up("authority");
    let log = || world.yu("authority", &["audit", "show"]).all;
    assert_eq!(log().matches("peer.joined").count(), 1, "{}", log());
    assert!(matches!(join(&health, &card, &ticket), Answer::Ok(_)));
    let hello = health.announced(CarrierKind::Quic);
    assert!(matches!(health.ask(&hello, &Ask::Hello).unwrap(), Answer::Ok(_)));
    assert_eq!(log().matches("peer.joined").count(), 1);
    let secrets = std::fs::read_dir(world.dir("authority").join("keys/data")).unwrap().map(|file| file.unwrap().file_name());
    assert!(secrets.into_iter().all(|name| !name.to_string_lossy().contains("invite")), "its secret is gone");
}
