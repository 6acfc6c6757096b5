//! Automatic checks of a held result (待审结果) before a person decides (O2, O4, O5).
//!
//! Who can check what:
//!
//! * The *reviewer* holds the result and no input. It checks that the shares agree, that exactly the contracted
//!   outputs are there, that every number rests on enough rows and that no column is constant.
//! * Whether an *input value appears verbatim* (or can be computed from a published number) only its owner can tell.
//!   To send the reviewer fingerprints of all values, keyed or not, would hand it a dictionary: ages, sums and yes-no
//!   columns are guessed in no time. So each input party examines its own matched rows before any share of them
//!   exists ([`local`]), and signs what it found as an [`InputAttestation`]: yes or no for each check, without a value.
//!   The reviewer refuses a result without a favourable attestation of every input party.
//!
//! * Whether a receiver that brings data could compute from the released numbers about its own columns *which of its rows match*, where the
//!   protocol tells nobody, the reviewer bounds by counting bits ([`hidden`]).
//!
//! What remains open: nobody alone sees how one side's values spread within the other side's groups, so a group in
//! which all values of the other side are equal is not noticed, if the group is large enough. Attestations are as
//! honest as their parties; that is the semi-honest model which the contract states.

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::contract::{Contract, Role};
use crate::id::{JobId, PartyName};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;

pub mod hidden;
pub mod local;

pub use local::{Examination, LocalCheck, LocalLimits, examine, examine_errors};

/// What an input party found in its own matched rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputAttestation {
    /// Format version, 1.
    pub v: u32,
    /// The job.
    pub job: JobId,
    /// Who examined its rows and signs.
    pub party: PartyName,
    /// Result of each check, in the order of [`LocalCheck::ALL`].
    pub checks: Vec<AttestedCheck>,
    /// When.
    pub at: Time,
}

/// Yes or no to one local check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestedCheck {
    /// Which.
    pub check: LocalCheck,
    /// Whether nothing objects.
    pub passed: bool,
}

impl SignedType for InputAttestation {
    const TYPE: &'static str = "input-attestation-v1";
}

impl InputAttestation {
    /// States what an examination found.
    #[must_use]
    pub fn new(job: JobId, party: PartyName, examination: &Examination, at: Time) -> Self {
        let checks = LocalCheck::ALL.map(|check| AttestedCheck { check, passed: examination.passed(check) });
        Self { v: 1, job, party, checks: checks.to_vec(), at }
    }

    /// Whether all local checks were made and passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        let made = |check| self.checks.iter().any(|c| c.check == check);
        self.v == 1 && LocalCheck::ALL.into_iter().all(made) && self.checks.iter().all(|c| c.passed)
    }
}

/// What the checks need to know about a reconstructed result; implemented by the type of the result itself, so that
/// what is checked is what would be released.
pub trait Reviewable: Serialize {
    /// The facts, as far as the contract asks for them.
    fn view(&self, contract: &Contract) -> ResultView;
}

/// Facts about a reconstructed result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultView {
    /// Name and layout digest of each output that is there, in order.
    pub outputs: Vec<(String, Hash)>,
    /// Rows behind the whole.
    pub matched: u64,
    /// Rows behind each group, bin, quantile or class.
    pub cells: Vec<u64>,
    /// Counts below the contract's minimum that are not printed, but can be computed from those that are.
    pub open_complements: u64,
    /// Columns whose standard deviation is zero: their mean is every row's value.
    pub constant_columns: u64,
    /// Whether all numbers are finite or explicitly undefined.
    pub finite: bool,
}

/// One automatic check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckItem {
    /// Stable code.
    pub code: String,
    /// Whether nothing objects.
    pub passed: bool,
    /// What was found, without values.
    pub detail: Text,
}

/// All automatic checks of one held result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckReport {
    /// Format version, 1.
    pub v: u32,
    /// The job.
    pub job: JobId,
    /// Hash of the result document (salted); absent if the shares did not agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Hash>,
    /// The checks, always all of them.
    pub items: Vec<CheckItem>,
}

impl SignedType for CheckReport {
    const TYPE: &'static str = "check-report-v1";
}

/// Codes of all checks, in the order of the report.
pub const CODES: [&str; 8] = [
    "shares.consistent",
    "outputs.contracted",
    "cells.minimum",
    "cells.complement",
    "rows.minimum",
    "values.verbatim",
    "match.hidden",
    "inputs.attested",
];

impl CheckReport {
    /// Whether every check was made and passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.v == 1 && self.result.is_some() && self.items.iter().map(|i| i.code.as_str()).eq(CODES) && self.items.iter().all(|i| i.passed)
    }

    /// The checks that object.
    pub fn objections(&self) -> impl Iterator<Item = &CheckItem> {
        self.items.iter().filter(|i| !i.passed)
    }
}

/// Makes the report. `view` is absent if the shares did not agree, with the parties whose copies differ.
pub(crate) fn report(
    job: JobId,
    contract: &Contract,
    result: Option<(Hash, &ResultView)>,
    culprits: &[PartyName],
    attestations: &[Signed<InputAttestation>],
    keys: &KeyRing,
) -> CheckReport {
    let view = result.map(|(_, view)| view);
    let items = vec![
        shares(view.is_some(), culprits),
        outputs(contract, view),
        cells(contract, view),
        complement(contract, view),
        rows(contract, view),
        verbatim(view),
        match_hidden(contract, view),
        attested(job, contract, attestations, keys),
    ];
    CheckReport { v: 1, job, result: result.map(|(hash, _)| hash), items }
}

