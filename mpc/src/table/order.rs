//! The order of rows that nobody can name, from comparisons that everybody may see.
//!
//! The rows were shuffled before and no two are equal, so their order is a uniformly random one, whatever the data: [`super::sort`](mod@super::sort)
//! has the argument. Hence comparisons are opened and everything but them is done in the clear.
//!
//! **Course.** The first `2^b - 1` rows are ordered (by the same method, or each against each if they are few). All others search their
//! gap among them: `b` levels of the search, two levels at a time with three comparisons, so `ceil(b/2)` rounds of comparisons. In
//! each gap are a few rows then, which are compared each against each, in one more. With 4 to 8 rows a gap at the end and 8
//! to 16 before, `n = 10^5` takes 19 rounds of comparisons and 30 comparisons a row; a quicksort takes about 45 and 20.
//!
//! **Fixed course.** Numbers of comparisons are known beforehand but for those within the gaps: `sum of g(g-1)/2` over the `s+1` gaps into
//! which `m` rows fall, all compositions of `m` being equally likely. Its mean is `m(m-1)/(s+2)`, its standard deviation below
//! `sqrt((s+1)(5r^4 + 6r^3 + r^2))` with `r = m/(s+1)` (independent geometric numbers). [`within_gaps`] plans `8 + 120/sqrt(s+1)` deviations more than the
//! mean, and comparisons of a row with itself fill up to the plan. So a dry run predicts every message; the plan is too small in
//! fewer than one of 2^27 runs (union bound for a long gap, Chernoff's for the sum of the others, worked out for every stage up to 10^6 rows).
//! Then the run sends more than predicted; its result is right.

use crate::engine::{BitVector, Engine, Packed};
use crate::ops::circuit;
use crate::secret::only;
use crate::{Error, Result};

/// As many rows are compared each against each.
pub(super) const FEW: usize = 255;
/// Rows a gap at most, on average: in the last stage, in the stages before it.
const PER_GAP: [usize; 2] = [8, 16];
/// Levels of the search at a time: `2^2 - 1` comparisons instead of 2, half the rounds.
const LEVELS: u32 = 2;
/// Comparisons at a time: about 150 bytes each while they are computed.
const CHUNK: usize = 1 << 20;

/// Row numbers in ascending order of the keys, which are given as planes, lowest first. No two rows may be equal.
pub(super) fn order<E: Engine>(engine: &mut E, planes: &[E::Bits], rows: usize) -> Result<Vec<usize>> {
    let mut order = Vec::new();
    for rows in stages(rows) {
        let part: Vec<E::Bits> = planes.iter().map(|plane| crate::engine::Vector::slice(plane, 0..rows)).collect();
        order = insert(engine, &part, &order, rows)?;
    }
    Ok(order)
}

/// Numbers of rows that are in order after each stage.
fn stages(rows: usize) -> Vec<usize> {
    let (mut sizes, mut last, mut per_gap) = (vec![rows], rows, PER_GAP[0]);
    while last > FEW {
        last = last.div_ceil(per_gap).next_power_of_two() - 1;
        per_gap = PER_GAP[1];
        sizes.push(last);
    }
    sizes.reverse();
    sizes
}

/// Comparisons that are planned for `new` rows that fall into the gaps of `known` ones.
fn within_gaps(known: usize, new: usize) -> usize {
    let all = new.saturating_mul(new.saturating_sub(1)) / 2;
    if known == 0 {
        return all;
    }
    let gaps = known as f64 + 1.0;
    let (m, r) = (new as f64, new as f64 / gaps);
    let mean = m * (m - 1.0).max(0.0) / (gaps + 1.0);
    let deviation = (gaps * (5.0 * r.powi(4) + 6.0 * r.powi(3) + r * r)).sqrt();
    ((mean + (8.0 + 120.0 / gaps.sqrt()) * deviation) as usize).next_multiple_of(64).min(all)
}

/// Puts the rows behind the first `order.len()` in among these.
fn insert<E: Engine>(engine: &mut E, planes: &[E::Bits], order: &[usize], rows: usize) -> Result<Vec<usize>> {
    let (known, new) = (order.len(), rows - order.len());
    let gap = search(engine, planes, order, new)?;
    // rows by their gap
    let mut starts = vec![0; known + 2];
    gap.iter().for_each(|gap| starts[gap + 1] += 1);
    (0..=known).for_each(|at| starts[at + 1] += starts[at]);
    let (mut members, mut next) = (vec![0; new], starts.clone());
    for (row, gap) in gap.iter().enumerate() {
        members[next[*gap]] = row;
        next[*gap] += 1;
    }
    let pairs = || {
        let in_gap = |from: usize, to: usize| (from..to).flat_map(move |low| (low + 1..to).map(move |high| (high, low)));
        starts.windows(2).flat_map(move |range| in_gap(range[0], range[1]))
    };
    let planned = within_gaps(known, new);
    let needed: usize = starts.windows(2).map(|range| (range[1] - range[0]) * (range[1] - range[0]).saturating_sub(1) / 2).sum();
    let count = if E::OPENS { needed.max(planned) } else { planned };
    let rows_of = |(high, low): (usize, usize)| (known + members[high], known + members[low]);
    let filled = pairs().map(rows_of).chain(std::iter::repeat((0, 0))).take(count);
    let is_less = less(engine, planes, filled)?;
    if !E::OPENS {
        return Ok((0..rows).collect());
    }
    let mut smaller = vec![0; new];
    for ((high, low), is_less) in pairs().zip(is_less.iter()) {
        smaller[if is_less { low } else { high }] += 1;
    }
    let known_places = order.iter().enumerate().map(|(at, row)| (*row, at + starts[at + 1]));
    let in_gap = members.iter().zip(&smaller).map(|(row, smaller)| (known + row, gap[*row] + starts[gap[*row]] + smaller));
    let mut sorted = vec![usize::MAX; rows];
    for (row, place) in known_places.chain(in_gap) {
        match sorted.get_mut(place) {
            Some(slot) if *slot == usize::MAX => *slot = row,
            _ => return Err(contradiction()),
        }
    }
    Ok(sorted)
}

