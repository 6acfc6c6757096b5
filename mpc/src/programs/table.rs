//! Tables.

use rand::{Rng, RngExt};

use super::arithmetic::{signed, words};
use super::{Output, Program};
use crate::Result;
use crate::engine::{Engine, Module, Product};
use crate::table::{self, Fraction, Grouping, Key, Side};

/// Numbers below `bound`, so that some repeat.
fn below(n: usize, bound: u64, rng: &mut dyn Rng) -> Vec<u64> {
    (0..n).map(|_| rng.random_range(0..bound.max(1))).collect()
}

/// Flags, most of them 1.
fn flags(n: usize, rng: &mut dyn Rng) -> Vec<u64> {
    (0..n).map(|_| u64::from(rng.random_range(0..4) != 0)).collect()
}

fn all<E: Engine>(columns: impl IntoIterator<Item = E::Words>) -> Vec<Output<E>> {
    columns.into_iter().map(Output::Words).collect()
}

/// Two columns shuffled: their sums and their scalar product stay.
pub struct Shuffle;

impl Program for Shuffle {
    const NAME: &'static str = "shuffle";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let moved = table::shuffle(engine, &[&inputs[0], &inputs[1]])?;
        if n == 0 {
            return Ok(all(moved));
        }
        let product = engine.multiply(&[Product::Dots { left: &moved[0], right: &moved[1], terms: n }], 0)?;
        Ok(all(moved.iter().map(|column| column.sums(n)).chain(product)))
    }
}

/// A permutation from a sort, applied to a column and undone.
pub struct Permute;

impl Program for Permute {
    const NAME: &'static str = "permute";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let mut places: Vec<u64> = (0..n as u64).collect();
        (1..n).rev().for_each(|at| places.swap(at, rng.random_range(0..=at)));
        vec![places, words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let mut moved = table::scatter(engine, &inputs[0], &[&inputs[1]])?;
        moved.extend(table::gather(engine, &inputs[0], &[&inputs[1]])?);
        Ok(all(moved))
    }
}

/// Signed 64-bit keys in order.
pub struct Sort;

impl Program for Sort {
    const NAME: &'static str = "sort";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(all(table::sort(engine, &[Key::signed(&inputs[0])], &[])?.keys))
    }
}

/// Rows by a short key in descending order, then by a signed one; with places and row numbers.
pub struct SortTable;

impl Program for SortTable {
    const NAME: &'static str = "sort-table";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![below(n, 8, rng), signed(n, 2, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let keys = [Key::unsigned(&inputs[0], 3).descending(), Key::signed(&inputs[1])];
        let sorted = table::sort(engine, &keys, &[&inputs[2]])?;
        let places = table::places(engine, &keys)?;
        Ok(all(sorted.keys.into_iter().chain(sorted.columns).chain([sorted.rows, places])))
    }
}

/// Flagged rows to the front.
pub struct Partition;

impl Program for Partition {
    const NAME: &'static str = "partition";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![flags(n, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(all(table::partition(engine, &inputs[0], &[&inputs[0], &inputs[1]])?))
    }
}

/// Count, sum, minimum and maximum by a 32-bit key of the rows that have a flag.
pub struct GroupBy;

impl Program for GroupBy {
    const NAME: &'static str = "group-by";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![below(n, (n / 5) as u64 + 1, rng), signed(n, 40, rng), flags(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let keys = [Key::unsigned(&inputs[0], 32)];
        let sums = [&inputs[1]];
        let grouping = Grouping::by(&keys).only(&inputs[2]).sums(&sums).extremes(Key::signed(&inputs[1]));
        let groups = table::group_by(engine, &grouping)?;
        let counted = groups.keys.into_iter().chain(groups.sums).chain([groups.is_group, groups.counts]);
        Ok(all(counted.chain(groups.min).chain(groups.max)))
    }
}

/// Means by a 32-bit key.
pub struct GroupMean;

impl Program for GroupMean {
    const NAME: &'static str = "group-mean";
    // each is 2 units off at most
    const TOLERANCE: u64 = 4;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let bits = 61u32.saturating_sub(n.max(1).ilog2());
        vec![below(n, (n / 5) as u64 + 1, rng), signed(n, bits, rng), signed(n, 20, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let keys = [Key::unsigned(&inputs[0], 32)];
        let groups = table::group_by(engine, &Grouping::by(&keys).sums(&[&inputs[1], &inputs[2]]))?;
        Ok(all(groups.means(engine)?))
    }
}

/// Two tables of `n` rows each, about half of which match, with a payload column each.
pub struct Join;

impl Program for Join {
    const NAME: &'static str = "join";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let key = [5; 32];
        let column = |from: usize, word: usize| (from..from + n).map(|id| table::digest(&key, &(id as u64).to_le_bytes())[word]).collect();
        vec![column(0, 0), column(n / 2, 0), words(n, rng), column(0, 1), column(n / 2, 1), words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let left = Side { digests: [&inputs[0], &inputs[3]], columns: &[&inputs[2]] };
        let right = Side { digests: [&inputs[1], &inputs[4]], columns: &[&inputs[5]] };
        let joined = table::join(engine, &left, &right)?;
        Ok(all(joined.left.into_iter().chain(joined.right).chain([joined.is_match, joined.repeated])))
    }
}

/// The ten greatest values with a column that belongs to them.
pub struct Top;

impl Program for Top {
    const NAME: &'static str = "top-k";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, 62, rng), words(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(all(table::top(engine, &[Key::signed(&inputs[0]).descending()], &[&inputs[1]], 10)?))
    }
}

/// Minimum, quartiles and maximum of the values that have a flag, and the median of all.
pub struct Quantiles;

impl Program for Quantiles {
    const NAME: &'static str = "quantiles";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n.max(1), 62, rng), flags(n.max(1), rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let at = [0, 25, 50, 75, 100].map(Fraction::percent);
        Ok(all(table::quantiles(engine, Key::signed(&inputs[0]), Some(&inputs[1]), &at)?))
    }
}

/// Counts between nine edges of the values that have a flag.
pub struct Histogram;

impl Program for Histogram {
    const NAME: &'static str = "histogram";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(n, 4, rng), flags(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let edges = [-15i64, -8, -4, -1, 0, 1, 3, 9, 15].map(i64::cast_unsigned);
        let with = table::histogram(engine, Key::signed(&inputs[0]), &edges, Some(&inputs[1]))?;
        Ok(all([with]))
    }
}

/// Counts of ten categories; codes beyond them count nowhere.
pub struct Categories;

impl Program for Categories {
    const NAME: &'static str = "categories";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![below(n, 12, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(all([table::categories(engine, &inputs[0], 10, None)?]))
    }
}

/// Counts and sums of ten categories, of the rows that have a flag.
pub struct ByCategory;

impl Program for ByCategory {
    const NAME: &'static str = "by-category";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![below(n, 12, rng), words(n, rng), words(n, rng), flags(n, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let groups = table::by_category(engine, &inputs[0], 10, &[&inputs[1], &inputs[2]], Some(&inputs[3]))?;
        Ok(all(groups.sums.into_iter().chain([groups.counts])))
    }
}

/// Number of different 64-bit keys.
pub struct Distinct;

impl Program for Distinct {
    const NAME: &'static str = "distinct";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let few = words(n / 2 + 1, rng);
        vec![(0..n).map(|_| few[rng.random_range(0..few.len())]).collect()]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        Ok(all([table::distinct(engine, &[Key::unsigned(&inputs[0], 64)], None)?]))
    }
}
