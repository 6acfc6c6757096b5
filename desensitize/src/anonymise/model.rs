//! The privacy models and what each demands of a class: of the rows that share all quasi-identifiers.

use serde::{Deserialize, Serialize};

/// Rounding errors of sums of shares stay far below this.
const TOLERANCE: f64 = 1e-12;

/// How far apart two distributions of a sensitive column are (earth mover's distance, EMD).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// All values equally far apart: half the sum of the differences.
    #[default]
    Equal,
    /// Values in an order: of the hierarchy file, else numeric if all are numbers, else alphabetical.
    Ordered,
    /// As far apart as the level on which they meet in the hierarchy of the column.
    Hierarchical,
}

/// What every class of a release must satisfy. Several models together must all hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case", deny_unknown_fields)]
pub enum Model {
    /// k-anonymity (k-匿名): at least `k` rows look alike.
    K {
        /// Least size of a class.
        k: u32,
    },
    /// k-map: at least `k` people of a population table look alike.
    KMap {
        /// Least number of people.
        k: u32,
    },
    /// Distinct l-diversity (l-多样性): at least `l` different sensitive values.
    DistinctL {
        /// The sensitive column.
        column: String,
        /// Least number of values.
        l: u32,
    },
    /// Entropy l-diversity: entropy of the sensitive values at least ln(`l`).
    EntropyL {
        /// The sensitive column.
        column: String,
        /// Effective number of values.
        l: f64,
    },
    /// Recursive (c,l)-diversity: the most frequent value occurs less than `c` times as often as the values from the
    /// `l`-th most frequent on together.
    RecursiveCl {
        /// The sensitive column.
        column: String,
        /// Factor.
        c: f64,
        /// From which rank on.
        l: u32,
    },
    /// t-closeness (t-接近性): the sensitive values are distributed as in the whole table, up to `t`.
    T {
        /// The sensitive column.
        column: String,
        /// Greatest distance.
        t: f64,
        /// Which distance.
        #[serde(default)]
        distance: Distance,
    },
}

impl Model {
    /// The sensitive column, for models that have one.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::K { .. } | Self::KMap { .. } => None,
            Self::DistinctL { column, .. } | Self::EntropyL { column, .. } | Self::RecursiveCl { column, .. } | Self::T { column, .. } => {
                Some(column)
            }
        }
    }

    /// Whether the parameters make sense; otherwise the demand in English and Chinese.
    pub(crate) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let is_ok = match self {
            Self::K { k } | Self::KMap { k } => *k >= 1,
            Self::DistinctL { l, .. } => *l >= 1,
            Self::EntropyL { l, .. } => l.is_finite() && *l >= 1.0,
            Self::RecursiveCl { c, l, .. } => c.is_finite() && *c > 0.0 && *l >= 1,
            Self::T { t, .. } => (0.0..=1.0).contains(t),
        };
        (!is_ok).then_some((
            "k and l must be 1 or more, c positive, t between 0 and 1",
            "k 与 l 必须不小于 1，c 必须为正，t 必须在 0 与 1 之间",
        ))
    }
}

/// The distribution of a sensitive column in the whole table, and how its values relate.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// Share of each value.
    pub(crate) shares: Vec<f64>,
    /// The values in order.
    pub(crate) order: Vec<u32>,
    /// Per level of the hierarchy, bottom up, the code of each value; empty without one.
    pub(crate) levels: Vec<Vec<u32>>,
}

/// Rows per sensitive value in one class, each value once.
pub(crate) type Counts = [(u32, u32)];

/// Number of values that occur.
pub(crate) fn distinct(counts: &Counts) -> u64 {
    counts.iter().filter(|(_, count)| *count > 0).count() as u64
}

/// exp of the entropy: the effective number of values.
pub(crate) fn effective(counts: &Counts) -> f64 {
    let total = total(counts);
    let entropy: f64 = counts.iter().filter(|(_, count)| *count > 0).map(|(_, count)| f64::from(*count) / total).map(|q| -q * q.ln()).sum();
    entropy.exp()
}

/// The most frequent value over those from rank `l` on; infinite if there are none.
pub(crate) fn dominance(counts: &Counts, l: u32) -> f64 {
    let mut sizes: Vec<u32> = counts.iter().map(|(_, count)| *count).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let tail: u64 = sizes.iter().skip(l.saturating_sub(1) as usize).map(|count| u64::from(*count)).sum();
    let first = sizes.first().map_or(0, |first| u64::from(*first));
    if tail == 0 { f64::INFINITY } else { first as f64 / tail as f64 }
}

/// Earth mover's distance of a class from the whole table.
pub(crate) fn distance(counts: &Counts, reference: &Reference, kind: Distance) -> f64 {
    let total = total(counts);
    if total == 0.0 {
        return 0.0;
    }
    let share = |value: u32| reference.shares.get(value as usize).copied().unwrap_or(0.0);
    if kind == Distance::Equal {
        let (mut apart, mut seen) = (0.0, 0.0);
        for (value, count) in counts {
            apart += (f64::from(*count) / total - share(*value)).abs();
            seen += share(*value);
        }
        return f64::midpoint(apart, 1.0 - seen);
    }
    let mut extra: Vec<f64> = reference.shares.iter().map(|share| -share).collect();
    for (value, count) in counts {
        if let Some(extra) = extra.get_mut(*value as usize) {
            *extra += f64::from(*count) / total;
        }
    }
    match kind {
        Distance::Ordered => ordered(&extra, &reference.order),
        _ => hierarchical(&extra, &reference.levels),
    }
}

