//! Sessions without cuts: what arrives, what is refused, how they end.

use std::time::{Duration, Instant};

use bytes::Bytes;
use yu_wire::Error;
use yu_wire::carrier::CarrierKind;
use yu_wire::channel::Expect;
use yu_wire::identity::{Env, NodeName};
use yu_wire::session::{Session, SessionConfig, SessionState};
use yu_wire::step::Step;

use super::nodes::{Node, Org, loopback, session, trusting};

pub(crate) const BOTH: [CarrierKind; 2] = [CarrierKind::Quic, CarrierKind::Tcp];
pub(crate) const STEP: Step = Step(1);

pub(crate) struct Pair {
    pub(crate) health: Org,
    pub(crate) bank: Org,
    pub(crate) server: Node,
    pub(crate) client: Node,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let (health, bank) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"));
        let server = Node::start(&health, trusting(&[&bank]), Some(loopback()));
        let client = Node::start(&bank, trusting(&[&health]), None);
        Self { health, bank, server, client }
    }

    /// Opens a session through `address`; the dialling side first.
    pub(crate) fn join(&self, address: &str, kind: CarrierKind, change: impl Fn(&mut SessionConfig)) -> (Session, Session) {
        let (dialled, accepted) = self.try_join(address, kind, change);
        (dialled.unwrap(), accepted.unwrap())
    }

    pub(crate) fn try_join(
        &self,
        address: &str,
        kind: CarrierKind,
        change: impl Fn(&mut SessionConfig),
    ) -> (yu_wire::Result<Session>, yu_wire::Result<Session>) {
        let (mut ours, mut theirs) = (session("bank", "health", kind), session("health", "bank", kind));
        change(&mut ours);
        change(&mut theirs);
        std::thread::scope(|scope| {
            let dialled = scope.spawn(|| Session::dial_blocking(&self.client.endpoint, address, &self.health.name(), ours));
            let accepted = self.server.hub.expect_blocking(&self.bank.name(), theirs);
            (dialled.join().unwrap(), accepted)
        })
    }
}

pub(crate) fn pattern(len: usize, seed: u8) -> Bytes {
    (0..len).map(|i| (i as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3] ^ seed).collect::<Vec<u8>>().into()
}

#[test]
fn messages_go_both_ways_on_several_channels() {
    let pair = Pair::new();
    for kind in BOTH {
        let (ours, theirs) = pair.join(&pair.server.address(), kind, |_| ());
        assert_eq!(ours.state(), SessionState::Connected { carrier: kind });
        std::thread::scope(|scope| {
            for id in [0, 1, 7] {
                let (mut a, mut b) = (ours.channel(id).unwrap(), theirs.channel(id).unwrap());
                assert!(matches!(ours.channel(id), Err(Error::Caller(_))));
                scope.spawn(move || {
                    for i in 0..300u32 {
                        a.send(STEP, Bytes::copy_from_slice(&i.to_le_bytes())).unwrap();
                        assert_eq!(a.recv(STEP, Expect::Exactly(4)).unwrap(), (i + id).to_le_bytes().as_slice());
                    }
                    assert_eq!(a.peer(), "health");
                });
                scope.spawn(move || {
                    for _ in 0..300 {
                        let got = b.recv(STEP, Expect::Exactly(4)).unwrap();
                        let i = u32::from_le_bytes(got.as_ref().try_into().unwrap());
                        b.send(STEP, Bytes::copy_from_slice(&(i + id).to_le_bytes())).unwrap();
                    }
                });
            }
        });
        let (sent, received) = (ours.meter().totals(), theirs.meter().totals());
        assert_eq!((sent.bytes_sent, sent.frames_sent), (3 * 300 * 36, 900));
        assert_eq!((sent.bytes_sent, sent.bytes_received), (received.bytes_received, received.bytes_sent));
        close_both(&ours, &theirs);
    }
}

