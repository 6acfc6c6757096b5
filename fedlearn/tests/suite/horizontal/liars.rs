//! A coordinator that asks for more than is agreed, or tells other trees at the end.

use yu_fedlearn::Result;
use yu_fedlearn::trees::horizontal::Aggregation;
use yu_fedlearn::trees::{Cuts, Split, Tree};
use yu_wire::codec;

use super::world::{World, rows, settings, small};
use crate::world::{self, TASK};

type Start = Option<(f64, Vec<Cuts>)>;

/// A task as it travels: number within the set-up, digest, start, from, trees, task by its number and fields.
fn order(model: &(Start, Vec<Tree>), task: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let digest: [u8; 32] = Sha256::new().chain_update(b"yu-fedlearn/trees/model/v1").chain_update(codec::encode(model)).finalize().into();
    let mut bytes = codec::encode(&(0u32, digest, &model.0, 0u32, &model.1));
    bytes.extend_from_slice(task);
    bytes
}

fn start() -> Vec<u8> {
    codec::encode(&0u32)
}

fn cells(round: u32, asked: &[Vec<(u64, u8)>]) -> Vec<u8> {
    codec::encode(&(1u32, round, asked))
}

fn grow(tree: u32, splits: &[Option<Split>]) -> Vec<u8> {
    codec::encode(&(2u32, tree, splits))
}

fn world() -> World {
    World::new((0..3).map(|party| rows(100, party)).collect(), settings(Aggregation::DangerClear, small()))
}

/// How many raw tasks a party answers in the clear, and how it ends.
fn ask(questions: &[Vec<u8>], last: Option<&[u8]>) -> (usize, Result<Vec<u8>>) {
    let (answers, ended) = world().ask(&questions.iter().map(|question| (TASK, question.clone())).collect::<Vec<_>>(), last);
    (answers.into_iter().flatten().count(), ended)
}

fn blames_the_coordinator(questions: &[Vec<u8>], last: Option<&[u8]>, word: &str) {
    let (answered, ended) = ask(questions, last);
    assert_eq!(answered, questions.len() - usize::from(last.is_none()), "{word}");
    world::blames_the_coordinator(ended, word);
}

#[test]
fn what_was_told_is_never_told_otherwise() {
    let cuts: Vec<Cuts> = (0..3).map(|_| Cuts::new(vec![-0.5, 0.0, 0.5], false).unwrap()).collect();
    let tree = |leaf: f64| Tree { splits: vec![None; 7], leaves: vec![leaf; 8] };
    let begun = (Some((0.1, cuts.clone())), Vec::new());
    let with = |trees: Vec<Tree>| (Some((0.1, cuts.clone())), trees);
    let none = (None, Vec::new());
    let root = order(&begun, &grow(0, &[]));
    let split = |feature, bin| Some(Split { feature, bin });
    let first = order(&begun, &grow(0, &[split(0, 1)]));
    blames_the_coordinator(&[order(&none, &grow(0, &[]))], None, "out of order");
    blames_the_coordinator(&[root.clone(), first.clone(), order(&begun, &grow(0, &[split(1, 1)]))], None, "out of order");
    blames_the_coordinator(&[root.clone(), first.clone(), root.clone()], None, "out of order");
    blames_the_coordinator(&[root.clone(), order(&begun, &grow(0, &[split(0, 3)]))], None, "out of order");
    blames_the_coordinator(&[root.clone(), order(&begun, &grow(0, &[split(7, 0)]))], None, "out of order");
    blames_the_coordinator(&[root.clone(), order(&begun, &grow(1, &[]))], None, "out of order");
    let second = order(&with(vec![tree(0.2)]), &grow(1, &[]));
    blames_the_coordinator(&[second.clone(), order(&with(vec![tree(0.3)]), &grow(1, &[]))], None, "another tree");
    blames_the_coordinator(&[order(&with(vec![tree(90.0)]), &grow(1, &[]))], None, "cannot be");
    blames_the_coordinator(&[second, order(&(Some((0.2, cuts)), vec![tree(0.2)]), &grow(1, &[]))], None, "other bins");
    blames_the_coordinator(&[root, order(&begun, &codec::encode(&3u32))], None, "before the last tree");
    blames_the_coordinator(&[vec![1, 2, 3]], None, "decode");
}

