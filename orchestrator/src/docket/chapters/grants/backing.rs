//! What a job rests on beside its authorisation: the grant in the tree or the stay in the laboratory, the version of the agreement, the consent of
//! a higher level, the protection and the grade of its columns, supply to the first tier, and what the steps of the procedure cite.
//!
//! Each rule decides from its first document on. The authorisation's text and the steps are given by the node, everything else is the book's, so
//! every party comes to the same.

use super::super::super::book::Book;
use super::super::super::kind::Document as _;
use crate::fault::{Code, Result};
use crate::node::Node;
use crate::procedure::chain;
use crate::procedure::law::Law;
use yu_governance::authorisation::Authorisation;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::conduct::selection::{Adoption, Selection};
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::grant::{Agreement, LabReport, Tree};
use yu_governance::profile::Stage;
use yu_governance::workflow::authorisation::{Case, Event};
use yu_governance::workflow::dossier::Announcement;

/// What the steps of an authorisation cite.
#[derive(Debug, Default)]
pub struct Cited {
    /// Whether there are any.
    pub any: bool,
    /// Announcement and window.
    pub announcement: Option<(Hash, Time, Time)>,
    /// Report on the stay in the laboratory.
    pub test_report: Option<Hash>,
    /// Receipt of the province.
    pub receipt: Option<Hash>,
    /// Adoption of the plan.
    pub adoption: Option<Hash>,
    /// Record of the selection.
    pub selection: Option<Hash>,
}

/// What the node knows and the book does not.
#[derive(Debug, Default)]
pub struct Facts {
    /// The authorisation.
    pub authorisation: Option<Authorisation>,
    /// What its steps cite.
    pub cited: Cited,
}

impl Facts {
    /// Of a contract.
    ///
    /// # Errors
    /// `storage.damaged`.
    pub fn of(node: &Node, contract: &Contract) -> Result<Self> {
        let id = contract.authorisation.id.as_str();
        let authorisation = match node.signed::<Authorisation>("authorisation", id) {
            Ok(signed) => Some(signed.payload),
            Err(fault) if fault.code == Code::NotFound => None,
            Err(fault) => return Err(fault),
        };
        let mut cited = Cited::default();
        for step in chain::steps::<Case>(node, id)? {
            let arrow = step.arrow.payload;
            cited.any = true;
            match arrow.event {
                Event::Announce { announcement, opens, closes } => cited.announcement = Some((announcement, opens, closes)),
                Event::Apply { test_report, .. } => cited.test_report = test_report,
                Event::File { receipt } => cited.receipt = Some(receipt),
                Event::Adopt => cited.adoption = Some(arrow.evidence),
                Event::Select => cited.selection = Some(arrow.evidence),
                _ => {}
            }
        }
        Ok(Self { authorisation, cited })
    }

    fn licensee(&self) -> &str {
        self.authorisation.as_ref().map_or("", |authorisation| authorisation.licensee.as_str())
    }
}

/// Everything that is wrong.
///
/// # Errors
/// `internal`.
pub fn objections(book: &Book, facts: &Facts, contract: &Contract, law: &Law, at: Time) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    match book.grants.lab(&contract.authorisation.id) {
        Some(stay) => {
            let datasets = contract.inputs.iter().map(|input| &input.dataset);
            found.extend(said(contract, stay.grant.permits(facts.licensee(), datasets, at, contract.expires)));
        }
        None => {
            if let Some(tree) = book.grants.tree() {
                found.extend(granted(tree, facts, contract, at));
            }
            found.extend(agreed(book, contract, at));
            found.extend(procedure(book, &facts.cited, contract, law));
        }
    }
    found.extend(book.norms.objections(book, contract, law, at));
    found.extend(book.selection.objections(book, facts.licensee(), contract, at));
    Ok(found)
}

