//! Learning curves as pictures (学习曲线): SVG without scripts or outside references.

use serde_json::Value;
use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 48.0;
const COLOURS: [&str; 2] = ["#1f5fa8", "#b4531f"];

/// One line of the picture.
struct Line {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

/// The curve of a released result, if it has one of at least two points.
pub fn of(result: &Value) -> Option<String> {
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_f64);
    let line = |name: &'static str, rows: &[Value], x: &str, y: &str| Line {
        name,
        points: rows.iter().filter_map(|row| Some((number(row, x)?, number(row, y)?))).collect(),
    };
    if let Some(history) = result.pointer("/trained/history").and_then(Value::as_array) {
        let lines = [line("loss 损失", history, "round", "loss"), line("accuracy 准确率", history, "round", "accuracy")];
        let lines: Vec<Line> = lines.into_iter().filter(|line| line.points.iter().any(|(_, y)| *y > 0.0)).collect();
        return drawn("Learning curve on held-out rows 留出数据上的学习曲线", "round 轮", &lines);
    }
    let curve = result.pointer("/quality/curve").and_then(Value::as_array)?;
    let lines = [line("AUC", curve, "trees", "auc"), line("KS", curve, "trees", "ks")];
    drawn("Learning curve on held-out rows 留出数据上的学习曲线", "trees 树", &lines)
}

fn drawn(title: &str, below: &str, lines: &[Line]) -> Option<String> {
    let all = || lines.iter().flat_map(|line| &line.points);
    if lines.iter().all(|line| line.points.len() < 2) {
        return None;
    }
    let ends = |of: fn(&(f64, f64)) -> f64| all().map(of).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    let ((from, to), (low, high)) = (ends(|p| p.0), ends(|p| p.1));
    let room = ((high - low) * 0.08).max(1e-3);
    let (low, high) = ((low - room).max(0.0), high + room);
    let x = |value: f64| LEFT + (value - from) / (to - from).max(f64::MIN_POSITIVE) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
    let mut svg = String::new();
    // a String takes everything
    let mut put = |text: std::fmt::Arguments<'_>| {
        let _ = svg.write_fmt(text);
        svg.push('\n');
    };
    put(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="{title}">"#
    ));
    put(format_args!(r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>"##));
    put(format_args!(r#"<text x="{LEFT}" y="18" font-size="14">{title}</text>"#));
    for step in 0..=4 {
        let value = low + (high - low) * f64::from(step) / 4.0;
        let at = y(value);
        put(format_args!(r##"<line x1="{LEFT}" x2="{}" y1="{at:.1}" y2="{at:.1}" stroke="#dddddd"/>"##, WIDTH - RIGHT));
        put(format_args!(r#"<text x="{}" y="{:.1}" text-anchor="end">{value:.3}</text>"#, LEFT - 6.0, at + 4.0));
    }
    let places: Vec<f64> = lines.first().map(|line| line.points.iter().map(|(at, _)| *at).collect()).unwrap_or_default();
    for value in places.iter().step_by(places.len().div_ceil(10).max(1)) {
        put(format_args!(r#"<text x="{:.1}" y="{}" text-anchor="middle">{value:.0}</text>"#, x(*value), HEIGHT - BOTTOM + 16.0));
    }
    put(format_args!(r#"<text x="{}" y="{}" text-anchor="middle">{below}</text>"#, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10.0));
    for (line, (colour, number)) in lines.iter().zip(COLOURS.into_iter().zip(0u32..)) {
        let points: Vec<String> = line.points.iter().map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b))).collect();
        put(format_args!(r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#, points.join(" ")));
        for (a, b) in &line.points {
            put(format_args!(r#"<circle cx="{:.1}" cy="{:.1}" r="2.5" fill="{colour}"/>"#, x(*a), y(*b)));
        }
        let at = LEFT + 140.0 * f64::from(number);
        put(format_args!(r#"<text x="{at}" y="36" fill="{colour}">{}</text>"#, line.name));
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::of;
    use serde_json::json;

    #[test]
    fn results_with_a_curve_have_a_picture() {
        let point = |trees: u32, auc: f64| json!({ "trees": trees, "auc": auc, "auc_bound": 0.0, "ks": auc - 0.4 });
        let svg = of(&json!({ "quality": { "curve": [point(10, 0.7), point(20, 0.75), point(30, 0.76)] } })).unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.matches("<circle").count() == 6);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(of(&json!({ "quality": { "curve": [point(0, 0.7)] } })).is_none() && of(&json!({ "count": 5 })).is_none());
    }
}
