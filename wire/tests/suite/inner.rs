//! The inner layer over both carriers: who gets in, what crosses, and that what crosses is nothing but records.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use yu_wire::channel::Expect;
use yu_wire::identity::{Env, NodeName};
use yu_wire::inner::{Inner, InnerIdentity, POINT};
use yu_wire::session::Session;
use yu_wire::trust::Peer;
use yu_wire::{Error, rpc};

use super::nodes::{Node, Org, config, loopback, runtime, session, trusting};
use super::sessions::{BOTH, STEP, pattern};

const ID: &str = "1234567812345678";
const SECOND: Duration = Duration::from_secs(1);

/// A node's key, and the one key that it knows of its one peer.
struct Known {
    key: SigningKey,
    peer: (NodeName, [u8; POINT]),
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_slice(ID, &[n; 32]).unwrap()
}

fn point(key: &SigningKey) -> [u8; POINT] {
    use sm2::elliptic_curve::sec1::ToSec1Point as _;
    key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap()
}

impl InnerIdentity for Known {
    fn public(&self) -> [u8; POINT] {
        point(&self.key)
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes().into()
    }

    fn verify(&self, key: &[u8; POINT], message: &[u8], signature: &[u8; 64]) -> bool {
        let (Ok(key), Ok(signature)) = (VerifyingKey::from_sec1_bytes(ID, key), Signature::from_slice(signature)) else { return false };
        key.verify(message, &signature).is_ok()
    }

    fn judge(&self, peer: &Peer, key: &[u8; POINT]) -> Result<(), String> {
        if *peer.name() == self.peer.0 && *key == self.peer.1 { Ok(()) } else { Err("another key than the known one".into()) }
    }
}

struct Pair {
    health: Org,
    bank: Org,
    server: Node,
    client: Node,
}

/// `health` with key 1, which the bank knows as `known_of_health`; the bank with key 2, known as `known_of_bank`.
fn pair([known_of_health, known_of_bank]: [u8; 2]) -> Pair {
    let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
    let start = |org: &Org, other: &Org, own: u8, known: u8, listens: bool| {
        let runtime = runtime();
        let mut config = config(&runtime, org, trusting(&[other]));
        config.listen = listens.then(loopback);
        config.inner = Some(Inner(Arc::new(Known { key: key(own), peer: (other.name(), point(&key(known))) })));
        Node::with(runtime, config)
    };
    let server = start(&health, &bank, 1, known_of_bank, true);
    let client = start(&bank, &health, 2, known_of_health, false);
    Pair { health, bank, server, client }
}

#[test]
fn d12_requests_and_sessions_cross_the_inner_layer_over_both_carriers() {
    for kind in BOTH {
        // a session that ended is not opened again: each carrier has its own
        let pair = pair([1, 2]);
        let conn = pair.client.endpoint.connect_blocking(&pair.server.address(), &pair.health.name(), kind).unwrap();
        assert_eq!(conn.inner_key(), Some(point(&key(1))));
        pair.client.runtime.block_on(rpc::open(&conn)).unwrap();
        let other = pair.server.event().unwrap();
        assert_eq!(other.inner_key(), Some(point(&key(2))));
        let big = vec![5; 300_000];
        for _ in 0..3 {
            let (answer, _) = pair.server.runtime.block_on(async {
                tokio::join!(rpc::call(&conn, &big, 400_000, 10 * SECOND), async {
                    let request = rpc::accept(&other, 400_000, 10 * SECOND).await.unwrap();
                    assert_eq!(request.body(), big);
                    request.reply(b"pong", 10 * SECOND).await.unwrap();
                })
            });
            assert_eq!(answer.unwrap(), b"pong");
            let (answer, _) = pair.server.runtime.block_on(async {
                tokio::join!(rpc::call(&other, b"are you there", 100, 10 * SECOND), async {
                    let request = rpc::accept(&conn, 100, 10 * SECOND).await.unwrap();
                    let echo = request.body().to_vec();
                    request.reply(&echo, 10 * SECOND).await.unwrap();
                })
            });
            assert_eq!(answer.unwrap(), b"are you there");
        }
        conn.close();

        let (ours, theirs) = std::thread::scope(|scope| {
            let dialled = scope.spawn(|| {
                Session::dial_blocking(&pair.client.endpoint, &pair.server.address(), &pair.health.name(), session("bank", "health", kind))
            });
            let accepted = pair.server.hub.expect_blocking(&pair.bank.name(), session("health", "bank", kind));
            (dialled.join().unwrap().unwrap(), accepted.unwrap())
        });
        let (mut a, mut b) = (ours.channel(1).unwrap(), theirs.channel(1).unwrap());
        for len in [1, 65_535, 65_536, 65_537, 1_000_000] {
            let sent: Bytes = pattern(len, 3);
            std::thread::scope(|scope| {
                scope.spawn(|| a.send(STEP, sent.clone()).unwrap());
                assert!(b.recv(STEP, Expect::Exactly(len)).unwrap() == sent, "{len}");
            });
        }
        drop((a, b));
        ours.abort("done");
        theirs.abort("done");
    }
}

#[test]
fn d12_a_node_with_another_key_is_refused_on_either_side() {
    for kind in BOTH {
        // the server's key is not the one that the client knows
        let wrong = pair([3, 2]);
        match wrong.client.endpoint.connect_blocking(&wrong.server.address(), &wrong.health.name(), kind) {
            Err(Error::Identity { party, reason }) => assert!(party.contains("health") && reason.contains("another key"), "{reason}"),
            other => panic!("{other:?}"),
        }
        // the client's key is not the one that the server knows: both are told
        let wrong = pair([1, 3]);
        match wrong.client.endpoint.connect_blocking(&wrong.server.address(), &wrong.health.name(), kind) {
            Err(Error::Identity { reason, .. }) => assert!(reason.contains("refused our key"), "{reason}"),
            other => panic!("{other:?}"),
        }
        match wrong.server.event() {
            Err(Error::Identity { party, reason }) => assert!(party.contains("bank") && reason.contains("another key"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn d12_a_node_without_the_layer_is_refused_by_the_name_of_its_suite() {
    let national = pair([1, 2]);
    for kind in BOTH {
        let standard = Node::start(&national.bank, trusting(&[&national.health]), Some(loopback()));
        for (from, to, expect) in [(&standard, &national.server, &national.health), (&national.server, &standard, &national.bank)] {
            match from.endpoint.connect_blocking(&to.address(), &expect.name(), kind) {
                Err(Error::Identity { reason, .. }) => {
                    assert!(reason.contains("suite mismatch") && reason.contains("yu-gm/1") && reason.contains("`yu/1`"), "{reason}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
