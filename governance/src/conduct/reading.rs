//! The reading room (A29, ZW 22): a dossier is read under a pass for one review, every reading is logged and leaves its mark on
//! the copy, and with the decision the door closes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, digest};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse};
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::workflow::Role;

/// A pass for one reviewer and one review: signed by the office that gives it, and by the reviewer, who thereby undertakes to
/// use what is seen for this review only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the application that is reviewed.
    pub application: Hash,
    /// Who gives it and signs.
    pub office: PartyName,
    /// Who reads and signs.
    pub reviewer: PartyName,
    /// As what.
    pub role: Role,
    /// Hashes of the documents of the dossier that this role sees.
    pub documents: BTreeSet<Hash>,
    /// First second at which it holds.
    pub from: Time,
    /// First second at which it no longer holds, decision or not.
    pub until: Time,
}

impl SignedType for Pass {
    const TYPE: &'static str = "review-pass-v1";
}

/// A reading as it is filed, before the copy is handed over: signed by who reads and by the office that keeps the dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the application whose dossier it is.
    pub application: Hash,
    /// For which application it is read: another one is refused.
    pub purpose: Hash,
    /// Who reads.
    pub reviewer: PartyName,
    /// Who hands the copy over.
    pub office: PartyName,
    /// Which document.
    pub document: Hash,
    /// When; tells one reading from the next.
    pub at: Time,
}

impl SignedType for Reading {
    const TYPE: &'static str = "dossier-reading-v1";
}

/// One reading, for the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The review.
    pub application: Hash,
    /// Who read.
    pub reviewer: PartyName,
    /// What.
    pub document: Hash,
    /// Stands on the copy that was shown: a copy that turns up elsewhere names its reader.
    pub mark: Hash,
    /// When.
    pub at: Time,
}

/// The dossier of one application while it is reviewed.
#[derive(Debug, Clone)]
pub struct ReadingRoom {
    application: Hash,
    applicant: PartyName,
    passes: BTreeMap<PartyName, (Hash, Pass)>,
    decided: BTreeMap<PartyName, Time>,
    closed: Option<Time>,
    log: Vec<Read>,
}

impl ReadingRoom {
    /// Opens the room for an application.
    #[must_use]
    pub const fn new(application: Hash, applicant: PartyName) -> Self {
        Self { application, applicant, passes: BTreeMap::new(), decided: BTreeMap::new(), closed: None, log: Vec::new() }
    }

    /// Lets a reviewer in; the same pass again changes nothing.
    ///
    /// # Errors
    /// `reading.signature` unless the office and the reviewer signed; `reading.pass` for another application, no document or no
    /// term; `reading.office` for an office that does not keep this dossier, or of the applicant; `reading.interest` for a
    /// reviewer of the applicant's organisation; `reading.twice` for a second pass; `reading.closed`.
    pub fn admit(&mut self, signed: &Signed<Pass>, offices: &[PartyName], keys: &KeyRing) -> Checked<()> {
        let Pass { office, reviewer, .. } = &signed.payload;
        let pass =
            signed.verify(keys, &[office.as_str(), reviewer.as_str()]).map_err(|error| broken("reading.signature", reviewer, &error))?;
        let hash = document_hash(pass).map_err(|error| broken("reading.pass", reviewer, &error))?;
        let remedy = ("ask the office for a pass for this review", "向承办部门申领本次审核的阅卷凭证");
        if !offices.contains(office) || office.organisation() == self.applicant.organisation() {
            let what = (format!("`{office}` does not keep this dossier"), format!("`{office}` 非本案承办部门"));
            return refuse("reading.office", office, what, remedy);
        }
        if pass.v != 1 || pass.application != self.application || pass.documents.is_empty() || pass.from >= pass.until {
            let what = ("the pass is for another review, or for nothing", "凭证不属于本次审核，或无内容、期限");
            return refuse("reading.pass", reviewer, what, remedy);
        }
        if reviewer.organisation() == self.applicant.organisation() {
            let what = ("the reviewer belongs to the applicant", "审核人属于申请方");
            return refuse("reading.interest", reviewer, what, ("let somebody without an interest review", "由无利害关系者审核"));
        }
        if self.closed.is_some() || self.decided.contains_key(reviewer) {
            return self.is_closed(reviewer);
        }
        match self.passes.get(reviewer) {
            Some((known, _)) if *known == hash => Ok(()),
            Some(_) => refuse("reading.twice", reviewer, ("the reviewer has another pass", "该审核人已有其他凭证"), remedy),
            None => {
                self.passes.insert(reviewer.clone(), (hash, pass.clone()));
                Ok(())
            }
        }
    }

