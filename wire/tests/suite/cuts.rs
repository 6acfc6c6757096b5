//! Sessions across cuts, restarts and changes of carrier.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use yu_wire::Error;
use yu_wire::carrier::CarrierKind;
use yu_wire::channel::{Channel, Expect};
use yu_wire::relay::Relay;
use yu_wire::session::{Session, SessionState};

use super::nodes::{Node, loopback, session, trusting};
use super::sessions::{BOTH, Pair, STEP, close_both, pattern};

const SECOND: Duration = Duration::from_secs(1);
const MESSAGE: usize = 100_000;

fn relayed(pair: &Pair) -> Relay {
    Relay::start(pair.server.runtime.handle(), pair.server.endpoint.listen_address().unwrap()).unwrap()
}

/// Both sides send to each other, unequal amounts, until told to stop; checks every byte. Returns the messages.
fn chatter(mut channel: Channel, messages: u32, seed: u8, stop: &AtomicBool) -> u32 {
    let mut done = 0;
    loop {
        let go_on = u8::from(done + 1 < messages || !stop.load(Ordering::Relaxed));
        let mut ours = pattern(MESSAGE, seed.wrapping_add(done as u8)).to_vec();
        ours[0] = go_on;
        channel.send(STEP, ours.into()).unwrap();
        let theirs = channel.recv(STEP, Expect::Exactly(MESSAGE)).unwrap();
        let expected = pattern(MESSAGE, seed.wrapping_add(128).wrapping_add(done as u8));
        assert!(theirs[1..] == expected[1..], "message {done} is damaged");
        done += 1;
        if go_on == 0 || theirs[0] == 0 {
            return done;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs traffic on two channels while `disturb` works on the relay.
fn through(pair: &Pair, relay: &Relay, kind: CarrierKind, disturb: impl FnOnce(&Relay)) -> (Session, Session) {
    let (ours, theirs) = pair.join(&relay.address().to_string(), kind, |_| ());
    let stop = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let mut sides = Vec::new();
        for id in [1, 2] {
            let (a, b) = (ours.channel(id).unwrap(), theirs.channel(id).unwrap());
            let (stop_a, stop_b) = (stop.clone(), Arc::new(AtomicBool::new(false)));
            sides.push((scope.spawn(move || chatter(a, 10, 0, &stop_a)), scope.spawn(move || chatter(b, u32::MAX, 128, &stop_b))));
        }
        std::thread::sleep(SECOND / 2);
        disturb(relay);
        std::thread::sleep(SECOND / 2);
        stop.store(true, Ordering::Relaxed);
        for (a, b) in sides {
            assert_eq!(a.join().unwrap(), b.join().unwrap());
        }
    });
    (ours, theirs)
}

#[test]
fn a_cut_is_a_pause() {
    let pair = Pair::new();
    let relay = relayed(&pair);
    for kind in BOTH {
        let (ours, theirs) = through(&pair, &relay, kind, |relay| {
            relay.cut();
            std::thread::sleep(3 * SECOND);
            relay.restore();
            std::thread::sleep(3 * SECOND);
        });
        assert_eq!(ours.state(), SessionState::Connected { carrier: kind });
        close_both(&ours, &theirs);
    }
}

#[test]
fn severed_tcp_connections_and_lost_datagrams_are_a_pause() {
    let pair = Pair::new();
    let relay = relayed(&pair);
    let (ours, theirs) = through(&pair, &relay, CarrierKind::Tcp, |relay| {
        for _ in 0..5 {
            relay.sever();
            std::thread::sleep(SECOND / 2);
        }
    });
    close_both(&ours, &theirs);
    let (ours, theirs) = through(&pair, &relay, CarrierKind::Quic, |relay| {
        relay.set_loss(0.02);
        std::thread::sleep(2 * SECOND);
        relay.set_loss(0.0);
    });
    close_both(&ours, &theirs);
}

#[test]
fn the_carrier_changes_when_udp_dies() {
    let pair = Pair::new();
    let relay = relayed(&pair);
    let (ours, theirs) = through(&pair, &relay, CarrierKind::Auto, |relay| {
        relay.cut_only(CarrierKind::Quic);
        std::thread::sleep(6 * SECOND);
    });
    assert_eq!(ours.state(), SessionState::Connected { carrier: CarrierKind::Tcp });
    assert_eq!(theirs.state(), SessionState::Connected { carrier: CarrierKind::Tcp });
    close_both(&ours, &theirs);
}

#[test]
fn a_cut_above_the_limit_loses_the_peer_on_both_sides() {
    let pair = Pair::new();
    let relay = relayed(&pair);
    for kind in BOTH {
        let (ours, theirs) = pair.join(&relay.address().to_string(), kind, |config| config.resume_limit = 2 * SECOND);
        let (mut a, mut b) = (ours.channel(1).unwrap(), theirs.channel(1).unwrap());
        relay.cut();
        let start = Instant::now();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || b.recv(STEP, Expect::AtMost(1)).unwrap_err());
            // a sender is let go as long as the replay buffer has room, then waits, then learns the same
            let error = a.recv(STEP, Expect::AtMost(1)).unwrap_err();
            assert!(matches!(&error, Error::PeerLost { party, after_s: 2 } if party == "health"), "{error}");
            let error = waiting.join().unwrap();
            assert!(matches!(&error, Error::PeerLost { party, after_s: 2 } if party == "bank"), "{error}");
        });
        assert!(start.elapsed() < 5 * SECOND, "{:?}", start.elapsed());
        assert!(matches!(a.send(STEP, Bytes::new()), Err(Error::Closed)), "given up by the channel");
        relay.restore();
    }
}

