//! Every message of the engine against malicious parties is changed once: it is caught before anything is opened.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::Ix1;
use yu_mpc::conformance::share;
use yu_mpc::engine::{Engine, Product};
use yu_mpc::rep3::malicious::Check;
use yu_mpc::rep3::{Malicious, Rep3Step, reconstruct};
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;
use yu_mpc::{Error, Result};
use yu_wire::channel::Channel;
use yu_wire::seal::SealKey;
use yu_wire::step::{Step, Steps};
use yu_wire::tamper::{Frame, tamper};

use crate::world::{NAMES, SESSION, on_threads, ring, rng};

/// More than one word of bits.
const LEN: usize = 70;

/// One frame of one party: to its successor or predecessor, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Target {
    party: usize,
    to_next: bool,
    number: usize,
}

fn is_opening(step: Step) -> bool {
    [Rep3Step::Open.step(), Rep3Step::OpenBits.step()].contains(&step)
}

/// What a run with one bit changed ends with.
struct Run {
    results: Vec<Result<Vec<Vec<u64>>>>,
    /// Step of the changed frame, if the run got there.
    step: Option<Step>,
    /// Frames of openings that honest parties sent.
    opened: usize,
    /// Frames to successor and predecessor of each party.
    frames: [[usize; 2]; 3],
}

fn run(target: Option<Target>, program: impl Fn(&mut Malicious) -> Result<Vec<Vec<u64>>> + Sync) -> Run {
    let counts: [[Arc<AtomicUsize>; 2]; 3] = Default::default();
    let (opened, changed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(usize::MAX)));
    let results = on_threads(ring(), |index, (prev, next)| {
        let watch = |channel: Channel, to_next: bool| {
            let (count, opened, changed) = (counts[index][usize::from(!to_next)].clone(), opened.clone(), changed.clone());
            tamper(channel, move |frame| {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let here = Target { party: index, to_next, number };
                if target == Some(here) {
                    changed.store(frame.header.step.0 as usize, Ordering::SeqCst);
                    return vec![flipped(&frame)];
                }
                if is_opening(frame.header.step) && target.is_some_and(|target| target.party != index) {
                    opened.fetch_add(1, Ordering::SeqCst);
                }
                vec![frame]
            })
        };
        let mut engine = Malicious::new(index, &SESSION, watch(prev, false), watch(next, true), &mut rng(100 + index as u64))?;
        program(&mut engine)
    });
    let step = changed.load(Ordering::SeqCst);
    Run {
        results,
        step: u32::try_from(step).ok().map(Step),
        opened: opened.load(Ordering::SeqCst),
        frames: counts.map(|counts| counts.map(|count| count.load(Ordering::SeqCst))),
    }
}

fn flipped(frame: &Frame) -> Frame {
    let mut payload = frame.payload.to_vec();
    if let Some(first) = payload.first_mut() {
        *first ^= 1;
    }
    frame.clone().with_payload(payload)
}

/// Input, product, truncation, scalar product, matrix product, comparison, selection, opening of words and bits.
fn everything(engine: &mut Malicious) -> Result<Vec<Vec<u64>>> {
    let index = engine.index();
    let inputs: Vec<Vec<u64>> =
        (0..2).map(|which| (0..LEN as u64).map(|at| at * (12_345 - which * 10_000) + which * 300_000).collect()).collect();
    let shared = share(engine, &inputs, Some(index))?;
    let [x, y] = [0, 1].map(|at: usize| Secret::<Malicious, Int, Ix1>::from_words(shared[at].clone(), Ix1(LEN)).unwrap());
    let products = [
        Product::Each(x.words(), y.words()),
        Product::Dots { left: x.words(), right: y.words(), terms: 7 },
        Product::Matrix { left: x.words(), right: y.words(), shape: [7, 10, 7] },
    ];
    let products = engine.multiply(&products, 5)?;
    let less = x.lt(engine, &y)?;
    let chosen = less.select(engine, &x, &y)?;
    let mut opened = engine.open(&[&products[0], &products[1], &products[2], chosen.words()])?;
    opened.push(engine.open_bits(&[less.bits()])?.remove(0).words().to_vec());
    Ok(opened)
}