/// For each of `new` rows behind the known ones the number of known ones that are smaller.
fn search<E: Engine>(engine: &mut E, planes: &[E::Bits], order: &[usize], new: usize) -> Result<Vec<usize>> {
    let known = order.len();
    let mut gap = vec![0; new];
    let mut open = (known + 1).ilog2();
    while open > 0 {
        let levels = open.min(LEVELS);
        open -= levels;
        let ways = (1 << levels) - 1;
        let pivots = |row: usize| {
            (1..=ways).map({
                let from = gap[row];
                move |way| (order[from + (way << open) - 1], known + row)
            })
        };
        let is_less = less(engine, planes, (0..new).flat_map(pivots))?;
        let mut bits = is_less.iter();
        for gap in &mut gap {
            *gap += bits.by_ref().take(ways).filter(|is_less| *is_less).count() << open;
        }
    }
    Ok(gap)
}

/// Opens for each pair of rows whether the first is smaller.
pub(super) fn less<E: Engine>(engine: &mut E, planes: &[E::Bits], pairs: impl Iterator<Item = (usize, usize)>) -> Result<Packed> {
    let mut pairs = pairs.peekable();
    let mut opened = Vec::new();
    while pairs.peek().is_some() {
        let (left, right): (Vec<usize>, Vec<usize>) = pairs.by_ref().take(CHUNK).unzip();
        let (left, right) = (E::Bits::gather_each(planes, &left), E::Bits::gather_each(planes, &right));
        let is_less = circuit::less_than(engine, &left, &right)?;
        opened.push(only(engine.open_bits(&[&is_less])?)?);
    }
    Ok(Packed::concat(&opened.iter().collect::<Vec<_>>()))
}

/// Rows that are no order: somebody changed shares.
fn contradiction() -> Error {
    Error::Inconsistent { suspects: vec!["the computing parties".into()] }
}

#[cfg(test)]
mod tests {
    use rand::seq::SliceRandom;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::clear::Clear;

    fn sorted(values: &[u64]) -> Vec<usize> {
        let planes: Vec<_> = crate::planes::split(values, 64).iter().map(|plane| Clear.constant_bits(plane)).collect();
        order(&mut Clear, &planes, values.len()).unwrap()
    }

    #[test]
    fn orders_any_number_of_rows() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        for rows in [0, 1, 2, 3, 254, 255, 256, 257, 511, 1000, 4096, 5000] {
            let mut values: Vec<u64> = (0..rows).map(|at| at * 0x0123_4567_89ab).collect();
            values.shuffle(&mut rng);
            let mut expected: Vec<usize> = (0..values.len()).collect();
            expected.sort_by_key(|row| values[*row]);
            assert_eq!(sorted(&values), expected, "{rows} rows");
        }
    }

    /// Not shuffled: the gaps overflow, and the order is right all the same.
    #[test]
    fn orders_rows_whose_gaps_are_uneven() {
        for rows in [300u64, 2000] {
            assert_eq!(sorted(&(0..rows).collect::<Vec<_>>()), (0..rows as usize).collect::<Vec<_>>());
            assert_eq!(sorted(&(0..rows).rev().collect::<Vec<_>>()), (0..rows as usize).rev().collect::<Vec<_>>());
        }
    }

    #[test]
    fn stages_are_nearly_complete_trees() {
        assert_eq!(stages(0), [0]);
        assert_eq!(stages(255), [255]);
        assert_eq!(stages(256), [31, 256]);
        assert_eq!(stages(100_000), [63, 1023, 16383, 100_000]);
        assert_eq!(stages(10_000_000), [31, 511, 8191, 131_071, 2_097_151, 10_000_000]);
    }

    /// Numbers of rows in the gaps as the shuffle makes them: the planned comparisons suffice, and are not many more.
    #[test]
    fn planned_comparisons_suffice() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(2);
        for (known, new, runs) in [(31, 225, 20_000), (63, 960, 5_000), (1023, 15_360, 300), (16_383, 83_617, 20)] {
            let planned = within_gaps(known, new);
            for _ in 0..runs {
                // a uniform composition: Polya's urn
                let mut sizes = vec![0usize; known + 1];
                let mut drawn: Vec<u32> = Vec::with_capacity(new);
                for at in 0..new {
                    let pick = rng.random_range(0..known + 1 + at);
                    let gap = if pick <= known { pick as u32 } else { drawn[pick - known - 1] };
                    sizes[gap as usize] += 1;
                    drawn.push(gap);
                }
                let needed: usize = sizes.iter().map(|size| size * size.saturating_sub(1) / 2).sum();
                assert!(needed <= planned, "{known} known, {new} new: {needed} of {planned}");
            }
            let mean = new * (new - 1) / (known + 2);
            let most = if known < 1023 { 14.0 } else { 2.0 };
            assert!((planned as f64) < most * mean as f64, "{known} known, {new} new: {planned} planned, {mean} on average");
        }
    }

    #[test]
    fn results_that_contradict_each_other_are_an_error() {
        assert!(matches!(contradiction(), Error::Inconsistent { .. }));
    }
}
