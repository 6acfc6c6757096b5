//! Who gets in, by which carrier, and what both sides are told when somebody does not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use yu_wire::carrier::{CarrierKind, Connection, Endpoint, ProxyConfig};
use yu_wire::identity::Env;
use yu_wire::trust::{Peer, TrustStore};
use yu_wire::{Error, rpc};

use super::nodes::{Node, Org, config, loopback, now, runtime, trusting};

const BOTH: [CarrierKind; 2] = [CarrierKind::Quic, CarrierKind::Tcp];
const SECOND: Duration = Duration::from_secs(1);

fn reason(result: yu_wire::Result<Connection>) -> (String, String) {
    match result {
        Err(Error::Identity { party, reason }) => (party, reason),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// A server for `health` and a dialler; both are told why when they refuse each other.
fn refused(server: &Node, dialler: &Endpoint, expect: &Org, kind: CarrierKind) -> (String, String) {
    let client = reason(dialler.connect_blocking(&server.address(), &expect.name(), kind)).1;
    (client, reason(server.event()).1)
}

#[test]
fn both_carriers_carry_requests_in_both_directions() {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let server = Node::start(&health, trusting(&[&bank]), Some(loopback()));
    let client = Node::start(&bank, trusting(&[&health]), None);
    for kind in [CarrierKind::Quic, CarrierKind::Tcp, CarrierKind::Auto] {
        let conn = client.endpoint.connect_blocking(&server.address(), &health.name(), kind).unwrap();
        assert_eq!(conn.kind(), if kind == CarrierKind::Tcp { CarrierKind::Tcp } else { CarrierKind::Quic });
        client.runtime.block_on(rpc::open(&conn)).unwrap();
        let other = server.event().unwrap();
        assert_eq!(other.peer(), &Peer::Admitted(bank.name()));
        assert_eq!(conn.peer(), &Peer::Admitted(health.name()));
        assert_eq!(conn.export_keying_material(b"l", b"c"), other.export_keying_material(b"l", b"c"));
        assert_ne!(conn.export_keying_material(b"l", b"c"), other.export_keying_material(b"l", b"d"));

        let big = vec![5; 300_000];
        let (answer, _) = server.runtime.block_on(async {
            tokio::join!(rpc::call(&conn, &big, 400_000, 10 * SECOND), async {
                let request = rpc::accept(&other, 400_000, 10 * SECOND).await.unwrap();
                assert_eq!(request.body(), big);
                assert_eq!(request.peer().name(), &bank.name());
                request.reply(b"pong", 10 * SECOND).await.unwrap();
            })
        });
        assert_eq!(answer.unwrap(), b"pong");
        // the accepting side asks: the dialling side may be unreachable for new connections
        let (answer, _) = server.runtime.block_on(async {
            tokio::join!(rpc::call(&other, b"are you there", 100, 10 * SECOND), async {
                let request = rpc::accept(&conn, 100, 10 * SECOND).await.unwrap();
                let echo = request.body().to_vec();
                request.reply(&echo, 10 * SECOND).await.unwrap();
            })
        });
        assert_eq!(answer.unwrap(), b"are you there");
        conn.close();
        server.runtime.block_on(async { tokio::time::timeout(5 * SECOND, other.closed()).await }).unwrap();
        assert!(matches!(server.runtime.block_on(rpc::accept(&other, 1, SECOND)), Err(Error::Closed)));
    }
}

/// Forwards every connection to `to`; what the first one's dialler says after its handshake arrives half a second late.
fn slow_first(to: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (number, from) in listener.incoming().enumerate() {
            let (from, to) = (from.unwrap(), TcpStream::connect(&to).unwrap());
            to.set_nodelay(true).unwrap();
            let pipe = |mut from: TcpStream, mut to: TcpStream, delay_from: Option<usize>| {
                std::thread::spawn(move || {
                    let mut bytes = vec![0; 65536];
                    for turn in 0.. {
                        let Ok(len @ 1..) = from.read(&mut bytes) else { break };
                        if delay_from.is_some_and(|first| turn >= first) {
                            std::thread::sleep(Duration::from_millis(500));
                        }
                        if to.write_all(&bytes[..len]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Write);
                })
            };
            // hello and finished of TLS 1.3 are the dialler's first two flights
            pipe(from.try_clone().unwrap(), to.try_clone().unwrap(), (number == 0).then_some(2));
            pipe(to, from, None);
        }
    });
    address
}

#[test]
fn a_stream_may_overtake_its_connection() {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let server = Node::start(&health, trusting(&[&bank]), Some(loopback()));
    let client = Node::start(&bank, trusting(&[&health]), None);
    let address = slow_first(server.address());
    let conn = client.endpoint.connect_blocking(&address, &health.name(), CarrierKind::Tcp).unwrap();
    // its TLS connection is ready long before the server has read what the first one is for
    client.runtime.block_on(rpc::open(&conn)).unwrap();
    let other = server.event().unwrap();
    assert_eq!(other.peer(), &Peer::Admitted(bank.name()));
    let (answer, _) = server.runtime.block_on(async {
        tokio::join!(rpc::call(&conn, b"ping", 100, 10 * SECOND), async {
            let request = rpc::accept(&other, 100, 10 * SECOND).await.unwrap();
            request.reply(b"pong", 10 * SECOND).await.unwrap();
        })
    });
    assert_eq!(answer.unwrap(), b"pong");
}

#[test]
fn requests_have_limits_and_time_outs() {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let server = Node::start(&health, trusting(&[&bank]), Some(loopback()));
    let client = Node::start(&bank, trusting(&[&health]), None);
    for kind in BOTH {
        let conn = client.endpoint.connect_blocking(&server.address(), &health.name(), kind).unwrap();
        client.runtime.block_on(rpc::open(&conn)).unwrap();
        let other = server.event().unwrap();
        let run = |limit: usize, answer_limit: usize, answers: bool| {
            server.runtime.block_on(async {
                tokio::join!(rpc::call(&conn, &[0; 1000], answer_limit, SECOND / 2), async {
                    let request = rpc::accept(&other, limit, SECOND / 2).await?;
                    if answers {
                        request.reply(&[0; 1000], SECOND).await?;
                    } else {
                        tokio::time::sleep(SECOND).await;
                    }
                    Ok::<(), Error>(())
                })
            })
        };
        let (asked, served) = run(999, 1000, true);
        assert!(matches!(served, Err(Error::Peer { culprit, .. }) if culprit == bank.name().to_string()));
        assert!(asked.is_err());
        let (asked, _) = run(1000, 999, true);
        assert!(matches!(asked, Err(Error::Peer { culprit, .. }) if culprit == health.name().to_string()));
        let (asked, _) = run(1000, 1000, false);
        assert!(matches!(asked, Err(Error::Transport { source, .. }) if source.kind() == std::io::ErrorKind::TimedOut));
        assert!(run(1000, 1000, true).0.is_ok());
    }
}

#[test]
fn strangers_and_impostors_are_told_apart() {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let server = Node::start(&health, trusting(&[&bank]), Some(loopback()));
    let client = Node::start(&bank, trusting(&[&health]), None);
    let stranger_org = Org::new(Env::Dev, "stranger");
    let stranger = Node::start(&stranger_org, trusting(&[&health]), None);
    let impostor_org = Org::new(Env::Dev, "bank"); // same name, another root
    let impostor = Node::start(&impostor_org, trusting(&[&health]), None);
    let blind = Node::start(&bank, TrustStore::new(), None);
    let other = Org::new(Env::Dev, "other");
    let elsewhere = Node::start(&bank, trusting(&[&other]), None);
    for kind in BOTH {
        let (theirs, ours) = refused(&server, &stranger.endpoint, &health, kind);
        assert!(ours.contains("organisation `stranger` is not known"), "{ours}");
        assert!(theirs.contains("does not know the root of our organisation"), "{theirs}");
        let (theirs, ours) = refused(&server, &impostor.endpoint, &health, kind);
        assert!(ours.contains("not signed by the root registered for organisation `bank`"), "{ours}");
        assert!(theirs.contains("does not know the root"), "{theirs}");
        // the dialling side does not know the server
        let (theirs, ours) = refused(&server, &blind.endpoint, &health, kind);
        assert!(theirs.contains("organisation `health` is not known"), "{theirs}");
        assert!(ours.contains("does not know the root of our organisation"), "{ours}");
        // another node answers at the address
        let (theirs, ours) = refused(&server, &elsewhere.endpoint, &other, kind);
        assert!(theirs.contains("presented the certificate of `yu://dev/health/n1`"), "{theirs}");
        assert!(ours.contains("expected the certificate of another node"), "{ours}");
        client.endpoint.connect_blocking(&server.address(), &health.name(), kind).unwrap();
        assert!(matches!(server.event(), Err(Error::Transport { .. })), "connected and went without a word");
    }
}

#[test]
fn time_and_environment_are_checked() {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let server = Node::start(&health, trusting(&[&bank]), Some(loopback()));
    let run = |from: i64, to: i64, kind| {
        let late = Org { identity: std::sync::Arc::new(bank.root.issue("n2", from, to).unwrap()), root: bank_root_copy(&bank) };
        let node = Node::start(&late, trusting(&[&health]), None);
        refused(&server, &node.endpoint, &health, kind)
    };
    let prod = Org::new(Env::Prod, "bank");
    let prod_health = Org::new(Env::Prod, "health");
    for kind in BOTH {
        let (theirs, ours) = run(now() - 100, now() - 50, kind);
        assert!(ours.contains("expired"), "{ours}");
        assert!(theirs.contains("expired or is not yet valid"), "{theirs}");
        let (theirs, ours) = run(now() + 50, now() + 100, kind);
        assert!(ours.contains("not valid before"), "{ours}");
        assert!(theirs.contains("expired or is not yet valid"), "{theirs}");
        // a production node that even knows the development root: it refuses the server by itself
        let node = Node::start(&prod, trusting(&[&health, &prod_health]), None);
        let (theirs, ours) = refused(&server, &node.endpoint, &health, kind);
        assert!(theirs.contains("dev and prod never meet"), "{theirs}");
        assert!(ours.contains("dev and prod never meet"), "{ours}");
    }
}

fn bank_root_copy(org: &Org) -> yu_wire::identity::OrgRoot {
    yu_wire::identity::OrgRoot::from_pem(&org.root.to_pem()).unwrap()
}

#[test]
fn versions_are_named_on_both_sides() {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let server = Node::start(&health, trusting(&[&bank]), Some(loopback()));
    let runtime = runtime();
    let mut newer = config(&runtime, &bank, trusting(&[&health]));
    newer.version = 2;
    let client = Node::with(runtime, newer);
    for kind in BOTH {
        let (theirs, ours) = refused(&server, &client.endpoint, &health, kind);
        assert!(theirs.contains("it speaks `yu/1`, this node speaks `yu/2`"), "{theirs}");
        assert!(ours.contains("it speaks `yu/2`, this node speaks `yu/1`"), "{ours}");
        while server.event_within(SECOND / 2).is_some() {} // the question which version it is
    }
}

#[test]
fn an_invitation_lets_strangers_to_the_door() {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let trust = TrustStore::new();
    let server = Node::start(&health, trust.clone(), Some(loopback()));
    let client = Node::start(&bank, trusting(&[&health]), None);
    trust.invite_until(Some(u64::MAX));
    for kind in BOTH {
        let conn = client.endpoint.connect_blocking(&server.address(), &health.name(), kind).unwrap();
        client.runtime.block_on(rpc::open(&conn)).unwrap();
        assert_eq!(server.event().unwrap().peer(), &Peer::Unadmitted(bank.name(), bank.root.root_der().to_vec()));
        // to the door only
        let config = super::nodes::session("bank", "health", kind);
        let opened = yu_wire::session::Session::dial_blocking(&client.endpoint, &server.address(), &health.name(), {
            let mut config = config;
            config.establish_limit = SECOND;
            config
        });
        assert!(opened.is_err());
        assert!(matches!(server.event(), Err(Error::Identity { .. })));
        while server.event_within(SECOND / 2).is_some() {} // the dialling side has tried more than once
    }
}

#[test]
fn a_taken_port_is_named() {
    let health = Org::new(Env::Dev, "health");
    let node = Node::start(&health, TrustStore::new(), Some(loopback()));
    let port = node.endpoint.listen_address().unwrap().port();
    let runtime = runtime();
    let mut second = config(&runtime, &health, TrustStore::new());
    second.listen = node.endpoint.listen_address();
    assert!(matches!(Endpoint::bind(second.clone()), Err(Error::PortInUse { port: p, .. }) if p == port));
    // TCP alone is enough to be in the way
    let tcp = TcpListener::bind(loopback()).unwrap();
    second.listen = Some(tcp.local_addr().unwrap());
    assert!(matches!(Endpoint::bind(second), Err(Error::PortInUse { .. })));
}

/// A proxy that serves one CONNECT after the other; returns its address.
fn proxy(status: &'static str) -> String {
    let listener = TcpListener::bind(loopback()).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                assert!(head.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"));
                let target = head.split(' ').nth(1).unwrap().to_owned();
                client.write_all(format!("HTTP/1.1 {status}\r\nVia: test\r\n\r\n").as_bytes()).unwrap();
                if status.starts_with("200") {
                    let server = TcpStream::connect(target).unwrap();
                    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                    let _ = std::io::copy(&mut { server }, &mut client);
                }
            });
        }
    });
    address
}

