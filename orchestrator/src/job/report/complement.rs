//! Counts that nobody printed but anybody can compute: what is missing from a total, and the rows between the edges of two histograms.

use std::collections::BTreeMap;

use yu_desensitize::release::{Cell, LeftOut, Objection, Rules, Zeros, objections_to_list};
use yu_mpc::analysis::{Outcome, StepResult};
use yu_mpc::stats::Statistics;

/// How many counts below the minimum can be computed from those of a result.
pub(super) fn open(outcome: &Outcome, min_cell: u64) -> u64 {
    let rules = Rules::frequency(min_cell, Zeros::Hide);
    let lists = outcome.steps.iter().map(|step| match step {
        StepResult::Stats(statistics) => of_groups(statistics, min_cell),
        StepResult::Groupby { groups, .. } => {
            rest(groups.iter().map(|group| (group.labels.join("\u{1f}"), group.count)), outcome.matched, &rules)
        }
        StepResult::LinearRegression(model) | StepResult::LogisticRegression(model) => match model.positives {
            Some(positives) => rest([("1".to_owned(), positives)].into_iter(), model.count, &rules),
            None => 0,
        },
        StepResult::Histogram { .. } | StepResult::Quantiles { .. } => 0,
    });
    lists.sum::<u64>() + between(outcome, &rules)
}

/// The same for groups of joint statistics.
pub(super) fn of_groups(statistics: &Statistics, min_cell: u64) -> u64 {
    let groups = statistics.groups.iter().map(|group| (group.label.clone(), group.count));
    rest(groups, statistics.count, &Rules::frequency(min_cell, Zeros::Hide))
}

/// What the total tells of rows that are in no group. Small groups that are printed are counted elsewhere.
fn rest(groups: impl Iterator<Item = (String, u64)>, total: u64, rules: &Rules) -> u64 {
    let cells: Vec<Cell> = groups.map(|(key, count)| Cell { key, count }).collect();
    if cells.is_empty() {
        return 0;
    }
    let is_of_the_rest =
        |objection: &&Objection| matches!(objection, Objection::ComplementOpen | Objection::Inconsistent | Objection::Twice(..));
    objections_to_list(&cells, Some(total), LeftOut::Unknown, rules).iter().filter(is_of_the_rest).count() as u64
}

/// Histograms of one column, laid over each other: rows between an edge of the one and the next edge of the other.
fn between(outcome: &Outcome, rules: &Rules) -> u64 {
    let mut below: BTreeMap<(&str, &str), Vec<(f64, u64)>> = BTreeMap::new();
    for step in &outcome.steps {
        let StepResult::Histogram { column, bins } = step else { continue };
        let edges = below.entry((&column.party, &column.name)).or_default();
        let mut rows = 0u64;
        for bin in bins {
            rows = rows.saturating_add(bin.count);
            edges.push((bin.below.unwrap_or(f64::INFINITY), rows));
        }
    }
    let of_column = |edges: &mut Vec<(f64, u64)>| {
        edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut last = (f64::NEG_INFINITY, 0u64);
        let mut open = 0;
        for (edge, rows) in edges.drain(..) {
            // of two histograms with one edge the counts must agree; a slice between edges is a bin like any other
            let slice = rows.checked_sub(last.1);
            let is_fine =
                if edge.total_cmp(&last.0).is_eq() { slice == Some(0) } else { slice.is_some_and(|rows| rows >= rules.min_frequency) };
            open += u64::from(!is_fine);
            last = (edge, rows);
        }
        open
    };
    below.values_mut().map(of_column).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn outcome(steps: serde_json::Value) -> Outcome {
        serde_json::from_value(json!({ "matched": "100", "steps": steps })).unwrap()
    }

    #[test]
    fn two_histograms_do_not_tell_a_small_slice() {
        let bins = |edge: f64, count: u64| {
            json!({ "kind": "histogram", "column": { "party": "p", "name": "age" },
            "bins": [{ "from": null, "below": edge, "count": count.to_string() }, { "from": edge, "below": null, "count": (100 - count).to_string() }] })
        };
        assert_eq!(open(&outcome(json!([bins(40.0, 50), bins(60.0, 70)])), 10), 0);
        assert_eq!(open(&outcome(json!([bins(40.0, 50), bins(41.0, 53)])), 10), 1, "three people are 40 years old");
        assert_eq!(open(&outcome(json!([bins(40.0, 50), bins(40.0, 50)])), 10), 0, "the same question twice");
        assert_eq!(open(&outcome(json!([bins(40.0, 50), bins(40.0, 51)])), 10), 1, "two answers to one question");
        let mut other = bins(41.0, 53);
        other["column"]["name"] = json!("income");
        assert_eq!(open(&outcome(json!([bins(40.0, 50), other])), 10), 0);
    }

    #[test]
    fn groups_and_their_total_do_not_tell_who_is_in_none() {
        let groups = |counts: &[u64]| {
            let groups: Vec<_> = counts
                .iter()
                .enumerate()
                .map(|(at, count)| json!({ "labels": [at.to_string()], "count": count.to_string(), "sums": [], "means": [] }))
                .collect();
            json!([{ "kind": "groupby", "by": [{ "party": "p", "name": "district" }], "values": [], "groups": groups }])
        };
        assert_eq!(open(&outcome(groups(&[60, 40])), 10), 0);
        assert_eq!(open(&outcome(groups(&[60, 25])), 10), 0);
        assert_eq!(open(&outcome(groups(&[60, 37])), 10), 1, "three rows have no district");
        assert_eq!(open(&outcome(groups(&[60, 41])), 10), 1, "more rows than there are");
    }
}
