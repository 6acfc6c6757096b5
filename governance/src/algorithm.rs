//! Algorithms of others (算法包, P5): a program or module runs on rows only as its author signed it and the authority admitted it, for one scenario.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, refuse, unless};
use crate::id::{PartyName, Purpose, Scenario};
use crate::sign::SignedType;
use crate::text::Text;

/// Longest admission, years: that of authorisations (A4), our reading.
const LONGEST_YEARS: i64 = 3;

/// How it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlgorithmKind {
    /// A program that trains, in a process without network.
    Program,
    /// A WebAssembly module in an attested environment.
    Module,
}

/// What its author signed and the authority admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlgorithmAdmission {
    /// Format version, 1.
    pub v: u32,
    /// SHA-256 of its file.
    pub hash: Hash,
    /// How it runs.
    pub kind: AlgorithmKind,
    /// What it is called.
    pub name: Text,
    /// Who wrote it and answers for it.
    pub author: PartyName,
    /// What runs it, an absolute path: the same bytes mean something else to another interpreter. Absent: it is run itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// For which scenario.
    pub scenario: Scenario,
    /// For which purpose.
    pub purpose: Purpose,
    /// Hash of the report of whoever examined it.
    pub examined: Hash,
    /// When it was signed.
    pub at: Time,
    /// First second at which no new job may name it.
    pub not_after: Time,
}

impl SignedType for AlgorithmAdmission {
    const TYPE: &'static str = "algorithm-admission-v1";
}

/// The authority takes an admission back, for every scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlgorithmWithdrawal {
    /// Format version, 1.
    pub v: u32,
    /// SHA-256 of the algorithm's file.
    pub hash: Hash,
    /// Why.
    pub reason: Text,
    /// When.
    pub at: Time,
}

impl SignedType for AlgorithmWithdrawal {
    const TYPE: &'static str = "algorithm-withdrawal-v1";
}

/// What a contract wants to run.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// SHA-256 of its file.
    pub hash: &'a Hash,
    /// How it runs.
    pub kind: AlgorithmKind,
    /// By what.
    pub interpreter: Option<&'a str>,
    /// For which scenario.
    pub scenario: &'a Scenario,
    /// For which purpose.
    pub purpose: &'a Purpose,
}

/// All admissions that stand.
#[derive(Debug, Default)]
pub struct Algorithms {
    admitted: BTreeMap<(Hash, Scenario), AlgorithmAdmission>,
}

impl Algorithms {
    /// Those that were not taken back.
    pub fn all(&self) -> impl Iterator<Item = &AlgorithmAdmission> {
        self.admitted.values()
    }

    /// Takes an admission in; a later one of the same file and scenario stands in the place of the earlier.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn admit(&mut self, admission: &AlgorithmAdmission, authority: &PartyName, now: Time) -> Checked<()> {
        let mut found = Vec::new();
        let mut add = |code: &str, en: String, zh: &str, remedy: (&str, &str)| {
            found.push(Finding::new(code, &admission.author, (en, zh), remedy));
        };
        let hash = &admission.hash;
        if admission.v != 1 || admission.name.is_blank() {
            add(
                "algorithm.name",
                format!("{hash} has no name in both languages, or another format"),
                "算法须有中英文名称",
                ("fill in `name`", "填写名称"),
            );
        }
        if admission.author == *authority {
            add(
                "algorithm.author",
                format!("{hash} is written by whoever admits it"),
                "算法作者不得为准入机关",
                ("another author signs", "由他人署名"),
            );
        }
        if admission.interpreter.as_deref().is_some_and(|path| !path.starts_with('/') || path.len() > 256)
            || (admission.kind == AlgorithmKind::Module && admission.interpreter.is_some())
        {
            add(
                "algorithm.interpreter",
                format!("{hash}: an interpreter is an absolute path, and of programs only"),
                "解释器须为绝对路径且仅限程序",
                ("correct `interpreter`", "更正解释器"),
            );
        }
        let longest = admission.at.plus_days(LONGEST_YEARS * 366);
        if admission.at > now.plus_seconds(86_400) || admission.not_after <= now || admission.not_after > longest {
            add(
                "algorithm.term",
                format!("{hash} is admitted until {}", admission.not_after),
                "准入期限无效",
                ("an end that is not past, at most 3 years away", "期限应未过且不超过 3 年"),
            );
        }
        let key = (*hash, admission.scenario.clone());
        if self.admitted.get(&key).is_some_and(|before| before.at >= admission.at) {
            add(
                "algorithm.order",
                format!("{hash} has a later admission for this scenario"),
                "该场景已有更新的准入",
                ("date it later", "更正日期"),
            );
        }
        unless(found, ())?;
        self.admitted.insert(key, admission.clone());
        Ok(())
    }

    /// Takes all admissions of a file back.
    ///
    /// # Errors
    /// `algorithm.unknown`, `algorithm.reason`.
    pub fn withdraw(&mut self, withdrawal: &AlgorithmWithdrawal) -> Checked<()> {
        let hash = &withdrawal.hash;
        if withdrawal.reason.is_blank() {
            return refuse("algorithm.reason", hash, ("a withdrawal has a reason", "撤回须说明理由"), ("say why", "说明理由"));
        }
        if !self.admitted.keys().any(|(known, _)| known == hash) {
            return refuse(
                "algorithm.unknown",
                hash,
                ("no admission of it stands", "没有有效准入"),
                ("see `yu docket status`", "见 yu docket status"),
            );
        }
        self.admitted.retain(|(known, _), _| known != hash);
        Ok(())
    }

    /// What is against running it, by its code and in words.
    #[must_use]
    pub fn against(&self, wanted: Wanted<'_>, now: Time) -> Option<Finding> {
        let hash = wanted.hash;
        let say = |code: &str, en: String, zh: String| {
            let remedy = ("let its author and the authority sign an algorithm-admission", "请作者与主管部门签署算法准入");
            Some(Finding::new(code, hash, (en, zh), remedy))
        };
        let Some(admission) = self.admitted.get(&(*hash, wanted.scenario.clone())) else {
            let elsewhere = self.admitted.keys().any(|(known, _)| known == hash);
            return if elsewhere {
                say("algorithm.scenario", format!("{hash} is admitted for another scenario"), format!("{hash} 的准入不含该场景"))
            } else {
                say("algorithm.unsigned", format!("{hash} is not signed by its author and admitted"), format!("{hash} 未经作者签署并准入"))
            };
        };
        if now >= admission.not_after {
            return say("algorithm.expired", format!("{hash} was admitted until {}", admission.not_after), format!("{hash} 的准入已到期"));
        }
        if admission.purpose != *wanted.purpose {
            return say("algorithm.purpose", format!("{hash} is admitted for another purpose"), format!("{hash} 的准入用途不符"));
        }
        if admission.kind != wanted.kind || admission.interpreter.as_deref() != wanted.interpreter {
            return say(
                "algorithm.run-otherwise",
                format!("{hash} is admitted to run in another way"),
                format!("{hash} 的运行方式与准入不符"),
            );
        }
        None
    }
}
