//! The joint part: agreement on the number of rows, input, two matrix products, output shares; and what it costs.

use bytes::Bytes;
use ndarray::{Array1, Ix1, Ix2};
use rand::CryptoRng;
use yu_wire::channel::Expect;
use yu_wire::seal::SealPublic;
use yu_wire::step::{Step, Steps};
use zeroize::Zeroizing;

use super::layout::{Layout, head_len, width};
use super::local::{LocalData, input};
use super::plan::{Owner, Role, StatsPlan};
use super::{FRACTION, Unit};
use crate::cost::{Cost, Counts, Expr, Formula, Var};
use crate::prg::SEED_LEN;
use crate::rep3::{Context, Rep3Step, SealedShare, Share};
use crate::ring::Ring64;
use crate::{Error, Result};

/// Messages of the statistics beyond those of [`crate::rep3`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum StatsStep {
    /// Number of matched rows, 8 bytes, each input party to both others.
    Rows = 1,
}

impl StatsStep {
    /// Number of the protocol in frame headers.
    pub const PROTOCOL: u16 = 3;
    const LABEL: &str = "stats.rows";
}

impl Steps for StatsStep {
    fn step(self) -> Step {
        Step::new(Self::PROTOCOL, self as u16)
    }

    fn name(self) -> &'static str {
        Self::LABEL
    }
}

/// Our shares of the result.
#[must_use]
pub struct OutputShares {
    /// What is where.
    pub layout: Layout,
    /// The numbers.
    pub share: Share<Ring64, Ix1>,
}

impl OutputShares {
    /// Seals our shares to the recipient: see [`Context::seal_output`].
    ///
    /// # Errors
    /// As [`Context::seal_output`].
    pub fn seal(&self, ctx: &Context, to: &SealPublic, info: &[u8], aad: &[u8], rng: &mut impl CryptoRng) -> Result<SealedShare> {
        ctx.seal_output(&self.share, to, info, aad, rng)
    }
}

/// Both input parties tell each other and the helper how many rows matched; one round. The helper passes `None`.
///
/// # Errors
/// [`Error::Caller`] if an input party passes no number or the helper does; [`Error::Peer`] if the numbers differ; the transport's.
pub fn agree(ctx: &mut Context, plan: &StatsPlan, role: Role, n: Option<u64>) -> Result<u64> {
    check_place(ctx, plan, role)?;
    if n.is_some() != role.owner().is_some() {
        return Err(Error::caller("the input parties pass the number of matched rows, the helper does not"));
    }
    ctx.operate(|ctx| {
        if let Some(n) = n {
            for to in (0..3).filter(|to| *to != role.index()) {
                ctx.channel(to)?.send(StatsStep::Rows, Bytes::copy_from_slice(&n.to_le_bytes()))?;
            }
        }
        let mut agreed = n;
        for from in [Role::Left, Role::Right].into_iter().filter(|from| *from != role) {
            let channel = ctx.channel(from.index())?;
            let bytes = channel.recv(StatsStep::Rows, Expect::Exactly(8))?;
            let theirs = bytes.as_ref().try_into().map_or(0, u64::from_le_bytes);
            let known = *agreed.get_or_insert(theirs);
            if known != theirs {
                let what = format!("`{theirs}` matched rows, others have `{known}`");
                return Err(Error::peer(channel.peer(), StatsStep::LABEL, what));
            }
        }
        agreed.ok_or_else(|| Error::caller("no number of matched rows"))
    })
}

/// Runs the statistics over `n` matched rows. Input parties pass their data, the helper does not. All parties call it with the
/// same plan and number, after [`agree`].
///
/// # Errors
/// [`Error::Policy`] if there are too few rows or a group is too small, before any value is shared; [`Error::Caller`], [`Error::Shape`] and
/// [`Error::Range`] for data that do not fit the plan; the peers' and the transport's.
pub fn run(ctx: &mut Context, plan: &StatsPlan, role: Role, data: Option<&LocalData>, n: u64) -> Result<OutputShares> {
    let layout = Layout::of(plan)?;
    check_place(ctx, plan, role)?;
    if n < plan.min_cell.max(1) {
        let both = format!("{}` and `{}", plan.left.party, plan.right.party);
        return Err(Error::policy(&both, format!("`{n}` matched rows where at least `{}` are required", plan.min_cell.max(1))));
    }
    let rows = usize::try_from(n).map_err(|_| Error::caller("too many rows"))?;
    let own = match (role.owner(), data) {
        (Some(owner), Some(data)) => input(plan, owner, data, rows)?,
        (None, None) => Zeroizing::new(Vec::new()),
        (Some(_), None) => return Err(Error::caller("an input party has to pass its data")),
        (None, Some(_)) => return Err(Error::caller("the helper has no data")),
    };
    let len = |owner| {
        let all = rows.checked_mul(width(plan, owner)).and_then(|len| len.checked_add(head_len(plan, owner)));
        all.ok_or_else(|| Error::caller("too many rows"))
    };
    let [left, right, _] = ctx.inputs([len(Owner::Left)?, len(Owner::Right)?, 0], &own)?;
    drop(own);

    let count = Share::public(ctx.index(), Array1::from_elem(1, n).view())?;
    let (left, right) = (Inputs::split(plan, Owner::Left, left, rows)?, Inputs::split(plan, Owner::Right, right, rows)?);
    let correlation = cross_correlation(ctx, &left, &right)?;
    let mut parts = vec![count];
    let sums = match plan.grouping.as_ref().map(|grouping| grouping.side) {
        Some(Owner::Left) => Some(group_sums(ctx, &left, &right)?),
        Some(Owner::Right) => Some(group_sums(ctx, &right, &left)?),
        None => None,
    };
    parts.extend([left.head, right.head, correlation]);
    parts.extend(sums);
    let share = Share::concatenate(&parts)?;
    debug_assert_eq!(share.len(), layout.len(), "the result has the length of its layout");
    Ok(OutputShares { layout, share })
}

