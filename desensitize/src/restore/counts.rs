//! Published counts and sums: pairs that single people out, and linear reconstruction (线性重构).
//!
//! Each published figure is the sum of a secret over the people of a subset. Three questions are asked.
//!
//! 1. *Differencing*: does one subset hold another and fewer than `k` people more? Then the difference of the two figures
//!    is the sum of those few. A subset below `k` itself counts as well.
//! 2. *Determined people* (exact figures): whose secret follows from all figures together? Exactly those whose unit vector
//!    is in the row space of the subsets; decided by elimination modulo 2^61 - 1, which differs from the rationals only if
//!    that prime divides a minor of the matrix. A combination of fewer than `k` people's secrets that follows counts like one
//!    secret. Such combinations are looked for among the equations of the reduced form and their pairs, not among all.
//! 3. *Reconstruction* (Dinur and Nissim, PODS 2003; Dwork, McSherry, Talwar, STOC 2007: least squares): solve for all
//!    secrets, round, compare with the truth. People whom fewer than `k` others resemble in every subset count: of a larger
//!    group only the group's figure is learnt, which is what statistics are for. One run may be lucky: the attack is run again with
//!    the noise dealt out anew among the figures, and the mean counts, in which luck averages out. What is asked is what noise of
//!    this size protects, not how it happened to fall.
//!
//! Figures that are called noisy are measured: where more than half of them are right when rounded, whoever takes them as they stand is
//! right more often than not, and they are examined as exact ones.

use rand_chacha::rand_core::CryptoRng;

use super::budget::Meter;
use super::cells::Groups;
use super::chance::shuffle;
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
pub(super) fn attack<R: CryptoRng>(release: &Release<'_>, counts: &Counts<'_>, limits: &Thresholds, rng: &mut R) -> Result<Vec<Attempt>> {
    let figures = (counts.figures.len() + counts.earlier.len()).max(1) as u64;
    if u64::from(counts.people).saturating_mul(figures) > LARGEST_INCIDENCE {
        let meter = Meter::new(release.clock(), limits.budget);
        let reason = Text::new(
            format!("{figures} figures over {} people are too many to be examined", counts.people),
            format!("{figures}个统计量涉及{}人，规模过大，无法评估", counts.people),
        );
        let remedy = Text::new("examine the figures in parts that have no people in common", "请将无共同人员的统计量分批评估");
        return Ok(vec![refused(Attack::LinearReconstruction, None, meter.cost(), reason, remedy)]);
    }
    let subsets = subsets(counts)?;
    let mut attempts = Vec::new();
    if counts.precision == Precision::Exact || counts.secret.is_some_and(|secret| is_exact(counts, secret)) {
        attempts.push(pairs(release, counts, &subsets, limits));
        attempts.push(determined(release, counts, limits));
    }
    match counts.secret {
        Some(secret) => attempts.push(reconstruct(release, counts, secret, limits, rng)?),
        None if counts.precision == Precision::Noisy => {
            let reason = Text::new("noisy figures can only be judged beside the secrets that they sum", "加噪统计量须与真实值对照才能评估");
            let meter = Meter::new(release.clock(), limits.budget);
            attempts.push(refused(Attack::LinearReconstruction, None, meter.cost(), reason, words::need_original()));
        }
        None => {}
    }
    Ok(attempts)
}

/// Figures times people that are still examined: 256 MiB of bits.
const LARGEST_INCIDENCE: u64 = 1 << 31;

/// What the figures should be, if the secrets are right.
fn truth(figure: &Figure, secret: &[f64]) -> f64 {
    figure.people.iter().map(|person| secret.get(*person as usize).copied().unwrap_or(0.0)).sum()
}

