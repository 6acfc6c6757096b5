//! Published counts and sums: pairs that single people out, and linear reconstruction (线性重构).
//!
//! Each published figure is the sum of a secret over the people of a subset. Three questions are asked.
//!
//! 1. *Differencing*: does one subset hold another and fewer than `k` people more? Then the difference of the two figures
//!    is the sum of those few. A subset below `k` itself counts as well.
//! 2. *Determined people* (exact figures): whose secret follows from all figures together? Exactly those whose unit vector
//!    is in the row space of the subsets; decided by elimination modulo 2^61 - 1, which differs from the rationals only if
//!    that prime divides a minor of the matrix.
//! 3. *Reconstruction* (Dinur and Nissim, PODS 2003; Dwork, McSherry, Talwar, STOC 2007: least squares): solve for all
//!    secrets, round, compare with the truth. People whom fewer than `k` others resemble in every subset count: of a larger
//!    group only the group's figure is learnt, which is what statistics are for.

use super::budget::Meter;
use super::cells::Groups;
use super::linear;
use super::subject::Release;
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::error::{Result, Text};

/// A published figure: a sum over some people.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The people (from 0) that it is over; in any order, each once.
    pub people: Vec<u32>,
    /// The figure.
    pub value: f64,
}

/// Whether figures are as computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As computed, or rounded: subtraction works.
    #[default]
    Exact,
    /// With noise that a privacy budget accounts for (differential privacy): subtraction gives noise. Reconstruction is
    /// tried all the same.
    Noisy,
}

/// Figures over people that are to leave, and those that left before.
#[derive(Clone, Debug)]
pub struct Counts<'a> {
    /// How many people there are.
    pub people: u32,
    /// What is to leave.
    pub figures: &'a [Figure],
    /// What left before.
    pub earlier: &'a [Figure],
    /// The secret of each person, 0 or 1, to measure reconstruction with.
    pub secret: Option<&'a [f64]>,
    /// Whether figures are as computed.
    pub precision: Precision,
}

/// The people of a figure, one bit each.
struct Subset {
    words: Vec<u64>,
    size: u64,
}

/// All attacks on figures.
pub(super) fn attack(release: &Release<'_>, counts: &Counts<'_>, limits: &Thresholds) -> Result<Vec<Attempt>> {
    let subsets = subsets(counts)?;
    let mut attempts = Vec::new();
    if counts.precision == Precision::Exact {
        attempts.push(pairs(release, counts, &subsets, limits));
        attempts.push(determined(release, counts, limits));
    }
    match counts.secret {
        Some(secret) => attempts.push(reconstruct(release, counts, secret, limits)?),
        None if counts.precision == Precision::Noisy => {
            let reason = Text::new("noisy figures can only be judged beside the secrets that they sum", "加噪统计量须与真实值对照才能评估");
            let meter = Meter::new(release.clock(), limits.budget);
            attempts.push(refused(Attack::LinearReconstruction, None, meter.cost(), reason, words::need_original()));
        }
        None => {}
    }
    Ok(attempts)
}

/// The subsets as bits; a person beyond the number of people, or twice in one, is a mistake of the caller.
fn subsets(counts: &Counts<'_>) -> Result<Vec<Subset>> {
    let fault = || words::bad_input(Text::new("a figure names a person twice, or one that does not exist", "统计量中的人员重复或不存在"));
    let one = |figure: &Figure| {
        let mut words = vec![0u64; (counts.people as usize).div_ceil(64)];
        for person in &figure.people {
            let word = words.get_mut(*person as usize / 64).filter(|_| *person < counts.people).ok_or_else(fault)?;
            let bit = 1 << (person % 64);
            if *word & bit != 0 {
                return Err(fault());
            }
            *word |= bit;
        }
        if !figure.value.is_finite() {
            return Err(words::bad_input(Text::new("a figure is no number", "统计量不是有限数")));
        }
        Ok(Subset { words, size: figure.people.len() as u64 })
    };
    counts.figures.iter().chain(counts.earlier).map(one).collect()
}

/// Pairs of which one holds the other, with few people more. At least one of a pair is new.
fn pairs(release: &Release<'_>, counts: &Counts<'_>, subsets: &[Subset], limits: &Thresholds) -> Attempt {
    let mut meter = Meter::new(release.clock(), limits.budget);
    let (mut few, mut tried, mut least) = (0u64, 0u64, 0u64);
    let mut note = |size: u64| {
        few += 1;
        least = if least == 0 { size } else { least.min(size) };
    };
    'all: for (number, new) in subsets.iter().take(counts.figures.len()).enumerate() {
        if (1..limits.k).contains(&new.size) {
            note(new.size);
        }
        if !meter.spend(subsets.len() as u64) {
            break 'all;
        }
        tried += 1;
        for (other_number, other) in subsets.iter().enumerate().filter(|(place, _)| *place != number) {
            let gap = new.size.abs_diff(other.size);
            // a pair of two new ones is looked at once
            if !(1..limits.k).contains(&gap) || (other_number < number) {
                continue;
            }
            let (small, large) = if new.size < other.size { (new, other) } else { (other, new) };
            if small.words.iter().zip(&large.words).all(|(small, large)| small & !large == 0) {
                note(gap);
            }
        }
    }
    let share = Share::counted(few.min(tried), tried, limits.confidence);
    let ran = Ran { attack: Attack::Differencing, column: None, cost: meter.cost(), share, limit: 0.0 };
    let k = limits.k;
    let reason = |passed: bool| {
        if passed {
            return Text::new(
                format!("no figure, and no difference of two, is over fewer than {k} people"),
                format!("没有统计量或两者之差涉及不足{k}人"),
            );
        }
        Text::new(
            format!("{few} figures or differences of two are over fewer than {k} people; the smallest is over {least}"),
            format!("{few}个统计量或两者之差涉及不足{k}人；最小者仅{least}人"),
        )
    };
    let remedy = Text::new("suppress one figure of each such pair, or publish coarser groups", "隐去每对中的一个统计量，或改发更粗的分组");
    ran.judge(Compare::Census, reason, remedy)
}

