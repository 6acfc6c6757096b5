//! Everything that the server receives, beside what a simulator makes of the sum alone.

use yu_fedlearn::secagg::msg::{Unmask, encode};
use yu_fedlearn::secagg::{Adversary, server::Sum};

use super::world::{Delivered, Enrolled, Uploaded, World, clear, inputs, params};

const N: usize = 5;
const LEN: usize = 3000;
const SURVIVORS: u32 = 4;

/// Bytes that reached the server, by stage and party.
struct View {
    adverts: Vec<Vec<u8>>,
    shares: Vec<Vec<u8>>,
    masked: Vec<Vec<u8>>,
    answers: Vec<Unmask>,
    sum: Sum,
}

/// Party 4 drops out after it dealt.
fn view(seed: u64, inputs: &[Vec<u32>]) -> View {
    let world = World::new(params(N, LEN, 16, Adversary::SemiHonest));
    let Enrolled { adverts, .. } = world.enrol(seed);
    let Delivered { shares, .. } = world.deliver(seed);
    let Uploaded { mut sent, masked, collecting } = world.upload(seed, inputs, SURVIVORS as usize);
    let (closing, survivors) = collecting.close().unwrap();
    let answers: Vec<_> = sent.iter_mut().map(|state| state.unmask(&survivors).unwrap()).collect();
    let mut unmasking = closing.unmask().unwrap();
    for (party, answer) in (0..).zip(&answers) {
        unmasking.accept(party, answer).unwrap();
    }
    View {
        adverts: adverts.iter().map(encode).collect(),
        shares: shares.iter().map(encode).collect(),
        masked: masked.iter().map(|masked| masked.encode()[36..].to_vec()).collect(),
        answers,
        sum: unmasking.finish().unwrap(),
    }
}

/// Inputs that have the sum, made without the real ones.
fn simulated(sum: &[u64]) -> Vec<Vec<u32>> {
    let share = |total: u64, party: u32| (total / u64::from(SURVIVORS)) as u32 + u32::from(u64::from(party) < total % u64::from(SURVIVORS));
    (0..N as u32).map(|party| sum.iter().map(|total| share(*total, party)).collect()).collect()
}

/// Chi-square of the 256 byte values, 255 degrees of freedom: within 6 standard deviations of its mean, which one draw in 10^8
/// misses.
fn looks_uniform(bytes: &[u8]) {
    let mut counts = [0f64; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1.0);
    let expected = bytes.len() as f64 / 256.0;
    let chi: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
    assert!((chi - 255.0).abs() < 6.0 * 510f64.sqrt(), "{chi}");
}

#[test]
fn the_view_is_what_a_simulator_makes_of_the_sum() {
    let real_inputs = inputs(N, LEN, 16);
    let real = view(1, &real_inputs);
    assert_eq!(real.sum.weights, clear(&real_inputs, 0..SURVIVORS));
    let ideal = view(2, &simulated(&real.sum.weights));
    assert_eq!(real.sum, ideal.sum);
    // structure: sizes and sets are the same
    let lens = |all: &[Vec<u8>]| all.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lens(&real.adverts), lens(&ideal.adverts));
    assert_eq!(lens(&real.shares), lens(&ideal.shares));
    assert_eq!(lens(&real.masked), lens(&ideal.masked));
    assert!(real.answers.iter().zip(&ideal.answers).all(|(a, b)| a.shares.len() == b.shares.len()));
    // every vector, and every difference of two vectors, is uniform in both
    for view in [&real, &ideal] {
        for (at, one) in view.masked.iter().enumerate() {
            looks_uniform(one);
            for other in &view.masked[..at] {
                let difference: Vec<u8> = one.iter().zip(other).map(|(a, b)| a.wrapping_sub(*b)).collect();
                looks_uniform(&difference);
            }
        }
    }
}

/// Under the same randomness everything but the masked vectors is the same whatever the inputs are: set-up and answers carry
/// nothing of them. The masked vectors are settled by the proof in `secagg/mask.rs` and the residuals in `secagg/view.rs`.
#[test]
fn only_masked_vectors_depend_on_inputs() {
    let real_inputs = inputs(N, LEN, 16);
    let real = view(3, &real_inputs);
    let other = view(3, &simulated(&real.sum.weights));
    assert!(real.adverts == other.adverts && real.shares == other.shares);
    assert!(real.answers == other.answers);
    assert!(real.masked != other.masked);
}
