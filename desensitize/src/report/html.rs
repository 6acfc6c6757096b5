//! A report as one HTML page: no script, no font, no picture from outside, fit for printing.

use std::fmt::Write;

use super::{Finding, Grid, Plot, Report, Section, Verdict};
use crate::error::Text;

/// Which languages a page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// English.
    En,
    /// Chinese (中文).
    Zh,
    /// Chinese first, English below it.
    #[default]
    Both,
}

const STYLE: &str = "\
:root{color-scheme:light}body{font:15px/1.55 'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',system-ui,sans-serif;\
color:#1d2a30;background:#f4f6f7;margin:0}main{max-width:860px;margin:0 auto;padding:28px 24px 60px;background:#fff}\
h1{font-size:25px;margin:0 0 4px}h2{font-size:19px;margin:34px 0 8px;border-bottom:2px solid #1f6f8b;padding-bottom:4px}\
h3{font-size:15px;margin:18px 0 6px}.en{display:block;color:#5a6a72;font-size:.87em;font-weight:normal}\
table{border-collapse:collapse;width:100%;margin:8px 0 14px;font-size:14px}th,td{text-align:left;padding:5px 9px;border-bottom:1px solid #dde3e6;\
vertical-align:top}th{background:#eef3f5}td.n{text-align:right;font-variant-numeric:tabular-nums}\
.v{display:inline-block;padding:1px 9px;border-radius:9px;color:#fff;font-size:13px;white-space:nowrap}.passed{background:#2e7d4f}\
.noted{background:#a87900}.refused{background:#b3261e}.verdict{font-size:18px;padding:12px 16px;border-left:6px solid;margin:16px 0;background:#f7f9fa}\
.verdict.passed{border-color:#2e7d4f;background:#eef7f1}.verdict.noted{border-color:#a87900;background:#fbf6e7}\
.verdict.refused{border-color:#b3261e;background:#fbeeed}svg{width:100%;height:auto;margin:2px 0 10px}svg text{font-size:12.5px;fill:#33434a}\
@media print{body{background:#fff}h2{break-after:avoid}table,svg{break-inside:avoid}}";

/// Text for an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // invisible, or turns the reading direction: a column name must not change what a reader sees
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escaped.push('\u{fffd}')
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// Both languages in one line, not escaped.
pub(super) fn inline(text: &Text, show: Show) -> String {
    match show {
        Show::En => text.en.clone(),
        Show::Zh => text.zh.clone(),
        Show::Both if text.en == text.zh => text.zh.clone(),
        Show::Both => format!("{} {}", text.zh, text.en),
    }
}

fn block(text: &Text, show: Show) -> String {
    match show {
        Show::En => escape(&text.en),
        Show::Zh => escape(&text.zh),
        Show::Both if text.en == text.zh => escape(&text.zh),
        Show::Both => format!("{}<span class=\"en\">{}</span>", escape(&text.zh), escape(&text.en)),
    }
}

const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Noted => "noted",
        Verdict::Refused => "refused",
    }
}

fn badge(verdict: Verdict, show: Show) -> String {
    format!("<span class=\"v {}\">{}</span>", class(verdict), escape(&inline(&verdict.word(), show)))
}

pub(super) fn page(report: &Report, show: Show) -> String {
    let mut page = String::with_capacity(16_384);
    let lang = if show == Show::En { "en" } else { "zh-CN" };
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{}</title><style>{STYLE}</style></head><body><main><h1>{}</h1>",
        escape(&inline(&report.title, show)),
        block(&report.title, show)
    );
    let verdict = report.verdict();
    let whole = Text::new("Verdict of the whole report", "总体结论");
    let _ = write!(page, "<div class=\"verdict {}\">{} {}</div>", class(verdict), badge(verdict, show), escape(&inline(&whole, show)));
    if !report.facts.is_empty() {
        page.push_str("<table>");
        for (name, value) in &report.facts {
            let _ = write!(page, "<tr><th>{}</th><td>{}</td></tr>", block(name, show), escape(value));
        }
        page.push_str("</table>");
    }
    report.sections.iter().for_each(|part| section(&mut page, part, show));
    page.push_str("</main></body></html>\n");
    page
}

fn section(page: &mut String, section: &Section, show: Show) {
    let _ = write!(page, "<h2>{}</h2>", block(&section.title, show));
    for text in &section.lead {
        let _ = write!(page, "<p>{}</p>", block(text, show));
    }
    if !section.findings.is_empty() {
        page.push_str("<table>");
        section.findings.iter().for_each(|found| finding(page, found, show));
        page.push_str("</table>");
    }
    section.plots.iter().for_each(|shown| plot(page, shown, show));
    section.grids.iter().for_each(|shown| grid(page, shown, show));
}

fn finding(page: &mut String, finding: &Finding, show: Show) {
    let remedy = finding.remedy.as_ref().map_or_else(String::new, |remedy| {
        let word = Text::new("Remedy", "处理办法");
        format!("<div><b>{}</b>: {}</div>", escape(&inline(&word, show)), block(remedy, show))
    });
    let _ = write!(page, "<tr><td>{}</td><td>{}{remedy}</td></tr>", badge(finding.verdict, show), block(&finding.text, show));
}

fn plot(page: &mut String, plot: &Plot, show: Show) {
    let _ = write!(page, "<h3>{}</h3>{}", block(plot.title(), show), plot.svg(show));
}

fn grid(page: &mut String, grid: &Grid, show: Show) {
    let _ = write!(page, "<h3>{}</h3><table><tr>", block(&grid.title, show));
    for name in &grid.header {
        let _ = write!(page, "<th>{}</th>", block(name, show));
    }
    page.push_str("</tr>");
    for row in &grid.rows {
        page.push_str("<tr>");
        for cell in row {
            let is_number =
                cell.chars().next().is_some_and(|c| c.is_ascii_digit() || c == '-') && cell.replace(' ', "").parse::<f64>().is_ok();
            let _ = write!(page, "<td{}>{}</td>", if is_number { " class=\"n\"" } else { "" }, escape(cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>");
}

#[cfg(test)]
mod tests {
    use super::super::Bar;
    use super::*;

    #[test]
    fn names_of_columns_stay_text() {
        let evil = "<script>alert('\u{202e}')</script>";
        let text = Text::new(evil, evil);
        let finding = Finding { code: "x".into(), verdict: Verdict::Refused, text: text.clone(), remedy: Some(text.clone()) };
        let bars = Plot::Bars {
            title: text.clone(),
            unit: text.clone(),
            bars: vec![Bar { label: text.clone(), value: f64::NAN, other: Some(1.0) }],
            limit: Some(0.5),
            legend: None,
        };
        let bins = Plot::Histogram { title: text.clone(), axis: text.clone(), bins: vec![(evil.into(), f64::INFINITY)], least: Some(1) };
        let grid = Grid { title: text.clone(), header: vec![text.clone()], rows: vec![vec![evil.into()]] };
        let section =
            Section { title: text.clone(), lead: vec![text.clone()], findings: vec![finding], grids: vec![grid], plots: vec![bars, bins] };
        let report = Report { title: text.clone(), facts: vec![(text, evil.into())], sections: vec![section] };
        for show in [Show::En, Show::Zh, Show::Both] {
            let page = report.html(show);
            assert!(!page.contains("<script") && !page.contains('\u{202e}') && !page.contains("NaN") && !page.contains("inf"));
        }
        assert_eq!(report.verdict(), Verdict::Refused);
        assert_eq!(Report { sections: Vec::new(), ..report }.verdict(), Verdict::Refused, "nothing found is no permission");
    }
}
