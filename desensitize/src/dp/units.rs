//! The numbers of privacy, each with its own type: none is taken for another one.

use serde::{Deserialize, Serialize};

use super::refuse::{number, refuse};
use crate::error::{Error, Result, Text};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $word:literal, $zh:literal, $bounds:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            #[doc = concat!("A value: ", $bounds, ".")]
            ///
            /// # Errors
            /// `dp.unit` outside these bounds.
            pub fn new(value: f64) -> Result<Self> {
                let valid: fn(f64) -> bool = $valid;
                if valid(value) { Ok(Self(value)) } else { Err(number($word, $zh, $bounds)) }
            }

            /// The bare number, for printing and for formulas.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = Error;

            fn try_from(value: f64) -> Result<Self> {
                Self::new(value)
            }
        }

        impl From<$name> for f64 {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

unit!(
    /// Privacy loss bound of (epsilon, delta)-differential privacy, in nats (隐私损失上界). Smaller protects more; above 10 hardly anything.
    ///
    /// ```compile_fail
    /// use yu_desensitize::dp::{Epsilon, Rho};
    /// fn mix(a: Epsilon, b: Rho) -> Epsilon { a + b } // units do not add
    /// ```
    /// ```compile_fail
    /// use yu_desensitize::dp::{Delta, Epsilon};
    /// fn swap(delta: Delta) -> Epsilon { delta }
    /// ```
    Epsilon, "epsilon", "隐私预算", "above 0, at most 1e4", |value| value > 0.0 && value <= 1e4
);
unit!(
    /// Probability with which the bound of epsilon may fail (失效概率). Choose far below one over the number of people.
    Delta, "delta", "失效概率", "above 0, below 1", |value| value > 0.0 && value < 1.0
);
unit!(
    /// Privacy loss of zero-concentrated differential privacy (零集中差分隐私; Bun & Steinke 2016): adds up under composition.
    ///
    /// ```compile_fail
    /// use yu_desensitize::dp::Rho;
    /// let rho: Rho = 0.5; // a bare number is no unit
    /// ```
    Rho, "rho", "零集中差分隐私参数", "above 0, at most 1e4", |value| value > 0.0 && value <= 1e4
);
unit!(
    /// Standard deviation of Gaussian noise over the L2 sensitivity (噪声倍数). Not a standard deviation.
    ///
    /// ```compile_fail
    /// use yu_desensitize::dp::{Epsilon, NoiseMultiplier};
    /// fn swap(noise: NoiseMultiplier) -> Epsilon { noise }
    /// ```
    NoiseMultiplier, "noise multiplier", "噪声倍数", "0.05 to 1e6", |value| (0.05..=1e6).contains(&value)
);
unit!(
    /// Probability with which a record takes part in a step of Poisson sampling (抽样率).
    SamplingRate, "sampling rate", "抽样率", "above 0, at most 1", |value| value > 0.0 && value <= 1.0
);

impl Epsilon {
    /// Pure epsilon gives rho = epsilon^2 / 2 (Bun & Steinke 2016, Proposition 1.4).
    ///
    /// # Errors
    /// `dp.unit` if the result is no valid rho.
    pub fn to_rho(self) -> Result<Rho> {
        Rho::new(self.0 * self.0 / 2.0)
    }

    /// An equal share of `parts`.
    ///
    /// # Errors
    /// `dp.unit` for no parts.
    pub fn share(self, parts: u32) -> Result<Self> {
        Self::new(self.0 / f64::from(parts))
    }
}

impl Rho {
    /// The least delta for this epsilon: the infimum over alpha > 1 of
    /// exp((alpha - 1)(alpha rho - epsilon)) / (alpha - 1) (1 - 1/alpha)^alpha
    /// (Canonne, Kamath & Steinke 2020, Corollary 13). At most 1; below the least positive double it is that double.
    ///
    /// # Errors
    /// `dp.unit` if no delta below 1 exists.
    pub fn to_delta(self, epsilon: Epsilon) -> Result<Delta> {
        let log_delta = |beta: f64| {
            // alpha = 1 + beta
            beta * ((1.0 + beta) * self.0 - epsilon.0) - (1.0 + beta) * beta.recip().ln_1p() - beta.ln()
        };
        let beta = least(&log_delta);
        Delta::new(log_delta(beta).exp().clamp(f64::MIN_POSITIVE, 1.0))
    }

    /// The least epsilon for this delta, by the same bound solved for epsilon.
    ///
    /// # Errors
    /// `dp.unit` if the result is no valid epsilon.
    pub fn to_epsilon(self, delta: Delta) -> Result<Epsilon> {
        let epsilon = |beta: f64| {
            let alpha = 1.0 + beta;
            alpha * self.0 - (delta.0.ln() + beta.ln() + alpha * beta.recip().ln_1p()) / beta
        };
        Epsilon::new(epsilon(least(&epsilon)).max(f64::MIN_POSITIVE))
    }

    /// The largest rho (to 1e-12 of itself, from below) that gives at most this epsilon and delta.
    ///
    /// # Errors
    /// `dp.unit` if there is none.
    pub fn for_target(epsilon: Epsilon, delta: Delta) -> Result<Self> {
        let (mut low, mut high) = (1e-12f64, 1e4f64);
        if Self(low).to_epsilon(delta)? > epsilon {
            return Err(number("rho", "零集中差分隐私参数", "at least 1e-12 for the target"));
        }
        while high / low > 1.0 + 1e-12 {
            let middle = (low * high).sqrt();
            match Self(middle).to_epsilon(delta) {
                Ok(found) if found <= epsilon => low = middle,
                _ => high = middle,
            }
            if middle <= low && middle >= high {
                break;
            }
        }
        Self::new(low)
    }

    /// An equal share of `parts`.
    ///
    /// # Errors
    /// `dp.unit` for no parts.
    pub fn share(self, parts: u32) -> Result<Self> {
        Self::new(self.0 / f64::from(parts))
    }
}

impl NoiseMultiplier {
    /// One Gaussian release: rho = 1 / (2 z^2) (Bun & Steinke 2016, Proposition 1.6).
    ///
    /// # Errors
    /// `dp.unit` if the result is no valid rho.
    pub fn to_rho(self) -> Result<Rho> {
        Rho::new(0.5 / (self.0 * self.0))
    }
}

/// The place of the least value of a function with one minimum on (0, infinity), by golden section over the logarithm.
pub(super) fn least(f: &impl Fn(f64) -> f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let at = |x: f64| {
        let value = f(x.exp());
        if value.is_nan() { f64::INFINITY } else { value }
    };
    let (mut a, mut b) = (-35.0f64, 35.0f64);
    let (mut left, mut right) = (b - GOLDEN * (b - a), a + GOLDEN * (b - a));
    let (mut f_left, mut f_right) = (at(left), at(right));
    for _ in 0..90 {
        if f_left <= f_right {
            (b, right, f_right) = (right, left, f_left);
            left = b - GOLDEN * (b - a);
            f_left = at(left);
        } else {
            (a, left, f_left) = (left, right, f_right);
            right = a + GOLDEN * (b - a);
            f_right = at(right);
        }
    }
    f64::midpoint(a, b).exp()
}

/// Advanced composition of `count` releases, each (epsilon, delta): the total is (the result, count delta + slack)
/// (Dwork, Rothblum & Vadhan 2010, in the form of Kairouz, Oh & Viswanath 2015, Theorem 3.4, least of its three bounds).
///
/// # Errors
/// `dp.unit` if a result is out of bounds, for example delta not below 1.
pub fn advanced_composition(epsilon: Epsilon, delta: Delta, count: u32, slack: Delta) -> Result<(Epsilon, Delta)> {
    if count == 0 {
        return Err(refuse(
            "dp.unit",
            Text::new("composition of no releases", "没有可组合的发布"),
            Text::new("number of releases", "发布次数"),
            Text::new("give at least one release", "请至少给出一次发布"),
        ));
    }
    let (e, k, d) = (epsilon.0, f64::from(count), slack.0);
    let basic = k * e;
    let drift = k * e * (e / 2.0).tanh();
    let first = drift + (2.0 * k * e * e * (1.0 / d).ln()).sqrt();
    let second = drift + (2.0 * k * e * e * (std::f64::consts::E + e * k.sqrt() / d).ln()).sqrt();
    let total_delta = -(k * (-delta.0).ln_1p() + (-d).ln_1p()).exp_m1();
    Ok((Epsilon::new(basic.min(first).min(second))?, Delta::new(total_delta)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold() {
        for bad in [f64::NAN, -1.0, 0.0, f64::INFINITY] {
            assert!(Epsilon::new(bad).is_err() && Rho::new(bad).is_err() && Delta::new(bad).is_err());
        }
        assert!(Delta::new(1.0).is_err());
        assert!(serde_json::from_str::<Epsilon>("-1").is_err());
        let error = Epsilon::new(-1.0).unwrap_err();
        assert_eq!(error.code(), "dp.unit");
    }

    /// The curve of Gaussian noise: rho = alpha / 2 at sigma 1; order 4.9 is near the best for delta 1e-5
    /// (the shared golden values give 4.7285 at order 5.4 of a coarse grid).
    #[test]
    fn conversions_are_tight_and_agree() {
        let (rho, delta) = (Rho::new(0.5).unwrap(), Delta::new(1e-5).unwrap());
        let epsilon = rho.to_epsilon(delta).unwrap();
        assert!(epsilon.get() <= 4.728_507_067 && epsilon.get() > 4.725, "{epsilon:?}");
        let back = rho.to_delta(epsilon).unwrap();
        assert!((back.get() / 1e-5 - 1.0).abs() < 1e-6, "{back:?}");
        let target = Rho::for_target(epsilon, delta).unwrap();
        assert!((target.get() - 0.5).abs() < 1e-6 && target.to_epsilon(delta).unwrap() <= epsilon);
        assert!((Epsilon::new(1.0).unwrap().to_rho().unwrap().get() - 0.5).abs() < 1e-15);
    }

    #[test]
    fn advanced_beats_basic_for_many() {
        let (epsilon, delta) = (Epsilon::new(0.01).unwrap(), Delta::new(1e-9).unwrap());
        let (total, total_delta) = advanced_composition(epsilon, delta, 10_000, Delta::new(1e-6).unwrap()).unwrap();
        assert!(total.get() < 10.0 && total_delta.get() < 1.2e-5);
        assert!(advanced_composition(epsilon, delta, 0, delta).is_err());
    }
}
