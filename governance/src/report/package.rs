//! Packages that verify offline: an inspector's evidence (S4; NB 26, TZ 五(三), ZZ 28, 29) and the acceptance of a domain (D15).
//!
//! A package is a signed manifest: the hash of every document beside it, and the range of every log. Whoever holds manifest,
//! files and logs needs nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::page::{Page, Table, same};
use crate::audit::merkle::{self, Digest};
use crate::audit::{LogFiles, verify};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, unless};
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::Word as _;
use crate::workflow::word::words;

words! {
    /// What a package is for.
    Purpose {
        Inspection = "inspection", "监督检查取证材料", "Evidence for an inspection (S4).";
        Acceptance = "acceptance", "授权运营域验收材料", "Acceptance of a domain (D15).";
    }
}

/// A stretch of one node's log: all entries up to `size`, of which those from `first` on are in the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRange {
    /// First entry in question.
    #[serde(with = "u64_string")]
    pub first: u64,
    /// Entries in the log at that moment.
    #[serde(with = "u64_string")]
    pub size: u64,
    /// RFC 9162 root over them.
    pub root: Digest,
}

/// One requirement with the documents that show it, for an acceptance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Whether the self-test passed.
    pub passed: bool,
    /// Names of documents in the package, at least one.
    pub evidence: BTreeSet<String>,
}

/// The manifest, signed by who is inspected and by who inspects: neither adds or takes away anything alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Format version, 1.
    pub v: u32,
    /// What for.
    pub purpose: Purpose,
    /// Who is inspected, or hands over the domain; signs.
    pub subject: PartyName,
    /// Who inspects or accepts; signs.
    pub inspector: PartyName,
    /// Hash of each document, as `sha256sum` prints it, by its file name.
    pub documents: BTreeMap<String, Hash>,
    /// Range of each log, by node.
    pub logs: BTreeMap<PartyName, LogRange>,
    /// Requirements by their ids; empty in an inspection.
    pub requirements: BTreeMap<String, Requirement>,
    /// When.
    pub at: Time,
}

impl SignedType for Package {
    const TYPE: &'static str = "evidence-package-v1";
}

/// Ids of the requirements that an acceptance shows: D1 to D14.
fn accepted() -> impl Iterator<Item = String> {
    (1..=14).map(|n| format!("D{n}"))
}