/// Li, Li, Venkatasubramanian (ICDE 2007), section 5.1: the sum of the absolute running sums over m - 1.
fn ordered(extra: &[f64], order: &[u32]) -> f64 {
    let mut running = 0.0;
    let mut sum = 0.0;
    for value in order {
        running += extra.get(*value as usize).copied().unwrap_or(0.0);
        sum += f64::abs(running);
    }
    if order.len() > 1 { sum / (order.len() - 1) as f64 } else { 0.0 }
}

/// The same, section 5.2: each inner node of height h moves the smaller of its children's surplus and lack, at cost h / H.
fn hierarchical(extra: &[f64], levels: &[Vec<u32>]) -> f64 {
    let height = levels.len().saturating_sub(1).max(1) as f64;
    let mut cost = 0.0;
    let mut below: Vec<f64> = extra.to_vec();
    // level 0 is the values themselves: `below` holds the surplus of each code of the level under the current one
    for (h, pair) in (1u32..).zip(levels.windows(2)) {
        let [children, parents] = pair else { continue };
        let size = parents.iter().max().map_or(0, |code| *code as usize + 1);
        let (mut surplus, mut lack) = (vec![0.0; size], vec![0.0; size]);
        let mut last = None;
        // codes are in tree order: each child is met in one run
        for (child, parent) in children.iter().zip(parents) {
            if last == Some(*child) {
                continue;
            }
            last = Some(*child);
            let amount = below.get(*child as usize).copied().unwrap_or(0.0);
            if amount > 0.0 {
                surplus[*parent as usize] += amount;
            } else {
                lack[*parent as usize] -= amount;
            }
        }
        cost += surplus.iter().zip(&lack).map(|(surplus, lack)| f64::min(*surplus, *lack)).sum::<f64>() * f64::from(h) / height;
        below = surplus.iter().zip(&lack).map(|(surplus, lack)| surplus - lack).collect();
    }
    cost
}

fn total(counts: &Counts) -> f64 {
    counts.iter().map(|(_, count)| u64::from(*count)).sum::<u64>() as f64
}

/// One class as the models see it.
#[derive(Clone, Copy)]
pub(crate) struct Class<'a> {
    /// Rows of the table.
    pub(crate) rows: u64,
    /// People of the population table.
    pub(crate) people: u64,
    /// Counts of the sensitive column that the model names.
    pub(crate) counts: &'a Counts,
}

/// What a model measures on a class, and whether that is enough.
pub(crate) fn measure(model: &Model, class: Class<'_>, reference: Option<&Reference>) -> (f64, bool) {
    let at_least = |value: f64, bound: f64| (value, value >= bound - TOLERANCE * bound);
    match model {
        Model::K { k } => (class.rows as f64, class.rows >= u64::from(*k)),
        Model::KMap { k } => (class.people as f64, class.people >= u64::from(*k)),
        Model::DistinctL { l, .. } => (distinct(class.counts) as f64, distinct(class.counts) >= u64::from(*l)),
        Model::EntropyL { l, .. } => at_least(effective(class.counts), *l),
        Model::RecursiveCl { c, l, .. } => {
            let value = dominance(class.counts, *l);
            (value, value < *c)
        }
        Model::T { t, distance: kind, .. } => match reference {
            Some(reference) => {
                let value = distance(class.counts, reference, *kind);
                (value, value <= t + TOLERANCE)
            }
            None => (1.0, false),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(shares: &[f64], levels: Vec<Vec<u32>>) -> Reference {
        Reference { shares: shares.to_vec(), order: (0u32..).take(shares.len()).collect(), levels }
    }

    /// Example of Li, Li, Venkatasubramanian (ICDE 2007), section 5: salaries 3k..11k, classes {3,4,5}k and {6,8,11}k.
    #[test]
    fn ordered_distance_of_the_paper() {
        let nine = reference(&[1.0 / 9.0; 9], Vec::new());
        let low = distance(&[(0, 1), (1, 1), (2, 1)], &nine, Distance::Ordered);
        let spread = distance(&[(3, 1), (5, 1), (8, 1)], &nine, Distance::Ordered);
        assert!((low - 0.375).abs() < 1e-12, "{low}");
        assert!((spread - 0.166_666_666_666_666_66).abs() < 1e-12, "{spread}");
    }

    #[test]
    fn distances_agree_on_a_flat_tree() {
        let flat = reference(&[0.5, 0.3, 0.2], vec![vec![0, 1, 2], vec![0, 0, 0]]);
        let counts = [(0, 1), (2, 3)];
        let equal = distance(&counts, &flat, Distance::Equal);
        assert!((equal - 0.55).abs() < 1e-12);
        assert!((distance(&counts, &flat, Distance::Hierarchical) - equal).abs() < 1e-12);
    }

    #[test]
    fn diversity_counts() {
        let counts = [(3, 4), (7, 4), (9, 2)];
        assert_eq!(distinct(&counts), 3);
        assert!((effective(&[(0, 5), (1, 5)]) - 2.0).abs() < 1e-12);
        assert!((dominance(&counts, 2) - 4.0 / 6.0).abs() < 1e-12);
        assert!(dominance(&counts, 4).is_infinite());
    }

    #[test]
    fn models_are_read_as_policies_write_them() {
        let model: Model = serde_json::from_str(r#"{"model":"t","column":"s","t":0.2,"distance":"ordered"}"#).unwrap();
        assert_eq!(model, Model::T { column: "s".into(), t: 0.2, distance: Distance::Ordered });
        let model: Model = toml::from_str("model = \"distinct_l\"\ncolumn = \"salary\"\nl = 2").unwrap();
        assert_eq!(model, Model::DistinctL { column: "salary".into(), l: 2 });
        assert!(serde_json::from_str::<Model>(r#"{"model":"k","k":5,"l":3}"#).is_err());
    }
}
