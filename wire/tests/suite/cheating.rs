//! One test per check: what the peer breaks is refused, with the peer as culprit, and the channel is given up.

use bytes::Bytes;
use yu_wire::Error;
use yu_wire::channel::{Channel, Expect};
use yu_wire::frame::{CHUNK, FrameKind, MAX_ROUND, MORE};
use yu_wire::memory;
use yu_wire::step::{Step, Steps};
use yu_wire::tamper::{Frame, tamper};

#[derive(Clone, Copy)]
struct Named;

impl Steps for Named {
    fn step(self) -> Step {
        Step(1)
    }
    fn name(self) -> &'static str {
        "test.message"
    }
}

/// A cheating sender `a` and an honest receiver `b`.
fn cheat(with: impl FnMut(Frame) -> Vec<Frame> + Send + 'static) -> (Channel, Channel) {
    let (a, b) = memory::pair("a", "b");
    (tamper(a, with), b)
}

/// The receiver blames `a` at the right step, says `what`, and does not use the channel again.
fn assert_blamed(mut b: Channel, expect: Expect, what: &str) {
    match b.recv(Named, expect) {
        Err(Error::Peer { culprit, step, what: said }) => {
            assert_eq!((culprit.as_str(), step.as_str()), ("a", "test.message"));
            assert!(said.contains(what), "said `{said}`, expected `{what}`");
        }
        other => panic!("expected the peer to be blamed for `{what}`, got {other:?}"),
    }
    assert!(matches!(b.recv(Named, expect), Err(Error::Closed)));
    assert!(matches!(b.send(Named, Bytes::new()), Err(Error::Closed)));
}

fn one_message(with: impl FnMut(Frame) -> Vec<Frame> + Send + 'static, len: usize, what: &str) {
    let (mut a, b) = cheat(with);
    a.send(Named, vec![7; len].into()).unwrap();
    assert_blamed(b, Expect::Exactly(len), what);
}

fn each(mut change: impl FnMut(&mut Frame) + Send + 'static) -> impl FnMut(Frame) -> Vec<Frame> + Send {
    move |mut frame| {
        change(&mut frame);
        vec![frame]
    }
}

#[test]
fn another_step() {
    one_message(each(|f| f.header.step = Step(2)), 5, "expected step `0000.0001`, received `0000.0002`");
}

#[test]
fn another_channel() {
    one_message(each(|f| f.header.channel = 4), 5, "frame of channel `4` on channel `0`");
}

#[test]
fn a_control_frame() {
    one_message(each(|f| f.header.kind = FrameKind::Close), 5, "expected a data frame, received `Close`");
}

#[test]
fn unknown_flags() {
    one_message(each(|f| f.header.flags = 2), 5, "unknown flags `0x2`");
}

#[test]
fn rounds_out_of_range() {
    one_message(each(|f| f.header.round = 0), 5, "round `0`");
    one_message(each(|f| f.header.round = MAX_ROUND + 1), 5, "round `2147483649`");
    one_message(each(|f| f.header.round = u32::MAX), 5, "round `4294967295`");
}

#[test]
fn a_round_that_goes_back() {
    let mut round = 6;
    let (mut a, mut b) = cheat(each(move |f| {
        round -= 1;
        f.header.round = round;
    }));
    a.send(Named, "x".into()).unwrap();
    a.send(Named, "x".into()).unwrap();
    b.recv(Named, Expect::Exactly(1)).unwrap();
    assert_blamed(b, Expect::Exactly(1), "round went back from `5` to `4`");
}

#[test]
fn a_round_that_changes_within_a_message() {
    let mut round = 0;
    let change = move |f: &mut Frame| {
        round += 1;
        f.header.round = round;
    };
    one_message(each(change), CHUNK + 1, "round changed from `1` to `2` within a message");
}

#[test]
fn the_highest_round_is_taken_without_overflow_and_frames_nobody() {
    let (mut a, mut b) = cheat(each(|f| f.header.round = MAX_ROUND));
    a.send(Named, "x".into()).unwrap();
    b.recv(Named, Expect::Exactly(1)).unwrap();
    b.send(Named, "y".into()).unwrap();
    assert_eq!(a.recv(Named, Expect::Exactly(1)).unwrap(), "y", "an honest party's answer stays acceptable");
}

#[test]
fn shorter_and_longer_than_expected() {
    for (len, expect, what) in [
        (4, Expect::Exactly(5), "message of `4` bytes, expected exactly `5`"),
        (6, Expect::Exactly(5), "message of `6` bytes, expected exactly `5`"),
        (0, Expect::Exactly(5), "message of `0` bytes, expected exactly `5`"),
        (1, Expect::Exactly(0), "message of `1` bytes, expected exactly `0`"),
        (6, Expect::AtMost(5), "message of `6` bytes, expected at most `5`"),
        (CHUNK + 1, Expect::AtMost(CHUNK), "message continues after `262144` bytes"),
        (CHUNK + 1, Expect::Exactly(CHUNK), "message continues after `262144` bytes"),
        (CHUNK, Expect::Exactly(CHUNK + 1), "message of `262144` bytes, expected exactly `262145`"),
        (CHUNK + 2, Expect::Exactly(CHUNK + 1), "message of `262146` bytes, expected exactly `262145`"),
        (CHUNK + 2, Expect::AtMost(CHUNK + 1), "message of `262146` bytes, expected at most `262145`"),
        (2 * CHUNK + 1, Expect::AtMost(usize::MAX), ""),
    ] {
        let (mut a, mut b) = memory::pair("a", "b");
        a.send(Named, vec![7; len].into()).unwrap();
        if what.is_empty() {
            assert_eq!(b.recv(Named, expect).unwrap().len(), len);
        } else {
            assert_blamed(b, expect, what);
        }
    }
}

