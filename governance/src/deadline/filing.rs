//! An application as it is filed for review (C1 to C3): what is asked, who asks, who reviews.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::matter::{Matter, Reviewer};
use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::Finding;
use crate::id::{ColumnSet, DatasetId, PartyName, RequestId, Scenario};
use crate::sign::SignedType;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "subject", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    /// Columns of one data set for one scenario (ZW 20, 21).
    Request {
        /// The data request.
        request: RequestId,
        /// Hash of its payload.
        hash: Hash,
        /// Of which data set.
        dataset: DatasetId,
        /// Which columns.
        columns: ColumnSet,
        /// For which scenario.
        scenario: Scenario,
    },
    /// To be registered as a developer (ZW 18).
    Developer {
        /// Hash of the documents that were handed in.
        documents: Hash,
    },
}

/// One reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// In which role.
    pub role: Reviewer,
    /// Who.
    pub party: PartyName,
}

/// One application, signed by who asks: filing it is its submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewApplication {
    /// Format version, 1.
    pub v: u32,
    /// What is decided: a registration, a check, or an approval of use.
    pub matter: Matter,
    /// Who asks and signs.
    pub applicant: PartyName,
    /// The operator that accepts it and tells the applicant.
    pub operator: PartyName,
    /// What is asked.
    pub subject: Subject,
    /// Who reviews, each with a clock of its own (C3).
    pub reviewers: Vec<Seat>,
    /// Hash of the application for the compliance check that was passed, where the jurisdiction has a check (C2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Hash>,
    /// When.
    pub at: Time,
}

impl SignedType for ReviewApplication {
    const TYPE: &'static str = "review-application-v1";
}

impl ReviewApplication {
    /// The data set, where one is asked for.
    #[must_use]
    pub const fn dataset(&self) -> Option<&DatasetId> {
        match &self.subject {
            Subject::Request { dataset, .. } => Some(dataset),
            Subject::Developer { .. } => None,
        }
    }

    /// The data request, where there is one.
    #[must_use]
    pub const fn request(&self) -> Option<(&RequestId, Hash)> {
        match &self.subject {
            Subject::Request { request, hash, .. } => Some((request, *hash)),
            Subject::Developer { .. } => None,
        }
    }

    /// Who reviews in a role.
    #[must_use]
    pub fn reviewer(&self, role: Reviewer) -> Option<&PartyName> {
        self.reviewers.iter().find(|seat| seat.role == role).map(|seat| &seat.party)
    }

    /// What is wrong with the document itself, all at once; who must review beside whom is the jurisdiction's matter.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let seats: BTreeSet<&PartyName> = self.reviewers.iter().map(|seat| &seat.party).collect();
        let roles: BTreeSet<Reviewer> = self.reviewers.iter().map(|seat| seat.role).collect();
        let is_alone = self.reviewers.len() == 1 && self.reviewer(Reviewer::Operator).is_some();
        let shape = match (self.matter, &self.subject) {
            (Matter::Registration, Subject::Developer { .. }) | (Matter::Check, Subject::Request { .. }) => {
                is_alone && self.check.is_none()
            }
            (Matter::UseApproval, Subject::Request { dataset, columns, .. }) => {
                let source = self.reviewer(Reviewer::SourceDepartment);
                !columns.is_empty() && source.is_some_and(|source| source.organisation() == dataset.organisation())
            }
            _ => false,
        };
        let operator = self.reviewer(Reviewer::Operator).is_none_or(|operator| *operator == self.operator);
        let own = self.request().is_none_or(|(request, _)| request.organisation() == self.applicant.organisation());
        let disinterested = seats.iter().all(|seat| seat.organisation() != self.applicant.organisation());
        let rules = [
            (
                self.v == 1 && shape && operator,
                "review.shape",
                (
                    "does not fit what is decided: a registration or a check is the operator's alone, an approval the source department's and others'",
                    "与审核事项不符：注册与核查由运营机构单独办理，使用审核由数源部门等办理",
                ),
                ("see `yu docket template review-application`", "参见 `yu docket template review-application`"),
            ),
            (
                seats.len() == self.reviewers.len() && roles.len() == self.reviewers.len(),
                "review.reviewers",
                ("names a reviewer or a role twice", "重复列出审核方或角色"),
                ("name each reviewer once", "每个审核方只列一次"),
            ),
            (
                own,
                "review.other-request",
                ("is about the request of somebody else", "针对他人的申请"),
                ("apply for your own request", "仅可就自身申请提请审核"),
            ),
            (
                disinterested,
                "review.interest",
                ("would be reviewed by the applicant itself", "由申请方自行审核"),
                ("name reviewers of other organisations", "由其他单位审核"),
            ),
        ];
        let finding = |(code, what, remedy): (&str, (&str, &str), (&str, &str))| {
            Finding::new(code, &self.applicant, (format!("the application {}", what.0), format!("该申请{}", what.1)), remedy)
        };
        rules.into_iter().filter(|(holds, ..)| !holds).map(|(_, code, what, remedy)| finding((code, what, remedy))).collect()
    }
}
