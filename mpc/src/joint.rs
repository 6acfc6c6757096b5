//! Joint statistics of two tables when nobody may learn who is in both (`reveal_match = "none"`, 不泄露匹配结果的联合统计).
//!
//! **What it computes.** The same numbers as [`crate::stats`]: rows in both tables, means, sample standard deviations, all
//! correlations, sizes and means of groups; here over a join on shares.
//!
//! **Parties and what each learns.** Two input parties and a helper without data compute. Nobody learns which rows match,
//! nor how many, nor any number of the result: all learn what the plan says, row counts and a power of two above
//! each column's largest absolute value included. The recipient learns the result and how many rows repeat a key of their own side
//! (zero, if both kept the rule; otherwise the result is refused).
//!
//! **Adversary.** The engine's.
//!
//! **How.** The input parties agree on a key ([`agree_on_key`]) and share 80-bit keyed digests of their identifiers, their
//! columns as 40-bit integers, `v = x 2^(40 - e)`, and the 0/1 columns of groups. Tables with fewer rows than announced are filled
//! up with random digests and zeros, so that a late withdrawal of consent does not show. [`crate::table::join()`] puts matching rows
//! side by side and zeros everywhere else; [`crate::moments`] adds up. The recipient computes means and deviations from exact
//! integer sums.
//!
//! **Error.** Rounding a value to 40 bits below `2^e`: at most `2^(e-41)`.
//!
//! **Rounds and bytes**: [`cost`], from a dry run.

use bytes::Bytes;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use ndarray::{Array2, ArrayView1, Ix1, Ix2};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use yu_wire::channel::{Channel, Expect};
use yu_wire::step::{Step, Steps};
use zeroize::{Zeroize, Zeroizing};

use crate::cost::Cost;
use crate::dry::Dry;
use crate::engine::{Engine, Input, Module, Priced, Vector};
use crate::moments::{MAX_ROWS, Sizes, Sums, VALUE_BITS, moments};
use crate::ring::Int;
use crate::secret::Secret;
use crate::stats::{ColumnSummary, GroupSummary, Owner, Role, Statistics, StatsPlan};
use crate::table;
use crate::{Error, Result, SessionId};

/// Bits by which an announced magnitude may exceed the owner's: with more, ordinary values would round to zero and a column
/// would become an indicator of its largest value's row.
const SLACK: i32 = 8;
/// Most columns of both sides together, and most groups: at these a result has 263,169 elements and the matrix product of the sums
/// 769 columns; all of it, and the list of its entries that the dry run makes, grows with the square.
const MAX_COLUMNS: usize = 256;
/// Length of the key of the digests and of each party's part of it.
pub(crate) const KEY_LEN: usize = 32;
/// Magnitudes of columns: powers of two that doubles have with all their digits.
pub(crate) const EXPONENTS: std::ops::RangeInclusive<i32> = -1000..=1000;

/// Messages beyond those of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum JointStep {
    /// A party's Diffie-Hellman part of the key of the digests, 32 bytes, between the input parties.
    Key = 1,
}

impl JointStep {
    /// Number of the protocol in frame headers.
    pub const PROTOCOL: u16 = 4;
    const LABEL: &str = "joint.key";
}

impl Steps for JointStep {
    fn step(self) -> Step {
        Step::new(Self::PROTOCOL, self as u16)
    }

    fn name(self) -> &'static str {
        Self::LABEL
    }
}

/// What is computed, over how many rows, at which scale; part of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointPlan {
    /// Columns and grouping.
    pub statistics: StatsPlan,
    /// Rows that left and right share.
    pub rows: [u32; 2],
    /// For each column of left and right: values are below `2^e` in absolute value.
    pub exponents: [Vec<i32>; 2],
}

