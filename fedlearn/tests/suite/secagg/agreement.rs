//! Sums against clear addition, refusals of parameters, exact bytes.

use proptest::prelude::*;
use yu_fedlearn::Error;
use yu_fedlearn::secagg::simulate::{Stage, run};
use yu_fedlearn::secagg::{Adversary, Config, Params, Regular, Topology};

use super::world::{World, clear, inputs, params};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn sums_are_clear_sums(n in 3usize..9, len in 1usize..1500, bits in 1u32..=32, malicious: bool, seed: [u8; 32], dropped in 0usize..9) {
        let adversary = if malicious { Adversary::Malicious } else { Adversary::SemiHonest };
        let world = World::new(params(n, len, bits, adversary));
        let inputs = inputs(n, len, bits);
        let spare = n - world.config.quorum();
        let gone: Vec<_> = (0..dropped.min(spare) as u32).map(|party| (party, Stage::Masked)).collect();
        let round = run(world.config.clone(), &world.signers, &world.keys, &inputs, &gone, &seed).unwrap();
        prop_assert_eq!(round.sum.survivors.len(), n - gone.len());
        prop_assert_eq!(round.sum.weights, clear(&inputs, gone.len() as u32..n as u32));
    }
}

/// The largest inputs of all parties: no field overflows into the next.
#[test]
fn extremes_do_not_overflow() {
    for (n, bits) in [(3, 1), (4, 32), (5, 31), (10, 16), (16, 16), (17, 8)] {
        let world = World::new(params(n, 130, bits, Adversary::SemiHonest));
        let inputs = vec![vec![u32::MAX >> (32 - bits); 130]; n];
        let round = run(world.config.clone(), &world.signers, &world.keys, &inputs, &[], &[2; 32]).unwrap();
        assert_eq!(round.sum.weights, vec![n as u64 * u64::from(u32::MAX >> (32 - bits)); 130]);
    }
}

/// Bytes of every stage as formulas, for both servers: `W` bits a weight, the rest does not depend on the length.
#[test]
fn bytes_are_the_formulas() {
    for (n, rounds, adversary) in [(10, 1, Adversary::SemiHonest), (10, 1, Adversary::Malicious), (5, 3, Adversary::Malicious)] {
        let len = 4000;
        let mut params = params(n, len, 16, adversary);
        params.rounds = rounds;
        let world = World::new(params);
        let round = run(world.config.clone(), &world.signers, &world.keys, &inputs(n, len, 16), &[], &[4; 32]).unwrap();
        let (t, r) = (world.config.threshold(), rounds as usize);
        let advert = 108 + r * (16 + 64 * t);
        let sealed = 104 + 64 * r;
        let set = 8 + n.div_ceil(8);
        let width = world.config.layout().width() as usize;
        let vector = 36 + 8 * (len * width).div_ceil(64);
        let mut expected = vec![
            (Stage::Advert, advert, set + 16 + (n - 1) * advert),
            (Stage::Shares, 40 + (n - 1) * sealed, 40 + set + (n - 1) * sealed),
            (Stage::Masked, vector, 36 + set),
        ];
        if adversary == Adversary::Malicious {
            expected.push((Stage::Consent, 100, 44 + set + 64 * n));
        }
        expected.push((Stage::Unmask, 44 + 32 * n, 0));
        assert_eq!(round.costs.len(), expected.len());
        for (cost, (stage, up, down)) in round.costs.iter().zip(expected) {
            assert_eq!((cost.stage, &cost.up, &cost.down), (stage, &vec![up; n], &vec![down; n]), "{n} {adversary:?}");
        }
    }
}

fn unsafe_setting(params: Params) -> String {
    match Config::new(params) {
        Err(Error::Unsafe { setting, .. }) => setting,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn unsafe_parameters_are_refused() {
    for adversary in [Adversary::SemiHonest, Adversary::Malicious] {
        assert_eq!(unsafe_setting(params(2, 1, 16, adversary)), "parties");
        assert_eq!(unsafe_setting(params(0, 1, 16, adversary)), "parties");
        for n in 3..20 {
            let least = if adversary == Adversary::Malicious { 2 * n / 3 + 1 } else { n / 2 + 1 };
            let with =
                |threshold: usize| Params { topology: Topology::Complete { threshold: threshold as u32 }, ..params(n, 1, 16, adversary) };
            assert_eq!(unsafe_setting(with(least - 1)), "threshold");
            let config = Config::new(with(least)).unwrap();
            assert_eq!(config.quorum(), least.max(3));
            assert!(matches!(Config::new(with(n + 1)), Err(Error::Caller(_))));
        }
    }
    let regular = Topology::Regular(Regular::choose(100, 10, 10).unwrap());
    assert_eq!(unsafe_setting(Params { topology: regular, ..params(100, 1, 16, Adversary::Malicious) }), "regular graph");
    for wrong in [
        Params { topology: regular, ..params(99, 1, 16, Adversary::SemiHonest) },
        params(3, 0, 16, Adversary::SemiHonest),
        params(3, 1, 33, Adversary::SemiHonest),
        params(3, 1, 0, Adversary::SemiHonest),
        Params { rounds: 0, ..params(3, 1, 16, Adversary::SemiHonest) },
        Params { server: "party-1".into(), ..params(3, 1, 16, Adversary::SemiHonest) },
        Params { server: String::new(), ..params(3, 1, 16, Adversary::SemiHonest) },
    ] {
        assert!(matches!(Config::new(wrong), Err(Error::Caller(_))));
    }
}

#[test]
fn inputs_are_checked_before_masking() {
    let world = World::new(params(4, 3, 8, Adversary::SemiHonest));
    let (mut clients, mut server) = world.ready(1);
    assert!(matches!(clients[0].mask(0, &[1, 2]), Err(Error::Caller(_))));
    assert!(matches!(clients[0].mask(0, &[1, 256, 3]), Err(Error::Caller(_))));
    assert!(matches!(clients[0].mask(1, &[1, 2, 3]), Err(Error::Caller(_))));
    // the checks used nothing up; the vector does
    assert!(clients[0].mask(0, &[1, 255, 3]).is_ok());
    assert!(matches!(clients[0].mask(0, &[1, 255, 3]), Err(Error::Caller(_))));
    assert!(server.round(0).is_ok());
    assert!(matches!(server.round(0), Err(Error::Caller(_))));
}
