//! Every pattern of dropouts: the sum is exactly that of the survivors, or there is a quorum error.

use std::sync::Arc;

use rayon::prelude::*;
use yu_fedlearn::Error;
use yu_fedlearn::secagg::simulate::{Job, Stage, run};
use yu_fedlearn::secagg::{Adversary, Config, Regular, Topology};

use super::world::{Stamp, Stamps, World, clear, inputs, params};

const LEN: usize = 5;

/// `pattern` in base `stages + 1` is the stage in which each party leaves; the last digit means never.
fn gone(n: u32, mut pattern: usize, stages: &[Stage]) -> Vec<(u32, Stage)> {
    let mut all = Vec::new();
    for party in 0..n {
        let digit = pattern % (stages.len() + 1);
        pattern /= stages.len() + 1;
        all.extend(stages.get(digit).map(|stage| (party, *stage)));
    }
    all
}

fn left(n: u32, gone: &[(u32, Stage)], stage: Stage) -> Vec<u32> {
    (0..n).filter(|party| !gone.iter().any(|(who, when)| who == party && *when <= stage)).collect()
}

fn check(n: u32, adversary: Adversary, stages: &[Stage]) {
    let config = Arc::new(Config::new(params(n as usize, LEN, 16, adversary)).unwrap());
    let signers: Vec<_> = (0..n).map(Stamp).collect();
    let inputs = inputs(n as usize, LEN, 16);
    (0..(stages.len() + 1).pow(n)).into_par_iter().for_each(|pattern| {
        let gone = gone(n, pattern, stages);
        let result = run(config.clone(), &signers, &Stamps, &inputs, &gone, &[pattern as u8; 32]);
        let last = left(n, &gone, Stage::Unmask).len();
        match result {
            Ok(round) => {
                let survivors = left(n, &gone, Stage::Masked);
                assert!(last >= config.quorum(), "{gone:?}");
                assert!(round.sum.survivors.iter().eq(survivors.iter().copied()), "{gone:?}");
                assert_eq!(round.sum.weights, clear(&inputs, survivors.into_iter()), "{gone:?}");
            }
            Err(Error::Quorum { needed, .. }) => assert!(last < needed && needed == config.quorum(), "{gone:?}"),
            Err(other) => panic!("{gone:?}: {other}"),
        }
    });
}

#[test]
fn every_pattern_of_every_stage() {
    for n in [3, 4] {
        check(n, Adversary::SemiHonest, &[Stage::Advert, Stage::Shares, Stage::Masked, Stage::Unmask]);
        check(n, Adversary::Malicious, &[Stage::Advert, Stage::Shares, Stage::Masked, Stage::Consent, Stage::Unmask]);
    }
}

#[test]
fn every_pattern_of_the_set_up_and_of_the_vectors() {
    check(5, Adversary::SemiHonest, &[Stage::Advert, Stage::Shares, Stage::Masked]);
    for adversary in [Adversary::SemiHonest, Adversary::Malicious] {
        check(6, adversary, &[Stage::Shares, Stage::Masked]);
        check(6, adversary, &[Stage::Advert]);
    }
}

/// All patterns of a round in one set-up: keys of a round are its own, who dropped out of one is back in the next.
#[test]
fn every_pattern_of_a_round_in_one_session() {
    for (n, adversary, stages) in [
        (6, Adversary::SemiHonest, &[Stage::Masked, Stage::Unmask][..]),
        (5, Adversary::Malicious, &[Stage::Masked, Stage::Unmask]),
        (4, Adversary::Malicious, &[Stage::Masked, Stage::Consent, Stage::Unmask]),
    ] {
        let patterns = (stages.len() + 1).pow(n);
        let mut params = params(n as usize, LEN, 16, adversary);
        params.rounds = patterns as u32;
        let config = Arc::new(Config::new(params).unwrap());
        let signers: Vec<_> = (0..n).map(Stamp).collect();
        let mut job = Job::new(config.clone(), &signers, &Stamps, &[], &[3; 32]).unwrap();
        for pattern in 0..patterns {
            let gone = gone(n, pattern, stages);
            let mut inputs = inputs(n as usize, LEN, 16);
            inputs[0][0] = pattern as u32;
            match job.round(pattern as u32, &inputs, &gone) {
                Ok(round) => assert_eq!(round.sum.weights, clear(&inputs, left(n, &gone, Stage::Masked).into_iter()), "{gone:?}"),
                Err(Error::Quorum { .. }) => assert!(left(n, &gone, Stage::Unmask).len() < config.quorum(), "{gone:?}"),
                Err(other) => panic!("{gone:?}: {other}"),
            }
        }
    }
}

#[test]
fn a_hundred_parties_on_a_regular_graph() {
    let mut params = params(100, 700, 16, Adversary::SemiHonest);
    let regular = Regular::choose(100, 10, 10).unwrap();
    // fewer than half may collude unless somebody names a smaller number
    assert_eq!(params.topology, Topology::Complete { threshold: 51 });
    params.topology = Topology::sparse(100, 10, 10).unwrap();
    assert_eq!(params.topology, Topology::Regular(regular));
    params.job = [9; 32];
    let world = World::new(params);
    let inputs = inputs(100, 700, 16);
    let gone = [
        (3, Stage::Advert),
        (11, Stage::Advert),
        (20, Stage::Shares),
        (21, Stage::Shares),
        (40, Stage::Masked),
        (41, Stage::Masked),
        (99, Stage::Masked),
        (5, Stage::Unmask),
        (77, Stage::Unmask),
    ];
    let round = run(world.config.clone(), &world.signers, &world.keys, &inputs, &gone, &[1; 32]).unwrap();
    assert_eq!(round.sum.survivors.len(), 93);
    assert_eq!(round.sum.weights, clear(&inputs, round.sum.survivors.iter()));
    let fewer: Vec<_> = (0..11).map(|party| (party, Stage::Masked)).collect();
    let refused = run(world.config.clone(), &world.signers, &world.keys, &inputs, &fewer, &[1; 32]);
    assert!(matches!(refused, Err(Error::Quorum { present: 89, needed: 90, .. })));
}