pub(crate) fn close_both(ours: &Session, theirs: &Session) {
    std::thread::scope(|scope| {
        scope.spawn(|| ours.close_blocking().unwrap());
        theirs.close_blocking().unwrap();
    });
    assert_eq!((ours.state(), theirs.state()), (SessionState::Closed, SessionState::Closed));
}

#[test]
fn large_messages_arrive_whole() {
    let pair = Pair::new();
    let big = pattern(40_000_000, 3);
    for kind in BOTH {
        let (ours, theirs) = pair.join(&pair.server.address(), kind, |_| ());
        let (mut a, mut b) = (ours.channel(1).unwrap(), theirs.channel(1).unwrap());
        let copy = big.clone();
        let sender = std::thread::spawn(move || {
            a.send(STEP, copy).unwrap();
            a
        });
        assert!(b.recv(STEP, Expect::Exactly(big.len())).unwrap() == big);
        sender.join().unwrap();
        close_both(&ours, &theirs);
    }
}

/// Both send as much as the replay buffer takes before either receives: more than the kernel's buffers take.
#[test]
fn two_senders_do_not_wait_for_each_other() {
    let pair = Pair::new();
    let big = pattern(16 << 20, 9);
    for kind in BOTH {
        let (ours, theirs) = pair.join(&pair.server.address(), kind, |config| config.replay_limit = 16 << 20);
        let (a, b) = (ours.channel(1).unwrap(), theirs.channel(1).unwrap());
        let run = |mut channel: yu_wire::channel::Channel| {
            channel.send(STEP, big.clone()).unwrap();
            assert!(channel.recv(STEP, Expect::Exactly(big.len())).unwrap() == big);
        };
        std::thread::scope(|scope| {
            scope.spawn(|| run(a));
            scope.spawn(|| run(b));
        });
        close_both(&ours, &theirs);
    }
}

#[test]
fn close_waits_for_the_last_message_and_leaves_it_readable() {
    let pair = Pair::new();
    for kind in BOTH {
        let (ours, theirs) = pair.join(&pair.server.address(), kind, |_| ());
        let (mut a, mut b) = (ours.channel(1).unwrap(), theirs.channel(1).unwrap());
        let mut only_theirs = theirs.channel(2).unwrap();
        a.send(STEP, pattern(1 << 20, 1)).unwrap();
        only_theirs.send(STEP, pattern(100, 2)).unwrap();
        // nobody receives: closing does not depend on it
        close_both(&ours, &theirs);
        assert!(b.recv(STEP, Expect::Exactly(1 << 20)).unwrap() == pattern(1 << 20, 1));
        assert!(matches!(b.recv(STEP, Expect::Exactly(1)), Err(Error::Closed)));
        assert!(matches!(a.send(STEP, Bytes::new()), Err(Error::Closed)));
        assert!(matches!(ours.channel(9), Err(Error::Closed)));
    }
}

#[test]
fn an_abort_tells_the_reason() {
    let pair = Pair::new();
    for kind in BOTH {
        let (ours, theirs) = pair.join(&pair.server.address(), kind, |_| ());
        let (mut a, mut b) = (ours.channel(1).unwrap(), theirs.channel(1).unwrap());
        std::thread::scope(|scope| {
            let blocked = scope.spawn(move || b.recv(STEP, Expect::AtMost(10)).unwrap_err());
            let own = scope.spawn(move || a.recv(STEP, Expect::AtMost(10)).unwrap_err());
            std::thread::sleep(Duration::from_millis(200));
            ours.abort("psi.too_small");
            let error = blocked.join().unwrap();
            assert!(matches!(&error, Error::PeerFailed { party, code } if party == "bank" && code == "psi.too_small"), "{error}");
            assert!(matches!(own.join().unwrap(), Error::Closed));
        });
        assert!(matches!(theirs.state(), SessionState::Failed { reason } if reason.contains("psi.too_small")));
    }
    // dropping everything is an abort
    let (ours, theirs) = pair.join(&pair.server.address(), CarrierKind::Quic, |_| ());
    drop(ours);
    let mut b = theirs.channel(1).unwrap();
    assert!(matches!(b.recv(STEP, Expect::AtMost(10)), Err(Error::PeerFailed { .. })));
}

