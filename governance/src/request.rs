//! Data requests (申请) under an authorisation, and their approval (审核) column by column.
//!
//! The approver is the provider's organisation for public data (A20), the authority for an import (P4).

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::Finding;
use crate::id::{AuthorisationId, ColumnSet, DatasetId, PartyName, Purpose, RequestId, Scenario};
use crate::sign::SignedType;

/// A column that is asked for, and why the scenario needs it (A5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedColumn {
    /// Name.
    pub column: String,
    /// Why it is needed.
    pub reason: String,
}

/// One organisation asks for columns of one data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRequest {
    /// Format version, 1.
    pub v: u32,
    /// Its name.
    pub id: RequestId,
    /// Under which authorisation.
    pub authorisation: AuthorisationId,
    /// Hash of that signed authorisation's payload.
    pub authorisation_hash: Hash,
    /// The node that asks and signs.
    pub requester: PartyName,
    /// Of which data set.
    pub dataset: DatasetId,
    /// Which columns.
    pub columns: Vec<AskedColumn>,
    /// For which scenario.
    pub scenario: Scenario,
    /// For which purpose.
    pub purpose: Purpose,
    /// When.
    pub at: Time,
}

impl SignedType for DataRequest {
    const TYPE: &'static str = "data-request-v1";
}

impl DataRequest {
    /// The columns that are asked for.
    ///
    /// # Errors
    /// `Malformed` if a name is empty or occurs twice.
    pub fn asked(&self) -> crate::Result<ColumnSet> {
        ColumnSet::new(self.columns.iter().map(|c| c.column.as_str()))
    }
}

/// Yes or no to one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// May be used.
    Granted,
    /// May not be used; the reason says why (A20, C3).
    Refused,
}

/// The decision on one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnDecision {
    /// Name.
    pub column: String,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why; mandatory for a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The deciding signature on one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Format version, 1.
    pub v: u32,
    /// Which request.
    pub request: RequestId,
    /// Hash of that request's payload.
    pub request_hash: Hash,
    /// Under which authorisation.
    pub authorisation: AuthorisationId,
    /// Of which data set.
    pub dataset: DatasetId,
    /// The node that decides and signs.
    pub approver: PartyName,
    /// One decision for each column asked for.
    pub columns: Vec<ColumnDecision>,
    /// For which scenario.
    pub scenario: Scenario,
    /// For which purpose; equal to the request's.
    pub purpose: Purpose,
    /// When.
    pub at: Time,
    /// First second at which it is no longer valid.
    pub not_after: Time,
}

impl SignedType for Approval {
    const TYPE: &'static str = "approval-v1";
}

impl Approval {
    /// The granted columns. A column that is named twice is granted only if every mention grants it.
    #[must_use]
    pub fn granted(&self) -> ColumnSet {
        let refused = |name: &str| self.columns.iter().any(|c| c.column == name && c.verdict == Verdict::Refused);
        let names: std::collections::BTreeSet<&str> =
            self.columns.iter().map(|c| c.column.as_str()).filter(|name| !refused(name)).collect();
        ColumnSet::new(names).unwrap_or_default()
    }