#[test]
fn cells_go_on_from_those_before() {
    let none = (None, Vec::new());
    let at = |round, asked: &[Vec<(u64, u8)>]| order(&none, &cells(round, asked));
    let whole = || vec![vec![(0u64, 64u8)]; 3];
    let part = |cell: (u64, u8)| vec![vec![cell], vec![], vec![]];
    let (first, second) = (at(0, &whole()), at(1, &part((0xb << 60, 60))));
    let (answered, ended) = ask(&[order(&none, &start()), first.clone(), second.clone(), second.clone()], None);
    assert!(answered == 4 && ended.is_err());
    // a range at once that nobody led to, one that is none, two that overlap, parts of other cells
    blames_the_coordinator(&[at(0, &part((0xb << 60, 60)))], None, "not agreed");
    blames_the_coordinator(&[at(3, &part((5, 60)))], None, "not agreed");
    blames_the_coordinator(&[at(2, &[vec![(0, 60), (0, 56)], vec![], vec![]])], None, "not agreed");
    blames_the_coordinator(&[first, second, at(2, &part((0x12 << 56, 56)))], None, "no parts");
    blames_the_coordinator(&[order(&none, &start()), at(0, &whole())], Some(b"{}"), "trained trees");
    // what was answered is not gone back behind
    blames_the_coordinator(&[at(0, &whole()), order(&none, &start())], None, "before the last one");
}

#[test]
fn the_last_word_is_about_the_trees_that_were_told() {
    let (trained, bytes, _) = world().run().unwrap();
    let told = (Some((trained.forest.base, trained.cuts.clone())), trained.forest.trees.clone());
    let question = order(&told, &codec::encode(&3u32));
    assert_eq!(ask(std::slice::from_ref(&question), Some(&bytes)).1.unwrap(), bytes);
    let mut other = trained;
    other.forest.trees[1].leaves[0] += 1e-9;
    blames_the_coordinator(&[question], Some(&other.to_bytes().unwrap()), "other trees");
}

/// What a party was told lies in what it stored: after a restart the coordinator cannot tell other bins or trees, and asks about finer cuts of its rows.
#[test]
fn what_was_told_is_never_told_otherwise_after_a_restart() {
    use std::time::Duration;

    use rand::SeedableRng;
    use yu_fedlearn::star::{Answer, Place, Star};
    use yu_fedlearn::trees::horizontal::{Party, take_part};

    const LIMIT: Duration = Duration::from_secs(20);
    let cuts = |end: f64| -> Vec<Cuts> { (0..3).map(|_| Cuts::new(vec![end], false).unwrap()).collect() };
    let of = |end: f64| (Some((0.1, cuts(end))), Vec::new());
    let run = |stored: Option<Vec<u8>>, question: Vec<u8>| {
        let (ours, mut line) = yu_wire::memory::pair("platform", "party-0");
        let party = std::thread::spawn(move || {
            let (world, signer, verifier, mut kept) = (world(), world::key(0), world::ring(3), Vec::new());
            let keep = &mut |state: &[u8]| {
                kept = state.to_vec();
                Ok(())
            };
            let rows = world.rows[0].clone();
            let with = Party { index: 0, rows, signer: &signer, verifier: &verifier, resume: stored.as_deref(), keep, told: &mut |_| {} };
            let ended = take_part(&world.plan, &mut line, with, &mut rand_chacha::ChaCha20Rng::seed_from_u64(1)).map(|(_, bytes)| bytes);
            (kept, ended)
        });
        let mut star = Star::new(vec![ours]);
        let answers = star.ask(Place { round: 1, stage: TASK }, vec![Some(question)], 1 << 20, LIMIT).unwrap();
        let answered = answers.into_iter().filter_map(Answer::said).count();
        drop(star);
        let (kept, ended) = party.join().unwrap();
        (answered, kept, ended)
    };
    let (answered, kept, _) = run(None, order(&of(0.0), &grow(0, &[])));
    assert_eq!(answered, 1);
    assert_eq!(run(Some(kept.clone()), order(&of(0.0), &grow(0, &[]))).0, 1, "the same again");
    let (answered, _, ended) = run(Some(kept.clone()), order(&of(0.25), &grow(0, &[])));
    assert_eq!(answered, 0);
    world::blames_the_coordinator(ended, "before a restart");
    // nor one level about another set of splits
    let other = order(&of(0.0), &cells(0, &[vec![], vec![], vec![]]));
    assert_eq!(run(Some(kept), other).0, 0);
}