/// Equal but for the rounding of truncated values.
fn agree(expected: &[Vec<u64>], got: &[Vec<u64>]) -> bool {
    let near = |(a, b): (&u64, &u64)| a.wrapping_sub(*b).wrapping_add(1) <= 2;
    expected.len() == got.len() && expected.iter().zip(got).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(near))
}

#[test]
fn every_message_is_checked() {
    let honest = run(None, everything);
    let expected = honest.results[0].as_ref().unwrap().clone();
    assert!(honest.results.iter().all(|result| result.as_ref().is_ok_and(|got| *got == expected)));
    let mut seen = BTreeSet::new();
    for party in 0..3 {
        for to_next in [true, false] {
            for number in 0..honest.frames[party][usize::from(!to_next)] {
                let cheated = run(Some(Target { party, to_next, number }), everything);
                let step = cheated.step.unwrap();
                let place =
                    format!("party {party}, to its {} frame {number}, step {step}", if to_next { "successor" } else { "predecessor" });
                seen.insert(step);
                let honest = |party: &usize| cheated.results[(*party + 1) % 3].is_err() && cheated.results[(*party + 2) % 3].is_err();
                for other in [1, 2] {
                    if let Ok(values) = &cheated.results[(party + other) % 3] {
                        // another input is not a deviation; nobody else may accept
                        assert!(step == Rep3Step::Input.step() || agree(&expected, values), "{place}: a wrong result was accepted");
                    }
                }
                if step == Rep3Step::Input.step() {
                    continue;
                }
                let last = is_opening(step) || step == Check::Digest.step();
                if last {
                    // the party that was told something else notices
                    assert!(cheated.results.iter().any(Result::is_err), "{place}: not noticed");
                } else {
                    assert!(honest(&party), "{place}: an honest party went on");
                    // a false complaint to one party does not bind the other: all proofs did hold
                    let is_complaint = step == Check::Verdict.step();
                    assert!(cheated.opened == 0 || is_complaint, "{place}: an honest party opened something");
                }
            }
        }
    }
    use Check::*;
    let checks = [
        Carries,
        SeedLow,
        SeedHigh,
        Total,
        Prime,
        Gram,
        Factors,
        Coefficients,
        Point,
        Fold,
        Verdict,
        Digest,
        TruncPlanes,
        TruncCarry,
        TruncTop,
        TruncWrap,
        Coins,
    ];
    let messages = [
        Rep3Step::Key,
        Rep3Step::Input,
        Rep3Step::Multiply,
        Rep3Step::And,
        Rep3Step::Addend,
        Rep3Step::LiftInput,
        Rep3Step::LiftLow,
        Rep3Step::LiftHigh,
        Rep3Step::Open,
        Rep3Step::OpenBits,
    ];
    let all: BTreeSet<Step> = checks.iter().map(|step| step.step()).chain(messages.iter().map(|step| step.step())).collect();
    assert_eq!(seen, all, "every kind of message was changed");
}

/// The top bit alone is wrong: a combination with coefficients from the ring would miss it every other time.
#[test]
fn a_wrong_top_bit_is_caught_every_time() {
    for seed in 0..40 {
        let results = on_threads(ring(), |index, (prev, next)| {
            let mut is_first = true;
            let prev = tamper(prev, move |frame| {
                let mut payload = frame.payload.to_vec();
                if index == 1 && frame.header.step == Rep3Step::Multiply.step() && std::mem::take(&mut is_first) {
                    payload[8 * (seed as usize % 60) + 7] ^= 0x80;
                }
                vec![frame.with_payload(payload)]
            });
            let mut engine = Malicious::new(index, &SESSION, prev, next, &mut rng(seed * 3 + index as u64))?;
            let shared = share(&mut engine, &[vec![3; LEN], vec![5; LEN]], Some(index))?;
            let z = engine.multiply(&[Product::Each(&shared[0], &shared[1])], 0)?;
            engine.open(&[&z[0]])
        });
        assert!(results[0].is_err() && results[2].is_err());
        let Err(Error::Peer { culprit, step, .. }) = &results[2] else { panic!("not the prover's fault: {:?}", results[2].as_ref().err()) };
        assert_eq!(culprit, NAMES[1]);
        assert!(step.contains("rep3.multiply"), "{step}");
    }
}

