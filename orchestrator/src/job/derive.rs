//! Jobs in which a provider de-identifies its own rows by a policy that every party signs: what follows from the terms, and the result.
//!
//! The provider works alone (`run/derivative.rs`); what the gate of [`yu_desensitize`] refuses never leaves it. The reviewer opens the
//! table, reads it against the policy once more without the original rows, and decides.

use super::held::Piece;
use super::report::Report;
use crate::fault::{Code, Fault, Lang, Result, pick};
use crate::node::Node;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yu_desensitize::policy::run::recheck;
use yu_desensitize::policy::{Policy, explain};
use yu_desensitize::read::{ReadOptions, read_table_from};
use yu_desensitize::report::Verdict;
use yu_desensitize::restore::Thresholds;
use yu_governance::canonical::{Hash, digest, to_canonical, u64_string};
use yu_governance::check::ResultView;
use yu_governance::contract::{Contract, CostStatement, DerivativeTerms, OutputTerms, OwnCorrelations, Role, Zone};
use yu_governance::held::Reconstruction;
use yu_governance::id::PartyName;
use yu_wire::seal::SealKey;

/// Name of the only output.
const OUTPUT: &str = "table";
/// Domain of the sealed table.
pub(super) const INFO: &[u8] = b"yu-derivative-v1";
/// Key of operators that name none.
pub(crate) const DEFAULT_KEY: &str = "default";
/// Bytes of a table with its report: sealed and written as text it still fits a message.
pub(super) const MOST_BYTES: usize = 8 << 20;

/// What a proposer may have each attack of the gate cost its provider, unless its profile grants more.
const MOST_SECONDS: f64 = 600.0;
const MOST_TRIES: u64 = 1 << 32;

/// A de-identified table and what was found when it was made.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deidentified {
    /// Who made it.
    pub provider: String,
    /// Its rows.
    #[serde(with = "u64_string")]
    pub rows: u64,
    /// The table.
    pub csv: String,
    /// The provider's report.
    pub report: Value,
    /// Whether the reviewer's own reading of the table has objections; never sent.
    #[serde(skip)]
    pub objections: u64,
    /// Columns as the reviewer reads them; never sent.
    #[serde(skip)]
    pub columns: Vec<String>,
}

/// The policy of a contract, with its files.
///
/// # Errors
/// `input.bad` with what is wrong in it.
pub(crate) fn policy(terms: &DerivativeTerms) -> Result<Policy> {
    Ok(Policy::parse("policy.toml", &terms.policy)?.with_files(&terms.files)?)
}

/// Refuses terms that do not follow from the policy, or a policy that this node's profile does not allow.
///
/// # Errors
/// `contract.rule`.
pub(super) fn check(node: &Node, contract: &Contract, terms: &DerivativeTerms) -> Result<()> {
    let rule = |what: String| Err(Fault::new(Code::ContractRule, what).at("policy.toml"));
    let policy = policy(terms)?;
    if policy.released() != terms.columns.iter().map(String::as_str).collect::<Vec<_>>() {
        return rule("derivative.columns: the columns are not those that the policy releases".into());
    }
    let keys: Vec<String> = policy.keys(DEFAULT_KEY).into_iter().collect();
    if keys != terms.keys {
        return rule(format!("derivative.keys: the policy uses the keys {}, the contract names others", keys.join(", ")));
    }
    let input = contract.inputs.first();
    if let Some(column) = policy.subjects().into_iter().find(|column| !input.is_some_and(|i| i.columns.contains(column))) {
        return rule(format!("derivative.subject: an operator reads `{column}`, which is no input column"));
    }
    let (budget, profile) = (policy.gate.budget, profile(node)?);
    if budget.seconds > profile.budget.seconds.max(MOST_SECONDS) || budget.tries > profile.budget.tries.max(MOST_TRIES) {
        return rule(format!("derivative.budget: an attack of the gate may take {MOST_SECONDS} s and 2^32 tries at most"));
    }
    if !policy.gate.is_at_least_as_strict_as(&profile) {
        return rule("derivative.gate: the policy loosens a limit of the gate below this node's profile (gate.toml)".into());
    }
    let leaves = contract.receivers.iter().filter_map(|r| contract.party(&r.party)).any(|party| party.zone == Zone::Outside);
    if policy.policy.stays && leaves {
        return rule("derivative.stays: the policy says that the result stays in the domain, but a receiver is outside (P3)".into());
    }
    Ok(())
}

/// The limits that this node's operator demands: `gate.toml` in its directory, or the default ones.
fn profile(node: &Node) -> Result<Thresholds> {
    let path = node.home().path("gate.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Thresholds::default()),
        Err(e) => return Err(Fault::io(&e, &path)),
    };
    let limits: Thresholds =
        toml::from_str(&text).map_err(|e| Fault::new(Code::Input, e.message().to_owned()).at(path.display().to_string()))?;
    limits.check()?;
    Ok(limits)
}