#[test]
fn offers_wait_and_the_wrong_key_is_refused() {
    let pair = Pair::new();
    let address = pair.server.address();
    for kind in BOTH {
        // dialled long before it is expected
        std::thread::scope(|scope| {
            let dialled = scope
                .spawn(|| Session::dial_blocking(&pair.client.endpoint, &address, &pair.health.name(), session("bank", "health", kind)));
            std::thread::sleep(Duration::from_millis(400));
            let accepted = pair.server.hub.expect_blocking(&pair.bank.name(), session("health", "bank", kind)).unwrap();
            close_both(&dialled.join().unwrap().unwrap(), &accepted);
        });
        // signed by a key that is not the contract's
        let mut forged = session("bank", "health", kind);
        forged.signer = std::sync::Arc::new(super::nodes::Keys("mallory"));
        std::thread::scope(|scope| {
            let dialled = scope.spawn(|| Session::dial_blocking(&pair.client.endpoint, &address, &pair.health.name(), forged));
            let refused = pair.server.hub.expect_blocking(&pair.bank.name(), session("health", "bank", kind)).unwrap_err();
            assert!(matches!(&refused, Error::Peer { culprit, what, .. } if culprit == "bank" && what.contains("signature")), "{refused}");
            let told = dialled.join().unwrap().unwrap_err();
            assert!(matches!(&told, Error::PeerFailed { .. }), "{told}");
        });
    }
}

#[test]
fn an_unexpected_session_is_given_up_in_time() {
    let pair = Pair::new();
    let mut config = session("bank", "health", CarrierKind::Quic);
    config.establish_limit = Duration::from_secs(2);
    let start = Instant::now();
    let error = Session::dial_blocking(&pair.client.endpoint, &pair.server.address(), &pair.health.name(), config.clone()).unwrap_err();
    assert!(matches!(error, Error::PeerLost { .. }), "{error}");
    let error = pair
        .server
        .hub
        .expect_blocking(&pair.bank.name(), {
            config.session_id = [9; 32];
            config
        })
        .unwrap_err();
    assert!(matches!(error, Error::PeerLost { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(6));
}

/// Offers that nobody expects wait for a while, each peer's beside its own only.
#[test]
fn one_peer_cannot_take_the_places_of_anothers_offers() {
    let (health, bank, platform) = (Org::new(Env::Dev, "health"), Org::new(Env::Dev, "bank"), Org::new(Env::Dev, "platform"));
    let server = Node::start(&health, trusting(&[&bank, &platform]), Some(loopback()));
    let noisy = Node::start(&bank, trusting(&[&health]), None);
    let quiet = Node::start(&platform, trusting(&[&health]), None);
    let address = server.address();
    for number in 0..80u8 {
        let mut config = session("bank", "health", CarrierKind::Quic);
        config.session_id = [number; 32];
        let (endpoint, address, name) = (noisy.endpoint.clone(), address.clone(), health.name());
        noisy.runtime.spawn(async move { Session::dial(&endpoint, &address, &name, config).await });
    }
    let waits_for = |name: &NodeName, wanted: usize| {
        let end = Instant::now() + Duration::from_secs(10);
        while server.hub.parked(name) < wanted {
            assert!(Instant::now() < end, "{} offers of {name} wait", server.hub.parked(name));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    waits_for(&bank.name(), 16);
    std::thread::scope(|scope| {
        let dialled = scope.spawn(|| {
            let config = session("platform", "health", CarrierKind::Quic);
            Session::dial_blocking(&quiet.endpoint, &address, &health.name(), config)
        });
        waits_for(&platform.name(), 1);
        let accepted = server.hub.expect_blocking(&platform.name(), session("health", "platform", CarrierKind::Quic)).unwrap();
        close_both(&dialled.join().unwrap().unwrap(), &accepted);
    });
    assert!(server.hub.parked(&bank.name()) <= 16, "more than a peer's share waits");
}