#[test]
fn a_proxy_is_a_way_out() {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let server = Node::start(&health, trusting(&[&bank]), Some(loopback()));
    for (status, works) in [("200 Connection established", true), ("407 no", false)] {
        let runtime = runtime();
        let mut config = config(&runtime, &bank, trusting(&[&health]));
        config.listen = None;
        config.proxy = Some(ProxyConfig { address: proxy(status), credentials: Some("user:pass".to_owned().into()) });
        let client = Node::with(runtime, config);
        let result = client.endpoint.connect_blocking(&server.address(), &health.name(), CarrierKind::Auto);
        if works {
            assert_eq!(result.unwrap().kind(), CarrierKind::Tcp);
        } else {
            assert!(result.unwrap_err().to_string().contains("proxy"));
        }
    }
}

#[test]
fn silence_is_answered_in_time() {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let silent = std::net::UdpSocket::bind(loopback()).unwrap(); // swallows, and no TCP beside it
    let runtime = runtime();
    let mut config = config(&runtime, &bank, trusting(&[&health]));
    config.connect_timeout = SECOND;
    config.quic_timeout = SECOND / 2;
    let client = Node::with(runtime, config);
    for kind in [CarrierKind::Quic, CarrierKind::Tcp, CarrierKind::Auto] {
        let start = Instant::now();
        let result = client.endpoint.connect_blocking(&silent.local_addr().unwrap().to_string(), &health.name(), kind);
        assert!(matches!(result, Err(Error::Transport { .. })), "{result:?}");
        assert!(start.elapsed() < 3 * SECOND);
    }
}
