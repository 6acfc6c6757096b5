//! What a peer can get wrong is noticed where it can be, with the right culprit.

use bytes::Bytes;
use ndarray::Array1;
use yu_mpc::psi::party::{Masking, Offer};
use yu_mpc::psi::{Hello, run};
use yu_mpc::rep3::{SealedShare, Share, reconstruct};
use yu_mpc::ring::Ring64;
use yu_mpc::stats::{Side, StatsPlan, agree};
use yu_mpc::{Error, stats};
use yu_wire::channel::Carry;
use yu_wire::frame::FrameHeader;
use yu_wire::seal::SealKey;
use yu_wire::step::Step;

use crate::world::{NAMES, ROLES, config, context, names, on_threads, ring, rng, three};

fn is_peer(error: &Error, name: &str, part: &str) -> bool {
    matches!(error, Error::Peer { culprit, what, .. } if culprit == name && what.contains(part))
}

fn masking(keys: &[String], theirs: u64) -> Masking<'_, String> {
    let (offer, _) = Offer::new(config("health"), keys, &mut rng(1)).unwrap();
    offer.accept("bank", Hello { rows: theirs }).unwrap()
}

fn points(keys: &[String]) -> Vec<u8> {
    let (offer, _) = Offer::new(config("bank"), keys, &mut rng(2)).unwrap();
    offer.accept("health", Hello { rows: 0 }).unwrap().next_points().unwrap().unwrap()
}

#[test]
fn broken_points_are_refused() {
    let (keys, good) = (names("k", 0..3), points(&names("k", 1..4)));
    let refused = |bytes: &[u8], part: &str| {
        let error = masking(&keys, 3).take_points(bytes).unwrap_err();
        assert!(is_peer(&error, "bank", part), "{error}");
    };
    let with = |point: [u8; 32]| [&good[..64], &point].concat();
    refused(&with([0; 32]), "identity");
    refused(&with([0xff; 32]), "canonical");
    // p + 1 and p: encodings of 1 and 0 that are not reduced
    let mut field = [0xff; 32];
    (field[0], field[31]) = (0xee, 0x7f);
    refused(&with(field), "canonical");
    // a negative field element (odd)
    refused(&with([&[1][..], &[0; 31]].concat().try_into().unwrap()), "canonical");
    refused(&with(good[..32].try_into().unwrap()), "twice");
    refused(&good[..95], "middle");
    refused(&[&good[..], &points(&names("x", 0..1))].concat(), "announced");
}

#[test]
fn missing_and_reflected_points_are_refused() {
    let keys = names("k", 0..3);
    let mut state = masking(&keys, 3);
    state.take_points(&points(&names("k", 0..2))).unwrap();
    assert!(is_peer(&state.finish().err().unwrap(), "bank", "`2` points"));

    let mut state = masking(&keys, 3);
    let own = state.next_points().unwrap().unwrap();
    assert!(is_peer(&state.take_points(&own).unwrap_err(), "bank", "twice"));
    // the other way round: the peer's points come first
    let mut state = masking(&keys, 3);
    let own = masking(&keys, 3).next_points().unwrap().unwrap();
    state.take_points(&own).unwrap();
    assert!(matches!(state.next_points(), Err(Error::Collision)));
}

#[test]
fn broken_tags_are_refused() {
    let keys = names("k", 0..3);
    let tagging = || {
        let mut state = masking(&keys, 3);
        state.next_points().unwrap();
        state.take_points(&points(&names("k", 1..4))).unwrap();
        state.finish().unwrap()
    };
    let len = tagging().expected_len();
    assert_eq!(len, 3 * 6);
    for wrong in [len - 1, len + 1, 0] {
        assert!(is_peer(&tagging().finish(&vec![0; wrong]).err().unwrap(), "bank", "bytes"));
    }
    assert!(is_peer(&tagging().finish(&vec![7; len]).err().unwrap(), "bank", "twice"));
    let distinct: Vec<u8> = (0..len).map(|at| (at / 6) as u8).collect();
    assert_eq!(tagging().finish(&distinct).unwrap().count(), 0);
}

/// What happens to the messages of a step on their way in.
#[derive(Clone, Copy)]
enum Fault {
    Truncate,
    Extend,
    Replay,
    Skip,
    OtherStep,
}

/// A carrier that damages the second frame that comes in.
struct Tamper {
    inner: Box<dyn Carry>,
    fault: Fault,
    seen: usize,
    kept: Option<(FrameHeader, Bytes)>,
}

impl Carry for Tamper {
    fn send_frame(&mut self, header: &FrameHeader, payload: Bytes) -> yu_wire::Result<()> {
        self.inner.send_frame(header, payload)
    }

    fn recv_frame(&mut self) -> yu_wire::Result<(FrameHeader, Bytes)> {
        self.seen += 1;
        let (mut header, payload) = match (self.seen, self.fault, self.kept.take()) {
            (2, Fault::Replay, Some(kept)) => return Ok(kept),
            (2, Fault::Skip, _) => {
                self.inner.recv_frame()?;
                self.inner.recv_frame()?
            }
            _ => self.inner.recv_frame()?,
        };
        self.kept = Some((header, payload.clone()));
        if self.seen != 2 {
            return Ok((header, payload));
        }
        let payload = match self.fault {
            Fault::Truncate => payload.slice(..payload.len() - 1),
            Fault::Extend => [&payload[..], &[0]].concat().into(),
            _ => payload,
        };
        if matches!(self.fault, Fault::OtherStep) {
            header.step = Step(header.step.0 ^ 1);
        }
        header.len = payload.len() as u32;
        Ok((header, payload))
    }

    fn flush(&mut self) -> yu_wire::Result<()> {
        self.inner.flush()
    }
}