impl JointPlan {
    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Caller`] for rows, columns or scales that cannot be computed with.
    pub fn check(&self) -> Result<()> {
        self.statistics.check()?;
        if self.rows.contains(&0) || self.total_rows() > MAX_ROWS {
            return Err(Error::caller(format!("`{:?}` rows, expected at least one each and at most `{MAX_ROWS}` together", self.rows)));
        }
        let Sizes { columns, groups } = self.sizes();
        if columns.max(groups) > MAX_COLUMNS {
            return Err(Error::caller(format!("`{columns}` columns and `{groups}` groups, at most `{MAX_COLUMNS}` each")));
        }
        for (side, exponents) in [&self.statistics.left, &self.statistics.right].into_iter().zip(&self.exponents) {
            if exponents.len() != side.columns.len() || exponents.iter().any(|e| !EXPONENTS.contains(e)) {
                return Err(Error::caller(format!("`{}`: a magnitude between -1000 and 1000 for each column", side.party)));
            }
        }
        Ok(())
    }

    fn total_rows(&self) -> usize {
        self.rows.iter().map(|rows| *rows as usize).sum()
    }

    fn groups(&self) -> usize {
        self.statistics.grouping.as_ref().map_or(0, |grouping| grouping.categories.len())
    }

    /// Shared columns of a side: digests, values, groups.
    fn width(&self, owner: Owner) -> usize {
        2 + self.statistics.side(owner).columns.len() + self.statistics.groups_of(owner)
    }

    fn sizes(&self) -> Sizes {
        Sizes { columns: self.statistics.left.columns.len() + self.statistics.right.columns.len(), groups: self.groups() }
    }

    /// Elements of the shared result: the sums and the number of repeated keys.
    #[must_use]
    pub fn result_len(&self) -> usize {
        self.sizes().result_len() + 1
    }
}

/// The least `e` with all values below `2^e` in absolute value, from -1000 on; 0 for a column of zeros.
///
/// # Errors
/// [`Error::Range`] for a value that is not a number or not below `2^1000`.
pub fn exponent(column: &str, values: &[f64]) -> Result<i32> {
    let largest = values.iter().fold(0.0f64, |largest, value| if value.is_nan() { f64::INFINITY } else { largest.max(value.abs()) });
    let limit = power(*EXPONENTS.end());
    if largest >= limit {
        return Err(Error::Range { what: format!("column `{column}`"), limit });
    }
    if largest == 0.0 {
        return Ok(0);
    }
    // the logarithm may be off by one at powers of two; comparisons with them are exact
    let near = largest.max(power(*EXPONENTS.start())).log2().floor() as i32;
    Ok((near - 1..=near + 1).find(|exponent| power(*exponent) > largest).unwrap_or(near + 2).max(*EXPONENTS.start()))
}

/// `2^e`, infinite above the range.
pub(crate) fn power(exponent: i32) -> f64 {
    2f64.powi(exponent)
}

/// `x 2^(40 - e)`, in two steps so that neither factor leaves the range of doubles.
pub(crate) fn scaled(value: f64, exponent: i32) -> f64 {
    let shift = i32::try_from(VALUE_BITS).unwrap_or(0) - exponent;
    value * power(shift / 2) * power(shift - shift / 2)
}

/// An input party's rows. Wiped on drop.
pub struct JointData {
    /// Normalised identifiers, unique.
    pub keys: Vec<Zeroizing<Vec<u8>>>,
    /// `[rows, columns]`.
    pub numeric: Array2<f64>,
    /// Category of each row, if this party owns the grouping column.
    pub groups: Option<Vec<u32>>,
}

impl Drop for JointData {
    fn drop(&mut self) {
        if let Some(values) = self.numeric.as_slice_memory_order_mut() {
            values.zeroize();
        }
        self.groups.zeroize();
    }
}

/// Both input parties agree on the key of the digests, which the helper does not learn: one round. Diffie-Hellman on ristretto255, so
/// that what the buffers of messages, of replays and of the carrier still hold of it afterwards is public, and the secrets are here, where
/// they are wiped.
///
/// # Errors
/// [`Error::Peer`] for our own part, or for one that is no element of the group or its neutral one; the transport's.
pub fn agree_on_key(channel: &mut Channel, role: Role, session: &SessionId, rng: &mut impl CryptoRng) -> Result<Zeroizing<[u8; KEY_LEN]>> {
    let exponent = Zeroizing::new(Scalar::random(rng));
    let own = RistrettoPoint::mul_base(&exponent).compress().to_bytes();
    channel.send(JointStep::Key, Bytes::copy_from_slice(&own))?;
    let received = channel.recv(JointStep::Key, Expect::Exactly(KEY_LEN))?;
    let bad = |channel: &Channel, what: &str| Error::peer(channel.peer(), JointStep::LABEL, what);
    let theirs: [u8; KEY_LEN] = received[..].try_into().map_err(|_| bad(channel, "a part of another length"))?;
    if theirs == own {
        return Err(bad(channel, "our own part came back"));
    }
    let point = CompressedRistretto(theirs).decompress().filter(|_| theirs != [0; KEY_LEN]);
    let mut product = point.ok_or_else(|| bad(channel, "a part that is no element of the group"))? * *exponent;
    let shared = Zeroizing::new(product.compress().to_bytes());
    product.zeroize();
    let (left, right) = if role == Role::Left { (own, theirs) } else { (theirs, own) };
    let mut hash = Sha256::new();
    for part in [&b"yu-mpc/joint/key/v2"[..], session, &left, &right, &*shared] {
        hash.update(part);
    }
    let mut digest = hash.finalize();
    let mut key = Zeroizing::new([0; KEY_LEN]);
    key.copy_from_slice(&digest);
    digest.as_mut_slice().zeroize();
    Ok(key)
}

/// What an owner shares, column after column; [`local`] makes it.
pub struct Local(Zeroizing<Vec<u64>>);

/// An owner's columns as ring elements: digests, values, groups; filled up to the announced rows.
///
/// # Errors
/// [`Error::Caller`] for other rows than announced (fewer than half, or more), a magnitude far above the values, keys that repeat or a category that the plan does not have; [`Error::Shape`];
/// [`Error::Range`] for a value outside its column's scale.
pub fn local(plan: &JointPlan, owner: Owner, data: &JointData, key: &[u8; KEY_LEN], rng: &mut impl CryptoRng) -> Result<Local> {
    plan.check()?;
    let (side, at) = (plan.statistics.side(owner), usize::from(owner == Owner::Right));
    let (rows, wanted) = (data.keys.len(), plan.rows[at] as usize);
    check_rows(&side.party, rows, wanted)?;
    if data.numeric.dim() != (rows, side.columns.len()) {
        return Err(Error::shape("joint statistics", data.numeric.shape(), &[rows, side.columns.len()]));
    }
    let groups = plan.statistics.groups_of(owner);
    let members = match &data.groups {
        Some(members) if groups > 0 && members.len() == rows => members.as_slice(),
        None if groups == 0 => &[],
        _ => return Err(Error::caller(format!("`{}`: a category for each row if and only if it owns the grouping column", side.party))),
    };
    if members.iter().any(|member| *member as usize >= groups) {
        return Err(Error::caller("a row has a category that the plan does not have"));
    }
    let mut columns = Zeroizing::new(Vec::with_capacity(wanted * plan.width(owner)));
    share_keys(&data.keys, wanted, key, rng, &mut columns)?;
    for ((name, exponent), values) in side.columns.iter().zip(&plan.exponents[at]).zip(data.numeric.columns()) {
        share_values(name, *exponent, values, wanted, &mut columns)?;
    }
    for group in 0..groups {
        columns.extend(members.iter().map(|member| u64::from(*member as usize == group)));
        columns.extend(std::iter::repeat_n(0, wanted - rows));
    }
    Ok(Local(columns))
}

/// Refuses another number of rows than the plan announced: more, or fewer than half.
pub(crate) fn check_rows(party: &str, rows: usize, wanted: usize) -> Result<()> {
    if rows > wanted {
        // not how many: others may read this
        return Err(Error::caller(format!("`{party}` has more rows than were announced")));
    }
    if rows < wanted / 2 {
        return Err(Error::caller(format!("`{party}` has less than half of the rows that were announced")));
    }
    Ok(())
}

/// The two columns of digests, filled up with identifiers that nobody has.
pub(crate) fn share_keys(
    keys: &[Zeroizing<Vec<u8>>],
    wanted: usize,
    key: &[u8; KEY_LEN],
    rng: &mut impl CryptoRng,
    out: &mut Vec<u64>,
) -> Result<()> {
    let digests = Zeroizing::new(table::digests(key, keys.iter().map(|key| key.as_slice()))?);
    for (column, mask) in digests.iter().zip([u64::MAX, 0xffff]) {
        out.extend_from_slice(column);
        out.extend((keys.len()..wanted).map(|_| rng.next_u64() & mask));
    }
    Ok(())
}

/// A column as 40-bit integers, filled up with zeros.
pub(crate) fn share_values(name: &str, exponent: i32, values: ArrayView1<'_, f64>, wanted: usize, out: &mut Vec<u64>) -> Result<()> {
    let own = self::exponent(name, &Zeroizing::new(values.to_vec()))?;
    if exponent > own.saturating_add(SLACK) {
        return Err(Error::caller(format!("the magnitude announced for column `{name}` is far above its values: submit the job again")));
    }
    let end = out.len() + wanted;
    for value in values {
        let raw = scaled(*value, exponent).round_ties_even();
        if raw.is_nan() || raw.abs() > power(40) {
            return Err(Error::Range { what: format!("column `{name}`"), limit: power(exponent) });
        }
        out.push((raw as i64).cast_unsigned());
    }
    out.resize(end, 0);
    Ok(())
}

/// What a number of units means: `x 2^(e - 40)`, in two steps so that neither factor leaves the range of doubles.
pub(crate) fn in_units(value: f64, exponent: i32) -> f64 {
    let unit = exponent - 40;
    value * power(unit / 2) * power(unit - unit / 2)
}

/// Joins and adds up. Input parties pass [`local`]'s result, the helper does not; an engine of one party wants both, left first.
///
/// # Errors
/// [`Error::Caller`] for a plan that does not hold together; the engine's.
pub fn run<E: Engine>(engine: &mut E, plan: &JointPlan, local: [Option<&Local>; 2]) -> Result<Secret<E, Int, Ix1>> {
    plan.check()?;
    let owners = [Owner::Left, Owner::Right];
    let mut inputs = Vec::new();
    for ((owner, local), rows) in owners.into_iter().zip(local).zip(plan.rows) {
        let (rows, width) = (rows as usize, plan.width(owner));
        if local.is_some_and(|local| local.0.len() != rows * width) {
            return Err(Error::caller("the columns do not fit the plan"));
        }
        for column in 0..width {
            let values = local.map(|local| &local.0[column * rows..(column + 1) * rows]);
            inputs.push(Input { owner: usize::from(owner == Owner::Right), len: rows, values });
        }
    }
    let shared = engine.input(&inputs)?;
    let (left, right) = shared.split_at(plan.width(Owner::Left));
    let side = |columns: &'_ [E::Words]| columns.iter().skip(2).cloned().collect::<Vec<_>>();
    let (left_columns, right_columns) = (side(left), side(right));
    let joined = {
        let left_refs: Vec<&E::Words> = left_columns.iter().collect();
        let right_refs: Vec<&E::Words> = right_columns.iter().collect();
        let left = table::Side { digests: [&left[0], &left[1]], columns: &left_refs };
        let right = table::Side { digests: [&right[0], &right[1]], columns: &right_refs };
        table::join(engine, &left, &right)?
    };
    let rows = plan.total_rows();
    let split = |owner: Owner| plan.statistics.side(owner).columns.len();
    let (left_values, left_groups) = joined.left.split_at(split(Owner::Left));
    let (right_values, right_groups) = joined.right.split_at(split(Owner::Right));
    let matrix = |columns: &[&E::Words]| -> Result<Secret<E, Int, Ix2>> {
        let turned = E::Words::concat(columns);
        let words = if columns.is_empty() { turned } else { turned.transpose(columns.len()) };
        Secret::from_words(words, Ix2(rows, columns.len()))
    };
    let values = matrix(&left_values.iter().chain(right_values).collect::<Vec<_>>())?;
    let groups: Vec<&E::Words> = left_groups.iter().chain(right_groups).collect();
    let groups = if groups.is_empty() { None } else { Some(matrix(&groups)?) };
    let selected = Secret::from_words(joined.is_match, Ix1(rows))?;
    let sums = moments(engine, &selected, &values, groups.as_ref())?;
    let words = E::Words::concat(&[sums.words(), &joined.repeated]);
    Secret::from_words(words, Ix1(plan.result_len()))
}

/// Bytes and rounds per party and step of [`run`] on engine `P`, set-up and the agreement on the key included.
///
/// # Errors
/// As [`run`].
pub fn cost<P: Priced>(plan: &JointPlan) -> Result<Cost> {
    cost_of::<P>(plan.statistics.parties(), |dry| run(dry, plan, [None, None]).map(drop))
}

/// The cost of a program between the agreement on the key and the sealing, and the check before it.
pub(crate) fn cost_of<P: Priced>(parties: [&str; 3], program: impl FnOnce(&mut Dry<P>) -> Result<()>) -> Result<Cost> {
    let mut dry = Dry::<P>::new(&parties);
    let mut formula = crate::cost::Formula::empty();
    let [left, right, _] = parties;
    let part = |from, to| (JointStep::LABEL, from, to, crate::cost::Expr::from(KEY_LEN as u64));
    formula.phase([part(left, right), part(right, left)]);
    program(&mut dry)?;
    dry.verify()?;
    formula.then(dry.formula().clone()).evaluate(&crate::cost::Counts::default())
}

/// Names the opened numbers.
///
/// # Errors
/// [`Error::Shape`] for another length; [`Error::Policy`] if keys repeat within a side.
pub fn assemble(plan: &JointPlan, result: &[u64]) -> Result<Statistics> {
    plan.check()?;
    if result.len() != plan.result_len() {
        return Err(Error::shape("joint statistics", &[result.len()], &[plan.result_len()]));
    }
    let (sums, repeated) = result.split_at(plan.sizes().result_len());
    if repeated != [0] {
        let parties = [&plan.statistics.left, &plan.statistics.right].map(|side| side.party.as_str());
        return Err(Error::policy(&parties.join("` or `"), "keys repeat within one side, so that rows were matched wrongly"));
    }
    let sums = Sums::of(plan.sizes(), sums)?;
    let sides = [&plan.statistics.left, &plan.statistics.right];
    let columns = sides.into_iter().zip(&plan.exponents).flat_map(|(side, exponents)| {
        side.columns.iter().zip(exponents).map(|(name, exponent)| (side.party.as_str(), name.as_str(), *exponent))
    });
    let labels = plan.statistics.grouping.as_ref().map_or(&[][..], |grouping| &grouping.categories);
    Ok(summarise(&columns.collect::<Vec<_>>(), labels, &sums))
}

/// Names the sums: of columns given as party, name and magnitude, and of groups.
pub(crate) fn summarise(named: &[(&str, &str, i32)], labels: &[String], sums: &Sums) -> Statistics {
    let n = sums.count;
    let mean = |sum: i128, count: u64, column: usize| (count > 0).then(|| in_units(sum as f64 / count as f64, named[column].2));
    let deviation = |column: usize| {
        let variance = sums.centred(column, column) as f64 / (n as f64 * (n as f64 - 1.0));
        (n > 1).then(|| in_units(variance.sqrt(), named[column].2))
    };
    let correlation = |i: usize, j: usize| {
        let (xx, yy) = (sums.centred(i, i), sums.centred(j, j));
        if i == j {
            // exactly: the quotient of rounded roots need not be
            return (xx > 0).then_some(1.0);
        }
        (xx > 0 && yy > 0).then(|| (sums.centred(i, j) as f64 / ((xx as f64).sqrt() * (yy as f64).sqrt())).clamp(-1.0, 1.0))
    };
    let summary = |(at, (party, name, _)): (usize, &(&str, &str, i32))| ColumnSummary {
        name: (*name).to_owned(),
        party: (*party).to_owned(),
        mean: mean(sums.sums[at], n, at),
        sd: deviation(at),
    };
    let width = named.len();
    let groups = labels
        .iter()
        .zip(&sums.group_counts)
        .enumerate()
        .map(|(group, (label, count))| GroupSummary {
            label: label.clone(),
            count: *count,
            means: (0..width).map(|column| mean(sums.group_sum(group, column), *count, column)).collect(),
        })
        .collect();
    let correlation = (0..width).map(|i| (0..width).map(|j| correlation(i, j)).collect()).collect();
    Statistics { count: n, columns: named.iter().enumerate().map(summary).collect(), correlation, groups }
}
