//! A trace as a picture: layers from left to right, one column for each step from the sources. Self-contained SVG, no script,
//! nothing fetched, the same bytes for the same trace.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::graph::Node;
use super::tell::label;
use super::trace::{Direction, Trace};
use super::{Kind, NodeId};
use crate::text::escaped;
use crate::workflow::Word as _;

const WIDTH: u64 = 190;
const HEIGHT: u64 = 46;
const COLUMN: u64 = 250;
const ROW: u64 = 66;
const MARGIN: u64 = 20;
/// Passes that order the rows by the middle of their neighbours; more change nothing in pictures of this size.
const PASSES: usize = 4;

impl Trace {
    /// The picture.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let columns = self.columns();
        let places = place(&columns, &self.neighbours());
        let rows = columns.iter().map(Vec::len).max().unwrap_or_default() as u64;
        let (width, height) = (2 * MARGIN + columns.len() as u64 * COLUMN, 2 * MARGIN + rows * ROW);
        let title = match self.direction {
            Direction::Backward => format!("{} ← ({}的来源)", self.of, self.of.zh()),
            Direction::Forward => format!("{} → ({}的去向)", self.of, self.of.zh()),
        };
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"sans-serif\" font-size=\"12\" role=\"img\"><title>{}</title>\n",
            escaped(&title)
        );
        let at = |id: &NodeId| places.get(id).map_or((0, 0), |(column, row)| (MARGIN + column * COLUMN, MARGIN + row * ROW));
        for arrow in &self.arrows {
            let ((x1, y1), (x2, y2)) = (at(&arrow.from), at(&arrow.to));
            let (x1, y1, y2) = (x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2);
            let middle = u64::midpoint(x1, x2);
            // writing to a string cannot fail
            let _ = writeln!(
                out,
                "<path d=\"M {x1} {y1} C {middle} {y1} {middle} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#667\"/>\
                 <path d=\"M {x2} {y2} l -7 -4 l 0 8 z\" fill=\"#667\"/>"
            );
        }
        for node in columns.iter().flatten() {
            let (x, y) = at(&node.id);
            let (stroke, dash) = if node.id == self.of { ("#b00", "") } else { ("#334", "") };
            let dash = if node.since.is_none() { " stroke-dasharray=\"4 3\"" } else { dash };
            let _ = writeln!(
                out,
                "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"{}\" stroke=\"{stroke}\"{dash}/>\
                 <text x=\"{}\" y=\"{}\">{} {}</text><text x=\"{}\" y=\"{}\">{}</text></g>",
                escaped(&node.id.hash.to_string()),
                fill(node.id.kind),
                x + 8,
                y + 18,
                escaped(node.id.kind.zh()),
                escaped(node.id.kind.as_str()),
                x + 8,
                y + 36,
                escaped(&label(node))
            );
        }
        out.push_str("</svg>\n");
        out
    }

    /// Sources on the left in both directions.
    fn columns(&self) -> Vec<Vec<&Node>> {
        let deepest = self.steps.iter().map(|step| step.depth).max().unwrap_or_default();
        let mut columns = vec![Vec::new(); deepest + 1];
        for step in &self.steps {
            let column = if self.direction == Direction::Forward { step.depth } else { deepest - step.depth };
            if let Some(column) = columns.get_mut(column) {
                column.push(&step.node);
            }
        }
        columns
    }

    fn neighbours(&self) -> BTreeMap<NodeId, Vec<NodeId>> {
        let mut all: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        for arrow in &self.arrows {
            all.entry(arrow.from).or_default().push(arrow.to);
            all.entry(arrow.to).or_default().push(arrow.from);
        }
        all
    }
}

/// Column and row of each node: rows in the order of the mean row of the neighbours, ties by name.
fn place(columns: &[Vec<&Node>], neighbours: &BTreeMap<NodeId, Vec<NodeId>>) -> BTreeMap<NodeId, (u64, u64)> {
    let mut places = BTreeMap::new();
    let mut order: Vec<Vec<NodeId>> = columns.iter().map(|column| column.iter().map(|node| node.id).collect()).collect();
    for pass in 0..=PASSES {
        for (column, ids) in order.iter_mut().enumerate() {
            if pass > 0 {
                ids.sort_by_key(|id| (mean(id, neighbours, &places), *id));
            }
            for (row, id) in ids.iter().enumerate() {
                places.insert(*id, (column as u64, row as u64));
            }
        }
    }
    places
}

/// Mean row in thousandths.
fn mean(id: &NodeId, neighbours: &BTreeMap<NodeId, Vec<NodeId>>, places: &BTreeMap<NodeId, (u64, u64)>) -> u64 {
    let rows: Vec<u64> = neighbours.get(id).into_iter().flatten().filter_map(|other| places.get(other)).map(|(_, row)| *row).collect();
    let count = (rows.len() as u64).max(1);
    rows.iter().sum::<u64>().saturating_mul(1000) / count
}

const fn fill(kind: Kind) -> &'static str {
    match kind {
        Kind::Dataset => "#e8f1fb",
        Kind::Derivative => "#d9ecec",
        Kind::Algorithm => "#f1ecf8",
        Kind::Job => "#f4f4f4",
        Kind::Model => "#fdf2dc",
        Kind::Result => "#fbeedd",
        Kind::Product => "#e6f4e6",
        Kind::Call => "#f8e9ee",
    }
}
