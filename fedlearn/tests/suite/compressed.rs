//! Training with fewer bits and fewer values a round, summed as secure aggregation would.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_fedlearn::data::split;
use yu_fedlearn::model::{Model, Spec};
use yu_fedlearn::robust::Visibility;
use yu_fedlearn::simulate::sets::Set;
use yu_fedlearn::strategy::{ClientState, Strategy, Sum, Weighting, generator};
use yu_fedlearn::update::{Choice, Quantiser, Sparse, TopK};

use crate::ceilings::{deal, fedavg, load};
use crate::rounds::local;

enum Way {
    Whole,
    Bits(u32, f64),
    Top(TopK),
}

/// Accuracy on digits after 40 rounds of 5 parties, and bytes that a party sends a round.
fn run(way: &Way) -> Option<(f64, usize)> {
    let (train, test) = load(Set::Digits)?;
    let parts = split::iid(train.rows(), 5, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let (parties, test) = deal(&train, &test, &parts, true);
    let model = Spec::Softmax { classes: 10, l2: 1.0 / 1437.0 }.build(64).unwrap();
    let strategy = Strategy { weighting: Weighting::Examples { most: 300 }, ..fedavg(local(1, 16, 0.2)) };
    let layout = strategy.layout(model.parameters());
    let (mut state, mut last, mut bytes) = (strategy.server.start(model.initial(0)), None::<Vec<f64>>, 0);
    let mut clients = vec![ClientState::default(); 5];
    for round in 0..40 {
        let mut contributions = Vec::new();
        let mut integers = vec![0u64; layout.len()];
        for (party, (data, client)) in (0u32..).zip(parties.iter().zip(&mut clients)) {
            let mut rng = generator(&[5; 32], "train", round, party);
            let update = strategy.local.train(&model, &state.weights, None, client, data, &mut rng).unwrap();
            let contribution = layout.contribution(&update, strategy.weighting).unwrap();
            contributions.push(match way {
                Way::Whole => contribution,
                Way::Bits(bits, range) => {
                    let code = Quantiser::of_layout(*bits, &layout, *range, 1.0).unwrap();
                    let (encoded, cut) = code.encode(&contribution, &mut rng).unwrap();
                    assert!(cut < 10, "{cut}");
                    integers.iter_mut().zip(encoded).for_each(|(total, value)| *total += u64::from(value));
                    bytes = code.bytes();
                    contribution
                }
                Way::Top(top) => {
                    let delta = &contribution[layout.delta()];
                    let places = match top.choice {
                        Choice::Own => top.own(delta, &client.feedback, Visibility::Clear).unwrap(),
                        _ => top.common(&[6; 32], round, delta.len(), last.as_deref()).unwrap(),
                    };
                    let (sent, rest) = Sparse::of(delta, &client.feedback, places).unwrap();
                    client.feedback = rest;
                    bytes = if top.choice == Choice::Own { 12 } else { 8 } * sent.values.len() + 8;
                    let mut sparse = sent.expand(delta.len()).unwrap();
                    sparse.extend_from_slice(&contribution[layout.weight()]);
                    sparse
                }
            });
        }
        let mut sum = Sum::of(contributions.iter().map(Vec::as_slice)).unwrap();
        if let Way::Bits(bits, range) = way {
            sum.values = Quantiser::of_layout(*bits, &layout, *range, 1.0).unwrap().decode_sum(&integers, 5).unwrap();
        }
        let next = strategy.server.apply(&state, &layout, &sum).unwrap();
        last = Some(next.weights.flat().iter().zip(state.weights.flat()).map(|(after, before)| after - before).collect());
        state = next;
    }
    Some((model.evaluate(&state.weights, &test.batch()).unwrap().accuracy(), bytes))
}

#[test]
fn less_is_enough() {
    let Some((whole, _)) = run(&Way::Whole) else { return };
    for (name, margin, way) in [
        ("16 bits", 0.01, Way::Bits(16, 1.0)),
        ("8 bits", 0.01, Way::Bits(8, 0.5)),
        ("own 65 of 650", 0.02, Way::Top(TopK { keep: 65, choice: Choice::Own })),
        ("random 65 of 650", 0.03, Way::Top(TopK { keep: 65, choice: Choice::Random })),
        ("public 65 of 650", 0.06, Way::Top(TopK { keep: 65, choice: Choice::Public })),
    ] {
        let (found, bytes) = run(&way).unwrap();
        println!("digits, 5 parties, 40 rounds, {name}: accuracy {found:.4} with {bytes} bytes a round, whole {whole:.4} with 5208");
        assert!(found > whole - margin, "{name}: {found}");
    }
}
