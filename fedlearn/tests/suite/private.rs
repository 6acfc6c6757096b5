//! Training under differential privacy, and noise in parts.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use yu_desensitize::dp::account::calibrate::Accountant;
use yu_desensitize::dp::{Delta, Epsilon, NoiseMultiplier, SamplingRate};
use yu_fedlearn::Error;
use yu_fedlearn::data::split;
use yu_fedlearn::model::Spec;
use yu_fedlearn::privacy::distributed::{Distributed, Rotation};
use yu_fedlearn::privacy::{Budget, Charge, DpSgd, calibrate};
use yu_fedlearn::simulate::sets::Set;
use yu_fedlearn::strategy::Local;

use crate::ceilings::{accuracy, deal, fedavg, load, load_mnist};
use crate::rounds::local;

/// (epsilon 3, delta 1e-5) for every row of every party, by DP-SGD in each party.
fn settings(rate: f64, rounds: u32, epochs: u32, clip: f64, learning_rate: f64) -> Local {
    let (epsilon, delta, rate) = (Epsilon::new(3.0).unwrap(), Delta::new(1e-5).unwrap(), SamplingRate::new(rate).unwrap());
    let mut local = local(epochs, 0, learning_rate);
    local.private = Some(DpSgd { rate, noise: NoiseMultiplier::new(1.0).unwrap(), clip });
    let steps = rounds * local.steps(1000);
    let noise = calibrate(Accountant::Pld, rate, steps, epsilon, delta).unwrap();
    local.private = Some(DpSgd { rate, noise, clip });
    // the budget is spent, and not one step more
    let mut budget = Budget::new(epsilon, delta, Accountant::Pld);
    let spent = budget.charge(Charge::Gaussian { rate, noise, steps }).unwrap();
    assert!(spent.get() > 2.99 && matches!(budget.charge(Charge::Gaussian { rate, noise, steps }), Err(Error::Budget(_))));
    println!("{steps} steps at rate {}, noise multiplier {:.4}, epsilon {:.4}", rate.get(), noise.get(), spent.get());
    local
}