/// A1, A4, A14: the authorisation says what its leaf says, and the leaf and everything above it runs.
fn granted(tree: &Tree, facts: &Facts, contract: &Contract, at: Time) -> Vec<Finding> {
    let permitted = tree.permits(&contract.authorisation.id, &contract.scenario, &contract.purpose, at).map(drop);
    let backed = facts.authorisation.as_ref().map_or(Ok(()), |document| tree.backs(document));
    said(contract, permitted.and(backed))
}

/// A13: the version of the agreement in force is cited; what cites an older one ends when the newer takes effect.
fn agreed(book: &Book, contract: &Contract, at: Time) -> Vec<Finding> {
    if !book.kinds.contains(Agreement::KIND) {
        return Vec::new();
    }
    let id = &contract.authorisation.id;
    let Some(versions) = book.grants.agreements.get(id) else {
        return vec![missing(contract, "agreement.missing", &format!("no agreement on `{id}` is filed"), &format!("`{id}` 未备案协议"))];
    };
    match &contract.authorisation.agreement {
        Some(cited) => said(contract, versions.cite(cited, at)),
        None => vec![missing(
            contract,
            "agreement.uncited",
            &format!("the contract cites no version of the agreement on `{id}`"),
            "任务合约未引用协议版本",
        )],
    }
}

/// A22, A7, A12, A26: what the procedure cites is filed.
fn procedure(book: &Book, cited: &Cited, contract: &Contract, law: &Law) -> Vec<Finding> {
    let mut found = Vec::new();
    if !cited.any {
        return found;
    }
    let id = &contract.authorisation.id;
    let mut add = |code: &str, en: &str, zh: &str| found.push(missing(contract, code, &format!("`{id}`: {en}"), &format!("`{id}`：{zh}")));
    let published = cited.announcement.is_some_and(|known| book.register.announced(&known.0) == Some((known.1, known.2)));
    if book.kinds.contains(Announcement::KIND) && !published {
        add("announcement.unpublished", "its announcement is not filed, or has another window", "所依据的公告未发布或申请期不符");
    }
    let reported = cited.test_report.is_some_and(|report| book.grants.has_report(&report));
    if law.rules().authorisation().test_report && book.kinds.contains(LabReport::KIND) && !reported {
        add("lab.report-unfiled", "the application cites no filed report of the laboratory", "申请未引用已备案的测试验证报告");
    }
    if book.register.is_filed(id) && !cited.receipt.is_some_and(|receipt| book.register.received(id, &receipt)) {
        add("filing.receipt", "the receipt of the province on its filing is missing", "缺少省级备案回执");
    }
    let stages = &law.rules().stages.value.0;
    let is_adopted = cited.adoption.is_some_and(|adoption| book.selection.is_adopted(&adoption));
    if stages.contains(&Stage::ImplementationPlan) && book.kinds.contains(Adoption::KIND) && !is_adopted {
        add("adoption.unfiled", "the adoption of the plan that it rests on is not filed", "所依据的实施方案审定未备案");
    }
    if stages.contains(&Stage::Selection)
        && book.kinds.contains(Selection::KIND)
        && !cited.selection.is_some_and(|record| book.selection.has(&record))
    {
        add("selection.unfiled", "the record of the selection that it rests on is not filed", "所依据的择优记录未备案");
    }
    found
}

fn missing(contract: &Contract, code: &str, en: &str, zh: &str) -> Finding {
    let remedy = ("see `yu docket status` and file what is missing", "用 `yu docket status` 查看并补充备案");
    Finding::new(code, &contract.authorisation.id, (en, zh), remedy)
}

/// A rule's refusal as a finding.
fn said(contract: &Contract, result: yu_governance::Result<()>) -> Vec<Finding> {
    let (code, what) = match result {
        Ok(()) => return Vec::new(),
        Err(yu_governance::Error::Refused { code, what }) => (code, what),
        Err(other) => ("grants.broken", other.to_string()),
    };
    let zh = format!("授权依据不成立（{code}）：{what}");
    let remedy =
        ("see `yu docket status --chapter grants` and ask the authority", "用 `yu docket status --chapter grants` 查看并联系主管部门");
    vec![Finding::new(code, &contract.authorisation.id, (what, zh), remedy)]
}
