//! The agreed list (授权运营协议约定的数据需求), A20: what stands in it must in principle be supplied, what does not is refused without a
//! person. Both are decided column by column, as approvals are.

use serde::{Deserialize, Serialize};

use crate::authorisation::Grant;
use crate::canonical::Hash;
use crate::catalogue::CatalogueEntry;
use crate::catalogue::gate::{Actor, check_request};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::id::{DatasetId, PartyName, RequestId, document_hash};
use crate::request::{ColumnDecision, DataRequest, Verdict};
use crate::sign::SignedType;

/// Whether a jurisdiction binds the provider to the agreed list (TZ 四(二) does).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SupplyDuty {
    /// Inside the list: must supply. Outside: refused automatically.
    AgreedList,
    /// The provider is free in both.
    Free,
}

/// What is asked, sorted by the agreed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupplyFlags {
    request: RequestId,
    request_hash: Hash,
    dataset: DatasetId,
    duty: SupplyDuty,
    must: Vec<String>,
    outside: Vec<String>,
}

/// A refusal of what must be supplied, for the authority (A20).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalReport {
    /// Format version, 1.
    pub v: u32,
    /// Which request.
    pub request: RequestId,
    /// Hash of its payload.
    pub request_hash: Hash,
    /// Of which data set.
    pub dataset: DatasetId,
    /// The node that refuses, and signs.
    pub provider: PartyName,
    /// The authority that gets the report.
    pub authority: PartyName,
    /// The refused columns with their reasons.
    pub refused: Vec<ColumnDecision>,
    /// When.
    pub at: Time,
}

impl SignedType for RefusalReport {
    const TYPE: &'static str = "supply-refusal-v1";
}

/// Every column decided, and the report that a refusal inside the list entails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupplyAnswer {
    /// For the approval.
    pub columns: Vec<ColumnDecision>,
    /// For the authority; present exactly if something that must be supplied is refused.
    pub report: Option<RefusalReport>,
}

impl SupplyFlags {
    /// Sorts the columns of a request for the data set of `entry`. The caller has checked that the agreement is in force and covers the
    /// requester.
    ///
    /// # Errors
    /// `supply.request-malformed` if the request names no column, one twice, or another data set; `catalogue.prohibited` for each column
    /// that is closed to opening (A6), `columns.beyond-catalogue` for each that the entry does not have: no list can make it a duty.
    pub fn of(request: &DataRequest, entry: &CatalogueEntry, agreed: &[Grant], duty: SupplyDuty) -> Checked<Self> {
        let asked = request.asked().ok().filter(|asked| !asked.is_empty() && request.dataset == entry.dataset);
        let (Some(asked), Ok(request_hash)) = (asked, document_hash(request)) else {
            return refuse(
                "supply.request-malformed",
                &request.requester,
                (
                    format!("request `{}` names no column, one twice, or another data set", request.id),
                    format!("申请 `{}` 未列列名、列名重复或针对其他数据集", request.id),
                ),
                ("name each column once", "逐一列出列名"),
            );
        };
        unless(check_request(Actor::Licensee, entry, request), ())?;
        let listed = |column: &str| agreed.iter().any(|g| g.dataset == request.dataset && g.columns.contains(column));
        let (must, outside) = asked.iter().map(str::to_owned).partition(|column| listed(column));
        Ok(Self { request: request.id.clone(), request_hash, dataset: request.dataset.clone(), duty, must, outside })
    }

    /// Columns inside the list: flagged "must supply" where the jurisdiction has the duty.
    #[must_use]
    pub fn must_supply(&self) -> &[String] {
        if self.duty == SupplyDuty::AgreedList { &self.must } else { &[] }
    }

    /// Columns outside of the list: refused without a person where the jurisdiction has the duty.
    #[must_use]
    pub fn refused_outright(&self) -> &[String] {
        if self.duty == SupplyDuty::AgreedList { &self.outside } else { &[] }
    }

    /// The provider's answer: its `refusals` with reasons, everything else granted, what is outside of the list refused by itself.
    ///
    /// # Errors
    /// All at once: `supply.reason-missing`, `supply.not-asked`, `supply.not-provider`.
    pub fn answer(&self, refusals: &[(&str, &str)], provider: &PartyName, authority: &PartyName, at: Time) -> Checked<SupplyAnswer> {
        unless(self.objections(refusals, provider), ())?;
        let refused = |column: &str, reason: &str| ColumnDecision {
            column: column.to_owned(),
            verdict: Verdict::Refused,
            reason: Some(reason.to_owned()),
        };
        let own = |column: &String| refusals.iter().find(|(name, _)| name == column).map(|(_, reason)| refused(column, reason));
        let outright = |column: &String| {
            let listed = !self.refused_outright().contains(column);
            (!listed).then(|| refused(column, "outside of the agreed list / 不在协议约定的清单内"))
        };
        let granted = |column: &String| ColumnDecision { column: column.clone(), verdict: Verdict::Granted, reason: None };
        let all = self.must.iter().chain(&self.outside);
        let mut columns: Vec<ColumnDecision> = all.map(|c| outright(c).or_else(|| own(c)).unwrap_or_else(|| granted(c))).collect();
        columns.sort_by(|a, b| a.column.cmp(&b.column));
        let breach: Vec<ColumnDecision> = self.must_supply().iter().filter_map(own).collect();
        let report = (!breach.is_empty()).then(|| RefusalReport {
            v: 1,
            request: self.request.clone(),
            request_hash: self.request_hash,
            dataset: self.dataset.clone(),
            provider: provider.clone(),
            authority: authority.clone(),
            refused: breach,
            at,
        });
        Ok(SupplyAnswer { columns, report })
    }

    fn objections(&self, refusals: &[(&str, &str)], provider: &PartyName) -> Vec<Finding> {
        let id = &self.request;
        let mut found = Vec::new();
        let mut add = |code: &str, en: String, zh: String, remedy: (&str, &str)| found.push(Finding::new(code, provider, (en, zh), remedy));
        if provider.organisation() != self.dataset.organisation() {
            add(
                "supply.not-provider",
                format!("`{provider}` does not provide `{}`", self.dataset),
                format!("`{provider}` 不是 `{}` 的提供单位", self.dataset),
                ("let the provider answer", "由提供单位答复"),
            );
        }
        for (column, reason) in refusals {
            if reason.trim().is_empty() {
                add(
                    "supply.reason-missing",
                    format!("column `{column}` of `{id}` is refused without a reason"),
                    format!("申请 `{id}` 的列“{column}”被拒绝但未说明理由"),
                    ("give the reason; it goes to the authority", "说明理由，并报主管部门"),
                );
            }
            if !self.must.iter().chain(&self.outside).any(|c| c == column) {
                add(
                    "supply.not-asked",
                    format!("column `{column}` is not asked for in `{id}`"),
                    format!("申请 `{id}` 未申请列“{column}”"),
                    ("answer the columns of the request", "就所申请的列作答"),
                );
            }
        }
        found
    }
}

/// A report of a refusal as the authority reads it.
///
/// # Errors
/// `supply.report-signature` if its provider did not sign it.
pub fn read_report<'a>(signed: &'a crate::sign::Signed<RefusalReport>, keys: &crate::sign::KeyRing) -> Checked<&'a RefusalReport> {
    let provider = &signed.payload.provider;
    signed.verify(keys, &[provider.as_str()]).map_err(|e| broken("supply.report-signature", provider, &e))
}