fn item(code: &str, passed: bool, yes: (&str, &str), no: (String, String)) -> CheckItem {
    let detail = if passed { Text::new(yes.0, yes.1) } else { Text::new(no.0, no.1) };
    CheckItem { code: code.into(), passed, detail }
}

fn shares(consistent: bool, culprits: &[PartyName]) -> CheckItem {
    let names = culprits.iter().map(PartyName::as_str).collect::<Vec<_>>().join(", ");
    item(
        "shares.consistent",
        consistent,
        ("all shares arrived and both copies of each agree", "各方份额齐全，且两份副本一致"),
        (format!("copies of the same share differ; possible origin: {names}"), format!("同一份额的副本不一致，可能来源：{names}")),
    )
}

fn outputs(contract: &Contract, view: Option<&ResultView>) -> CheckItem {
    let contracted = contract.outputs.iter().map(|o| (&o.name, o.layout));
    let same = view.is_some_and(|v| v.outputs.iter().map(|(name, layout)| (name, *layout)).eq(contracted));
    item(
        "outputs.contracted",
        same,
        ("the result holds the contracted outputs and nothing else", "结果仅包含合约约定的输出"),
        ("the result does not have the contracted layout".into(), "结果与合约约定的布局不符".into()),
    )
}

fn cells(contract: &Contract, view: Option<&ResultView>) -> CheckItem {
    let least = contract.limits.min_cell;
    // an empty group is refused as well: that nobody is in it is a statement about each subject
    let small = view.map(|v| v.cells.iter().chain([&v.matched]).filter(|&&n| n < least).count());
    item(
        "cells.minimum",
        small == Some(0),
        ("every number rests on the minimum number of rows", "每项数值均满足最小单元行数"),
        match small {
            Some(n) => (
                format!("{n} groups, bins or quantiles rest on fewer than {least} rows"),
                format!("{n} 个分组、区间或分位数的行数少于 {least}"),
            ),
            None => ("there is no result to examine".into(), "没有可检查的结果".into()),
        },
    )
}

fn complement(contract: &Contract, view: Option<&ResultView>) -> CheckItem {
    let (least, open) = (contract.limits.min_cell, view.map(|v| v.open_complements));
    item(
        "cells.complement",
        open == Some(0),
        ("no count below the minimum can be computed from the published ones", "由公布的计数无法推算出低于最小单元的计数"),
        match open {
            Some(n) => (
                format!(
                    "{n} counts below {least} can be computed from the published ones: give rows without a category one, or choose equal edges"
                ),
                format!("由公布的计数可推算出 {n} 个低于 {least} 的计数：请为缺失类别的行指定类别，或使用相同的分界"),
            ),
            None => ("there is no result to examine".into(), "没有可检查的结果".into()),
        },
    )
}

fn rows(contract: &Contract, view: Option<&ResultView>) -> CheckItem {
    let least = contract.limits.min_rows;
    item(
        "rows.minimum",
        view.is_some_and(|v| v.matched >= least),
        ("enough rows matched", "匹配行数达到要求"),
        (format!("fewer than {least} rows matched"), format!("匹配行数少于 {least} 行")),
    )
}

fn verbatim(view: Option<&ResultView>) -> CheckItem {
    item(
        "values.verbatim",
        view.is_some_and(|v| v.finite && v.constant_columns == 0),
        ("no column is constant and all numbers are finite", "没有取值恒定的列，且数值均有限"),
        (
            "a column is constant, so that its mean is every row's value, or a number is not finite".into(),
            "存在取值恒定的列（其均值即每行的值），或有数值非有限".into(),
        ),
    )
}

fn match_hidden(contract: &Contract, view: Option<&ResultView>) -> CheckItem {
    let told = view.map(|view| hidden::told(contract, view));
    let worst = told.iter().flatten().find(|told| !told.is_hidden());
    item(
        "match.hidden",
        told.is_some() && worst.is_none(),
        (
            "the published numbers about a receiver's own columns leave open which of its rows match",
            "就接收方己方列发布的数值不足以确定其哪些行匹配",
        ),
        match worst {
            Some(t) => (
                format!(
                    "{} numbers about own columns of `{}` tell it up to {:.0} bits about which of its rows match; there are {:.0}, at most half may be told: ask for fewer columns, groups or digits, or use more rows",
                    t.numbers, t.party, t.published, t.open
                ),
                format!(
                    "就 `{}` 己方列发布 {} 个数值，至多透露其匹配行 {:.0} 比特，而全部仅 {:.0} 比特，不得超过一半：请减少列、分组或位数，或扩大行数",
                    t.party, t.numbers, t.published, t.open
                ),
            ),
            None => ("there is no result to examine".into(), "没有可检查的结果".into()),
        },
    )
}

fn attested(job: JobId, contract: &Contract, attestations: &[Signed<InputAttestation>], keys: &KeyRing) -> CheckItem {
    let favourable = |party: &PartyName| {
        let mut own = attestations.iter().filter(|a| a.payload.party == *party && a.payload.job == job).peekable();
        // a party that says both yes and no has said no
        own.peek().is_some() && own.all(|a| a.verify(keys, &[party.as_str()]).is_ok_and(InputAttestation::passed))
    };
    let silent: Vec<&str> =
        contract.with_role(Role::Input).map(|p| &p.name).filter(|name| !favourable(name)).map(PartyName::as_str).collect();
    let names = silent.join(", ");
    item(
        "inputs.attested",
        silent.is_empty(),
        ("each input party examined its own rows: groups, dominance, verbatim values", "各输入方已检查己方数据：分组、主导值、原值"),
        (format!("no favourable attestation on its own rows from: {names}"), format!("以下输入方未就己方数据出具合格声明：{names}")),
    )
}