/// A side's shared input in its parts.
struct Inputs {
    head: Share<Ring64, Ix1>,
    units: Share<Unit, Ix2>,
    groups: Share<Ring64, Ix2>,
}

impl Inputs {
    fn split(plan: &StatsPlan, owner: Owner, all: Share<Ring64, Ix1>, rows: usize) -> Result<Self> {
        let (columns, groups, head) = (plan.side(owner).columns.len(), plan.groups_of(owner), head_len(plan, owner));
        Ok(Self {
            head: all.part(0, Ix1(head))?,
            units: all.part(head, Ix2(rows, columns))?.scaled(),
            groups: all.part(head + rows * columns, Ix2(rows, groups))?,
        })
    }
}

/// `U_left^T U_right`, flat.
fn cross_correlation(ctx: &mut Context, left: &Inputs, right: &Inputs) -> Result<Share<Ring64, Ix1>> {
    let product: Share<Unit, Ix2> = ctx.matmul_trunc::<FRACTION, FRACTION, FRACTION>(&left.units.transposed(), &right.units)?;
    flat(product)
}

/// `G^T U`, flat.
fn group_sums(ctx: &mut Context, owner: &Inputs, other: &Inputs) -> Result<Share<Ring64, Ix1>> {
    flat(ctx.matmul(&owner.groups.transposed(), &other.units)?)
}

fn flat(matrix: Share<Unit, Ix2>) -> Result<Share<Ring64, Ix1>> {
    let len = matrix.len();
    Ok(matrix.reshape(Ix1(len))?.cast())
}

/// Index, names and plan have to fit: a result must not be attributed to the wrong party.
fn check_place(ctx: &Context, plan: &StatsPlan, role: Role) -> Result<()> {
    plan.check()?;
    if ctx.index() != role.index() {
        return Err(Error::caller(format!("`{role:?}` is party `{}`, the context's is `{}`", role.index(), ctx.index())));
    }
    for (index, name) in plan.parties().into_iter().enumerate() {
        if let Some(peer) = ctx.peer(index)
            && peer != name
        {
            return Err(Error::caller(format!("party `{index}` is `{name}` in the plan, the channel leads to `{peer}`")));
        }
    }
    Ok(())
}

/// What set-up ([`Context::new`]), [`agree`] and [`run`] cost, as a formula in `matched`.
///
/// # Errors
/// As [`StatsPlan::check`].
pub fn formula(plan: &StatsPlan) -> Result<Formula> {
    plan.check()?;
    let parties = plan.parties();
    let [left, right, helper] = parties;
    let bytes = |bytes: usize| Expr::from(bytes as u64);
    let mut formula = Formula::empty();
    let key = |from, to| (Rep3Step::Key.label(), from, to, bytes(SEED_LEN));
    formula.phase([key(left, helper), key(right, left), key(helper, right)]);
    let rows = |from, to| (StatsStep::LABEL, from, to, bytes(8));
    formula.phase([rows(left, right), rows(left, helper), rows(right, helper), rows(right, left)]);

    let input = |owner| bytes(8 * head_len(plan, owner)) + bytes(8 * width(plan, owner)) * Expr::from(Var::Matched);
    let inputs = [(left, right, input(Owner::Left)), (right, helper, input(Owner::Right))];
    formula.phase(
        inputs
            .into_iter()
            .filter(|(_, _, payload)| *payload != Expr::Const(0))
            .map(|(from, to, payload)| (Rep3Step::Input.label(), from, to, payload)),
    );

    let cells = plan.left.columns.len() * plan.right.columns.len();
    if cells > 0 {
        let packed = (cells * FRACTION as usize).div_ceil(8);
        let message = |step: Rep3Step, from, to, len| (step.label(), from, to, bytes(len));
        formula.phase([
            message(Rep3Step::TruncOpen, left, right, 8 * cells),
            message(Rep3Step::TruncOpen, right, left, 8 * cells),
            message(Rep3Step::TruncShift, helper, right, 8 * cells),
            message(Rep3Step::TruncWrap, helper, right, packed),
        ]);
        formula.phase([message(Rep3Step::TruncCorrect, left, helper, packed), message(Rep3Step::TruncCorrect, right, helper, packed)]);
    }
    if let Some(grouping) = &plan.grouping {
        let sums = grouping.categories.len() * plan.side(grouping.side.other()).columns.len();
        if sums > 0 {
            let step = Rep3Step::MatrixMultiply.label();
            let to_previous = |index: usize| (step, parties[index], parties[(index + 2) % 3], bytes(8 * sums));
            formula.phase((0..3).map(to_previous));
        }
    }
    Ok(formula)
}

/// The whole job: alignment between left and right, then the statistics.
///
/// # Errors
/// As [`StatsPlan::check`].
pub fn job_formula(plan: &StatsPlan) -> Result<Formula> {
    Ok(crate::psi::formula(&plan.left.party, &plan.right.party).then(formula(plan)?))
}

/// The whole job's cost at given counts.
///
/// # Errors
/// As [`StatsPlan::check`]; [`Error::Caller`] if a number exceeds 64 bits.
pub fn cost(plan: &StatsPlan, counts: &Counts) -> Result<Cost> {
    job_formula(plan)?.evaluate(counts)
}