#[test]
fn digits_at_epsilon_3() {
    let Some((train, test)) = load(Set::Digits) else { return };
    let parts = split::iid(train.rows(), 3, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let (parties, test) = deal(&train, &test, &parts, true);
    let found = accuracy(&Spec::Softmax { classes: 10, l2: 0.0 }, fedavg(settings(0.25, 10, 1, 1.0, 2.0)), parties, &test, 10);
    println!("digits, 3 parties, each row (3, 1e-5)-private: accuracy {found:.4}, central without privacy 0.9722");
    assert!(found > 0.8, "{found}");
}

#[test]
#[ignore = "seconds in release"]
fn mnist_at_epsilon_3() {
    let Some((train, test)) = load_mnist() else { return };
    for parties in [1, 3] {
        let parts = split::iid(train.rows(), parties, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
        let (parts, test) = deal(&train, &test, &parts, false);
        let found = accuracy(&Spec::Softmax { classes: 10, l2: 0.0 }, fedavg(settings(0.1, 15, 1, 1.0, 1.0)), parts, &test, 15);
        println!("mnist_t10k softmax, {parties} parties, each row (3, 1e-5)-private: accuracy {found:.4}, central without privacy 0.9130");
        assert!(found > 0.7, "{found}");
    }
}

fn distributed(rotation: Rotation) -> Distributed {
    Distributed { clip: 1.0, noise: NoiseMultiplier::new(1.0).unwrap(), parties: 10, honest: 8, step: 1.0 / 4096.0, rotation }
}

/// The sum of ten parties decodes to the sum of the clipped vectors with the noise that was planned.
#[test]
fn noise_in_parts_adds_up() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let length = 3000;
    for rotation in [Rotation::None, Rotation::Hadamard] {
        let plan = distributed(rotation).plan(length).unwrap();
        let (mut clear, mut sum) = (vec![0.0; length], vec![0u64; plan.encoded_length()]);
        for party in 0..10 {
            // some longer than the clip, one concentrated in one value
            let mut vector: Vec<f64> = (0..length).map(|_| f64::from(rng.next_u32()) / 2f64.powi(32) - 0.5).collect();
            if party == 0 {
                vector = vec![0.0; length];
                vector[5] = -30.0;
            }
            let encoded = plan.encode(&vector, &[3; 32], &mut rng).unwrap();
            assert!(encoded.iter().all(|value| u64::from(*value) < 1 << plan.bits()));
            sum.iter_mut().zip(encoded).for_each(|(total, value)| *total += u64::from(value));
            yu_fedlearn::privacy::clip(&mut vector, 1.0).unwrap();
            clear.iter_mut().zip(vector).for_each(|(total, value)| *total += value);
        }
        let errors: Vec<f64> = plan.decode(&sum, 10, &[3; 32]).unwrap().iter().zip(&clear).map(|(a, b)| a - b).collect();
        let mean = errors.iter().sum::<f64>() / length as f64;
        let deviation = (errors.iter().map(|error| error * error).sum::<f64>() / length as f64).sqrt();
        // ten parties' noise, eight of them would reach the multiplier; limits at 5 standard errors
        let planned = plan.deviation() * 10f64.sqrt();
        assert!(mean.abs() < 5.0 * planned / (length as f64).sqrt(), "{mean}");
        assert!((deviation / planned - 1.0).abs() < 5.0 / (2.0 * length as f64).sqrt(), "{deviation} {planned}");
        let Charge::Concentrated { rho } = plan.charge().unwrap() else { panic!("of another kind") };
        println!("{rotation:?}: {} bits, deviation {deviation:.4}, rho {:.6}", plan.bits(), rho.get());
        // multiplier 1: rho is 1/2 but for the divergence
        assert!((0.5..0.5001).contains(&rho.get()), "{rho:?}");
    }
}

/// What the server adds up is the true sum and an offset: it cannot count the parties whose value is negative.
#[test]
fn a_sum_says_nothing_about_signs() {
    let plan = Distributed { noise: NoiseMultiplier::new(1.0).unwrap(), ..distributed(Rotation::None) }.plan(4).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    for parties in [8u32, 10] {
        let mut sum = vec![0u64; 4];
        for party in 0..parties {
            let sign = if party % 2 == 0 { 0.4 } else { -0.4 };
            let encoded = plan.encode(&[sign, -sign, 0.0, sign], &[3; 32], &mut rng).unwrap();
            sum.iter_mut().zip(encoded).for_each(|(total, value)| *total += u64::from(value));
        }
        // a multiple of 2^bits for each party that wrapped would stand out here
        let middle = u64::from(parties) << (plan.bits() - 1);
        assert!(sum.iter().all(|value| value.abs_diff(middle) < 1 << (plan.bits() - 1)), "{sum:?}");
    }
}

#[test]
fn plans_that_do_not_protect_are_refused() {
    let good = distributed(Rotation::Hadamard);
    for bad in [
        Distributed { honest: 0, ..good.clone() },
        Distributed { honest: 11, ..good.clone() },
        Distributed { step: 1e-9, ..good.clone() },
        Distributed { step: f64::NAN, ..good.clone() },
        Distributed { clip: 0.0, ..good.clone() },
    ] {
        assert!(bad.plan(1000).is_err(), "{bad:?}");
    }
    // a coarse grid: the sum of discrete Gaussians is far from one, and the cost says so
    let coarse = Distributed { step: 1.0, noise: NoiseMultiplier::new(0.05).unwrap(), ..good.clone() }.plan(4);
    if let Ok(plan) = coarse {
        match plan.charge() {
            Ok(Charge::Concentrated { rho }) => assert!(rho.get() > 200.0),
            other => assert!(other.is_err()),
        }
    }
    // noise of a third of a step, where the bound on sums of it does not hold
    let thin =
        Distributed { noise: NoiseMultiplier::new(0.45).unwrap(), parties: 2, honest: 2, clip: 1.0, step: 4.0, rotation: Rotation::None };
    assert!(thin.plan(1).unwrap_err().to_string().contains("half a step"));
    let plan = good.plan(1000).unwrap();
    let zeros = vec![0; 1024];
    assert!(plan.decode(&[0; 1000], 10, &[0; 32]).is_err() && plan.decode(&vec![u64::MAX; 1024], 10, &[0; 32]).is_err());
    assert!(
        plan.decode(&zeros, 7, &[0; 32]).is_err() && plan.decode(&zeros, 11, &[0; 32]).is_err() && plan.decode(&zeros, 9, &[0; 32]).is_ok()
    );
}
