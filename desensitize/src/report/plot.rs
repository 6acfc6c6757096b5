//! Bars and steps as SVG, drawn without anything from outside.

use std::fmt::Write;

use serde::Serialize;

use super::html::{Show, escape, inline};
use crate::error::Text;

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// What it stands for.
    pub label: Text,
    /// Its length, not negative.
    pub value: f64,
    /// A second value to compare with, for example of the original.
    pub other: Option<f64>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Plot {
    /// Lying bars, one below the other.
    Bars {
        /// What is shown.
        title: Text,
        /// Unit of the values.
        unit: Text,
        /// The bars.
        bars: Vec<Bar>,
        /// A line that must not be crossed.
        limit: Option<f64>,
        /// Names of value and other value, where there is one.
        legend: Option<[Text; 2]>,
    },
    /// Standing bars side by side, of counts in ranges.
    Histogram {
        /// What is shown.
        title: Text,
        /// What the ranges are of.
        axis: Text,
        /// Name of a range and its count.
        bins: Vec<(String, f64)>,
        /// Ranges before this one are not allowed to hold anything.
        least: Option<usize>,
    },
}

const WIDTH: f64 = 760.0;
const LABEL: f64 = 210.0;
const FIRST: &str = "#1f6f8b";
const SECOND: &str = "#c9a227";
const WRONG: &str = "#b3261e";

/// A number as people write it: three to four digits.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    let size = value.abs();
    let text = match size {
        _ if size == 0.0 => return "0".to_owned(),
        _ if size >= 1000.0 && value.fract() == 0.0 => return grouped(value),
        _ if size >= 100.0 => format!("{value:.0}"),
        _ if size >= 1.0 => format!("{value:.2}"),
        _ if size >= 0.001 => format!("{value:.4}"),
        _ => return format!("{value:.2e}"),
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A whole number with a blank at each thousand.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

impl Plot {
    /// What is shown.
    #[must_use]
    pub const fn title(&self) -> &Text {
        match self {
            Self::Bars { title, .. } | Self::Histogram { title, .. } => title,
        }
    }

    pub(super) fn svg(&self, show: Show) -> String {
        match self {
            Self::Bars { unit, bars, limit, legend, .. } => lying(show, unit, bars, *limit, legend.as_ref()),
            Self::Histogram { axis, bins, least, .. } => standing(show, axis, bins, *least),
        }
    }
}

fn open(height: f64) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">")
}

fn rect(svg: &mut String, [x, y, width, height]: [f64; 4], fill: &str) {
    let _ = write!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>", width.max(0.0));
}

fn write_text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, text: &str) {
    let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escape(text));
}

/// A text that ends at `x`, squeezed if it would begin left of the picture.
fn write_label(svg: &mut String, [x, y]: [f64; 2], text: &str) {
    // about the width of a letter and of a character of Chinese
    let wide: f64 = text.chars().map(|c| if c.is_ascii() { 7.5 } else { 14.0 }).sum();
    if wide <= x {
        return write_text(svg, [x, y], "end", text);
    }
    let text = escape(text);
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\" textLength=\"{x:.1}\" lengthAdjust=\"spacingAndGlyphs\">{text}</text>"
    );
}

fn lying(show: Show, unit: &Text, bars: &[Bar], limit: Option<f64>, legend: Option<&[Text; 2]>) -> String {
    let values = bars.iter().flat_map(|bar| [Some(bar.value), bar.other]).chain([limit]).flatten().filter(|value| value.is_finite());
    let most = values.fold(f64::MIN_POSITIVE, f64::max);
    let room = WIDTH - LABEL - 90.0;
    let long = |value: f64| if value.is_finite() { value.max(0.0) / most * room } else { 0.0 };
    let (step, top) = (30.0, if legend.is_some() { 28.0 } else { 6.0 });
    let height = bars.len().max(1) as f64 * step + top + 26.0;
    let mut svg = open(height);
    if let Some([first, second]) = legend {
        rect(&mut svg, [LABEL, 6.0, 12.0, 12.0], FIRST);
        write_text(&mut svg, [LABEL + 18.0, 16.0], "start", &inline(first, show));
        rect(&mut svg, [LABEL + 260.0, 6.0, 12.0, 12.0], SECOND);
        write_text(&mut svg, [LABEL + 278.0, 16.0], "start", &inline(second, show));
    }
    for (at, bar) in bars.iter().enumerate() {
        let y = top + at as f64 * step;
        let is_over = limit.is_some_and(|limit| bar.value > limit);
        write_label(&mut svg, [LABEL - 8.0, y + 17.0], &inline(&bar.label, show));
        let thick = if bar.other.is_some() { 10.0 } else { 18.0 };
        rect(&mut svg, [LABEL, y + 3.0, long(bar.value), thick], if is_over { WRONG } else { FIRST });
        write_text(
            &mut svg,
            [LABEL + long(bar.value) + 6.0, y + if bar.other.is_some() { 12.0 } else { 17.0 }],
            "start",
            &number(bar.value),
        );
        if let Some(other) = bar.other {
            rect(&mut svg, [LABEL, y + 14.0, long(other), 10.0], SECOND);
            write_text(&mut svg, [LABEL + long(other) + 6.0, y + 24.0], "start", &number(other));
        }
    }
    if let Some(limit) = limit {
        let x = LABEL + long(limit);
        let _ = write!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{:.1}\" stroke=\"{WRONG}\" stroke-width=\"2\" stroke-dasharray=\"5 4\"/>",
            height - 22.0
        );
    }
    write_text(&mut svg, [LABEL, height - 6.0], "start", &inline(unit, show));
    svg + "</svg>"
}

fn standing(show: Show, axis: &Text, bins: &[(String, f64)], least: Option<usize>) -> String {
    let most = bins.iter().map(|bin| bin.1).filter(|value| value.is_finite()).fold(f64::MIN_POSITIVE, f64::max);
    let (height, base) = (240.0, 190.0);
    let step = (WIDTH - 40.0) / bins.len().max(1) as f64;
    let mut svg = open(height);
    for (at, (name, count)) in bins.iter().enumerate() {
        let tall = if count.is_finite() { count.max(0.0) / most * (base - 24.0) } else { 0.0 };
        let x = 20.0 + at as f64 * step;
        let is_wrong = least.is_some_and(|least| at < least) && *count > 0.0;
        rect(&mut svg, [x + 1.5, base - tall, step - 3.0, tall], if is_wrong { WRONG } else { FIRST });
        if bins.len() <= 16 {
            write_text(&mut svg, [x + step / 2.0, base - tall - 5.0], "middle", &number(*count));
        }
        if bins.len() <= 24 || at % (bins.len() / 12 + 1) == 0 {
            write_text(&mut svg, [x + step / 2.0, base + 16.0], "middle", name);
        }
    }
    let _ = write!(svg, "<line x1=\"20\" x2=\"{:.1}\" y1=\"{base}\" y2=\"{base}\" stroke=\"#444\"/>", WIDTH - 20.0);
    write_text(&mut svg, [WIDTH / 2.0, height - 10.0], "middle", &inline(axis, show));
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (1_234_567.0, "1 234 567"),
            (-1000.0, "-1 000"),
            (12.5, "12.5"),
            (5.0, "5"),
            (100.0, "100"),
            (0.07482, "0.0748"),
            (2e-9, "2.00e-9"),
            (f64::NAN, "?"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
