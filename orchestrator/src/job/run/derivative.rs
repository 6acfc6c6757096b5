//! A provider de-identifies its own rows: opened with the permit, made by the policy, written, read again, verified, attacked; what
//! stands all that is sealed to the reviewer. Nothing else leaves, and a refusal leaves nothing at all.

use super::super::derive::{self, Deidentified, INFO, MOST_BYTES};
use super::super::held::{Handover, Piece};
use super::super::inputs;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::node::Node;
use crate::verbs::to_value;
use serde_json::json;
use std::sync::Arc;
use yu_desensitize::report::{Report, Verdict};
use yu_desensitize::table::Table;
use yu_governance::audit::{Event, Verb};
use yu_governance::check::{Examination, InputAttestation};
use yu_governance::contract::{Contract, DerivativeTerms};
use yu_governance::id::JobId;
use yu_governance::policy::Permit;
use yu_governance::sign::Signed;
use yu_wire::seal::{SealPublic, seal};
use zeroize::Zeroizing;

/// Where a table is made.
pub(super) struct Scene<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) job: &'a str,
    pub(super) contract: &'a Contract,
    pub(super) terms: &'a DerivativeTerms,
    /// Percent and step, for whoever watches.
    pub(super) say: &'a dyn Fn(u8, &str),
}

/// Makes the table and seals it to the reviewer.
pub(super) fn run(scene: &Scene<'_>, permit: &Permit, id: JobId) -> Result<Handover> {
    let Scene { node, job, contract, terms, say } = *scene;
    let policy = derive::policy(terms)?;
    let keys = crate::derive_keys::load(node, &terms.keys)?;
    say(10, "open");
    let (opened, dropped) = inputs::rows(node, contract, permit, id)?;
    let table = &opened.table().0;
    super::opened(node, job, table.num_rows(), dropped, 0)?;
    say(30, "desensitize");
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "desensitize"))?;
    let folder = Scratch::new(node, job)?;
    let (report, bytes) = policy.release(table, &folder.path, &keys, &mut rng())?;
    drop(folder);
    let attacks = report.sections.iter().map(|section| section.findings.len() as u64).sum::<u64>();
    node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "desensitize").count("checks", attacks))?;
    let Some(bytes) = bytes else { return Err(refusal(node, job, &report)?) };
    node.store().add_event(job, "deidentified", &json!({ "checks": attacks }), now().unix())?;
    say(80, "seal");
    let rows = rows_of(&bytes)?;
    let csv = String::from_utf8(bytes).map_err(|_| Fault::new(Code::Bug, "the written table"))?;
    let document =
        Deidentified { provider: node.name().to_owned(), rows, csv, report: to_value(&report)?, objections: 0, columns: Vec::new() };
    let document = Zeroizing::new(serde_json::to_vec(&document).map_err(|e| Fault::new(Code::Bug, e.to_string()))?);
    if document.len() > MOST_BYTES {
        let what = format!("the table with its report has {} bytes, at most {MOST_BYTES} can be released by a job", document.len());
        return Err(Fault::new(Code::Input, what).at("release few columns, or a [sample] of the rows"));
    }
    let reviewer = SealPublic(*contract.reviewer.seal.as_bytes());
    let sealed = seal(&reviewer, INFO, job.as_bytes(), &document, &mut rng())?;
    // the gate and the models speak for the own rows; there is nothing else that only the owner could see
    let statement = InputAttestation::new(id, node.name().parse()?, &Examination::default(), now());
    let attestation = Some(Signed::sign(statement, node.name(), node.signing())?);
    Ok(Handover { share: Piece::Whole(sealed), attestation })
}

fn rows_of(csv: &[u8]) -> Result<u64> {
    use yu_desensitize::read::{ReadOptions, read_table_from};
    Ok(Table::num_rows(&read_table_from("release.csv", csv.to_vec().into(), &ReadOptions::default())?))
}

/// The first thing that speaks against the table. Its figures are about rows, so they stay here: peers learn the rule's name.
fn refusal(node: &Node, job: &str, report: &Report) -> Result<Fault> {
    let findings = report.sections.iter().flat_map(|section| &section.findings);
    let Some(first) = findings.into_iter().find(|finding| finding.verdict == Verdict::Refused) else {
        return Ok(Fault::new(Code::Bug, "a report that refuses without a reason"));
    };
    let detail = json!({ "code": first.code, "en": first.text.en, "zh": first.text.zh });
    node.store().add_event(job, "not-releasable", &detail, now().unix())?;
    Ok(Fault::new(Code::ReleaseRefused, format!("{}; the provider's operator sees the figures", first.code)))
}

/// A folder for a table that nobody has looked at yet; it goes away with what is in it.
struct Scratch {
    path: std::path::PathBuf,
}

impl Scratch {
    fn new(node: &Node, job: &str) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = node.home().path(&format!("{}{job}", crate::derive_keys::SCRATCH));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|e| Fault::io(&e, &path))?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
