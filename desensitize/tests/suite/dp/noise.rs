//! Do the samplers draw from the distributions they claim? Chi-square tests with fixed seeds.
//!
//! False-alarm rate: each test fails for a right sampler with probability below 1e-9. The statistic with k - 1 degrees of
//! freedom is compared with the bound k + 2 sqrt(k x) + 2x, x = ln(1e9) (Laurent & Massart 2000, Lemma 1); cells expect at
//! least 50 draws, so that the limit distribution is a good one.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::dp::noise::{DiscreteGaussian, DiscreteLaplace, Ratio};

const DRAWS: usize = 2_000_000;

/// Checks draws against the weight of each integer.
fn check(name: &str, draws: &[i64], weight: impl Fn(i64) -> f64) {
    let reach = 20_000i64.min(draws.iter().map(|x| x.abs()).max().unwrap() * 3 + 50);
    let total: f64 = (-reach..=reach).map(&weight).sum();
    let count = draws.len() as f64;
    let mut observed = std::collections::HashMap::new();
    for x in draws {
        *observed.entry(*x).or_insert(0u64) += 1;
    }
    // cells from the left, joined until they expect enough
    let (mut statistic, mut cells) = (0.0, 0u32);
    let (mut expected, mut seen) = (0.0, 0u64);
    let mut left = count;
    for x in -reach..=reach {
        let here = count * weight(x) / total;
        expected += here;
        left -= here;
        seen += observed.get(&x).copied().unwrap_or(0);
        if expected >= 50.0 && left >= 50.0 || x == reach {
            statistic += (seen as f64 - expected).powi(2) / expected;
            cells += 1;
            (expected, seen) = (0.0, 0);
        }
    }
    let (k, x) = (f64::from(cells - 1), 1e9f64.ln());
    let bound = k + 2.0 * (k * x).sqrt() + 2.0 * x;
    println!("{name}: chi-square {statistic:.1} with {k} degrees of freedom, bound {bound:.1}");
    assert!(statistic < bound, "{name}: {statistic} >= {bound}");
}

#[test]
fn discrete_gaussians_are_what_they_claim() {
    for (seed, (a, b)) in (10u64..).zip([(1u128, 64u128), (1, 3), (1, 1), (9, 4), (50, 7), (400, 1), (1_000_003, 977)]) {
        let gaussian = DiscreteGaussian::new(Ratio::new(a, b).unwrap()).unwrap();
        let mut draws = vec![0; DRAWS];
        gaussian.fill(&mut draws, &mut ChaCha20Rng::seed_from_u64(seed));
        let variance = a as f64 / b as f64;
        check(&format!("gaussian {a}/{b}"), &draws, |x| (-(x as f64).powi(2) / (2.0 * variance)).exp());
    }
}

#[test]
fn discrete_laplaces_are_what_they_claim() {
    for (seed, (a, b)) in (30u64..).zip([(1u128, 5u128), (1, 1), (7, 3), (20, 1), (12_345, 123)]) {
        let laplace = DiscreteLaplace::new(Ratio::new(a, b).unwrap()).unwrap();
        let mut draws = vec![0; DRAWS];
        laplace.fill(&mut draws, &mut ChaCha20Rng::seed_from_u64(seed));
        let scale = a as f64 / b as f64;
        check(&format!("laplace {a}/{b}"), &draws, |x| (-(x as f64).abs() / scale).exp());
    }
}

/// Large parameters: residues of the draws modulo 16 are even (total variation to uniform below 1e-100), and the tails
/// beyond 1 to 5 standard deviations have the weight of the normal distribution (relative difference below 1e-9).
#[test]
fn tails_and_residues_of_large_gaussians() {
    let gaussian = DiscreteGaussian::new(Ratio::new(1 << 80, 3).unwrap()).unwrap();
    let mut draws = vec![0; DRAWS];
    gaussian.fill(&mut draws, &mut ChaCha20Rng::seed_from_u64(50));
    let residues: Vec<i64> = draws.iter().map(|x| x.rem_euclid(16)).collect();
    check("residues", &residues, |x| if (0..16).contains(&x) { 1.0 } else { 0.0 });
    let sigma = gaussian.standard_deviation();
    // two-sided tail weights of the normal distribution (any table)
    for (k, p) in
        [(1.0, 0.317_310_507_863), (2.0, 0.045_500_263_896), (3.0, 0.002_699_796_063), (4.0, 6.334_248_366e-5), (4.5, 6.795_346_249e-6)]
    {
        let hits = draws.iter().filter(|x| x.unsigned_abs() as f64 > k * sigma).count() as f64;
        let mean = DRAWS as f64 * p;
        // Bernstein: 2 exp(-t^2 / (2 (mean + t/3))) < 1e-9
        let x = 2e9f64.ln();
        let t = x / 3.0 + (x * x / 9.0 + 2.0 * mean * x).sqrt();
        assert!((hits - mean).abs() < t, "beyond {k} sigma: {hits} for {mean}, allowed {t}");
    }
}

#[test]
fn hopeless_parameters_are_refused() {
    let ratio = |a, b| Ratio::new(a, b).unwrap();
    for bad in [ratio(1, 65), ratio(1 << 91, 1)] {
        assert_eq!(DiscreteGaussian::new(bad).unwrap_err().code(), "dp.parameter");
    }
    assert!(DiscreteLaplace::new(ratio(1 << 46, 1)).is_err());
    assert!(DiscreteLaplace::new(ratio(1, u128::MAX)).is_err());
}
