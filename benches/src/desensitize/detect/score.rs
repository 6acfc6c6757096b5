//! What the detector finds against what is there: exact spans only.

use yu_desensitize::detect::{Class, Confidence, Detector, Hit};

use super::text::Document;

/// Counts of one class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Score {
    /// Identifiers that are there, without decoys.
    pub(super) there: u64,
    /// Of them, found with class and span; with a check digit: as certain.
    pub(super) found: u64,
    /// Hits of at least likely.
    pub(super) hits: u64,
    /// Of them, identifiers that are there.
    pub(super) right: u64,
}

impl Score {
    /// Share of what is there that was found.
    pub(super) fn recall(&self) -> f64 {
        self.found as f64 / self.there.max(1) as f64
    }

    /// Share of the hits that are right.
    pub(super) fn precision(&self) -> f64 {
        self.right as f64 / self.hits.max(1) as f64
    }
}

/// Scores by class, and the number of decoys of which a part was reported as certain, under whatever class.
pub(super) fn score(detector: &Detector, documents: &[Document]) -> (Vec<(Class, Score)>, u64) {
    let mut scores: Vec<(Class, Score)> = Class::ALL.into_iter().map(|class| (class, Score::default())).collect();
    let mut certain_decoys = 0;
    for document in documents {
        let hits = detector.scan(&document.text);
        for (class, score) in &mut scores {
            let needed = if class.has_check_digit() { Confidence::Certain } else { Confidence::Likely };
            let real = document.truths.iter().filter(|truth| truth.class == *class && !truth.is_decoy);
            for truth in real {
                let is_it = |hit: &&Hit| hit.class == *class && hit.span() == (truth.start..truth.end);
                let hit = hits.iter().find(is_it);
                score.there += 1;
                score.found += u64::from(hit.is_some_and(|hit| hit.confidence >= needed));
                score.right += u64::from(hit.is_some_and(|hit| hit.confidence >= Confidence::Likely));
            }
            score.hits += hits.iter().filter(|hit| hit.class == *class && hit.confidence >= Confidence::Likely).count() as u64;
        }
        let decoys = document.truths.iter().filter(|truth| truth.is_decoy);
        certain_decoys += decoys
            .filter(|truth| hits.iter().any(|hit| hit.confidence == Confidence::Certain && hit.start < truth.end && truth.start < hit.end))
            .count() as u64;
    }
    (scores, certain_decoys)
}
