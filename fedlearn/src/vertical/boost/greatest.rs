//! Where the greatest of many values is, in few rounds: all pairs of a group of at most 16 are compared at once, and the winners of the groups again.
//!
//! A step takes `9 + log2 w + log2 s` rounds for groups of `s` and differences of `w` bits; 255 values take two steps, a tree of pairs eight.

use yu_mpc::engine::{Engine, Module, Product, Vector};
use yu_mpc::ops::circuit;

use super::only;
use crate::Result;

/// Most values of a group.
const GROUP: usize = 16;

/// Values of a group so that all of `width` are told apart in the least number of steps.
fn group(width: usize) -> usize {
    let steps = (1..).find(|steps| GROUP.pow(*steps) >= width).unwrap_or(1);
    (1..=GROUP).find(|size| size.pow(steps) >= width).unwrap_or(GROUP)
}

/// 1 at the greatest of the `width` values of each lane, the first of equal ones; differences are below `2^(bits - 1)` in absolute value.
pub(super) fn one_hot<E: Engine>(engine: &mut E, values: &E::Words, lanes: usize, width: usize, bits: u32) -> Result<E::Words> {
    if width == 1 {
        return Ok(engine.constant(&vec![1; lanes]));
    }
    let size = group(width);
    let groups = width.div_ceil(size);
    let len = lanes * groups;
    // [group of a lane, place]; behind the last value copies of the first one, which lose against it
    let place = |at: usize| {
        let (lane, value) = (at / (groups * size), at % (groups * size));
        lane * width + if value < width { value } else { 0 }
    };
    let grouped = values.gather(&(0..len * size).map(place).collect::<Vec<_>>());
    let columns = grouped.transpose(len);
    let column = |at: usize| columns.slice(at * len..(at + 1) * len);
    let pairs: Vec<(usize, usize)> = (0..size).flat_map(|later| (0..later).map(move |first| (first, later))).collect();
    let apart: Vec<E::Words> = pairs.iter().map(|(first, later)| column(*first).sub(&column(*later))).collect();
    let apart = E::Words::concat(&apart.iter().collect::<Vec<_>>());
    let addends = engine.addends(&[&apart], bits)?;
    let beaten = only(circuit::negative(engine, &addends)?)?;
    let kept = circuit::not(engine, &beaten);
    let mut wins: Vec<Vec<E::Bits>> = vec![Vec::new(); size];
    for (at, (first, later)) in pairs.iter().enumerate() {
        wins[*first].push(kept.slice(at * len..(at + 1) * len));
        wins[*later].push(beaten.slice(at * len..(at + 1) * len));
    }
    let hot = all_of(engine, wins)?;
    let hot = only(engine.lift(&[&E::Bits::concat(&hot.iter().collect::<Vec<_>>())])?)?.transpose(size);
    let chosen = if groups == 1 {
        hot
    } else {
        let winners = only(engine.multiply(&[Product::Dots { left: &hot, right: &grouped, terms: size }], 0)?)?;
        let above = one_hot(engine, &winners, lanes, groups, bits)?;
        let above = above.gather(&(0..len * size).map(|at| at / size).collect::<Vec<_>>());
        only(engine.multiply(&[Product::Each(&hot, &above)], 0)?)?
    };
    Ok(chosen.gather(&(0..lanes * width).map(|at| at / width * groups * size + at % width).collect::<Vec<_>>()))
}

/// The conjunction of each list; all lists have as many vectors.
fn all_of<E: Engine>(engine: &mut E, mut lists: Vec<Vec<E::Bits>>) -> Result<Vec<E::Bits>> {
    while lists.iter().any(|list| list.len() > 1) {
        let pairs: Vec<_> = lists.iter().flat_map(|list| list.chunks_exact(2).map(|pair| (&pair[0], &pair[1]))).collect();
        let mut both = engine.and(&pairs)?.into_iter();
        for list in &mut lists {
            let spare = if list.len() % 2 == 1 { list.pop() } else { None };
            *list = both.by_ref().take(list.len() / 2).chain(spare).collect();
        }
    }
    Ok(lists.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use yu_mpc::clear::Clear;

    use super::*;

    #[test]
    fn the_first_of_the_greatest() {
        for width in [1, 2, 3, 15, 16, 17, 100, 257] {
            let lanes = 5;
            // many equal ones, negative ones among them
            let value = |at: usize| (at * 7919 % 23) as i64 - 11;
            let values: Vec<u64> = (0..lanes * width).map(|at| value(at).cast_unsigned()).collect();
            let shared = Clear.constant(&values);
            let found = one_hot(&mut Clear, &shared, lanes, width, 8).unwrap();
            for lane in 0..lanes {
                let all: Vec<i64> = (0..width).map(|at| value(lane * width + at)).collect();
                let best = all.iter().position(|value| value == all.iter().max().unwrap()).unwrap();
                let expected: Vec<u64> = (0..width).map(|at| u64::from(at == best)).collect();
                assert_eq!(found.part(0)[lane * width..(lane + 1) * width], expected, "width {width}");
            }
        }
        assert_eq!([2, 16, 17, 252, 257].map(group), [2, 16, 5, 16, 7]);
    }
}
