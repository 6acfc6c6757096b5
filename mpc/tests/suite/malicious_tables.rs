//! Cheating in shuffles and in what is built on them: caught before anything is opened.

use yu_mpc::conformance::share;
use yu_mpc::engine::{Engine, Way};
use yu_mpc::rep3::{Malicious, Rep3Step};
use yu_mpc::table::{self, Grouping, Key, Side};
use yu_mpc::{Error, Result};
use yu_wire::step::{Step, Steps};
use yu_wire::tamper::Frame;

use crate::malicious::{Run, Target, flip_each, honest, run};
use crate::world::NAMES;

fn is_shuffle(step: Step) -> bool {
    step == Rep3Step::Shuffle.step()
}

/// Shuffles of one and of several columns, there and back, of one row and of more than a word.
fn shuffles(engine: &mut Malicious) -> Result<Vec<Vec<u64>>> {
    let index = engine.index();
    let inputs = [vec![7], (0..70).collect(), (0..70).map(|row| row * row).collect()];
    let shared = share(engine, &inputs, Some(index))?;
    let [one, many] = [engine.draw_shuffle(1)?, engine.draw_shuffle(70)?];
    let mut moved = engine.shuffle(&one, &[&shared[0]], Way::Forward)?;
    moved.extend(engine.shuffle(&many, &[&shared[1], &shared[2]], Way::Forward)?);
    moved.extend(engine.shuffle(&many, &[&shared[2]], Way::Back)?);
    engine.open(&moved.iter().collect::<Vec<_>>())
}

#[test]
fn every_message_of_a_shuffle_is_checked() {
    let seen = flip_each(|_, _| true, shuffles);
    assert!(seen.contains(&Rep3Step::Shuffle.step()));
}

/// All messages of the shuffles, and the others in turn.
fn sampled(stride: usize) -> impl Fn(usize, Step) -> bool {
    move |number, step| is_shuffle(step) || number % stride == 0
}

#[test]
fn messages_of_a_sort_are_checked() {
    let seen = flip_each(sampled(7), |engine| {
        let index = engine.index();
        let shared = share(engine, &[(0..70).map(|row| row * 37 % 16).collect(), (0..70).collect()], Some(index))?;
        let sorted = table::sort(engine, &[Key::unsigned(&shared[0], 4)], &[&shared[1]])?;
        engine.open(&[&sorted.keys[0], &sorted.columns[0]])
    });
    assert!(seen.contains(&Rep3Step::Shuffle.step()));
}

#[test]
fn messages_of_a_group_by_are_checked() {
    let seen = flip_each(sampled(31), |engine| {
        let index = engine.index();
        let shared = share(engine, &[(0..66).map(|row| row * 37 % 8).collect(), (0..66).collect()], Some(index))?;
        let keys = [Key::unsigned(&shared[0], 3)];
        let groups = table::group_by(engine, &Grouping::by(&keys).sums(&[&shared[1]]).extremes(Key::unsigned(&shared[1], 7)))?;
        let (Some(min), Some(max)) = (&groups.min, &groups.max) else { return Err(Error::Collision) };
        engine.open(&[&groups.is_group, &groups.counts, &groups.sums[0], min, max])
    });
    assert!(seen.contains(&Rep3Step::Shuffle.step()));
}

#[test]
fn messages_of_a_join_are_checked() {
    let seen = flip_each(sampled(61), |engine| {
        let index = engine.index();
        let column = |from: u64, word: usize| (from..from + 5).map(|id| table::digest(&[5; 32], &id.to_le_bytes())[word]).collect();
        let inputs = [column(0, 0), column(3, 0), (0..5).collect(), column(0, 1), column(3, 1), (0..5).collect()];
        let shared = share(engine, &inputs, Some(index))?;
        let left = Side { digests: [&shared[0], &shared[3]], columns: &[&shared[2]] };
        let right = Side { digests: [&shared[1], &shared[4]], columns: &[&shared[5]] };
        let joined = table::join(engine, &left, &right)?;
        engine.open(&[&joined.left[0], &joined.right[0], &joined.is_match, &joined.repeated])
    });
    assert!(seen.contains(&Rep3Step::Shuffle.step()));
}

