//! Rows dealt to simulated parties, for experiments. Same seed, same split.

use rand_chacha::rand_core::Rng;

use crate::model::unit;
use crate::{Error, Result};

/// A random order of 0..n (Fisher & Yates); the choice among k is off by at most k 2^-64.
pub(crate) fn shuffled<R: Rng + ?Sized>(n: usize, rng: &mut R) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        let place = ((u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64) as usize;
        order.swap(last, place);
    }
    order
}

fn check(parties: usize, rows: usize) -> Result<()> {
    if parties == 0 || parties > rows {
        return Err(Error::caller(format!("{rows} rows cannot be dealt to {parties} parties")));
    }
    Ok(())
}

/// Alike: a random order, cut into parts whose sizes differ by at most one.
///
/// # Errors
/// `Caller` for no party, or more parties than rows.
pub fn iid<R: Rng + ?Sized>(rows: usize, parties: usize, rng: &mut R) -> Result<Vec<Vec<usize>>> {
    check(parties, rows)?;
    let order = shuffled(rows, rng);
    Ok((0..parties).map(|party| order[party * rows / parties..(party + 1) * rows / parties].to_vec()).collect())
}

/// Sorted by label and cut into equal parts: a party sees few classes. The hardest split.
///
/// # Errors
/// As for [`iid`].
pub fn by_label(labels: &[f64], parties: usize) -> Result<Vec<Vec<usize>>> {
    check(parties, labels.len())?;
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| labels[*a].total_cmp(&labels[*b]).then(a.cmp(b)));
    Ok((0..parties).map(|party| order[party * labels.len() / parties..(party + 1) * labels.len() / parties].to_vec()).collect())
}

/// Each class is dealt by shares drawn from a symmetric Dirichlet distribution of this concentration (Hsu, Qi & Brown 2019, in the form
/// of Li et al., ICDE 2022): 0.1 is very uneven, 100 nearly even. A party without a row takes one from the largest.
///
/// # Errors
/// As for [`iid`]; `Caller` for a concentration outside 0.01 to 1e4.
pub fn dirichlet<R: Rng + ?Sized>(labels: &[f64], parties: usize, concentration: f64, rng: &mut R) -> Result<Vec<Vec<usize>>> {
    check(parties, labels.len())?;
    if !(0.01..=1e4).contains(&concentration) {
        return Err(Error::caller(format!("the concentration is `{concentration}`: give one from 0.01 to 1e4")));
    }
    let mut classes: Vec<f64> = labels.to_vec();
    classes.sort_by(f64::total_cmp);
    classes.dedup();
    let order = shuffled(labels.len(), rng);
    let mut dealt = vec![Vec::new(); parties];
    for class in classes {
        let rows: Vec<usize> = order.iter().copied().filter(|row| labels[*row] == class).collect();
        // shares are gamma variables over their sum; the logarithm keeps tiny ones apart
        let logs: Vec<f64> = (0..parties).map(|_| log_gamma_variable(concentration, rng)).collect();
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = logs.iter().map(|log| libm::exp(log - top)).sum();
        let (mut start, mut sum) = (0, 0.0);
        for (party, log) in logs.iter().enumerate() {
            sum += libm::exp(log - top) / total;
            let end = if party + 1 == parties { rows.len() } else { ((sum * rows.len() as f64).round() as usize).clamp(start, rows.len()) };
            dealt[party].extend_from_slice(&rows[start..end]);
            start = end;
        }
    }
    while let Some(empty) = dealt.iter().position(Vec::is_empty) {
        let largest = (0..parties).max_by_key(|party| dealt[*party].len()).unwrap_or(0);
        let row = dealt[largest].pop().unwrap_or(0);
        dealt[empty].push(row);
    }
    Ok(dealt)
}

/// Logarithm of a gamma variable of this shape (Marsaglia & Tsang 2000, with their step for shapes below 1). Experiments only.
fn log_gamma_variable<R: Rng + ?Sized>(shape: f64, rng: &mut R) -> f64 {
    if shape < 1.0 {
        let u = 1.0 - unit(rng);
        return log_gamma_variable(shape + 1.0, rng) + libm::log(u) / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        // one normal variable by Box & Muller
        let normal = (-2.0 * libm::log(1.0 - unit(rng))).sqrt() * libm::cos(2.0 * std::f64::consts::PI * unit(rng));
        let v = (1.0 + c * normal).powi(3);
        if v > 0.0 && libm::log(1.0 - unit(rng)) < 0.5 * normal * normal + d - d * v + d * libm::log(v) {
            return libm::log(d * v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn every_row_is_dealt_once() {
        let labels: Vec<f64> = (0..1000).map(|row| f64::from(row % 7)).collect();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for split in [
            iid(1000, 7, &mut rng).unwrap(),
            by_label(&labels, 6).unwrap(),
            dirichlet(&labels, 10, 0.1, &mut rng).unwrap(),
            dirichlet(&labels, 3, 100.0, &mut rng).unwrap(),
        ] {
            let mut all = split.concat();
            all.sort_unstable();
            assert_eq!(all, (0..1000).collect::<Vec<_>>());
            assert!(split.iter().all(|rows| !rows.is_empty()));
        }
        assert!(iid(3, 4, &mut rng).is_err() && iid(3, 0, &mut rng).is_err() && dirichlet(&labels, 3, 0.0, &mut rng).is_err());
    }

    /// Mean and variance of the variable are its shape; 20,000 draws, limits at 5 standard errors.
    #[test]
    fn gamma_variables() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        for shape in [0.1, 0.5, 1.0, 5.0] {
            let draws: Vec<f64> = (0..20_000).map(|_| log_gamma_variable(shape, &mut rng).exp()).collect();
            let mean = draws.iter().sum::<f64>() / 2e4;
            assert!((mean - shape).abs() < 5.0 * (shape / 2e4).sqrt(), "{shape}: {mean}");
        }
    }
}
