//! What one side sends the other receives, and both count the same bytes, frames, messages and rounds.

use std::thread;

use bytes::Bytes;
use proptest::prelude::*;
use yu_wire::channel::{Channel, Expect, exchange_ring_u64};
use yu_wire::frame::{CHUNK, frame_count, framed_len};
use yu_wire::memory;
use yu_wire::step::Step;

const LANE: usize = CHUNK / 8;

/// Lengths around the borders of a frame.
const LENGTHS: [usize; 9] = [0, 1, 7, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 3 * CHUNK + 5];

fn pattern(len: usize) -> Bytes {
    (0..len).map(|i| (i % 251) as u8).collect::<Vec<_>>().into()
}

fn numbers(len: usize, seed: u64) -> Vec<u64> {
    (0..len as u64).map(|i| (i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
}

#[test]
fn messages_of_every_length_arrive_and_are_metered_exactly() {
    for exact in [true, false] {
        let (mut a, mut b) = memory::pair("a", "b");
        let (mut bytes, mut frames) = (0, 0);
        for (i, len) in LENGTHS.into_iter().enumerate() {
            let step = Step(i as u32);
            a.send(step, pattern(len)).unwrap();
            let expect = if exact { Expect::Exactly(len) } else { Expect::AtMost(len) };
            assert_eq!(b.recv(step, expect).unwrap(), pattern(len));
            bytes += framed_len(len as u64);
            frames += frame_count(len as u64);
        }
        let (sent, received) = (a.meter().totals(), b.meter().totals());
        assert_eq!((sent.bytes_sent, sent.frames_sent, sent.messages_sent), (bytes, frames, LENGTHS.len() as u64));
        assert_eq!((received.bytes_received, received.frames_received), (bytes, frames));
        assert_eq!((sent.bytes_received, received.bytes_sent), (0, 0));
        assert_eq!((sent.rounds, received.rounds), (1, 1), "messages that depend on nothing are one round");
        assert_eq!(a.meter().by_step().len(), LENGTHS.len());
    }
}

/// What every pair of fresh channels has to do, whatever carries it.
pub(crate) fn check_channel(mut a: Channel, mut b: Channel) {
    const SMALL: Step = Step(1);
    const LARGE: Step = Step(2);
    let large = 33 * LANE + 9;
    let other = thread::spawn(move || {
        for len in LENGTHS {
            let got = b.recv(SMALL, Expect::Exactly(len)).unwrap();
            b.send(SMALL, got).unwrap();
        }
        let mut got = vec![0; large];
        b.exchange_slice_u64(LARGE, &numbers(large, 2), &mut got).unwrap();
        assert_eq!(got, numbers(large, 1));
        // stay until the other side has read everything
        b.recv(SMALL, Expect::Exactly(0)).unwrap();
        b.meter().totals()
    });
    for len in LENGTHS {
        a.send(SMALL, pattern(len)).unwrap();
        assert_eq!(a.recv(SMALL, Expect::AtMost(len)).unwrap(), pattern(len));
    }
    let mut got = vec![0; large];
    a.exchange_slice_u64(LARGE, &numbers(large, 1), &mut got).unwrap();
    assert_eq!(got, numbers(large, 2));
    a.send(SMALL, Bytes::new()).unwrap();
    let (mine, theirs) = (a.meter().totals(), other.join().unwrap());
    let once = LENGTHS.iter().map(|len| framed_len(*len as u64)).sum::<u64>() + framed_len(8 * large as u64);
    assert_eq!((mine.bytes_received, theirs.bytes_sent), (once, once));
    assert_eq!((mine.bytes_sent, theirs.bytes_received), (once + 32, once + 32));
    // b's half of the exchange does not depend on its own last answer, nor does a's last message
    let rounds = 2 * LENGTHS.len() as u32 + 1;
    assert_eq!((mine.rounds, theirs.rounds), (rounds, rounds));
}

#[test]
fn every_carrier_in_memory_is_a_channel() {
    use yu_wire::shape::{Link, shaped_pair};
    let (a, b) = memory::pair("a", "b");
    check_channel(a, b);
    let (a, b) = shaped_pair("a", "b", Link { loss: 0.001, ..Link::LAN });
    check_channel(a, b);
    let (a, b) = memory::pair("a", "b");
    let (a, _tape) = yu_wire::record::record(a);
    check_channel(a, yu_wire::tamper::tamper(b, |frame| vec![frame]));
}

#[test]
fn an_answer_is_a_round_and_rounds_repeat() {
    for _ in 0..3 {
        let (mut a, mut b) = memory::pair("a", "b");
        let other = thread::spawn(move || {
            for _ in 0..10 {
                let ping = b.recv(Step(1), Expect::AtMost(8)).unwrap();
                b.send(Step(2), ping).unwrap();
            }
            b.meter().totals().rounds
        });
        for _ in 0..10 {
            a.send(Step(1), "ping".into()).unwrap();
            a.recv(Step(2), Expect::Exactly(4)).unwrap();
        }
        assert_eq!((a.meter().totals().rounds, other.join().unwrap()), (20, 20));
        assert_eq!(a.meter().by_step().iter().map(|(_, totals)| totals.rounds).collect::<Vec<_>>(), [10, 10]);
    }
}

#[test]
fn a_third_party_carries_the_depth_on() {
    let mut mesh = memory::mesh(&["a", "b", "c"]);
    let step = Step(1);
    let mut hop = |from: usize, to: usize| {
        mesh[from][to].as_mut().unwrap().send(step, "x".into()).unwrap();
        mesh[to][from].as_mut().unwrap().recv(step, Expect::Exactly(1)).unwrap();
        mesh[to][from].as_ref().unwrap().meter().totals().rounds
    };
    assert_eq!(hop(0, 1), 1);
    assert_eq!(hop(1, 2), 2);
    assert_eq!(hop(2, 0), 3);
    assert_eq!(hop(1, 0), 3, "b has received nothing since round 1: its message is round 2, and a is at 3 already");
}

#[test]
fn vectors_cross_in_one_round() {
    for (left, right) in [(0, 0), (0, 5), (5, 0), (LANE, LANE), (LANE + 1, 3), (40 * LANE + 1, 2 * LANE), (70 * LANE, 70 * LANE)] {
        // buffers smaller than the vectors: both sides would block if they sent first
        let limit = 40 * (CHUNK + 32);
        let meters = [yu_wire::meter::Meter::new(), yu_wire::meter::Meter::new()];
        let (mut a, mut b) = memory::pair_with(("a", meters[0].clone()), ("b", meters[1].clone()), 3, limit);
        let other = thread::spawn(move || {
            let mut got = vec![0; left];
            b.exchange_slice_u64(Step(1), &numbers(right, 2), &mut got).unwrap();
            (got, b.meter().totals())
        });
        let mut got = vec![0; right];
        a.exchange_slice_u64(Step(1), &numbers(left, 1), &mut got).unwrap();
        let (theirs, totals) = other.join().unwrap();
        assert_eq!(got, numbers(right, 2));
        assert_eq!(theirs, numbers(left, 1));
        assert_eq!(totals.rounds, 1);
        assert_eq!(totals.bytes_sent, framed_len(8 * right as u64));
        assert_eq!(totals.bytes_received, framed_len(8 * left as u64));
        assert_eq!(a.meter().totals().rounds, 1);
    }
}

#[test]
fn a_ring_turns_in_one_round() {
    let len = 3 * LANE + 17;
    let mut mesh = memory::mesh(&["0", "1", "2"]);
    let parties: Vec<_> = (0..3)
        .map(|i| {
            let mut next = mesh[i][(i + 1) % 3].take().unwrap();
            let mut prev = mesh[i][(i + 2) % 3].take().unwrap();
            thread::spawn(move || {
                let mut got = vec![0; len];
                exchange_ring_u64(Step(1), &mut next, &numbers(len, i as u64), &mut prev, &mut got).unwrap();
                assert_eq!(got, numbers(len, (i as u64 + 2) % 3));
                next.meter().totals()
            })
        })
        .collect();
    for party in parties {
        let totals = party.join().unwrap();
        assert_eq!((totals.rounds, totals.bytes_sent, totals.bytes_received), (1, framed_len(8 * len as u64), framed_len(8 * len as u64)));
    }
}

#[test]
fn slices_and_bytes_are_the_same_message() {
    let (mut a, mut b) = memory::pair("a", "b");
    let values = numbers(LANE + 3, 9);
    a.send_slice_u64(Step(1), &values).unwrap();
    let bytes = b.recv(Step(1), Expect::Exactly(8 * values.len())).unwrap();
    assert!(bytes.chunks(8).zip(&values).all(|(bytes, value)| bytes == value.to_le_bytes()));
    b.send(Step(2), bytes).unwrap();
    let mut got = vec![0; values.len()];
    a.recv_slice_u64(Step(2), &mut got).unwrap();
    assert_eq!(got, values);
}

#[test]
fn the_callers_mistakes_are_named_and_leave_the_channel_usable() {
    use yu_wire::Error;
    let (mut a, mut b) = memory::pair("a", "b");
    assert!(matches!(a.push("x".into()), Err(Error::Caller(_))));
    a.begin_send(Step(1), 3).unwrap();
    assert!(matches!(a.send(Step(2), "x".into()), Err(Error::Caller(_))));
    assert!(matches!(a.push("four".into()), Err(Error::Caller(_))));
    a.push("two".into()).unwrap();
    b.begin_recv(Step(1), Expect::Exactly(3)).unwrap();
    assert!(matches!(b.recv(Step(1), Expect::Exactly(3)), Err(Error::Caller(_))));
    assert_eq!(b.pull().unwrap().unwrap(), "two");
    assert_eq!(b.pull().unwrap(), None);
}

fn push_pieces(channel: &mut Channel, message: &Bytes, cuts: &[usize]) {
    channel.begin_send(Step(1), message.len() as u64).unwrap();
    let mut rest = message.clone();
    for cut in cuts {
        channel.push(rest.split_to((*cut).min(rest.len()))).unwrap();
        if rest.is_empty() {
            return;
        }
    }
    channel.push(rest).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn pieces_do_not_change_the_frames(len in 1..3 * CHUNK, cuts in proptest::collection::vec(0..CHUNK + 2, 0..6)) {
        let (mut a, mut b) = memory::pair("a", "b");
        let message = pattern(len);
        push_pieces(&mut a, &message, &cuts);
        b.begin_recv(Step(1), Expect::Exactly(len)).unwrap();
        let mut whole = Vec::new();
        let mut pieces = 0;
        while let Some(piece) = b.pull().unwrap() {
            whole.extend_from_slice(&piece);
            pieces += 1;
        }
        prop_assert_eq!(whole, message);
        prop_assert_eq!(pieces, frame_count(len as u64));
        prop_assert_eq!(a.meter().totals().bytes_sent, framed_len(len as u64));
    }
}