/// Two public rows, `5` and `9`: an error that moves 4 from one to the other is another permutation (the rows change places), or
/// no permutation at all; an error of `2^63` in both disappears in their sum. Every message of both parties of every pass.
#[test]
fn errors_that_cancel_are_caught() {
    let program = |engine: &mut Malicious| {
        let column = engine.constant(&[5, 9]);
        let by = engine.draw_shuffle(2)?;
        let moved = engine.shuffle(&by, &[&column], Way::Forward)?;
        let back = engine.shuffle(&by, &[&moved[0]], Way::Back)?;
        engine.open(&[&moved[0], &back[0]])
    };
    let honest = honest(program);
    let mut changed = 0;
    for party in 0..3 {
        for number in (0..honest.sent[party].len()).filter(|number| is_shuffle(honest.sent[party][*number])) {
            for errors in [[4, 4u64.wrapping_neg()], [4u64.wrapping_neg(), 4], [1 << 63; 2]] {
                let change = move |frame: Frame| {
                    let words = frame.payload.chunks_exact(8).zip(errors);
                    let words = words.map(|(word, error)| u64::from_le_bytes(word.try_into().unwrap()).wrapping_add(error).to_le_bytes());
                    let payload = words.collect::<Vec<_>>().concat();
                    vec![frame.with_payload(payload)]
                };
                let cheated = run(Some(Target { party, number }), change, program);
                caught(&cheated, party);
                changed += 1;
            }
        }
    }
    // two shuffles of three passes of two messages
    assert_eq!(changed, 3 * 12);
}

/// Both others stop before the opening, and the right verifier, the prover's successor, blames it.
fn caught(cheated: &Run, party: usize) {
    for other in [1, 2].map(|more| (party + more) % 3) {
        assert!(cheated.results[other].is_err());
        assert!(!cheated.sent[other].contains(&Rep3Step::Open.step()));
    }
    let Err(Error::Peer { culprit, step, .. }) = &cheated.results[(party + 1) % 3] else { panic!("no fault of a peer") };
    assert_eq!(culprit, NAMES[party]);
    assert!(step.contains("rep3.shuffle"), "{step}");
}

/// A message of an earlier shuffle comes again, as new.
#[test]
fn an_earlier_message_is_caught() {
    let program = |engine: &mut Malicious| {
        let column = engine.constant(&[5, 9, 7]);
        let by = engine.draw_shuffle(3)?;
        let first = engine.shuffle(&by, &[&column], Way::Forward)?;
        let second = engine.shuffle(&by, &[&column], Way::Forward)?;
        engine.open(&[&first[0], &second[0]])
    };
    let honest = honest(program);
    for party in 0..3 {
        let numbers: Vec<usize> = (0..honest.sent[party].len()).filter(|number| is_shuffle(honest.sent[party][*number])).collect();
        let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
        // two messages in each shuffle
        let (old, new) = (numbers[0], numbers[2]);
        let keep = kept.clone();
        run(
            Some(Target { party, number: old }),
            move |frame| {
                *keep.lock().unwrap() = Some(frame.payload.clone());
                vec![frame]
            },
            program,
        );
        let old = kept.lock().unwrap().clone().unwrap();
        caught(&run(Some(Target { party, number: new }), move |frame| vec![frame.with_payload(old.clone())], program), party);
    }
}

/// What is wrong with the frames of a message of several.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Truncate,
    Extend,
    Repeat,
    /// As if the second frame came first.
    Late,
    OtherStep,
}

/// Whoever gets a broken message stops at once and names the sender.
#[test]
fn broken_messages_name_the_sender() {
    // a message of two frames
    const ROWS: usize = (yu_wire::frame::CHUNK + 800) / 8;
    let column: Vec<u64> = (0..ROWS as u64).collect();
    let program = |engine: &mut Malicious| {
        let by = engine.draw_shuffle(ROWS)?;
        engine.shuffle(&by, &[&engine.constant(&column)], Way::Forward)?;
        Ok(Vec::new())
    };
    let honest = honest(program);
    for fault in [Fault::Truncate, Fault::Extend, Fault::Repeat, Fault::Late, Fault::OtherStep] {
        for (party, name) in NAMES.iter().enumerate() {
            // the first message goes to the successor or to the predecessor, as the pass wants
            let number = honest.sent[party].iter().position(|step| is_shuffle(*step)).unwrap();
            let change = move |mut frame: Frame| match fault {
                Fault::Truncate => {
                    let payload = frame.payload.slice(..frame.payload.len() - 8);
                    vec![frame.with_payload(payload)]
                }
                Fault::Extend => {
                    let payload = [&frame.payload[..], &[0; 8]].concat();
                    vec![frame.with_payload(payload)]
                }
                Fault::Repeat => vec![frame.clone(), frame],
                Fault::OtherStep => {
                    frame.header.step = Rep3Step::Open.step();
                    vec![frame]
                }
                Fault::Late => {
                    frame.header.seq += 1;
                    vec![frame]
                }
            };
            let broken = run(Some(Target { party, number }), change, program);
            let blamed = broken.results.iter().any(|result| matches!(result, Err(Error::Peer { culprit, .. }) if culprit == name));
            assert!(blamed, "{fault:?} of {name}: {:?}", broken.results.iter().map(|result| result.as_ref().err()).collect::<Vec<_>>());
        }
    }
}
