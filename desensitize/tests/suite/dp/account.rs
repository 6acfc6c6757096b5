//! The accountants beside the golden values of the shared folder.

use std::path::PathBuf;

use yu_desensitize::dp::account::calibrate::{self, Accountant};
use yu_desensitize::dp::account::pld::{DEFAULT_GRID, PrivacyLoss};
use yu_desensitize::dp::account::rdp::{self, RdpAccountant};
use yu_desensitize::dp::{Delta, Epsilon, NoiseMultiplier, SamplingRate};

/// The rows of a file of golden values, as fields.
fn golden(name: &str) -> Option<Vec<Vec<String>>> {
    let root = std::env::var_os("YU_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(root.join("vectors/dp").join(name)) else {
        println!("skipped: vectors/dp/{name} is not in the shared folder; set YU_SHARED");
        return None;
    };
    Some(text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_whitespace().map(str::to_owned).collect()).collect())
}

fn f(field: &str) -> f64 {
    field.parse().unwrap()
}

fn setting(row: &[String]) -> (SamplingRate, NoiseMultiplier, u32) {
    (SamplingRate::new(f(&row[0])).unwrap(), NoiseMultiplier::new(f(&row[1])).unwrap(), f(&row[2]) as u32)
}

fn d(field: &str) -> Delta {
    Delta::new(f(field)).unwrap()
}

fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} for {expected}");
}

#[test]
fn sampled_gaussian_epsilons() {
    let Some(rows) = golden("epsilon.tsv") else { return };
    for row in rows.iter().skip(1) {
        let (rate, noise, steps) = setting(row);
        let mut whole =
            RdpAccountant::with_orders(rdp::default_orders().into_iter().filter(|order| order.fract() == 0.0).collect()).unwrap();
        whole.add_gaussian(rate, noise, steps);
        let (epsilon, order) = whole.epsilon(d(&row[3])).unwrap();
        near(&format!("rdp {row:?}"), epsilon.get(), f(&row[4]), 1e-8 * f(&row[4]).max(1.0));
        assert_eq!(order, f(&row[5]));
        // the reference drops fractional orders where its series fails: never above it
        let mut all = RdpAccountant::new();
        all.add_gaussian(rate, noise, steps);
        assert!(all.epsilon(d(&row[3])).unwrap().0.get() <= f(&row[6]) + 1e-8, "{row:?}");
        let pld = calibrate::epsilon(Accountant::Pld, rate, noise, steps, d(&row[3])).unwrap().get();
        println!("{} {} {}: pld {pld:.9} for {}", row[0], row[1], row[2], row[8]);
        near(&format!("pld {row:?}"), pld, f(&row[8]), 3e-4);
        // the reference on a ten times finer grid: ours is an upper bound, at most about 1e-4 above
        near(&format!("fine pld {row:?}"), pld, f(&row[9]), 1.5e-4);
    }
}

