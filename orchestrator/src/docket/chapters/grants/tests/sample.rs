//! A contract with its authorisation, for tests of chapters that look at jobs.

use super::super::super::super::rig::{hash, party, time};
use crate::fault::Result;
use std::fmt::Debug;
use yu_governance::authorisation::{Authorisation, ContingencyPlan, Grant};
use yu_governance::contract::ColumnRef;
use yu_governance::contract::{
    Adversary, AuthorisationRef, ConsentTerms, Contract, CostStatement, CryptoTerms, Deviation, FixedPoint, Input, JointTerms, KeyTerms,
    Limits, Party, ProtocolTerms, PsiKind, PsiTerms, Recipient, RevealMatch, Role, SealTo, SecurityModel, Side, SideTerms, StatisticsTerms,
    StepTerms, Technique, Zone,
};
use yu_governance::grant::Measures;
use yu_governance::id::{ColumnSet, Environment};
use yu_governance::text::Text;

/// The stable code of a refusal.
pub(crate) fn code<T: Debug>(result: Result<T>) -> String {
    result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
}

pub(crate) fn columns(names: &[&str]) -> ColumnSet {
    ColumnSet::new(names.iter().copied()).unwrap()
}

/// What the example of a grant covers, and no more.
pub(crate) fn authorisation() -> Authorisation {
    Authorisation {
        v: 1,
        id: "dev/authority/a-1".parse().unwrap(),
        environment: Environment::Dev,
        authority: party("authority"),
        licensee: "bank".into(),
        scenario: "inclusive-credit".parse().unwrap(),
        purpose: "joint-statistics".parse().unwrap(),
        datasets: vec![Grant {
            dataset: "dev/health/visits".parse().unwrap(),
            columns: columns(&["resident_id", "visits"]),
            quota: Some(Measures { uses: 100, rows: 1_000_000, queries: 1000, ..Measures::default() }),
        }],
        contingency_plan: Some(ContingencyPlan {
            owner: "bank".into(),
            scope: "leak".into(),
            contacts: vec!["duty 123".into()],
            steps: vec!["stop".into()],
            drill_interval_days: 180,
        }),
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2028-01-01T00:00:00Z"),
    }
}

fn input(org: &str, dataset: &str, names: &[&str]) -> Input {
    Input {
        party: party(org),
        dataset: dataset.parse().unwrap(),
        version: hash("version"),
        columns: columns(names),
        key: KeyTerms { columns: vec!["resident_id".into()], normalisation: Vec::new() },
        consent: ConsentTerms::Filter { subject_column: "resident_id".into(), commitment: hash("consents") },
        rows: 1000,
    }
}

/// Statistics over visits of the health bureau and incomes of the bank.
pub(crate) fn contract() -> Contract {
    let side = |org: &str, column: &str| SideTerms { party: party(org), columns: vec![column.into()], exponents: Vec::new() };
    let person = |org: &str, roles: &[Role]| Party { name: party(org), roles: roles.to_vec(), zone: Zone::Inside, controller: org.into() };
    Contract {
        v: 1,
        title: Text::new("joint statistics", "联合统计"),
        environment: Environment::Dev,
        technique: Technique::Mpc,
        parties: vec![
            person("health", &[Role::Input, Role::Computing]),
            person("bank", &[Role::Input, Role::Computing, Role::Result]),
            person("platform", &[Role::Computing]),
            person("authority", &[Role::Reviewer]),
        ],
        authorisation: AuthorisationRef { id: "dev/authority/a-1".parse().unwrap(), hash: hash("authorisation"), agreement: None },
        approvals: Vec::new(),
        scenario: "inclusive-credit".parse().unwrap(),
        purpose: "joint-statistics".parse().unwrap(),
        inputs: vec![
            input("health", "dev/health/visits", &["resident_id", "visits"]),
            input("bank", "dev/bank/incomes", &["resident_id", "income"]),
        ],
        protocol: ProtocolTerms::Joint(JointTerms {
            psi: PsiTerms { kind: PsiKind::EcdhRistretto255, tag_rule: "40 + log2 n_r + log2 n_s bits, rounded up".into() },
            statistics: StatisticsTerms {
                left: side("health", "visits"),
                right: side("bank", "income"),
                helper: party("platform"),
                deviation: Deviation::Sample,
                fixed_point: FixedPoint { value_bits: 20, unit_bits: 30 },
            },
            steps: vec![StepTerms::Stats {
                columns: vec![
                    ColumnRef { side: Side::Left, column: "visits".into() },
                    ColumnRef { side: Side::Right, column: "income".into() },
                ],
                group: None,
            }],
            enclave: None,
        }),
        security: SecurityModel {
            adversary: Adversary::SemiHonest,
            corruptions: 1,
            computational_bits: 128,
            statistical_bits: 40,
            assumptions: Text::new("no two computing parties collude", "任意两个计算方不合谋"),
        },
        reveal_match: RevealMatch::Both,
        leakage: Vec::new(),
        cost: CostStatement { formula: Vec::new(), rounds: "8".into(), min_bytes: 10, max_bytes: 20, min_rounds: 8, max_rounds: 8 },
        limits: Limits { min_rows: 100, max_ratio: 100, runs_per_day: 4, min_cell: 5 },
        outputs: Vec::new(),
        receivers: vec![Recipient { party: party("bank"), seal: SealTo::from_bytes([1; 32]) }],
        reviewer: Recipient { party: party("authority"), seal: SealTo::from_bytes([2; 32]) },
        crypto: CryptoTerms::intl(),
        engines: Vec::new(),
        created: time("2026-06-02T01:00:00Z"),
        expires: time("2026-06-03T01:00:00Z"),
        nonce: "ab".repeat(32),
    }
}
