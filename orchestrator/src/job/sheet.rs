//! The sheet of a held result's review (O6): five items, filled here, answered by the reviewer.

use super::bundle::{self, Bundle};
use super::report::Report;
use crate::fault::Result;
use crate::node::Node;
use std::collections::BTreeSet;
use yu_governance::held::{Checked, Held};
use yu_governance::sheet::{self, Answer, By, Item, Line, Outcome};

/// What the reviewer decides.
pub struct Wanted<'a> {
    /// Release it?
    pub approve: bool,
    /// Who decides.
    pub reviewer: &'a str,
    /// Why, when refused.
    pub reason: &'a str,
    /// Items that the person judged: they hold, or, in a refusal, they fail.
    pub items: &'a BTreeSet<Item>,
    /// A program decides.
    pub automatic: bool,
}

impl Wanted<'_> {
    /// The answers to the sheet. The program of the demonstration answers what needs a person, when nothing objects.
    pub(super) fn answers(&self, lines: &[Line]) -> Vec<Answer> {
        if !self.automatic {
            return sheet::answers(lines, self.items, self.approve, By::Person);
        }
        let open = lines.iter().filter(|line| self.approve && line.outcome == Outcome::NeedsPerson).map(|line| line.item);
        sheet::answers(lines, &open.collect(), true, By::Program)
    }
}

/// The five items of a held result (O6), as they are before the reviewer.
///
/// # Errors
/// `not-found`, `storage.damaged`.
pub fn items(node: &Node, job: &str, held: &Held<Checked<Report>>) -> Result<Vec<Line>> {
    let bundle = Bundle::of(&bundle::find(node, job)?)?;
    Ok(held.sheet(&bundle.dossier, crate::trace::sources(node, job).as_ref()))
}