#[test]
fn the_replay_buffer_is_bounded() {
    let pair = Pair::new();
    let relay = relayed(&pair);
    let (ours, theirs) = pair.join(&relay.address().to_string(), CarrierKind::Quic, |config| config.replay_limit = 1 << 20);
    let (mut a, mut b) = (ours.channel(1).unwrap(), theirs.channel(1).unwrap());
    a.send(STEP, pattern(10, 0)).unwrap();
    b.recv(STEP, Expect::Exactly(10)).unwrap();
    relay.cut();
    std::thread::sleep(2 * SECOND);
    std::thread::scope(|scope| {
        let sent = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = sent.clone();
        let sender = scope.spawn(move || {
            for i in 0..40 {
                a.send(STEP, pattern(MESSAGE, i)).unwrap();
                count.fetch_add(1, Ordering::Relaxed);
            }
            a
        });
        std::thread::sleep(SECOND);
        let queued = sent.load(Ordering::Relaxed);
        assert!((5..=11).contains(&queued), "{queued} messages of {MESSAGE} bytes in a buffer of 1 MiB");
        relay.restore();
        for i in 0..40 {
            assert!(b.recv(STEP, Expect::Exactly(MESSAGE)).unwrap() == pattern(MESSAGE, i));
        }
        sender.join().unwrap();
    });
    close_both(&ours, &theirs);
}

#[test]
fn a_restarted_acceptor_is_noticed_at_once() {
    for kind in BOTH {
        let pair = Pair::new();
        let relay = Relay::start(pair.client.runtime.handle(), pair.server.endpoint.listen_address().unwrap()).unwrap();
        let (ours, theirs) = pair.join(&relay.address().to_string(), kind, |config| {
            config.resume_limit = 30 * SECOND;
            config.dead_after = 20 * SECOND; // noticed by the restarted process's answer, not by silence
        });
        let mut a = ours.channel(1).unwrap();
        let address = pair.server.endpoint.listen_address().unwrap();
        let Pair { health, bank, server, client } = pair;
        server.kill();
        drop(theirs);
        let restarted = start_on(&health, trusting(&[&bank]), address);
        let start = Instant::now();
        let error = a.recv(STEP, Expect::AtMost(1)).unwrap_err();
        assert!(matches!(&error, Error::PeerRestarted { party } if party == "health"), "{error}");
        assert!(start.elapsed() < 6 * SECOND, "{:?}", start.elapsed());
        drop((restarted, client));
    }
}