/// Nothing is sent while it is computed.
pub(super) const fn cost() -> CostStatement {
    CostStatement { formula: Vec::new(), rounds: String::new(), min_bytes: 0, max_bytes: 0, min_rounds: 0, max_rounds: 0 }
}

/// Which table comes out.
#[derive(Serialize)]
struct Layout<'a> {
    provider: &'a str,
    columns: Vec<&'a str>,
}

fn layout(provider: &str, columns: &[String]) -> Result<Hash> {
    let form = Layout { provider, columns: columns.iter().map(String::as_str).collect() };
    Ok(digest("yu-table-layout-v1", &to_canonical(&form)?))
}

/// The only output.
pub(super) fn output(contract: &Contract, terms: &DerivativeTerms, digits: u32, own_correlations: OwnCorrelations) -> Result<OutputTerms> {
    let provider = contract.with_role(Role::Computing).map(|p| p.name.as_str()).next().unwrap_or_default();
    Ok(OutputTerms { name: OUTPUT.into(), kind: "table".into(), layout: layout(provider, &terms.columns)?, digits, own_correlations })
}

/// The policy as a person reads it before signing.
pub(super) fn sentences(terms: &DerivativeTerms) -> Vec<(String, String)> {
    let said = match policy(terms) {
        Ok(policy) => explain::numbered(&policy).into_iter().map(|text| (text.en, text.zh)).collect(),
        // the rules refuse such a contract; whoever reads it all the same is told why nothing is said
        Err(fault) => vec![(format!("the policy cannot be read: {fault}"), format!("规则无法读取：{fault}"))],
    };
    let keys = (!terms.keys.is_empty()).then(|| {
        let keys = terms.keys.join(", ");
        (format!("keys of the provider that are used: {keys}; no others"), format!("使用提供方密钥：{keys}，不使用其他密钥"))
    });
    said.into_iter().chain(keys).collect()
}

/// Opens the table at the reviewer and reads it against the policy.
pub(super) fn open(contract: &Contract, job: &str, key: &SealKey, pieces: Vec<(PartyName, Piece)>) -> Result<Reconstruction<Report>> {
    let damaged = |name: &PartyName| Fault::new(Code::Damaged, "the sealed table").party(name.to_string());
    let Some((name, Piece::Whole(sealed))) = pieces.into_iter().next() else {
        return Err(Fault::new(Code::Damaged, "a part of the output is no table"));
    };
    let bytes = key.open(INFO, job.as_bytes(), &sealed)?;
    let mut table: Deidentified = serde_json::from_slice(&bytes).map_err(|_| damaged(&name))?;
    let terms = contract.derivative().ok_or_else(|| damaged(&name))?;
    let release = read_table_from("release.csv", table.csv.clone().into(), &ReadOptions::default())?;
    let report = recheck(&policy(terms)?, &release)?;
    let findings = report.sections.iter().flat_map(|section| &section.findings);
    table.objections = findings.filter(|finding| finding.verdict == Verdict::Refused).count() as u64;
    table.columns = release.column_names().into_iter().map(str::to_owned).collect();
    if table.provider != name.as_str() || table.rows != release.num_rows() {
        table.objections += 1;
    }
    Ok(Reconstruction::Consistent(Report::Table(table)))
}

impl Deidentified {
    /// What the checks want to know.
    pub(super) fn view(&self) -> ResultView {
        ResultView {
            outputs: layout(&self.provider, &self.columns).map(|hash| vec![(OUTPUT.to_owned(), hash)]).unwrap_or_default(),
            matched: self.rows,
            // how large classes must be says the policy, which the reviewer's node has read the table against
            cells: Vec::new(),
            open_complements: self.objections,
            constant_columns: 0,
            finite: self.objections == 0,
        }
    }
}

/// A released table as a short report.
pub(super) fn lines(result: &Value, lang: Lang) -> Vec<String> {
    let csv = result.get("csv").and_then(Value::as_str).unwrap_or_default();
    let (rows, header) = (result.get("rows").and_then(Value::as_str).unwrap_or("?"), csv.lines().next().unwrap_or_default());
    let mut out =
        vec![pick(lang, &format!("a de-identified table of {rows} rows: {header}"), &format!("去标识化数据 {rows} 行：{header}"))];
    let sections = result.pointer("/report/sections").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for finding in sections.iter().filter_map(|section| section.get("findings")?.as_array()).flatten() {
        let text = |lang: &str| finding.pointer(&format!("/text/{lang}")).and_then(Value::as_str).unwrap_or("?").to_owned();
        out.push(format!("  {}", pick(lang, &text("en"), &text("zh"))));
    }
    out
}