#[test]
fn a_vector_of_another_length() {
    for (sent, expected) in [(3, 4), (4, 3), (0, 1), (1, 0), (CHUNK / 8 + 1, CHUNK / 8)] {
        let (mut a, mut b) = memory::pair("a", "b");
        a.send_slice_u64(Named, &vec![1; sent]).unwrap();
        let refused = b.recv_slice_u64(Named, &mut vec![0; expected]);
        assert!(matches!(refused, Err(Error::Peer { culprit, .. }) if culprit == "a"), "{sent} for {expected}");
    }
}

#[test]
fn a_header_that_lies_about_the_length() {
    one_message(each(|f| f.header.len += 1), 5, "header announces `6` bytes, `5` came");
    one_message(each(|f| f.payload.truncate(3)), 5, "header announces `5` bytes, `3` came");
}

#[test]
fn an_oversized_frame() {
    one_message(|f| vec![f.with_payload(vec![0; CHUNK + 1])], 5, "payload of `262145` bytes, at most `262144` allowed");
    one_message(each(|f| f.header.len = u32::MAX), 5, "payload of `4294967295` bytes");
}

#[test]
fn a_message_that_never_ends() {
    let (mut a, b) = cheat(|f| {
        let frame = |i: u64| {
            let mut frame = f.clone();
            frame.header.seq = i;
            frame.header.flags = MORE;
            frame
        };
        (0..4).map(frame).collect()
    });
    a.send(Named, vec![7; CHUNK].into()).unwrap();
    assert_blamed(b, Expect::AtMost(3 * CHUNK), "message continues after `786432` bytes");
}

#[test]
fn small_frames_inside_a_message() {
    one_message(each(|f| f.header.flags = MORE), 5, "a frame of `5` bytes inside a message");
}

#[test]
fn an_empty_frame_after_the_end() {
    let (mut a, b) = cheat(|mut f| {
        f.header.flags = MORE;
        let mut tail = f.clone().with_payload(Bytes::new());
        tail.header.seq += 1;
        tail.header.flags = 0;
        vec![f, tail]
    });
    a.send(Named, vec![7; CHUNK].into()).unwrap();
    assert_blamed(b, Expect::AtMost(2 * CHUNK), "an empty frame after the end of a message");
}

#[test]
fn a_replayed_frame() {
    let (mut a, mut b) = cheat(|f| vec![f.clone(), f]);
    a.send(Named, "x".into()).unwrap();
    b.recv(Named, Expect::Exactly(1)).unwrap();
    assert_blamed(b, Expect::Exactly(1), "frame `0` replayed or out of order, expected `1`");
}

#[test]
fn reordered_frames() {
    let mut held = None;
    let (mut a, b) = cheat(move |f| match held.take() {
        None => {
            held = Some(f);
            vec![]
        }
        Some(first) => vec![f, first],
    });
    a.send(Named, "x".into()).unwrap();
    a.send(Named, "y".into()).unwrap();
    assert_blamed(b, Expect::Exactly(1), "frames missing: received `1`, expected `0`");
}

#[test]
fn a_dropped_frame() {
    let mut count = 0;
    let (mut a, mut b) = cheat(move |f| {
        count += 1;
        if count == 2 { vec![] } else { vec![f] }
    });
    for _ in 0..3 {
        a.send(Named, "x".into()).unwrap();
    }
    b.recv(Named, Expect::Exactly(1)).unwrap();
    assert_blamed(b, Expect::Exactly(1), "frames missing: received `2`, expected `1`");
}

#[test]
fn a_step_that_changes_within_a_message() {
    let mut count = 0;
    let change = move |f: &mut Frame| {
        count += 1;
        f.header.step = Step(count);
    };
    one_message(each(change), CHUNK + 1, "expected step `0000.0001`, received `0000.0002`");
}

#[test]
fn errors_do_not_quote_the_payload() {
    let (mut a, mut b) = memory::pair("a", "b");
    a.send(Named, "SECRET".into()).unwrap();
    let error = b.recv(Named, Expect::Exactly(5)).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("SECRET"));
}

/// Any change of any header byte: refused with the right culprit, or it changes nothing that the receiver relies on.
#[test]
fn every_flipped_header_bit_is_refused() {
    use yu_wire::frame::{FrameHeader, HEADER_LEN};
    for bit in 0..8 * HEADER_LEN {
        let (mut a, mut b) = memory::pair("a", "b");
        a = tamper(a, move |mut f| {
            let mut bytes = f.header.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match FrameHeader::decode(&bytes) {
                Ok(header) => {
                    f.header = header;
                    vec![f]
                }
                Err(fault) => {
                    // the carrier refuses the bytes before they become a frame
                    let broken = fault.blame("a");
                    assert!(matches!(&broken, Error::Peer { culprit, .. } if culprit == "a"));
                    vec![]
                }
            }
        });
        a.send(Named, vec![7; 5].into()).unwrap();
        drop(a);
        let is_round = (96..128).contains(&bit);
        match b.recv(Named, Expect::Exactly(5)) {
            Err(Error::Peer { culprit, .. }) => assert_eq!(culprit, "a"),
            Err(Error::PeerLost { .. }) => {}
            Ok(_) => assert!(is_round, "bit {bit} was not noticed: only a higher round can be"),
            Err(other) => panic!("bit {bit}: {other}"),
        }
    }
}
