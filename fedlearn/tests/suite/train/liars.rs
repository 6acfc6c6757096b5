//! A coordinator that asks for more than is agreed, or tells another model at the end.

use yu_fedlearn::Result;
use yu_wire::codec;

use super::world::{World, clear, settings};
use crate::world::{TASK, blames_the_coordinator};

/// What a party answers to raw tasks.
fn ask(world: &World, questions: &[Vec<u8>], last: Option<&[u8]>) -> (Vec<Option<Vec<u8>>>, Result<Vec<u8>>) {
    world.ask(&questions.iter().map(|question| (TASK, question.clone())).collect::<Vec<_>>(), last)
}

/// A task as it travels: number within the set-up, kind, round, weights, control, scale, counted, figures.
fn train(round: u64, weights: &[f64], scale: bool) -> Vec<u8> {
    let scale = scale.then(|| (vec![0.0; 3], vec![1.0; 3]));
    codec::encode(&(0u32, 1u32, round, weights.to_vec(), Vec::<f64>::new(), scale, Vec::<u32>::new(), None::<u8>))
}

#[test]
fn one_update_a_round_from_one_model() {
    let world = World::new(3, settings(clear(3), 4));
    let (first, other) = (train(0, &[0.0; 4], true), train(0, &[1.0; 4], true));
    let (answers, ended) = ask(&world, &[first.clone(), first.clone(), other], None);
    // asked again, it gives the same update and never a second one
    assert!(answers[0].is_some() && answers[0] == answers[1] && answers[2].is_none());
    blames_the_coordinator(ended, "second update");
    let (_, ended) = ask(&world, &[train(1, &[0.0; 4], true), first.clone()], None);
    blames_the_coordinator(ended, "before the last one");
    for (task, word) in [
        (train(0, &[0.0; 3], true), "another model"),
        (train(0, &[f64::NAN; 4], true), "finite"),
        (train(0, &[0.0; 4], false), "scale"),
        (train(9, &[0.0; 4], true), "after the last round"),
        (vec![1, 2, 3], "decode"),
    ] {
        let (_, ended) = ask(&world, &[task], None);
        blames_the_coordinator(ended, word);
    }
}

#[test]
fn the_last_word_is_about_the_model_that_was_trained() {
    let world = World::new(3, settings(clear(3), 4));
    let (mut trained, bytes, _) = world.run().unwrap();
    let judged = |weights: &[f64]| {
        let (means, deviations) = trained.scale.as_ref().map(|scale| (scale.means.clone(), scale.deviations.clone())).unwrap();
        codec::encode(&(0u32, 2u32, 4u64, weights.to_vec(), Vec::<f64>::new(), Some((means, deviations)), Vec::<u32>::new(), None::<u8>))
    };
    let question = judged(trained.weights.flat());
    assert_eq!(ask(&world, std::slice::from_ref(&question), Some(&bytes)).1.unwrap(), bytes);
    blames_the_coordinator(ask(&world, std::slice::from_ref(&question), Some(b"{}")).1, "trained model");
    trained.target = "z".into();
    blames_the_coordinator(ask(&world, std::slice::from_ref(&question), Some(&trained.to_bytes().unwrap())).1, "another model");
    trained.target = "y".into();
    let mut flat = trained.weights.flat().to_vec();
    flat[0] += 1e-6;
    trained.weights = trained.weights.with(flat).unwrap();
    blames_the_coordinator(ask(&world, &[question], Some(&trained.to_bytes().unwrap())).1, "another model");
}
