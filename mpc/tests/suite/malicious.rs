//! Every message of the engine against malicious parties is changed once: it is caught before anything is opened.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ndarray::Ix1;
use yu_mpc::conformance::share;
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Product, Way};
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

/// One frame of one party, to either neighbour, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) party: usize,
    pub(crate) number: usize,
}

pub(crate) fn is_opening(step: Step) -> bool {
    [Rep3Step::Open.step(), Rep3Step::OpenBits.step()].contains(&step)
}

/// What a run with one frame changed ends with.
pub(crate) struct Run {
    pub(crate) results: Vec<Result<Vec<Vec<u64>>>>,
    /// Steps of the frames that each party sent, in order.
    pub(crate) sent: [Vec<Step>; 3],
}

impl Run {
    /// Openings among the first frames of a party: each party sends one frame for each.
    fn openings(&self, party: usize, first: usize) -> usize {
        self.sent[party].iter().take(first).filter(|step| is_opening(**step)).count()
    }
}

/// Runs the engine at three parties; `change` makes of the target's frame what leaves instead.
pub(crate) fn run(
    target: Option<Target>,
    change: impl Fn(Frame) -> Vec<Frame> + Clone + Send + Sync + 'static,
    program: impl Fn(&mut Malicious) -> Result<Vec<Vec<u64>>> + Sync,
) -> Run {
    let sent: [Arc<Mutex<Vec<Step>>>; 3] = Default::default();
    let results = on_threads(ring(), |index, (prev, next)| {
        let watch = |channel: Channel| {
            let (sent, change) = (sent[index].clone(), change.clone());
            tamper(channel, move |frame| {
                let mut sent = sent.lock().unwrap();
                let here = Target { party: index, number: sent.len() };
                sent.push(frame.header.step);
                if target == Some(here) { change(frame) } else { vec![frame] }
            })
        };
        let mut engine = Malicious::new(index, &SESSION, watch(prev), watch(next), &mut rng(100 + index as u64))?;
        program(&mut engine)
    });
    Run { results, sent: sent.map(|sent| sent.lock().unwrap().clone()) }
}

pub(crate) fn honest(program: impl Fn(&mut Malicious) -> Result<Vec<Vec<u64>>> + Sync) -> Run {
    let honest = run(None, |frame| vec![frame], program);
    let expected = honest.results[0].as_ref().unwrap();
    assert!(honest.results.iter().all(|result| result.as_ref().is_ok_and(|got| got == expected)));
    honest
}

/// One bit is another one: of the first byte, in a shuffle of any.
fn flipped(frame: &Frame) -> Frame {
    let mut payload = frame.payload.to_vec();
    let at = if frame.header.step == Rep3Step::Shuffle.step() { 7919 % payload.len().max(1) } else { 0 };
    if let Some(byte) = payload.get_mut(at) {
        *byte ^= 1;
    }
    frame.clone().with_payload(payload)
}

/// Flips a bit of each wanted frame of each party, one frame in each run, and sees that it is caught before anything is opened;
/// returns the steps of these frames.
pub(crate) fn flip_each(
    wanted: impl Fn(usize, Step) -> bool,
    program: impl Fn(&mut Malicious) -> Result<Vec<Vec<u64>>> + Sync,
) -> BTreeSet<Step> {
    let honest = honest(&program);
    let expected = honest.results[0].as_ref().unwrap();
    let mut seen = BTreeSet::new();
    for party in 0..3 {
        for (number, step) in honest.sent[party].iter().copied().enumerate() {
            // another input is not a deviation
            if step == Rep3Step::Input.step() || !wanted(number, step) {
                continue;
            }
            let cheated = run(Some(Target { party, number }), |frame| vec![flipped(&frame)], &program);
            let place = format!("party {party}, frame {number}, step {step}");
            assert_eq!(cheated.sent[party][number], step, "{place}: runs repeat until the change");
            seen.insert(step);
            for other in [1, 2].map(|more| (party + more) % 3) {
                if let Ok(values) = &cheated.results[other] {
                    assert!(agree(expected, values), "{place}: a wrong result was accepted");
                }
                // the party that was told something else in an opening notices
                if !is_opening(step) && step != Check::Digest.step() {
                    assert!(cheated.results[other].is_err(), "{place}: an honest party went on");
                    // a false complaint to one party does not bind the other: all proofs did hold
                    let opened = cheated.openings(other, usize::MAX);
                    let before = honest.openings(party, number) + usize::from(step == Check::Verdict.step());
                    assert!(opened <= before, "{place}: an honest party opened something");
                }
            }
            assert!(cheated.results.iter().any(Result::is_err), "{place}: not noticed");
        }
    }
    seen
}

