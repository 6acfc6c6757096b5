//! The figures of risk and utility as a part of the report.

use super::super::{Class, Policy};
use super::Made;
use crate::error::{Result, Text};
use crate::report::{Bar, Finding, Grid, Plot, Section, Verdict};
use crate::risk::{self, RiskReport, RiskSpec};
use crate::table::Table;

/// Measures a release against the data that it was made of. `direct` are columns in which identifiers were found.
pub(super) fn section(policy: &Policy, made: &Made, release: &Table, direct: Vec<String>) -> Result<Section> {
    let qis: Vec<String> = policy.of_class(Class::Quasi).into_iter().map(str::to_owned).collect();
    let target = policy.of_class(Class::Sensitive).first().map(|name| (*name).to_owned());
    let spec = RiskSpec {
        sampling: policy.sample.map(|sample| sample.rate),
        target,
        direct_identifiers: direct,
        ..RiskSpec::new(&qis, policy.hierarchies(&made.before)?)
    };
    let report = risk::assess(&made.before, release, None, &spec)?;
    let mut section = Section::new(Text::new("Risk and utility", "风险与可用性"));
    section.lead = report.notes.iter().map(|note| Text::new(note.en.clone(), note.zh.clone())).collect();
    let (number, limit) = (report.grade.number, super::super::explain::percent(report.grade.threshold));
    let greatest = super::super::explain::percent(report.grade.risk);
    section.findings.push(Finding {
        code: "risk.grade".into(),
        // what a model has to hold is decided by the models; the grade is for whoever signs
        verdict: if number >= 3 { Verdict::Passed } else { Verdict::Noted },
        text: Text::new(
            format!("Grade {number} of 4 of identifiability; the greatest risk of a row is {greatest}, {limit} count as acceptable."),
            format!("可识别程度为 {number} 级（共 4 级）；单行最大风险为 {greatest}，可接受上限为 {limit}。"),
        ),
        remedy: None,
    });
    section.plots = vec![risks(&report), losses(&report)];
    section.grids.push(figures(&report));
    Ok(section)
}

fn risks(report: &RiskReport) -> Plot {
    let bar =
        |en: &str, zh: &str, before: f64, after: f64| Bar { label: Text::new(en, zh), value: after * 100.0, other: Some(before * 100.0) };
    Plot::Bars {
        title: Text::new("Risk of being recognised", "被识别的风险"),
        unit: Text::new("per cent", "百分比"),
        bars: vec![
            bar("greatest (prosecutor)", "最大（检察官）", report.before.prosecutor, report.after.prosecutor),
            bar("average (marketer)", "平均（营销者）", report.before.marketer, report.after.marketer),
        ],
        limit: Some(report.grade.threshold * 100.0),
        legend: Some([Text::new("release", "发布数据"), Text::new("original", "原始数据")]),
    }
}

fn losses(report: &RiskReport) -> Plot {
    let bars = report.utility.columns.iter().map(|column| Bar {
        label: Text::new(column.name.clone(), column.name.clone()),
        value: column.ncp * 100.0,
        other: None,
    });
    Plot::Bars {
        title: Text::new("Detail lost by column (NCP)", "各列信息损失（NCP）"),
        unit: Text::new("per cent of the column's values that a cell covers", "单元格所覆盖取值占该列取值的百分比"),
        bars: bars.collect(),
        limit: None,
        legend: None,
    }
}

fn figures(report: &RiskReport) -> Grid {
    let mut rows = vec![
        vec!["NCP".to_owned(), format!("{:.5}", report.utility.ncp)],
        vec!["平均类大小 / average class size".to_owned(), format!("{:.2}", report.utility.mean_class)],
        vec!["可辨识度 / discernibility".to_owned(), format!("{:.0}", report.utility.discernibility)],
    ];
    if let Some(check) = &report.downstream {
        let share = super::super::explain::percent;
        rows.push(vec!["分类正确率：原始训练 / right when trained on the original".to_owned(), share(check.original)]);
        rows.push(vec!["分类正确率：发布训练 / right when trained on the release".to_owned(), share(check.release)]);
        rows.push(vec!["分类正确率：总猜多数 / right when the majority is guessed".to_owned(), share(check.majority)]);
    }
    Grid { title: Text::new("Utility", "可用性"), header: vec![Text::new("Figure", "指标"), Text::new("Value", "数值")], rows }
}