    /// What is wrong with this approval of `request`; empty means in order.
    #[must_use]
    pub fn check(&self, request: &DataRequest, request_hash: &Hash) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |code: &str, what: (String, String), remedy: (&str, &str)| {
            found.push(Finding::new(code, &self.approver, what, remedy));
        };
        let id = &self.request;
        if self.request_hash != *request_hash
            || self.request != request.id
            || self.dataset != request.dataset
            || self.authorisation != request.authorisation
        {
            add(
                "approval.other-request",
                (
                    format!("the approval of `{id}` was given to another text of the request"),
                    format!("对申请 `{id}` 的审核所针对的申请文本不同"),
                ),
                ("have the present request approved", "对现行申请重新审核"),
            );
        }
        if self.purpose != request.purpose || self.scenario != request.scenario {
            add(
                "approval.purpose",
                (
                    format!(
                        "`{id}` asks for purpose `{}` in scenario `{}`, approved were `{}` and `{}`",
                        request.purpose, request.scenario, self.purpose, self.scenario
                    ),
                    format!(
                        "申请 `{id}` 的用途为“{}”、场景为“{}”，审核通过的是“{}”、“{}”",
                        request.purpose, request.scenario, self.purpose, self.scenario
                    ),
                ),
                ("request and approve the same purpose", "申请与审核的用途须一致"),
            );
        }
        let decided = ColumnSet::new(self.columns.iter().map(|c| c.column.as_str()));
        if decided.ok() != request.asked().ok() || self.columns.is_empty() {
            add(
                "approval.columns",
                (
                    format!("the approval of `{id}` does not decide on exactly the columns asked for"),
                    format!("对申请 `{id}` 的审核未逐列对应所申请的列"),
                ),
                ("decide on each column once", "对每一列作出一次决定"),
            );
        }
        let silent = |c: &ColumnDecision| c.verdict == Verdict::Refused && c.reason.as_deref().is_none_or(|r| r.trim().is_empty());
        if self.columns.iter().any(silent) {
            add(
                "approval.reason-missing",
                (format!("a column of `{id}` is refused without a reason"), format!("申请 `{id}` 中有列被拒绝但未说明理由")),
                ("give the reason", "说明理由"),
            );
        }
        if self.not_after <= self.at {
            add(
                "approval.term",
                (format!("the approval of `{id}` ends before it begins"), format!("对申请 `{id}` 的审核期限为空")),
                ("set a later end", "设置更晚的截止时间"),
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::digest;

    fn pair() -> (DataRequest, Approval) {
        let hash = digest("yu-test-v1", b"request");
        let request = DataRequest {
            v: 1,
            id: RequestId::new("dev/bank/r1").unwrap(),
            authorisation: AuthorisationId::new("dev/authority/a1").unwrap(),
            authorisation_hash: hash,
            requester: PartyName::new("yu://dev/bank/node1").unwrap(),
            dataset: DatasetId::new("dev/health/insured").unwrap(),
            columns: ["id", "cost", "age"].map(|c| AskedColumn { column: c.into(), reason: "needed".into() }).to_vec(),
            scenario: Scenario::new("credit").unwrap(),
            purpose: Purpose::new("statistics").unwrap(),
            at: Time::from_unix(100),
        };
        let approval = Approval {
            v: 1,
            request: request.id.clone(),
            request_hash: hash,
            authorisation: request.authorisation.clone(),
            dataset: request.dataset.clone(),
            approver: PartyName::new("yu://dev/health/node1").unwrap(),
            columns: vec![
                ColumnDecision { column: "id".into(), verdict: Verdict::Granted, reason: None },
                ColumnDecision { column: "cost".into(), verdict: Verdict::Granted, reason: None },
                ColumnDecision { column: "age".into(), verdict: Verdict::Refused, reason: Some("not needed".into()) },
            ],
            scenario: request.scenario.clone(),
            purpose: request.purpose.clone(),
            at: Time::from_unix(200),
            not_after: Time::from_unix(300),
        };
        (request, approval)
    }

    fn after(change: impl FnOnce(&mut Approval)) -> Vec<String> {
        let (request, mut approval) = pair();
        change(&mut approval);
        let hash = digest("yu-test-v1", b"request");
        approval.check(&request, &hash).into_iter().map(|f| f.code).collect()
    }

    #[test]
    fn a5_only_granted_columns_are_granted() {
        let (_, mut approval) = pair();
        assert_eq!(approval.granted(), ColumnSet::new(["cost", "id"]).unwrap());
        approval.columns.push(ColumnDecision { column: "cost".into(), verdict: Verdict::Refused, reason: None });
        assert_eq!(approval.granted(), ColumnSet::new(["id"]).unwrap(), "a contradiction refuses");
    }

    #[test]
    fn each_way_to_approve_something_else_is_named() {
        assert!(after(|_| {}).is_empty());
        assert_eq!(after(|a| a.request_hash = digest("yu-test-v1", b"other")), ["approval.other-request"]);
        assert_eq!(after(|a| a.purpose = Purpose::new("training").unwrap()), ["approval.purpose"]);
        assert_eq!(
            after(|a| {
                a.columns.pop();
            }),
            ["approval.columns"]
        );
        assert_eq!(after(|a| a.columns[2].reason = None), ["approval.reason-missing"]);
        assert_eq!(after(|a| a.not_after = a.at), ["approval.term"]);
    }
}
