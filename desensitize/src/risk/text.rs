//! What the figures mean, in sentences.

use serde::Serialize;

use super::RiskReport;

/// A sentence about one figure, in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Which part of the report it explains.
    pub about: &'static str,
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

fn note(about: &'static str, en: String, zh: String) -> Note {
    Note { about, en, zh }
}

pub(super) fn notes(report: &RiskReport) -> Vec<Note> {
    let (before, after) = (&report.before, &report.after);
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let mut notes = vec![
        note(
            "prosecutor",
            format!(
                "Someone who knows a person is in the table is right with a chance of at most {} (before: {}).",
                percent(after.prosecutor),
                percent(before.prosecutor)
            ),
            format!(
                "已知某人在表中的攻击者，最多有 {} 的把握找到其记录（处理前为 {}）。",
                percent(after.prosecutor),
                percent(before.prosecutor)
            ),
        ),
        note(
            "marketer",
            format!(
                "Of all rows, {} can be expected to be linked to the right person (before: {}).",
                percent(after.marketer),
                percent(before.marketer)
            ),
            format!("在全部记录中，预计有 {} 可被正确关联到本人（处理前为 {}）。", percent(after.marketer), percent(before.marketer)),
        ),
        note(
            "suda",
            format!(
                "{} rows are singled out by at most {} columns (before: {}).",
                report.suda.1.rows, report.suda.1.most_columns, report.suda.0.rows
            ),
            format!(
                "有 {} 条记录可由不超过 {} 列单独区分（处理前为 {} 条）。",
                report.suda.1.rows, report.suda.1.most_columns, report.suda.0.rows
            ),
        ),
        note(
            "utility",
            format!("Cells lost {} of their precision on average; {} rows are suppressed.", percent(report.utility.ncp), report.suppressed),
            format!("单元格平均损失 {} 的精度；{} 条记录被抑制。", percent(report.utility.ncp), report.suppressed),
        ),
        note(
            "grade",
            format!(
                "Grade {} after GB/T 42460: risk {} against an accepted {}, for {} quasi-identifiers.",
                report.grade.number,
                percent(report.grade.risk),
                percent(report.grade.threshold),
                report.grade.qis.len()
            ),
            format!(
                "参照 GB/T 42460 评为第 {} 级：风险 {}，可接受阈值 {}，考虑了 {} 个准标识符。",
                report.grade.number,
                percent(report.grade.risk),
                percent(report.grade.threshold),
                report.grade.qis.len()
            ),
        ),
    ];
    if let Some(journalist) = after.journalist {
        notes.push(note(
            "journalist",
            format!("Someone who looks for a person of the population is right with a chance of at most {}.", percent(journalist)),
            format!("在总体中寻找某人的攻击者，最多有 {} 的把握。", percent(journalist)),
        ));
    }
    if let Some(linkage) = &report.linkage {
        notes.push(note(
            "linkage",
            format!(
                "An attacker with the original's quasi-identifiers links {} of the rows; {} for certain.",
                percent(linkage.success),
                linkage.certain
            ),
            format!("掌握原始准标识符的攻击者可关联 {} 的记录，其中 {} 条可完全确定。", percent(linkage.success), linkage.certain),
        ));
    }
    if report.uniqueness.is_some() {
        notes.push(note(
            "uniqueness",
            "Population uniques are estimated by models; without a population table they can be wrong by a factor.".to_owned(),
            "总体唯一记录数由模型估计；没有总体数据表时可能有成倍偏差。".to_owned(),
        ));
    }
    if let Some(downstream) = &report.downstream {
        notes.push(note(
            "downstream",
            format!(
                "A classifier trained on the release is right for {} of unseen original rows, one trained on the original for {}, always guessing the most frequent for {}.",
                percent(downstream.release),
                percent(downstream.original),
                percent(downstream.majority)
            ),
            format!(
                "用发布数据训练的分类器对未见原始记录的正确率为 {}，用原始数据训练为 {}，总猜多数类为 {}。",
                percent(downstream.release),
                percent(downstream.original),
                percent(downstream.majority)
            ),
        ));
    }
    notes
}
