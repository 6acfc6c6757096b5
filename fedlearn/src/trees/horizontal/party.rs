//! A party: keeps its rows, answers with sums over them.

use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use yu_wire::channel::Channel;
use yu_wire::codec;
use zeroize::Zeroizing;

use super::cells::{Asked, PARTS};
use super::fixed;
use super::plan::{Aggregation, Kind, Plan};
use super::rows::Rows;
use super::sums::{config, most_asked};
use super::task::{Model, Order, Sum, Task, Vector, level, subject};
use super::trained::{Trained, fits};
use crate::secagg::PartySet;
use crate::secagg::identity::{Signer, Verifier};
use crate::star::seat::Seat;
use crate::star::terms::stage;
use crate::star::{self, Place};
use crate::trees::{Cuts, Split};
use crate::{Error, Result};

/// Largest state that is read, bytes.
const MOST: usize = 1 << 28;

/// What a party needs beside the plan and the line to the coordinator. It hears of how many trees there are.
pub type Party<'a, S, V> = star::Party<'a, S, V, dyn FnMut(u32) + 'a>;

/// All that survives a crash. A secret, for the name of the rows.
#[derive(Serialize, Deserialize)]
struct Saved {
    job: [u8; 32],
    /// Of the rows that it began with: sums over others would differ by single rows.
    rows: [u8; 32],
    /// Digests of what it was told, in order: bins, then each tree. Nothing of it is ever told otherwise, not even after a restart.
    learnt: Vec<[u8; 32]>,
    /// The last question that it answered in the clear.
    answered: Option<(Sum, [u8; 32])>,
    /// The last word, once it was heard and found right.
    heard: Option<Vec<u8>>,
    /// The last sum that this party let masks off for.
    summed: Option<Summed>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Summed {
    about: Sum,
    question: [u8; 32],
    over: PartySet,
}

/// Takes part until the coordinator says that it is over; returns the trees and their bytes.
///
/// # Errors
/// [`Error::Peer`] for a coordinator that breaks the protocol, changes trees that it told, asks for a sum twice over different parties, or tells
/// other trees at the end; [`Error::Data`] for rows that cannot be trained on; [`Error::Caller`] for a plan that cannot be; those of
/// `keep`; the transport's.
pub fn take_part<S, V, R>(plan: &Plan, line: &mut Channel, with: Party<'_, S, V>, rng: &mut R) -> Result<(Trained, Vec<u8>)>
where
    S: Signer,
    V: Verifier,
    R: CryptoRng,
{
    plan.check()?;
    plan.check_party(with.index, &with.rows)?;
    let digest = with.rows.digest();
    let rows = Rows::new(plan.settings.boosting.loss, &with.rows)?;
    let saved = match with.resume {
        Some(bytes) => {
            let saved: Saved = codec::decode(bytes, MOST)?;
            if saved.job != plan.job {
                return Err(Error::caller("the stored state belongs to another job"));
            }
            if saved.rows != digest {
                return Err(Error::Data {
                    what: "own rows".into(),
                    problem: "they are not those that the training began with: a sum over both would tell single rows".into(),
                    remedy: "start the training again".into(),
                });
            }
            saved
        }
        None => Saved { job: plan.job, rows: digest, learnt: Vec::new(), answered: None, heard: None, summed: None },
    };
    let mut work = Work {
        plan,
        seat: Seat::new(&plan.coordinator, with.index, with.signer, with.verifier),
        rows,
        saved,
        model: Model::default(),
        bins: Vec::new(),
        asked: None,
        splits: Vec::new(),
        about: (Sum { group: 0, step: 0 }, [0; 32]),
        keep: with.keep,
        told: with.told,
        rng,
    };
    // stored before anything that depends on it leaves
    (work.keep)(&codec::encode(&work.saved))?;
    let last = star::serve(line, most_asked(plan).max(most_told(plan)).max(plan.most_document()), |place, body| work.answer(place, body))?;
    let peer = |what: &str| Error::Peer { culprit: plan.coordinator.clone(), step: "last word", what: what.to_owned() };
    let trained = Trained::from_bytes(&last).map_err(|error| peer(&error.to_string()))?;
    let same = trained.forest.trees.starts_with(&work.model.trees)
        && work.model.start.as_ref().is_none_or(|(base, cuts)| base.to_bits() == trained.forest.base.to_bits() && *cuts == trained.cuts);
    if !trained.is_of(plan) || !same {
        return Err(peer("it is about other trees than those that were trained"));
    }
    work.saved.heard = Some(last.clone());
    (work.keep)(&codec::encode(&work.saved))?;
    Ok((trained, last))
}

/// The trees and their bytes, if this party had heard them before it ended: then there is nothing left to take part in.
///
/// # Errors
/// [`Error::Caller`] for the state of another job; [`Error::Data`] for a damaged one.
pub fn heard(plan: &Plan, resume: &[u8]) -> Result<Option<(Trained, Vec<u8>)>> {
    let saved: Saved = codec::decode(resume, MOST)?;
    if saved.job != plan.job {
        return Err(Error::caller("the stored state belongs to another job"));
    }
    saved.heard.map(|bytes| Ok((Trained::from_bytes(&bytes)?, bytes))).transpose()
}

/// Bytes that a task may have: the whole model, and cells.
fn most_told(plan: &Plan) -> usize {
    let (features, bins, boosting) = (plan.features.len(), plan.settings.bins as usize, &plan.settings.boosting);
    let trees = boosting.trees.saturating_mul(24 << boosting.depth);
    let cells = features.saturating_mul(16 + 4 * bins * 12);
    trees.saturating_add(features.saturating_mul(32 + 9 * bins)).saturating_add(cells).saturating_add(1 << 16)
}

struct Work<'a, 'p, S, V, R> {
    plan: &'p Plan,
    seat: Seat<'p, Vector, S, V>,
    rows: Rows,
    saved: Saved,
    /// As it was told.
    model: Model,
    /// Of each feature.
    bins: Vec<usize>,
    /// The last cells that were asked about.
    asked: Option<(u32, Vec<Vec<Asked>>)>,
    /// Of the tree on its way.
    splits: Vec<Option<Split>>,
    /// What was sent.
    about: (Sum, [u8; 32]),
    keep: &'a mut dyn FnMut(&[u8]) -> Result<()>,
    told: &'a mut dyn FnMut(u32),
    rng: &'p mut R,
}

impl<S: Signer, V: Verifier, R: CryptoRng> Work<'_, '_, S, V, R> {
    fn peer(&self, what: &str) -> Error {
        Error::Peer { culprit: self.plan.coordinator.clone(), step: "task", what: what.to_owned() }
    }

    fn answer(&mut self, place: Place, body: &[u8]) -> Result<Vec<u8>> {
        match place.stage {
            stage::KEYS | stage::SHARES | stage::READY => {
                let plan = self.plan;
                let peer = |error: Error| Error::Peer { culprit: plan.coordinator.clone(), step: "sums", what: error.to_string() };
                self.seat.prepare(place, body, |set_up| config(plan, set_up).map_err(peer), self.rng)
            }
            stage::TASK => {
                let order: Order =
                    codec::decode(body, most_told(self.plan)).map_err(|error| self.peer(&format!("does not decode: {error}")))?;
                self.task(order)
            }
            stage::CONSENT | stage::UNMASK => {
                let (about, saved, keep, plan) = (self.about, &mut self.saved, &mut *self.keep, self.plan);
                self.seat.end(place.stage, body, |over| once(saved, about, over, plan, keep))
            }
            _ => Err(self.peer("a stage that is not known")),
        }
    }

    /// Stores what it is told for the first time; after a restart it has to be the same.
    fn remember(&mut self, place: usize, told: [u8; 32]) -> Result<()> {
        match self.saved.learnt.get(place) {
            Some(before) if *before == told => Ok(()),
            Some(_) => Err(self.peer("bins or a tree other than before a restart")),
            None if place == self.saved.learnt.len() => {
                self.saved.learnt.push(told);
                (self.keep)(&codec::encode(&self.saved))
            }
            None => Err(self.peer("a tree out of order")),
        }
    }

    /// In the clear no masks come off later: one level is answered about one set of splits.
    fn once_in_the_clear(&mut self, about: Sum, question: [u8; 32]) -> Result<()> {
        match self.saved.answered {
            Some((before, asked)) if before == about && asked != question => Err(self.peer("one level about two sets of splits")),
            Some((before, _)) if before > about => Err(self.peer("a sum before the last one")),
            Some((before, _)) if before == about => Ok(()),
            _ => {
                self.saved.answered = Some((about, question));
                (self.keep)(&codec::encode(&self.saved))
            }
        }
    }

    /// What is new of the model. Nothing that was told is ever told otherwise.
    fn learn(&mut self, order: &Order) -> Result<()> {
        if let Some((base, cuts)) = &order.start {
            match &self.model.start {
                Some(own) if own.0.to_bits() == base.to_bits() && own.1 == *cuts => {}
                Some(_) => return Err(self.peer("other bins than before")),
                None => {
                    let most = self.plan.settings.bins as usize;
                    if cuts.len() != self.plan.features.len() || !base.is_finite() || cuts.iter().any(|cuts| cuts.bins() > most) {
                        return Err(self.peer("bins that are not agreed"));
                    }
                    self.remember(0, name(&order.start))?;
                    self.bins = cuts.iter().map(Cuts::bins).collect();
                    self.rows.begin(*base, cuts)?;
                    self.model.start = order.start.clone();
                }
            }
        }
        for (at, tree) in (order.from as usize..).zip(&order.trees) {
            match self.model.trees.get(at) {
                Some(own) if own == tree => {}
                Some(_) => return Err(self.peer("another tree than before")),
                None => {
                    let is_next = at == self.model.trees.len() && self.model.start.is_some();
                    if !is_next || at >= self.plan.settings.boosting.trees || !fits(tree, &self.plan.settings, &self.bins) {
                        return Err(self.peer("a tree that cannot be"));
                    }
                    self.remember(at + 1, name(tree))?;
                    self.rows.add(tree);
                    self.model.trees.push(tree.clone());
                    self.splits.clear();
                }
            }
        }
        if self.model.digest() != order.digest {
            return Err(self.peer("a task about another model"));
        }
        Ok(())
    }

    fn task(&mut self, order: Order) -> Result<Vec<u8>> {
        let before = self.model.trees.len();
        self.learn(&order)?;
        let boosting = self.plan.settings.boosting;
        let (kind, figures) = match &order.task {
            Task::Start => (Kind::Start, self.rows.start()),
            Task::Cells { round, asked } => {
                self.check_cells(*round, asked)?;
                (Kind::Cells, self.rows.cells(asked))
            }
            Task::Grow { tree, splits } => {
                self.check_splits(*tree, splits)?;
                (Kind::Grow(level(splits.len(), boosting.depth) as u8), self.rows.grow(&boosting, splits)?)
            }
            Task::Leaves if self.model.trees.len() == boosting.trees => (Kind::Leaves, self.rows.leaves(&self.model)?),
            Task::Leaves => return Err(self.peer("leaves before the last tree")),
        };
        let figures = Zeroizing::new(figures);
        fixed::check(&figures)?;
        if self.model.trees.len() > before {
            (self.told)(self.model.trees.len() as u32);
        }
        let question = subject(&order.digest, &order.task);
        let about = order.task.place(boosting.depth);
        if self.saved.summed.as_ref().is_some_and(|last| about < last.about) {
            return Err(self.peer("a sum before the last one"));
        }
        self.about = (about, question);
        match self.plan.settings.aggregation {
            Aggregation::DangerClear => {
                self.once_in_the_clear(about, question)?;
                Ok(figures.iter().flat_map(|figure| figure.to_le_bytes()).collect())
            }
            Aggregation::Secure { .. } => {
                let limbs = Zeroizing::new(fixed::split(&figures, fixed::width(self.plan.parties.len())));
                self.seat.mask(Vector { kind, figures: figures.len() as u32 }, order.within, &limbs, question)
            }
        }
    }

    /// Cells are parts of those before, ascending, and no more than agreed.
    fn check_cells(&mut self, round: u32, asked: &[Vec<Asked>]) -> Result<()> {
        let most = 4 * self.plan.settings.bins as usize;
        let is_ordered = |cells: &Vec<Asked>| {
            cells.len() <= most
                && cells.iter().all(|cell| cell.is_cell())
                && cells.windows(2).all(|pair| matches!(pair, [a, b] if a.parts().1 < b.start))
        };
        let depth = u32::from(asked.iter().flatten().map(|cell| 64 - cell.bits.min(64)).max().unwrap_or(0)) / PARTS.ilog2();
        if asked.len() != self.plan.features.len() || !asked.iter().all(is_ordered) || depth > round || self.model.start.is_some() {
            return Err(self.peer("cells that are not agreed"));
        }
        if let Some((last, before)) = &self.asked {
            let is_part = |cell: &Asked, of: &Asked| {
                let (starts, _) = of.parts();
                cell.bits < of.bits && starts.contains(&cell.start)
            };
            let follows = asked.iter().zip(before).all(|(now, before)| now.iter().all(|cell| before.iter().any(|of| is_part(cell, of))));
            let is_same = *last == round && asked == before.as_slice();
            if !is_same && (*last + 1 != round || !follows) {
                return Err(self.peer("cells that are no parts of those before"));
            }
        }
        self.asked = Some((round, asked.to_vec()));
        Ok(())
    }

    /// Splits go on from those of the level before.
    fn check_splits(&mut self, tree: u32, splits: &[Option<Split>]) -> Result<()> {
        let boosting = &self.plan.settings.boosting;
        let is_split = |split: &Split| self.bins.get(split.feature).is_some_and(|bins| usize::from(split.bin) + 1 < *bins);
        if self.model.start.is_none()
            || tree as usize != self.model.trees.len()
            || tree as usize >= boosting.trees
            || level(splits.len(), boosting.depth) as usize >= boosting.depth
            || !splits.iter().flatten().all(is_split)
            || !splits.starts_with(&self.splits)
        {
            return Err(self.peer("a tree out of order, or splits that cannot be"));
        }
        self.splits = splits.to_vec();
        Ok(())
    }
}

/// Names what was told.
fn name(told: &impl Serialize) -> [u8; 32] {
    Sha256::new().chain_update(b"yu-fedlearn/trees/told/v1").chain_update(codec::encode(told)).finalize().into()
}

/// A sum is made once, and those of a group over the same parties: the difference of two would be a single party's.
fn once(
    saved: &mut Saved,
    (about, question): (Sum, [u8; 32]),
    over: &PartySet,
    plan: &Plan,
    keep: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let peer = |what: &str| Error::Peer { culprit: plan.coordinator.clone(), step: "task", what: what.to_owned() };
    if over.len() < plan.quorum() {
        return Err(peer("a sum over fewer parties than the quorum"));
    }
    let now = Summed { about, question, over: over.clone() };
    match &saved.summed {
        Some(before) if *before == now => return Ok(()),
        Some(before) if before.about == about => return Err(peer("a second sum of one level, of other splits or over other parties")),
        Some(before) if before.about > about => return Err(peer("a sum before the last one")),
        Some(before) if before.about.group == about.group && before.over != *over => {
            return Err(peer("levels of one tree over different parties"));
        }
        _ => {}
    }
    saved.summed = Some(now);
    keep(&codec::encode(saved))
}
