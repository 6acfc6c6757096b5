//! What a server can compute from everything it holds at the end of a round: the masks that it may take off leave vectors that
//! add up to the sum, and no fewer than all of them say anything.

use std::sync::Arc;

use curve25519_dalek::scalar::Scalar;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::client::Offered;
use super::graph::Topology;
use super::identity::{Signature, Signer, Verifier};
use super::keys;
use super::mask::{self, Mask, Sign};
use super::msg::Unmask;
use super::server::Enrolling;
use super::shamir::{self, Commitments};
use super::{Adversary, Config, Params};

const N: u32 = 5;
const SURVIVORS: u32 = 4;
const LEN: usize = 4000;

struct NoKey;

impl Signer for NoKey {
    fn sign(&self, _: &[u8]) -> Signature {
        Signature([0; 64])
    }
}

impl Verifier for NoKey {
    fn verify(&self, _: u32, _: &[u8], _: &Signature) -> bool {
        true
    }
}

/// The residual vectors of a round in which party 4 drops out after dealing, and the secrets that were reported for each party.
fn residuals(inputs: &[Vec<u32>], seed: u64) -> Vec<Vec<u64>> {
    let topology = Topology::recommended(N as usize, Adversary::SemiHonest);
    let parties = (0..N).map(|party| party.to_string()).collect();
    let params = Params {
        job: [1; 32],
        first_round: 0,
        rounds: 1,
        server: "server".into(),
        parties,
        len: LEN,
        bits: 16,
        long: 0,
        adversary: Adversary::SemiHonest,
        topology,
    };
    let config = Arc::new(Config::new(params).unwrap());
    let mut enrolling = Enrolling::new(config.clone());
    let mut adverts = Vec::new();
    let mut offered = Vec::new();
    for party in 0..N {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(party));
        let (state, advert) = Offered::new(config.clone(), party, &NoKey, &mut rng).unwrap();
        enrolling.accept(party, advert.clone(), &NoKey).unwrap();
        adverts.push(advert);
        offered.push(state);
    }
    let (mut sharing, rosters) = enrolling.close().unwrap();
    let mut dealt = Vec::new();
    for (state, (party, roster)) in offered.into_iter().zip(&rosters) {
        let (state, shares) = state.share(roster, &NoKey, &NoKey).unwrap();
        sharing.accept(*party, shares, &NoKey).unwrap();
        dealt.push(state);
    }
    let (mut server, deliveries) = sharing.close().unwrap();
    let mut collecting = server.round(0).unwrap();
    let mut sent = Vec::new();
    for ((state, (party, delivery)), input) in dealt.into_iter().zip(&deliveries).zip(inputs).take(SURVIVORS as usize) {
        let (state, masked) = state.receive(delivery, &NoKey).unwrap().mask(0, input).unwrap();
        collecting.accept(*party, &masked).unwrap();
        sent.push((state, masked));
    }
    let (_, survivors) = collecting.close().unwrap();
    let answers: Vec<Unmask> = sent.iter_mut().map(|(state, _)| state.unmask(&survivors).unwrap()).collect();

    let holders: Vec<u32> = (0..SURVIVORS).collect();
    let secret = |party: u32| {
        let shares: Vec<Scalar> = answers.iter().map(|answer| *shamir::scalar(answer.shares[party as usize]).unwrap()).collect();
        shamir::combine(&shamir::weights(&holders), shares.iter())
    };
    let commitments = |party: u32, which: usize| {
        let keys = &adverts[party as usize].rounds[0];
        Commitments::read([&keys.mask, &keys.own][which]).unwrap()
    };
    let transcript = &survivors.transcript;
    let gone = secret(N - 1);
    // of each party one secret and not the other
    assert!(commitments(N - 1, 0).opens(&gone) && !commitments(N - 1, 1).opens(&gone));
    (0..SURVIVORS)
        .map(|party| {
            let own = secret(party);
            assert!(commitments(party, 1).opens(&own) && !commitments(party, 0).opens(&own));
            let own = Mask::new(Sign::Minus, &keys::own_seed(transcript, &own, party, 0));
            let pair = keys::pair_seed(transcript, &gone, &commitments(party, 0).public(), N - 1, party, 0);
            let mut words = sent[party as usize].1.words.clone();
            mask::apply(config.layout(), &mut words, &[own, Mask::new(Sign::Minus, &pair)]);
            words
        })
        .collect()
}

/// Chi-square of bytes with 255 degrees of freedom, in standard deviations from its mean.
fn deviation(words: &[u64]) -> f64 {
    let mut counts = [0f64; 256];
    words.iter().flat_map(|word| word.to_le_bytes()).for_each(|byte| counts[usize::from(byte)] += 1.0);
    let expected = words.len() as f64 * 8.0 / 256.0;
    let chi: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
    (chi - 255.0) / 510f64.sqrt()
}

#[test]
fn residuals_add_up_and_say_nothing_else() {
    let inputs: Vec<Vec<u32>> = (0..N).map(|party| vec![100 + party; LEN]).collect();
    // what a simulator that knows the sum alone would take
    let total: u32 = (0..SURVIVORS).map(|party| 100 + party).sum();
    let mut simulated = vec![vec![0; LEN]; N as usize];
    simulated[2] = vec![total; LEN];
    let layout = super::Layout::new(N as usize, LEN, 16);
    for (inputs, seed) in [(&inputs, 1), (&simulated, 2)] {
        let residuals = residuals(inputs, seed);
        for subset in 1..1u32 << SURVIVORS {
            let mut sum = vec![0; layout.words()];
            for (party, residual) in residuals.iter().enumerate() {
                if subset >> party & 1 == 1 {
                    mask::add(layout, &mut sum, residual);
                }
            }
            if subset == (1 << SURVIVORS) - 1 {
                assert_eq!(layout.unpack(&sum), Some(vec![u64::from(total); LEN]));
            } else {
                // 30 sums; six standard deviations are missed once in 10^7 runs
                assert!(deviation(&sum).abs() < 6.0, "{subset:b}");
            }
        }
    }
    // the test sees what it looks for
    assert!(deviation(&mask::pack(layout, &inputs[0], &[])) > 100.0);
}