/// Work of an elimination that is still done: rows x people x rank.
const LARGEST_ELIMINATION: u64 = 20_000_000_000;

/// People whose secret follows exactly from all figures together.
fn determined(release: &Release<'_>, counts: &Counts<'_>, limits: &Thresholds) -> Attempt {
    let mut meter = Meter::new(release.clock(), limits.budget);
    // people who are in the same subsets stand in one column: nothing tells them apart
    let signatures = signatures(counts);
    let columns = signatures.sizes.len();
    let figures = counts.figures.len() + counts.earlier.len();
    let work = (figures as u64).saturating_mul(columns as u64).saturating_mul(figures.min(columns) as u64);
    if work > LARGEST_ELIMINATION || !meter.spend((figures as u64).saturating_mul(columns as u64)) {
        let reason = Text::new(
            format!("{figures} figures over {columns} kinds of people are too many to decide whose secret follows from them"),
            format!("{figures}个统计量涉及{columns}类人员，规模过大，无法判定谁的信息可被推出"),
        );
        return refused(Attack::LinearReconstruction, None, meter.cost(), reason, words::more_budget());
    }
    let matrix = linear::matrix(counts.figures.iter().chain(counts.earlier), &signatures);
    let is_known = linear::determined(matrix, columns);
    // a known sum over fewer than k people is theirs
    let found: u64 =
        is_known.iter().zip(&signatures.sizes).filter(|(is_known, size)| **is_known && **size < limits.k).map(|(_, size)| size).sum();
    let all = u64::from(counts.people);
    let share = Share::counted(found.min(all), all, limits.confidence);
    let ran = Ran { attack: Attack::LinearReconstruction, column: None, cost: meter.cost(), share, limit: 0.0 };
    let k = limits.k;
    let reason = |_| {
        Text::new(
            format!("the figures together determine the sums of groups below {k}, {found} people in all"),
            format!("统计量联立可确定不足{k}人的小组合计，共涉及{found}人"),
        )
    };
    ran.judge(Compare::Census, reason, fewer_figures())
}

fn fewer_figures() -> Text {
    Text::new(
        "publish fewer or coarser figures, or add noise of differential privacy and account for it",
        "减少或放粗统计量，或加入差分隐私噪声并计入预算",
    )
}

/// People by the set of figures that they are in.
fn signatures(counts: &Counts<'_>) -> Groups {
    let people = counts.people as usize;
    let figures = counts.figures.iter().chain(counts.earlier);
    // refine by 31 figures at a time: one column of codes each
    let all: Vec<&Figure> = figures.collect();
    let mut columns: Vec<Vec<u32>> = Vec::new();
    for chunk in all.chunks(31) {
        let mut codes = vec![0u32; people];
        for (bit, figure) in chunk.iter().enumerate() {
            for person in &figure.people {
                if let Some(code) = codes.get_mut(*person as usize) {
                    *code |= 1 << bit;
                }
            }
        }
        columns.push(codes);
    }
    Groups::of(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>(), people)
}

fn reconstruct(release: &Release<'_>, counts: &Counts<'_>, secret: &[f64], limits: &Thresholds) -> Result<Attempt> {
    let mut meter = Meter::new(release.clock(), limits.budget);
    if secret.len() != counts.people as usize || !secret.iter().all(|bit| [0.0, 1.0].contains(bit)) {
        return Err(words::bad_input(Text::new("the secrets are not one 0 or 1 per person", "真实值不是每人一个0或1")));
    }
    let signatures = signatures(counts);
    let figures: Vec<&Figure> = counts.figures.iter().chain(counts.earlier).collect();
    let Some(guess) = linear::least_squares(&figures, secret.len(), &mut meter) else {
        let reason = Text::new("the budget ended before the figures were solved", "预算耗尽时尚未解出统计量方程");
        return Ok(refused(Attack::LinearReconstruction, None, meter.cost(), reason, words::more_budget()));
    };
    let in_small = |person: &usize| signatures.size_of_row(*person) < limits.k;
    let at_risk: Vec<usize> = (0..secret.len()).filter(in_small).collect();
    let bit = |person: &usize| secret.get(*person).copied().unwrap_or(0.0);
    let ones = at_risk.iter().filter(|person| bit(person) > 0.5).count() as u64;
    let all = at_risk.len() as u64;
    let right = at_risk.iter().filter(|person| (guess.get(**person).copied().unwrap_or(0.0) > 0.5) == (bit(person) > 0.5)).count() as u64;
    let base = if all == 0 { 0.0 } else { ones.max(all - ones) as f64 / all as f64 };
    let share = if all == 0 {
        Share { value: 0.0, low: 0.0, high: 0.0, trials: 0 }
    } else {
        Share::counted(right, all, limits.confidence).above(base)
    };
    let ran = Ran { attack: Attack::LinearReconstruction, column: None, cost: meter.cost(), share, limit: limits.reconstruction };
    let found = words::of(right, all);
    let reason = |_| {
        Text::new(
            format!("solving the figures gave {found} people their secret; guessing the more frequent one gives {base:.3}"),
            format!("由统计量求解，{found}人的信息被正确还原；仅猜多数值的正确率为{base:.3}"),
        )
    };
    // all people of the figures were attacked: the share is that of these people, not of a sample
    Ok(ran.judge(Compare::Census, reason, fewer_figures()))
}
