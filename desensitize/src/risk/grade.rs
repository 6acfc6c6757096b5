//! The grade of a release, after GB/T 42460-2023 (个人信息去标识化效果评估指南).
//!
//! The standard grades by identifiability. The mapping used here: grade 1, a direct identifier is left; grade 2, direct
//! identifiers are gone but the re-identification risk of some row is above the threshold; grade 3, it is not; grade 4, the
//! release holds no rows of persons but aggregates (never given to a table of rows). The threshold is a choice of whoever
//! releases: 0.2 for a release to named recipients, 0.05 for a public one, is usual.

use serde::Serialize;

use super::{Reidentification, RiskSpec};

/// How identifiable the persons in a release are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Identifiability {
    /// Grade 1: direct identifiers are left (能直接识别主体).
    Direct,
    /// Grade 2: direct identifiers removed (消除直接标识符).
    DirectRemoved,
    /// Grade 3: re-identification risk accepted (重标识风险可接受).
    Acceptable,
    /// Grade 4: aggregates (聚合数据).
    Aggregate,
}

/// The grade and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grade {
    /// The grade.
    pub grade: Identifiability,
    /// Its number, 1 to 4.
    pub number: u8,
    /// Greatest risk of a row: journalist if there is a population, else prosecutor.
    pub risk: f64,
    /// What is accepted.
    pub threshold: f64,
    /// The quasi-identifiers that were considered.
    pub qis: Vec<String>,
    /// Direct identifiers that are left.
    pub direct_identifiers: Vec<String>,
}

pub(super) fn decide(after: &Reidentification, spec: &RiskSpec) -> Grade {
    let risk = after.journalist.unwrap_or(after.prosecutor);
    let (grade, number) = if !spec.direct_identifiers.is_empty() {
        (Identifiability::Direct, 1)
    } else if risk > spec.threshold + 1e-12 {
        (Identifiability::DirectRemoved, 2)
    } else {
        (Identifiability::Acceptable, 3)
    };
    Grade { grade, number, risk, threshold: spec.threshold, qis: spec.qis.clone(), direct_identifiers: spec.direct_identifiers.clone() }
}