impl Package {
    /// Checks a package with its files and logs, offline; gives the hash of the manifest.
    ///
    /// # Errors
    /// All at once: `package.signature`; `package.self` for one who inspects himself; `package.name` for a file name that would
    /// leave the folder; `package.missing`, `package.surplus`, `package.altered` naming the file; `package.log` naming the node
    /// whose log does not verify, is missing, or is not the one of the manifest; `package.requirement` naming requirements of an
    /// acceptance that are missing, unknown, not passed or without evidence in the package.
    pub fn verify(signed: &Signed<Self>, files: &BTreeMap<String, Vec<u8>>, logs: &[LogFiles<'_>], keys: &KeyRing) -> Checked<Hash> {
        let (subject, inspector) = (&signed.payload.subject, &signed.payload.inspector);
        let package =
            signed.verify(keys, &[subject.as_str(), inspector.as_str()]).map_err(|error| broken("package.signature", subject, &error))?;
        let mut found = Vec::new();
        let mut add = |code, party: &str, what: (String, String)| {
            found.push(Finding::new(code, party, what, ("obtain the package again from its signers", "向签署方重新获取材料")));
        };
        if package.v != 1 || subject.organisation() == inspector.organisation() {
            let what = (format!("`{inspector}` and `{subject}` are one organisation"), format!("`{inspector}` 与 `{subject}` 为同一单位"));
            add("package.self", inspector.as_str(), what);
        }
        for name in package.documents.keys().filter(|name| !is_file_name(name)) {
            let shown = name.escape_debug();
            add("package.name", subject.as_str(), (format!("`{shown}` is no plain file name"), format!("`{shown}` 不是有效文件名")));
        }
        for name in package.documents.keys().chain(files.keys()).collect::<BTreeSet<_>>() {
            let shown = name.escape_debug();
            match (package.documents.get(name), files.get(name)) {
                (Some(_), None) => add("package.missing", subject.as_str(), (format!("`{shown}` is missing"), format!("缺少 `{shown}`"))),
                (None, _) => {
                    let what = (format!("`{shown}` is not in the manifest"), format!("清单中没有 `{shown}`"));
                    add("package.surplus", subject.as_str(), what);
                }
                (Some(hash), Some(bytes)) if *hash != Hash::of_file_with(hash.algorithm(), bytes) => {
                    let what = (format!("`{shown}` is not the document that was signed"), format!("`{shown}` 与签署时不一致"));
                    add("package.altered", subject.as_str(), what);
                }
                (Some(_), Some(_)) => {}
            }
        }
        for node in package.bad_logs(logs, keys) {
            let what = (
                "its log is missing, does not verify, or is not the one of the manifest".into(),
                "其日志缺失、未通过验证或与清单不符".into(),
            );
            add("package.log", &node, what);
        }
        let wrong = package.bad_requirements();
        if !wrong.is_empty() {
            let what = (
                format!("missing, unknown, not passed, or without evidence: {}", wrong.join(", ")),
                format!("缺失、未知、未通过或无证据：{}", wrong.join("、")),
            );
            add("package.requirement", subject.as_str(), what);
        }
        unless(found, ())?;
        document_hash(package).map_err(|error| broken("package.signature", subject, &error))
    }

    /// Nodes whose logs are not as the manifest says, and logs of nodes that it does not name.
    fn bad_logs(&self, logs: &[LogFiles<'_>], keys: &KeyRing) -> BTreeSet<String> {
        let report = verify(logs);
        let mut bad = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for (log, about) in logs.iter().zip(&report.nodes) {
            let Some(node) = &about.node else {
                bad.insert(log.directory.to_owned());
                continue;
            };
            let lines = || log.entries.split(|b| *b == b'\n').filter(|line| !line.is_empty());
            let fits = self.logs.get(node).is_some_and(|range| {
                let leaves: Vec<Digest> = lines().map(|line| merkle::leaf(log.alg(), line)).collect();
                let size = usize::try_from(range.size).ok();
                let prefix = size.and_then(|size| leaves.get(..size));
                // the log may have grown since: its beginning must be the same
                range.first < range.size && prefix.is_some_and(|prefix| merkle::root(log.alg(), prefix) == range.root)
            });
            if !fits
                || !about.problems.is_empty()
                || log.key().is_none()
                || log.key().as_ref() != keys.get(node.as_str())
                || !seen.insert(node)
            {
                bad.insert(node.to_string());
            }
        }
        bad.extend(self.logs.keys().filter(|node| !seen.contains(node)).map(ToString::to_string));
        bad
    }

    fn bad_requirements(&self) -> Vec<String> {
        let wanted: BTreeSet<String> = if self.purpose == Purpose::Acceptance { accepted().collect() } else { BTreeSet::new() };
        let bad = |id: &&String| {
            !wanted.contains(*id)
                || self
                    .requirements
                    .get(*id)
                    .is_none_or(|r| !r.passed || r.evidence.is_empty() || !r.evidence.iter().all(|name| self.documents.contains_key(name)))
        };
        wanted.iter().chain(self.requirements.keys()).collect::<BTreeSet<_>>().into_iter().filter(bad).cloned().collect()
    }

    /// The manifest as a page.
    #[must_use]
    pub fn page(&self) -> Page {
        let documents = Table {
            title: Text::new("Documents", "文件"),
            head: vec![Text::new("file", "文件名"), same("SHA-256")],
            rows: self.documents.iter().map(|(name, hash)| vec![same(name), same(hash.to_hex())]).collect(),
        };
        let logs = Table {
            title: Text::new("Logs", "日志"),
            head: vec![Text::new("node", "节点"), Text::new("entries", "条目"), Text::new("root", "根哈希")],
            rows: self
                .logs
                .iter()
                .map(|(node, range)| {
                    let last = range.size.saturating_sub(1);
                    vec![same(node), same(format!("{}–{last}", range.first)), same(hex::encode(range.root.0))]
                })
                .collect(),
        };
        let requirements = Table {
            title: Text::new("Requirements", "验收项"),
            head: vec![Text::new("id", "编号"), Text::new("passed", "通过"), Text::new("evidence", "证据")],
            rows: self
                .requirements
                .iter()
                .map(|(id, r)| {
                    let passed = if r.passed { Text::new("yes", "是") } else { Text::new("no", "否") };
                    vec![same(id), passed, same(r.evidence.iter().cloned().collect::<Vec<_>>().join(", "))]
                })
                .collect(),
        };
        let tables = [documents, logs, requirements].into_iter().filter(|table| !table.rows.is_empty()).collect();
        Page {
            title: Text::new(format!("Evidence package: {}", self.purpose), self.purpose.zh()),
            text: vec![Text::new(
                format!("{} for {}, {}.", self.subject, self.inspector, self.at),
                format!("{} 提交 {}，{}。", self.subject, self.inspector, self.at),
            )],
            tables,
            foot: Text::new(
                "Both sides signed the manifest; check it offline with the files and logs.",
                "清单由双方签署，可离线与文件及日志核对。",
            ),
        }
    }
}

/// A plain name: no path, nothing unseen, nothing that starts with a dot.
fn is_file_name(name: &str) -> bool {
    crate::text::is_name(name) && !name.starts_with('.') && !name.contains(['/', '\\', ':'])
}