/// Input, product, truncation, scalar product, matrix product, comparison, selection, shuffles there and back, opening of words
/// and bits.
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
    let by = engine.draw_shuffle(LEN)?;
    let moved = engine.shuffle(&by, &[x.words(), y.words()], Way::Forward)?;
    let sums = engine.multiply(&[Product::Dots { left: &moved[0], right: &moved[1], terms: LEN }], 0)?;
    let back = engine.shuffle(&by, &[&moved[1]], Way::Back)?;
    let mut opened = engine.open(&[&products[0], &products[1], &products[2], chosen.words(), &sums[0], &back[0]])?;
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
    let mut seen = flip_each(|_, _| true, everything);
    // inputs: nobody accepts a wrong result, as every result of a changed input is right
    seen.insert(Rep3Step::Input.step());
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
        Rep3Step::Shuffle,
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

/// Products and scalar products, more than what one check takes: it is checked in parts, and the last part of each is like the first.
#[test]
fn long_operations_are_checked_in_parts_as_predicted() {
    const EACH: usize = (1 << 22) + 5;
    const ROWS: usize = (1 << 19) / 10 + 3;
    let operand =
        |len: usize, seed: u64| -> Vec<u64> { (0..len as u64).map(|at| (at ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect() };
    let inputs = [operand(EACH, 1), operand(EACH, 2), operand(5 * ROWS, 3), operand(5 * ROWS, 4)];
    fn program<E: Engine>(engine: &mut E, inputs: &[Vec<u64>], index: Option<usize>) -> Result<Vec<Vec<u64>>> {
        let shared = share(engine, inputs, index)?;
        let products = [Product::Each(&shared[0], &shared[1]), Product::Dots { left: &shared[2], right: &shared[3], terms: 5 }];
        let results = engine.multiply(&products, 0)?;
        engine.open(&results.iter().collect::<Vec<_>>())
    }
    let mut dry = Dry::<Malicious>::new(&NAMES);
    program(&mut dry, &inputs, None).unwrap();
    let cost = dry.cost().unwrap();
    let expected = program(&mut yu_mpc::clear::Clear, &inputs, None).unwrap();
    // what comes from P0 in the last frame of the products, or not at all
    for cheats in [false, true] {
        let results = on_threads(ring(), |index, (prev, next)| {
            let prev = tamper(prev, move |frame| {
                let mut payload = frame.payload.to_vec();
                let is_last = frame.header.step == Rep3Step::Multiply.step() && payload.len() < 1 << 18;
                if cheats && index == 0 && is_last {
                    *payload.last_mut().unwrap() ^= 0x80;
                }
                vec![frame.with_payload(payload)]
            });
            let mut engine = Malicious::new(index, &SESSION, prev, next, &mut rng(9 + index as u64))?;
            Ok((program(&mut engine, &inputs, Some(index))?, engine.totals()))
        });
        for (name, result) in NAMES.iter().zip(results) {
            if cheats && *name != NAMES[0] {
                assert!(result.is_err(), "{name} went on");
            } else if !cheats {
                let (opened, totals): (Vec<Vec<u64>>, _) = Result::unwrap(result);
                let predicted = cost.party(name).unwrap();
                assert!(opened == expected, "{name} has another result");
                assert_eq!((totals.bytes_sent, totals.rounds), (predicted.bytes_sent, predicted.rounds));
            }
        }
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
    let honest = honest(program);
    let mut named = BTreeSet::new();
    for (number, step) in honest.sent[1].iter().copied().enumerate() {
        let cheated = run(Some(Target { party: 1, number }), |frame| vec![flipped(&frame)], program);
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