#[test]
fn curves_and_single_mechanisms() {
    let Some(rows) = golden("more.tsv") else { return };
    let orders = [1.5, 2.0, 3.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0];
    for row in &rows {
        let what = format!("{row:?}");
        let (kind, row) = (row[0].as_str(), &row[1..]);
        match kind {
            "A" => {
                let (rate, noise) = (SamplingRate::new(f(&row[0])).unwrap(), NoiseMultiplier::new(f(&row[1])).unwrap());
                for (order, expected) in orders.iter().zip(&row[2..]) {
                    let found = rdp::sampled_gaussian(rate, noise, *order);
                    if order.fract() == 0.0 {
                        near(&format!("{what} at {order}"), found, f(expected), 1e-9 * f(expected) + 1e-14);
                    } else {
                        // the reference takes the larger bound of its series, or none
                        assert!(found <= f(expected) * (1.0 + 1e-9), "{what} at {order}: {found}");
                    }
                    assert!(found.is_finite());
                }
            }
            "B" => {
                let (rate, noise, steps) = setting(row);
                let epsilon = Epsilon::new(f(&row[3])).unwrap();
                let pld = PrivacyLoss::gaussian(rate, noise, DEFAULT_GRID).unwrap().compose(steps).unwrap();
                near(&what, pld.delta(epsilon), f(&row[4]), 3e-4 * f(&row[4]));
                let mut account = RdpAccountant::new();
                account.add_gaussian(rate, noise, steps);
                assert!(account.delta(epsilon) <= f(&row[5]) * (1.0 + 1e-6), "{what}: {}", account.delta(epsilon));
            }
            "C" => {
                let found = calibrate::gaussian_delta(Epsilon::new(f(&row[0])).unwrap(), NoiseMultiplier::new(f(&row[1])).unwrap());
                near(&what, found, f(&row[2]), 1e-10 * f(&row[2]));
            }
            "C2" => near(
                &what,
                calibrate::gaussian_noise(Epsilon::new(f(&row[0])).unwrap(), d(&row[1])).unwrap().get(),
                f(&row[2]),
                1e-7 * f(&row[2]),
            ),
            "D" => {
                let (rate, noise, steps) = setting(row);
                let found = calibrate::epsilon(Accountant::Pld, rate, noise, steps, d(&row[3])).unwrap().get();
                near(&what, found, f(&row[4]), 3e-4);
                assert!(found > f(&row[5]));
            }
            "E" => {
                let pld = PrivacyLoss::laplace(f(&row[0]), DEFAULT_GRID).unwrap().compose(f(&row[1]) as u32).unwrap();
                near(&what, pld.epsilon(d(&row[2])).unwrap().get(), f(&row[3]), 3e-4);
                let mut account = RdpAccountant::new();
                account.add_laplace(f(&row[0]), f(&row[1]) as u32).unwrap();
                near(&what, account.epsilon(d(&row[2])).unwrap().0.get(), f(&row[4]), 1e-8);
            }
            "E2" => {
                // the reference rounds every loss up to the grid, by up to a step each time: ours lies at most that far below
                let (noise, steps) = (NoiseMultiplier::new(f(&row[0])).unwrap(), f(&row[1]) as u32);
                let at =
                    |grid| PrivacyLoss::discrete_gaussian(noise, grid).unwrap().compose(steps).unwrap().epsilon(d(&row[2])).unwrap().get();
                let (found, expected) = (at(DEFAULT_GRID), f(&row[3]));
                assert!(found <= expected + 3e-4 && found >= expected - f64::from(steps) * DEFAULT_GRID - 3e-4, "{what}: {found}");
                near(&what, found, at(DEFAULT_GRID / 8.0), 3e-5);
            }
            "F" => {
                let rate = SamplingRate::new(f(&row[0])).unwrap();
                let (steps, target, delta) = (f(&row[1]) as u32, Epsilon::new(f(&row[2])).unwrap(), d(&row[3]));
                for (accountant, expected) in [(Accountant::Rdp, f(&row[4])), (Accountant::Pld, f(&row[5]))] {
                    let found = calibrate::noise_multiplier(accountant, rate, steps, target, delta).unwrap();
                    // the reference stops its search within 1e-3 above the least noise; ours is the least by the same accountant
                    assert!(found.get() <= expected * (1.0 + 3e-4) && found.get() >= expected * (1.0 - 1.5e-3), "{what}: {found:?}");
                    let less = NoiseMultiplier::new(found.get() * (1.0 - 1e-4)).unwrap();
                    assert!(calibrate::epsilon(accountant, rate, less, steps, delta).unwrap() > target, "{what}: {found:?}");
                    assert!(calibrate::epsilon(accountant, rate, found, steps, delta).unwrap() <= target);
                }
            }
            "G" => {
                let (rate, noise, steps) = setting(row);
                let mut account = RdpAccountant::new();
                account.add_gaussian(rate, noise, steps);
                near(&what, account.epsilon(d(&row[3])).unwrap().0.get(), f(&row[4]), 1e-6);
                // that accountant's own error is 0.01: ours lies below it
                let pld = calibrate::epsilon(Accountant::Pld, rate, noise, steps, d(&row[3])).unwrap().get();
                assert!(pld <= f(&row[6]) && pld >= f(&row[6]) - 0.02, "{what}: {pld}");
            }
            other => panic!("unknown section {other}"),
        }
    }
}

#[test]
fn impossible_accounts_are_refused() {
    let (rate, noise) = (SamplingRate::new(0.1).unwrap(), NoiseMultiplier::new(1.0).unwrap());
    assert!(PrivacyLoss::gaussian(rate, noise, 0.0).is_err());
    let one = PrivacyLoss::gaussian(rate, noise, 1e-3).unwrap();
    assert!(one.compose(0).is_err());
    assert_eq!(one.epsilon(Delta::new(1e-12).unwrap()).unwrap_err().code(), "dp.parameter");
    assert!(PrivacyLoss::laplace(f64::NAN, 1e-3).is_err());
}
