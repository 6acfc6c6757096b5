//! The rules on checked updates: at least one, all of one length, all finite.

use rayon::prelude::*;

/// Coordinates that one thread takes at a time.
const CHUNK: usize = 16_384;

/// Mean of each coordinate without the `each` smallest and largest; with all but one or two left out, the median.
pub(super) fn trimmed(deltas: &[&[f64]], each: usize) -> Vec<f64> {
    let length = deltas.first().map_or(0, |delta| delta.len());
    let mut out = vec![0.0; length];
    out.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, out)| {
        let mut column = Vec::with_capacity(deltas.len());
        for (offset, out) in out.iter_mut().enumerate() {
            column.clear();
            column.extend(deltas.iter().map(|delta| delta[chunk * CHUNK + offset]));
            column.sort_unstable_by(f64::total_cmp);
            let kept = &column[each..column.len() - each];
            *out = kept.iter().sum::<f64>() / kept.len() as f64;
        }
    });
    out
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Mean of the `keep` updates of the least scores; equal scores by place.
pub(super) fn krum(deltas: &[&[f64]], bad: usize, keep: usize) -> Vec<f64> {
    let near = deltas.len() - bad - 2;
    let mut scores: Vec<(f64, usize)> = (0..deltas.len())
        .into_par_iter()
        .map(|place| {
            let mut distances: Vec<f64> =
                (0..deltas.len()).filter(|other| *other != place).map(|other| distance(deltas[place], deltas[other])).collect();
            distances.sort_unstable_by(f64::total_cmp);
            (distances.iter().take(near).sum(), place)
        })
        .collect();
    scores.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut mean = vec![0.0; deltas.first().map_or(0, |delta| delta.len())];
    for (_, place) in scores.iter().take(keep) {
        mean.iter_mut().zip(deltas[*place]).for_each(|(total, value)| *total += value / keep as f64);
    }
    mean
}

/// Weiszfeld's iteration from the coordinate median, distances smoothed at 1e-9 of their median; at most 200 steps. Where half of the
/// updates and more are the point itself, it is the answer.
pub(super) fn geometric_median(deltas: &[&[f64]]) -> Vec<f64> {
    let mut point = trimmed(deltas, (deltas.len() - 1) / 2);
    let mut distances: Vec<f64> = deltas.iter().map(|delta| distance(delta, &point).sqrt()).collect();
    distances.sort_unstable_by(f64::total_cmp);
    let scale = distances[distances.len() / 2];
    if scale == 0.0 {
        return point;
    }
    for _ in 0..200 {
        let weights: Vec<f64> = deltas.iter().map(|delta| 1.0 / distance(delta, &point).sqrt().max(1e-9 * scale)).collect();
        let total: f64 = weights.iter().sum();
        let mut next = vec![0.0; point.len()];
        for (delta, weight) in deltas.iter().zip(&weights) {
            next.iter_mut().zip(*delta).for_each(|(sum, value)| *sum += value * (weight / total));
        }
        let moved = distance(&next, &point).sqrt();
        point = next;
        if moved < 1e-10 * scale {
            break;
        }
    }
    point
}

#[cfg(test)]
mod tests {
    use super::super::{Clear, Rule, Visibility};
    use crate::Error;

    fn run(rule: Rule, deltas: &[Vec<f64>]) -> crate::Result<Vec<f64>> {
        let updates: Vec<Clear<'_>> = deltas.iter().map(|delta| Clear { party: "bank", delta }).collect();
        rule.aggregate(Visibility::Clear, &updates)
    }

    /// Seven honest updates near (1, -2), two that shout: every rule stays near.
    #[test]
    fn bad_updates_do_not_steer() {
        let mut deltas: Vec<Vec<f64>> = (0..7).map(|party| vec![1.0 + 0.01 * f64::from(party), -2.0 - 0.01 * f64::from(party)]).collect();
        deltas.push(vec![1e6, 1e6]);
        deltas.push(vec![1e6, -1e9]);
        for rule in [
            Rule::Median,
            Rule::TrimmedMean { each: 2 },
            Rule::Krum { bad: 2, keep: 1 },
            Rule::Krum { bad: 2, keep: 5 },
            Rule::GeometricMedian,
        ] {
            let found = run(rule, &deltas).unwrap();
            assert!((found[0] - 1.03).abs() < 0.05 && (found[1] + 2.03).abs() < 0.05, "{rule:?} {found:?}");
        }
        let clipped = run(Rule::ClippedMean { norm: 3.0 }, &deltas).unwrap();
        assert!(clipped.iter().all(|value| value.abs() < 3.0));
    }

    #[test]
    fn small_cases_are_exact() {
        let deltas = vec![vec![1.0], vec![2.0], vec![4.0], vec![100.0]];
        assert_eq!(run(Rule::Median, &deltas).unwrap(), [3.0]);
        assert_eq!(run(Rule::Median, &deltas[..3]).unwrap(), [2.0]);
        assert_eq!(run(Rule::TrimmedMean { each: 1 }, &deltas).unwrap(), [3.0]);
        assert_eq!(run(Rule::GeometricMedian, &vec![vec![5.0, 6.0]; 3]).unwrap(), [5.0, 6.0]);
        // the geometric median of a right triangle's corners: the Fermat point, equal on both axes
        let fermat = run(Rule::GeometricMedian, &[vec![0.0, 0.0], vec![1.0, 0.0], vec![0.0, 1.0]]).unwrap();
        let exact = (1.0 - 1.0 / 3f64.sqrt()) / 2.0;
        assert!(fermat.iter().all(|value| (value - exact).abs() < 1e-6), "{fermat:?}");
    }

    #[test]
    fn refusals() {
        let deltas = vec![vec![1.0], vec![2.0], vec![3.0]];
        assert!(matches!(run(Rule::Krum { bad: 1, keep: 1 }, &deltas), Err(Error::Quorum { needed: 5, .. })));
        assert!(matches!(run(Rule::TrimmedMean { each: 2 }, &deltas), Err(Error::Quorum { .. })));
        assert!(run(Rule::Krum { bad: 0, keep: 9 }, &deltas).is_err());
        let (good, short, wild) = ([1.0], [], [f64::NAN]);
        for bad in [&short[..], &wild[..]] {
            let updates = [Clear { party: "a", delta: &good }, Clear { party: "b", delta: bad }];
            assert!(matches!(Rule::Median.aggregate(Visibility::Clear, &updates), Err(Error::Peer { culprit, .. }) if culprit == "b"));
        }
        let updates = [Clear { party: "a", delta: &good }];
        for rule in [Rule::Median, Rule::GeometricMedian, Rule::ClippedMean { norm: 1.0 }] {
            assert!(matches!(rule.aggregate(Visibility::SecureAggregation, &updates), Err(Error::Unsafe { .. })));
        }
        assert!(matches!(Rule::Median.aggregate(Visibility::Clear, &[]), Err(Error::Quorum { .. })));
    }
}
