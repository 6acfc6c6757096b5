//! The sums under both trainings: what travels, message by message, and what a party does not answer.

use std::thread::{JoinHandle, spawn};

use sha2::{Digest, Sha256};
use yu_fedlearn::data::Dataset;
use yu_fedlearn::star::StarStep;
use yu_fedlearn::train::Aggregation;
use yu_fedlearn::trees::{Boosting, horizontal};
use yu_wire::channel::{Channel, Expect};
use yu_wire::codec;

use crate::world::{TASK, Training, World, blames_the_coordinator, undisturbed};

/// Of each exchange: stage, bytes down and up, without round and stage.
type Course = Vec<(u8, usize, usize)>;

/// Carries what is said between a coordinator and a party, and notes it. The last word is left out.
fn carry(mut up: Channel, mut down: Channel) -> JoinHandle<(Course, Sha256)> {
    spawn(move || {
        let (mut course, mut all, mut last) = (Course::new(), Sha256::new(), 0);
        while let Ok(question) = up.recv(StarStep::Question, Expect::AtMost(1 << 24)) {
            let (round, stage, asked) = (u32::from_le_bytes(question[..4].try_into().unwrap()), question[4], question.len() - 5);
            all.update(&question);
            down.send(StarStep::Question, question).unwrap();
            let Ok(answer) = down.recv(StarStep::Answer, Expect::AtMost(1 << 24)) else { break };
            all.update(&answer);
            assert!(answer[..5] == [&round.to_le_bytes()[..], &[stage]].concat() && round >= last);
            course.push((stage, asked, answer.len() - 5));
            up.send(StarStep::Answer, answer).unwrap();
            last = round;
        }
        (course, all)
    })
}

/// What one party is asked and answers in a whole training, if all are asked the same.
fn listen<S: Training>(world: &World<S>) -> Course {
    let (mut ours, mut carriers, mut threads) = (Vec::new(), Vec::new(), Vec::new());
    for (party, name) in world.plan.parties.iter().enumerate() {
        let (line, up) = yu_wire::memory::pair("platform", name);
        let (down, theirs) = yu_wire::memory::pair("platform", name);
        ours.push(line);
        carriers.push(carry(up, down));
        threads.push(world.alone(party, theirs));
    }
    let done = undisturbed(&world.plan, ours).unwrap();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap().unwrap() == done.bytes));
    drop(done.lines);
    let told: Vec<_> = carriers.into_iter().map(|carrier| carrier.join().unwrap()).collect();
    let mut all = Sha256::new();
    told.iter().for_each(|(_, bytes)| all.update(bytes.clone().finalize()));
    println!("WIRE {}", hex::encode(all.finalize()));
    assert!(told.windows(2).all(|pair| pair[0].0 == pair[1].0));
    told.into_iter().next().unwrap().0
}

fn gradients(aggregation: Aggregation) -> World<yu_fedlearn::train::Settings> {
    let mut world = crate::train::World::new(3, crate::train::settings(aggregation, 2));
    world.rows = (0..3).map(|party| crate::train::rows(party, 60)).collect();
    world
}

fn trees(aggregation: horizontal::Aggregation) -> World<horizontal::Settings> {
    use crate::horizontal::world::{rows, settings, small};
    let rows: Vec<Dataset> = (0..3).map(|party| rows(60, party)).collect();
    crate::horizontal::world::World::new(rows, settings(aggregation, Boosting { trees: 2, depth: 2, ..small() }))
}

#[test]
fn what_gradients_send() {
    let secure = |malicious| Aggregation::Secure { bits: 20, bound: 1.0, malicious };
    for aggregation in [Aggregation::Clear, secure(false), secure(true)] {
        println!("COURSE {:?}", listen(&gradients(aggregation)));
    }
}

#[test]
fn what_trees_send() {
    let secure = |malicious| horizontal::Aggregation::Secure { malicious };
    for aggregation in [horizontal::Aggregation::DangerClear, secure(false), secure(true)] {
        println!("COURSE {:?}", listen(&trees(aggregation)));
    }
}

/// Stages of the sums beside [`TASK`].
const KEYS: u8 = 0;
const SHARES: u8 = 1;
const READY: u8 = 2;
const CONSENT: u8 = 4;
const UNMASK: u8 = 5;

/// `keys` ask for so many sums from a number on; `task` is what both kinds of keys are not there for.
fn refuses<S: Training>(world: &World<S>, keys: impl Fn(u64, u32) -> Vec<u8>, task: &[u8]) {
    let blamed = |questions: &[(u8, Vec<u8>)], answered: usize, word: &str| {
        let (answers, ended) = world.ask(questions, None);
        assert_eq!(answers.into_iter().flatten().count(), answered, "{word}");
        blames_the_coordinator(ended, word);
    };
    let none = Vec::new;
    for (stage, word) in [
        (SHARES, "out of order"),
        (READY, "out of order"),
        (CONSENT, "before the beginning"),
        (UNMASK, "before the beginning"),
        (6, "not known"),
    ] {
        blamed(&[(stage, none())], 0, word);
    }
    for wrong in [keys(1, 0), keys(1, 17), keys(2, 16)] {
        blamed(&[(KEYS, wrong)], 0, "more sums than are agreed, or out of order");
    }
    blamed(&[(KEYS, vec![9; 9])], 0, "decode");
    blamed(&[(KEYS, keys(1, 16)), (READY, none())], 1, "out of order");
    blamed(&[(KEYS, keys(1, 16)), (SHARES, none())], 1, "decode");
    blamed(&[(KEYS, keys(1, 16)), (UNMASK, none())], 1, "before the beginning");
    blamed(&[(KEYS, keys(1, 16)), (TASK, task.to_vec())], 1, "without keys");
}

#[test]
fn keys_come_in_their_order_or_not_at_all() {
    let secure = Aggregation::Secure { bits: 20, bound: 1.0, malicious: false };
    // the number of the sum within its keys, and the number of the task
    let first = codec::encode(&(0u32, 0u32));
    refuses(&gradients(secure), |first, rounds| codec::encode(&(1u32, first, rounds)), &first);
    let digest: [u8; 32] = Sha256::new()
        .chain_update(b"yu-fedlearn/trees/model/v1")
        .chain_update(codec::encode(&(None::<u8>, Vec::<u8>::new())))
        .finalize()
        .into();
    let first = codec::encode(&(0u32, digest, None::<u8>, 0u32, Vec::<u8>::new(), 0u32));
    refuses(&trees(horizontal::Aggregation::default()), |first, rounds| codec::encode(&(1u32, 4u32, first, rounds)), &first);
    // longer vectors than are agreed
    let long = codec::encode(&(1u32, 1u32 << 20, 1u64, 1u32));
    let (_, ended) = trees(horizontal::Aggregation::default()).ask(&[(KEYS, long)], None);
    blames_the_coordinator(ended, "longer sums");
}