/// Errors name what was done since the last check.
#[test]
fn errors_name_the_steps() {
    let program = |engine: &mut Malicious| {
        let index = engine.index();
        let shared = share(engine, &[vec![3; LEN], vec![5; LEN]], Some(index))?;
        let both = engine.multiply(&[Product::Each(&shared[0], &shared[1])], 0)?;
        engine.verify()?;
        let [low, _] = engine.addends(&[&both[0]], 2)?.remove(0);
        let and = engine.and(&[(&low[0], &low[1])])?;
        engine.open_bits(&[&and[0]]).map(|bits| vec![bits[0].words().to_vec()])
    };
    let honest = run(None, program);
    assert!(honest.results.iter().all(Result::is_ok));
    let mut named = BTreeSet::new();
    for number in 0..honest.frames[1][1] {
        let cheated = run(Some(Target { party: 1, to_next: false, number }), program);
        let step = cheated.step.unwrap();
        for (message, label) in [(Rep3Step::Multiply, "rep3.multiply"), (Rep3Step::And, "rep3.and")] {
            if step == message.step() {
                let Err(Error::Peer { culprit, step, .. }) = &cheated.results[2] else { panic!("no fault of a peer") };
                assert_eq!(culprit, NAMES[1]);
                assert!(step.contains(label), "{step}");
                assert!(label == "rep3.and" || !step.contains("rep3.and"), "{step}");
                named.insert(label);
            }
        }
    }
    assert_eq!(named.len(), 2);
}

/// A batch that is full is checked by itself; the next operation on a failed session is refused.
#[test]
fn sealed_results_are_checked_first() {
    let key = SealKey::generate(&mut rng(5));
    let public = key.public();
    let sealed = |is_cheating: bool| {
        on_threads(ring(), |index, (prev, next)| {
            let prev = tamper(prev, move |frame| {
                let is_target = is_cheating && index == 2 && frame.header.step == Rep3Step::Multiply.step();
                vec![if is_target { flipped(&frame) } else { frame }]
            });
            let mut engine = Malicious::new(index, &SESSION, prev, next, &mut rng(index as u64))?;
            let shared = share(&mut engine, &[vec![3; 4], vec![5; 4]], Some(index))?;
            let z = engine.multiply(&[Product::Each(&shared[0], &shared[1])], 0)?;
            let sealed = engine.seal_output(&z[0], &public, b"info", b"aad", &mut rng(index as u64));
            if is_cheating && index != 2 {
                assert!(matches!(engine.multiply(&[Product::Each(&shared[0], &shared[1])], 0), Err(Error::Caller(_))));
            }
            sealed
        })
    };
    let good: Vec<_> = sealed(false).into_iter().map(Result::unwrap).collect();
    let values = reconstruct(&key, NAMES, &good.try_into().unwrap_or_else(|_| unreachable!()), b"info", b"aad").unwrap();
    assert_eq!(*values, [15; 4]);
    let bad = sealed(true);
    assert!(bad[0].is_err() && bad[1].is_err());
}

/// What is not verified is refused before any message.
#[test]
fn shuffles_are_refused() {
    let run = run(None, |engine| match engine.draw_shuffle(5) {
        Err(error @ Error::Caller(_)) => Err(error),
        _ => Ok(Vec::new()),
    });
    assert!(run.results.iter().all(|result| matches!(result, Err(Error::Caller(_)))));
    assert!(run.frames.iter().all(|[next, prev]| *next == 0 && *prev == 1), "keys only");
}
