//! How sure a share is: the exact interval of Clopper and Pearson (1934).
//!
//! Of `n` trials `x` succeeded. The interval holds the true share in at least the stated part of all repetitions,
//! however small `n` is; it is never too narrow, which is what a gate that fails closed needs. Its ends are quantiles
//! of the beta distribution, found here by bisection of the regularised incomplete beta function (continued fraction
//! of Lentz; Press et al., Numerical Recipes, section 6.4).

/// Both ends of the interval for `successes` of `trials` at `confidence` (for example 0.95); (0, 1) without trials.
#[must_use]
pub fn clopper_pearson(successes: u64, trials: u64, confidence: f64) -> (f64, f64) {
    if trials == 0 || successes > trials || !(confidence > 0.0 && confidence < 1.0) {
        return (0.0, 1.0);
    }
    let (x, n) = (successes as f64, trials as f64);
    let tail = (1.0 - confidence) / 2.0;
    let low = if successes == 0 { 0.0 } else { quantile(tail, x, n - x + 1.0) };
    let high = if successes == trials { 1.0 } else { quantile(1.0 - tail, x + 1.0, n - x) };
    (low, high)
}

/// The value below which a beta variable lies with probability `p`.
fn quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // 60 halvings leave less than a double can tell apart near 1
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if beta_below(middle, a, b) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The regularised incomplete beta function I_x(a, b).
fn beta_below(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    // the fraction converges fast on this side of the mean only; the other side follows by symmetry
    if x < (a + 1.0) / (a + b + 2.0) { front * fraction(x, a, b) / a } else { 1.0 - front * fraction(1.0 - x, b, a) / b }
}

/// The continued fraction of the incomplete beta function.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / guard(1.0 - (a + b) * x / (a + 1.0)));
    let mut h = d;
    // O(sqrt(max(a, b))) steps: enough for 10^8 trials
    for m in 1..20_000u32 {
        let m = f64::from(m);
        for numerator in
            [m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)), -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))]
        {
            d = 1.0 / guard(1.0 + numerator * d);
            c = guard(1.0 + numerator / c);
            h *= d * c;
        }
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_without_successes_have_a_closed_form() {
        // (1 - high)^n = alpha / 2, the "rule of three" in its exact form
        for n in [1u64, 10, 100, 30_000] {
            let (low, high) = clopper_pearson(0, n, 0.95);
            assert_eq!(low, 0.0);
            assert!((high - (1.0 - 0.025f64.powf(1.0 / n as f64))).abs() < 1e-10, "{n}");
            let (low, high) = clopper_pearson(n, n, 0.95);
            assert!((low - 0.025f64.powf(1.0 / n as f64)).abs() < 1e-10 && high == 1.0, "{n}");
        }
        assert_eq!(clopper_pearson(0, 0, 0.95), (0.0, 1.0));
        assert_eq!(clopper_pearson(3, 2, 0.95), (0.0, 1.0));
    }

    #[test]
    fn ends_invert_the_binomial_distribution() {
        // by definition the chance of at least x successes at the low end, and of at most x at the high one, is alpha / 2
        for (x, n) in [(1u64, 10u64), (5, 10), (44, 280), (63, 200)] {
            let (low, high) = clopper_pearson(x, n, 0.95);
            let chance = |range: std::ops::RangeInclusive<u64>, p: f64| -> f64 {
                let ln = |m: u64| libm::lgamma(m as f64 + 1.0);
                range.map(|i| (ln(n) - ln(i) - ln(n - i) + i as f64 * p.ln() + (n - i) as f64 * (-p).ln_1p()).exp()).sum()
            };
            assert!((chance(x..=n, low) - 0.025).abs() < 1e-9, "{x} of {n}");
            assert!((chance(0..=x, high) - 0.025).abs() < 1e-9, "{x} of {n}");
        }
    }
}