#[test]
fn damaged_frames_name_the_peer() {
    for fault in [Fault::Truncate, Fault::Extend, Fault::Replay, Fault::Skip, Fault::OtherStep] {
        let (a, mut b) = yu_wire::memory::pair("health", "bank");
        let mut a = a.wrap(|inner| Box::new(Tamper { inner, fault, seen: 0, kept: None }));
        let peer = std::thread::spawn(move || run(&mut b, config("bank"), &names("k", 0..5), &mut rng(2)).map(drop));
        let error = run(&mut a, config("health"), &names("k", 3..9), &mut rng(1)).err().unwrap();
        assert!(is_peer(&error, "bank", ""), "{error}");
        drop(a);
        peer.join().unwrap().ok();
    }
}

#[test]
fn a_failed_session_stays_failed() {
    let errors = on_threads(ring(), |index, (prev, next)| {
        let (prev, next) = if index == 0 {
            (prev, next.wrap(|inner| Box::new(Tamper { inner, fault: Fault::Truncate, seen: 0, kept: None })))
        } else {
            (prev, next)
        };
        let mut ctx = context(index, (prev, next)).unwrap();
        let x = Share::<Ring64, _>::public(index, Array1::from_elem(4, 3).view()).unwrap();
        let first = ctx.mul(&x, &x).map(drop);
        let second = if index == 0 { ctx.mul(&x, &x).map(drop) } else { Ok(()) };
        (first, second)
    });
    assert!(is_peer(errors[0].0.as_ref().unwrap_err(), "bank", ""));
    assert!(matches!(errors[0].1, Err(Error::Caller(_))));
}

#[test]
fn different_counts_name_the_peer() {
    let side = |party: &str| Side { party: party.into(), columns: names("c", 0..1) };
    let plan = StatsPlan { left: side(NAMES[0]), right: side(NAMES[1]), helper: NAMES[2].into(), grouping: None, min_cell: 0 };
    let results = three(|ctx| {
        let n = [Some(5), Some(6), None][ctx.index()];
        agree(ctx, &plan, ROLES[ctx.index()], n)
    });
    assert!(is_peer(results[0].as_ref().unwrap_err(), "bank", "`6`"));
    assert!(is_peer(results[1].as_ref().unwrap_err(), "health", "`5`"));
    assert!(is_peer(results[2].as_ref().unwrap_err(), "bank", "`6`"));

    // the plan names other parties than the channels lead to
    let wrong = StatsPlan { helper: "other".into(), ..plan.clone() };
    let results = three(|ctx| agree(ctx, &wrong, ROLES[ctx.index()], [Some(5), Some(5), None][ctx.index()]).err());
    assert!(matches!(&results[0], Some(Error::Caller(what)) if what.contains("other")));
    // the layout that comes with shares is not trusted
    let mut layout = stats::Layout::of(&plan).unwrap();
    layout.blocks.swap(0, 1);
    let values = vec![0; layout.len()];
    assert!(stats::assemble(&layout, &values).is_err());
    assert!(stats::assemble(&stats::Layout::of(&plan).unwrap(), &values[1..]).is_err());
}

fn sealed(key: &SealKey, values: [&[u64]; 3]) -> [SealedShare; 3] {
    let public = key.public();
    three(|ctx| {
        let own = Array1::from(values[ctx.index()].to_vec());
        let share = Share::<Ring64, _>::public(ctx.index(), own.view()).unwrap();
        ctx.seal_output(&share, &public, b"info", b"aad", &mut rng(ctx.index() as u64)).unwrap()
    })
}

#[test]
fn contradicting_shares_name_suspects() {
    let key = SealKey::generate(&mut rng(5));
    let open = |shares: &[SealedShare; 3], info: &[u8], aad: &[u8]| reconstruct(&key, NAMES, shares, info, aad);
    let good = sealed(&key, [&[5, 6], &[5, 6], &[5, 6]]);
    assert_eq!(*open(&good, b"info", b"aad").unwrap(), [5, 6]);
    // in any order
    let turned = [good[2].clone(), good[0].clone(), good[1].clone()];
    assert_eq!(*open(&turned, b"info", b"aad").unwrap(), [5, 6]);

    // x_0 comes from P0 and P2
    let wrong = sealed(&key, [&[5, 6], &[5, 6], &[5, 7]]);
    let error = open(&wrong, b"info", b"aad").unwrap_err();
    assert!(matches!(&error, Error::Inconsistent { suspects } if *suspects == ["health", "platform"]), "{error}");
    let short = sealed(&key, [&[5, 6], &[5], &[5, 6]]);
    assert!(matches!(open(&short, b"info", b"aad"), Err(Error::Inconsistent { .. })));

    for (info, aad) in [(&b"other"[..], &b"aad"[..]), (b"info", b"other")] {
        assert!(is_peer(&open(&good, info, aad).unwrap_err(), "health", "does not open"));
    }
    let mut damaged = good.clone();
    damaged[1].sealed.ciphertext[3] ^= 1;
    assert!(is_peer(&open(&damaged, b"info", b"aad").unwrap_err(), "bank", "does not open"));
    // a share cannot pass as another party's or as a longer one
    let mut renamed = good.clone();
    (renamed[1].party, renamed[2].party) = (2, 1);
    assert!(is_peer(&open(&renamed, b"info", b"aad").unwrap_err(), "bank", "does not open"));
    let mut longer = good.clone();
    longer[0].len = u64::MAX;
    assert!(is_peer(&open(&longer, b"info", b"aad").unwrap_err(), "health", ""));
    let twice = [good[0].clone(), good[0].clone(), good[1].clone()];
    assert!(matches!(open(&twice, b"info", b"aad"), Err(Error::Caller(_))));
}