/// The port may take a moment to come back.
fn start_on(org: &super::nodes::Org, trust: yu_wire::trust::TrustStore, address: std::net::SocketAddr) -> Node {
    for _ in 0..100 {
        if std::net::UdpSocket::bind(address).is_ok() && std::net::TcpListener::bind(address).is_ok() {
            return Node::start(org, trust, Some(address));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("port {address} does not come back");
}

#[test]
fn a_restarted_dialler_is_noticed_at_once() {
    for kind in BOTH {
        let pair = Pair::new();
        let (ours, theirs) = pair.join(&pair.server.address(), kind, |config| config.resume_limit = 30 * SECOND);
        let mut b = theirs.channel(1).unwrap();
        let Pair { health, bank, server, client } = pair;
        client.kill();
        drop(ours);
        let again = Node::start(&bank, trusting(&[&health]), Some(loopback()));
        let start = Instant::now();
        let told = Session::dial_blocking(&again.endpoint, &server.address(), &health.name(), session("bank", "health", kind)).unwrap_err();
        assert!(matches!(told, Error::PeerRestarted { .. }), "{told}");
        let error = b.recv(STEP, Expect::AtMost(1)).unwrap_err();
        assert!(matches!(&error, Error::PeerRestarted { party } if party == "bank"), "{error}");
        assert!(start.elapsed() < 5 * SECOND, "{:?}", start.elapsed());
    }
}

/// The peer's node, but without the contract's key; and another trusted organisation with the right session id.
#[test]
fn nobody_else_can_take_a_session_over() {
    let pair = Pair::new();
    let mallory = super::nodes::Org::new(yu_wire::identity::Env::Dev, "mallory");
    pair.server.endpoint.trust().add(&mallory.name(), mallory.root.root_der()).unwrap();
    let third = Node::start(&mallory, trusting(&[&pair.health]), None);
    let (ours, theirs) = pair.join(&pair.server.address(), CarrierKind::Quic, |_| ());
    let (mut a, mut b) = (ours.channel(1).unwrap(), theirs.channel(1).unwrap());
    let mut forged = session("bank", "health", CarrierKind::Quic);
    forged.signer = Arc::new(super::nodes::Keys("mallory"));
    forged.establish_limit = 2 * SECOND;
    let same_node = Session::dial_blocking(&pair.client.endpoint, &pair.server.address(), &pair.health.name(), forged.clone());
    assert!(matches!(same_node, Err(Error::PeerFailed { .. })), "{same_node:?}");
    let other_node = Session::dial_blocking(&third.endpoint, &pair.server.address(), &pair.health.name(), forged);
    assert!(matches!(other_node, Err(Error::PeerLost { .. })), "{other_node:?}");
    a.send(STEP, pattern(10, 0)).unwrap();
    assert_eq!(b.recv(STEP, Expect::Exactly(10)).unwrap(), pattern(10, 0));
    close_both(&ours, &theirs);
}

#[test]
fn an_abort_during_a_cut_is_told_afterwards() {
    let pair = Pair::new();
    let relay = relayed(&pair);
    let (ours, theirs) = pair.join(&relay.address().to_string(), CarrierKind::Tcp, |_| ());
    let mut a = ours.channel(1).unwrap();
    relay.cut();
    std::thread::sleep(2 * SECOND);
    theirs.abort("job.halted");
    std::thread::sleep(SECOND / 2);
    relay.restore();
    let error = a.recv(STEP, Expect::AtMost(1)).unwrap_err();
    assert!(matches!(&error, Error::PeerFailed { code, .. } if code == "job.halted"), "{error}");
}
