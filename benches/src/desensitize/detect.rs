//! Detection on the generated text set of the peers: recall and precision by class, decoys, rate.

mod score;
mod text;

use yu_desensitize::detect::Detector;

use super::{Better, DesensitizeArgs, Row, best_of};
use crate::Result;

const SUBJECT: &str = "detect";
const DOCUMENTS: usize = 20_000;
/// The seed of the peer script.
const SEED: u64 = 20_250_301;

/// The figures of `yu_desensitize::detect`.
///
/// # Errors
/// If no document holds an identifier.
pub(super) fn rows(args: &DesensitizeArgs) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if !args.wants(SUBJECT, "recall precision decoys text rate") {
        return Ok(rows);
    }
    let documents = text::documents(DOCUMENTS, SEED);
    let detector = Detector::default();
    let (scores, certain_decoys) = score::score(&detector, &documents);
    for (class, score) in scores.iter().filter(|(_, score)| score.there > 0) {
        let (limit, aim) = if class.has_check_digit() { (Some(0.995), Some(0.999)) } else { (None, None) };
        let row = |name, value, limit, aim| Row { subject: SUBJECT, name, unit: "", value, better: Better::More, limit, aim };
        rows.push(row(format!("recall {}", class.name()), score.recall(), limit, aim));
        rows.push(row(format!("precision {}", class.name()), score.precision(), None, None));
    }
    if rows.is_empty() {
        return Err("the text set holds no identifier".into());
    }
    rows.push(Row {
        subject: SUBJECT,
        name: "decoys reported as certain".into(),
        unit: "",
        value: certain_decoys as f64,
        better: Better::Less,
        limit: Some(0.0),
        aim: Some(0.0),
    });
    let bytes: usize = documents.iter().map(|document| document.text.len()).sum();
    let (seconds, _) = best_of(args.runs, || {
        let mut hits = 0u64;
        for document in &documents {
            detector.scan_with(&document.text, |_| hits += 1);
        }
        hits
    });
    rows.push(Row {
        subject: SUBJECT,
        name: "text rate, all classes".into(),
        unit: "MB/s",
        value: bytes as f64 / seconds / 1e6,
        better: Better::More,
        limit: Some(150.0),
        aim: Some(300.0),
    });
    Ok(rows)
}