    /// A reviewer reads one document; `purpose` is the application that the reading is for, as the reader's software states it.
    ///
    /// # Errors
    /// `reading.no-pass`, `reading.purpose` for another review, `reading.document` for one beyond the pass, `reading.term`,
    /// `reading.closed` once this reviewer or the review has decided.
    pub fn read(&mut self, reviewer: &PartyName, document: Hash, purpose: Hash, at: Time) -> Checked<Read> {
        let remedy = ("what was seen in a review is for that review only (ZW 22)", "审核中获取的信息仅限本次审核使用");
        let Some((hash, pass)) = self.passes.get(reviewer) else {
            return refuse("reading.no-pass", reviewer, ("the reader has no pass for this review", "没有本次审核的凭证"), remedy);
        };
        if purpose != self.application {
            return refuse(
                "reading.purpose",
                reviewer,
                ("it is read for something else than this review", "阅卷目的与本次审核不符"),
                remedy,
            );
        }
        if self.closed.is_some() || self.decided.contains_key(reviewer) {
            return self.is_closed(reviewer);
        }
        if at < pass.from || at >= pass.until || self.log.last().is_some_and(|last| at < last.at) {
            return refuse("reading.term", reviewer, ("the pass does not hold at this moment", "凭证此时无效"), remedy);
        }
        if !pass.documents.contains(&document) {
            return refuse("reading.document", reviewer, ("the pass does not cover this document", "凭证不含该文件"), remedy);
        }
        let place = (self.log.len() as u64).to_be_bytes();
        let mark = digest("yu-reading-mark-v1", &[hash.as_bytes(), document.as_bytes(), place.as_slice()].concat());
        let read = Read { application: self.application, reviewer: reviewer.clone(), document, mark, at };
        self.log.push(read.clone());
        Ok(read)
    }

    /// A reviewer has decided: the door closes for this one.
    pub fn decided(&mut self, reviewer: &PartyName, at: Time) {
        self.decided.entry(reviewer.clone()).or_insert(at);
    }

    /// The review has ended, by whatever outcome: the door closes for all.
    pub fn close(&mut self, at: Time) {
        self.closed.get_or_insert(at);
    }

    /// Which office gave a reviewer its pass.
    #[must_use]
    pub fn office(&self, reviewer: &PartyName) -> Option<&PartyName> {
        self.passes.get(reviewer).map(|(_, pass)| &pass.office)
    }

    /// All readings, in their order.
    #[must_use]
    pub fn log(&self) -> &[Read] {
        &self.log
    }

    /// Whose copy carries this mark.
    #[must_use]
    pub fn whose(&self, mark: &Hash) -> Option<&Read> {
        self.log.iter().find(|read| read.mark == *mark)
    }

    /// Readers whose organisation applies within `months` for what it has read: to be looked at, as ZW 22 forbids to use what was
    /// learned. `applications` are later ones: applicant, documents cited, moment.
    #[must_use]
    pub fn used_elsewhere(&self, applications: &[(PartyName, BTreeSet<Hash>, Time)], months: u32) -> Vec<Finding> {
        let mut found = Vec::new();
        for (applicant, cited, at) in applications {
            let read = self.log.iter().find(|read| {
                read.reviewer.organisation() == applicant.organisation()
                    && cited.contains(&read.document)
                    && read.at <= *at
                    && *at < read.at.plus_months(months)
            });
            if let Some(read) = read {
                let what = (
                    format!("`{applicant}` applies with document {}, which `{}` read as a reviewer", read.document, read.reviewer),
                    format!("`{applicant}` 的申请引用了文件 {}，而 `{}` 曾作为审核方查阅", read.document, read.reviewer),
                );
                let remedy = ("let the authority look into it (ZW 22)", "由主管部门核查");
                found.push(Finding::new("reading.used-elsewhere", applicant, what, remedy));
            }
        }
        found
    }

    fn is_closed<T>(&self, reviewer: &PartyName) -> Checked<T> {
        let what = ("the decision was made: the dossier is closed", "已作出决定，案卷关闭");
        refuse("reading.closed", reviewer, what, ("apply to the authority for a copy", "如需副本向主管部门申请"))
    }
}