/// Whether more than half of the figures are right when rounded.
fn is_exact(counts: &Counts<'_>, secret: &[f64]) -> bool {
    let all = counts.figures.len() + counts.earlier.len();
    let right = counts.figures.iter().chain(counts.earlier).filter(|figure| (figure.value - truth(figure, secret)).abs() < 0.5);
    2 * right.count() > all
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
    let is_known = linear::determined(matrix, &signatures.sizes, limits.k);
    // a known sum over fewer than k people is theirs
    let found: u64 = is_known.iter().zip(&signatures.sizes).filter(|(is_known, _)| **is_known).map(|(_, size)| size).sum();
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

/// Attacked people, counted once for each run, that the mean is taken over at least: its deviation is then below 0.01.
const LEAST_GUESSES: usize = 4000;

/// Runs with the noise dealt out anew, at most.
const MOST_RUNS: usize = 200;

fn reconstruct<R: CryptoRng>(
    release: &Release<'_>,
    counts: &Counts<'_>,
    secret: &[f64],
    limits: &Thresholds,
    rng: &mut R,
) -> Result<Attempt> {
    let mut meter = Meter::new(release.clock(), limits.budget);
    if secret.len() != counts.people as usize || !secret.iter().all(|bit| [0.0, 1.0].contains(bit)) {
        return Err(words::bad_input(Text::new("the secrets are not one 0 or 1 per person", "真实值不是每人一个0或1")));
    }
    let signatures = signatures(counts);
    let figures: Vec<&Figure> = counts.figures.iter().chain(counts.earlier).collect();
    let at_risk: Vec<usize> = (0..secret.len()).filter(|person| signatures.size_of_row(*person) < limits.k).collect();
    let is_one = |values: &[f64], person: usize| values.get(person).copied().unwrap_or(0.0) > 0.5;
    let right_of = |guess: &[f64]| at_risk.iter().filter(|person| is_one(guess, **person) == is_one(secret, **person)).count() as u64;
    let mut values: Vec<f64> = figures.iter().map(|figure| figure.value).collect();
    let before = meter.left();
    let Some(guess) = linear::least_squares(&figures, &values, secret.len(), &mut meter) else {
        return Ok(refused(Attack::LinearReconstruction, None, meter.cost(), unfinished(), words::more_budget()));
    };
    let (right, all) = (right_of(&guess), at_risk.len() as u64);
    let truths: Vec<f64> = figures.iter().map(|figure| truth(figure, secret)).collect();
    let mut noise: Vec<f64> = values.iter().zip(&truths).map(|(value, truth)| value - truth).collect();
    let is_certain = all == 0 || noise.iter().all(|noise| *noise == 0.0);
    let wanted = if is_certain { 1 } else { LEAST_GUESSES.div_ceil(at_risk.len()).clamp(8, MOST_RUNS) };
    // as many as the budget holds: with many people one run has little luck
    let affordable = meter.left() / (2 * (before - meter.left()).max(1));
    let runs = wanted.min(usize::try_from(affordable).unwrap_or(wanted).saturating_add(1));
    let mut total = right;
    for _ in 1..runs {
        shuffle(&mut noise, rng);
        values.iter_mut().zip(truths.iter().zip(&noise)).for_each(|(value, (truth, noise))| *value = truth + noise);
        let Some(guess) = linear::least_squares(&figures, &values, secret.len(), &mut meter) else {
            return Ok(refused(Attack::LinearReconstruction, None, meter.cost(), unfinished(), words::more_budget()));
        };
        total += right_of(&guess);
    }
    // the attacker may know what is more frequent among all people
    let ones = (0..secret.len()).filter(|person| is_one(secret, *person)).count();
    let base = ones.max(secret.len() - ones) as f64 / secret.len().max(1) as f64;
    let share = if all == 0 {
        Share { value: 0.0, low: 0.0, high: 0.0, trials: 0 }
    } else {
        let mean =
            Share { value: total as f64 / (runs as f64 * all as f64), ..Share::counted(total / runs as u64, all, limits.confidence) };
        Share { low: mean.low.min(mean.value), high: mean.high.max(mean.value), ..mean }.above(base)
    };
    let ran = Ran { attack: Attack::LinearReconstruction, column: None, cost: meter.cost(), share, limit: limits.reconstruction };
    let found = words::of(right, all);
    let mean = total as f64 / (runs as u64 * all).max(1) as f64;
    let reason = |_| {
        Text::new(
            format!(
                "solving the figures gave {found} people their secret, in {runs} runs {mean:.3} on average; guessing the more frequent one \
                 gives {base:.3}"
            ),
            format!("由统计量求解，{found}人的信息被正确还原，{runs}次平均正确率{mean:.3}；仅猜多数值的正确率为{base:.3}"),
        )
    };
    // all people of the figures were attacked: the share is that of these people, not of a sample
    Ok(ran.judge(Compare::Census, reason, fewer_figures()))
}

fn unfinished() -> Text {
    Text::new("the budget ended before the figures were solved", "预算耗尽时尚未解出统计量方程")
}
