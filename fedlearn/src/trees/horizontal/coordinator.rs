//! The coordinator: asks for sums, chooses splits, keeps a checkpoint, asks again.

use serde::{Deserialize, Serialize};
use yu_wire::channel::Channel;
use yu_wire::codec;

use super::cells::{Cells, PARTS, ROUNDS};
use super::fixed::number;
use super::grow::Growing;
use super::plan::{Kind, Plan};
use super::sums::{Sums, Total};
use super::task::{Model, Sum, Task, level};
use super::trained::{Trained, hex};
use crate::secagg::identity::Verifier;
use crate::star::assembly::Gate;
use crate::star::attempts::{self, Begun, Wanted, others};
use crate::star::{self, Star};
use crate::trees::clear::base_of_mean;
use crate::trees::{Cuts, Forest};
use crate::{Error, Result};

/// Largest checkpoint that is read, bytes.
const MOST: usize = 4 << 30;

/// A tree is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Trees so far.
    pub trees: u32,
    /// Parties whose rows are in the last one.
    pub parties: u32,
}

/// What a coordinator needs beside the plan and the lines to the parties. It hears of each tree.
pub type Coordinator<'a, V> = star::Coordinator<'a, V, Progress>;

/// A training that is over.
pub type Done = star::Done<Trained>;

/// All that survives a crash.
#[derive(Clone, Serialize, Deserialize)]
struct Checkpoint {
    job: [u8; 32],
    /// Rows, score before the first tree, and whose rows they are.
    start: Option<(u64, f64, Vec<u32>)>,
    round: u32,
    cells: Vec<Cells>,
    model: Model,
    growing: Growing,
    parties: Vec<Vec<u32>>,
    leaf_rows: Option<Vec<u64>>,
    /// The last sum whose masks were to come off, and over whom.
    begun: Begun<Sum>,
    /// The last word, once it is about to be said.
    document: Option<Vec<u8>>,
}

impl attempts::Checkpoint for Checkpoint {
    type About = Sum;

    fn begun(&mut self) -> &mut Begun<Sum> {
        &mut self.begun
    }
}

/// Trains to the last tree. Where only the last word was not said yet, the lines may be those to some of the parties: the others have it or have to do
/// without.
///
/// # Errors
/// [`Error::Quorum`] if too few parties are left after [`ATTEMPTS`](super::ATTEMPTS) tries, then with the names of those away;
/// [`Error::Absent`] where a sum was interrupted and cannot be made over the same parties again; [`Error::Caller`] for a plan that cannot be or
/// a checkpoint of another job; [`Error::Data`] for labels that are all alike; those of `keep`.
pub fn coordinate<V: Verifier>(plan: &Plan, lines: Vec<Channel>, with: Coordinator<'_, V>) -> Result<Done> {
    plan.check()?;
    let kept = with.resume.map(|bytes| codec::decode::<Checkpoint>(bytes, MOST)).transpose()?;
    if kept.as_ref().is_some_and(|kept| kept.job != plan.job) {
        return Err(Error::caller("the checkpoint belongs to another job"));
    }
    let named: Vec<String> = lines.iter().map(|line| line.peer().to_owned()).collect();
    let sums = Sums::new(plan, with.verifier, Star::new(lines));
    if let Some(bytes) = kept.as_ref().and_then(|kept| kept.document.clone()) {
        let trained = Trained::from_bytes(&bytes)?;
        let lines = sums.close(&bytes);
        return Ok(Done { trained, bytes, lines });
    }
    if named != plan.parties {
        return Err(Error::caller("there must be one line to each party, in the order of the plan"));
    }
    let state = match kept {
        Some(kept) => kept,
        None => Checkpoint {
            job: plan.job,
            start: None,
            round: 0,
            cells: Vec::new(),
            model: Model::default(),
            growing: Growing::default(),
            parties: Vec::new(),
            leaf_rows: None,
            begun: None,
            document: None,
        },
    };
    let mut run = Run { plan, sums, state, with };
    run.start()?;
    while run.state.model.start.is_none() {
        run.bins()?;
    }
    while run.state.model.trees.len() < plan.settings.boosting.trees {
        run.level()?;
    }
    run.leaves()?;
    run.finish()
}

/// Whether all that this checkpoint lacks is that the last word is said.
#[must_use]
pub fn has_ended(checkpoint: &[u8]) -> bool {
    codec::decode::<Checkpoint>(checkpoint, MOST).is_ok_and(|kept| kept.document.is_some())
}

struct Run<'a, 'w, V> {
    plan: &'a Plan,
    sums: Sums<'a, V>,
    state: Checkpoint,
    with: Coordinator<'w, V>,
}

impl<V: Verifier> Run<'_, '_, V> {
    /// A sum; sums of one group `must` be made over the same parties.
    fn sum(&mut self, kind: Kind, task: &Task, figures: usize, must: Option<&[u32]>) -> Result<Option<Total>> {
        let about = task.place(self.plan.settings.boosting.depth);
        let wanted = Wanted { about, must, quorum: self.plan.quorum(), step: "sums" };
        let ask = |sums: &mut Sums<'_, V>, state: &Checkpoint, gate: Gate<'_>| sums.sum(kind, &state.model, task, figures, gate);
        self.with.sum(&mut self.sums, &mut self.state, &wanted, ask)
    }

    fn keep(&mut self) -> Result<()> {
        self.with.store(&self.state)
    }

    fn start(&mut self) -> Result<()> {
        if self.state.start.is_some() {
            return Ok(());
        }
        let Some(total) = self.sum(Kind::Start, &Task::Start, 2, None)? else { return Err(others(&self.sums)) };
        let (rows, labels) = match *total.figures {
            [rows, labels] if rows > 0 => (rows as u64, number(labels)),
            _ => return Err(Error::caller("sums of rows that cannot be")),
        };
        let base = base_of_mean(self.plan.settings.boosting.loss, labels / rows as f64)?;
        self.state.cells = vec![Cells::new(rows); self.plan.features.len()];
        self.state.start = Some((rows, base, total.parties));
        self.keep()
    }

    /// One round of counts, or the bins if cells are small enough, if there was the last round, or if a party is missing: then bins are coarser.
    fn bins(&mut self) -> Result<()> {
        let settings = &self.plan.settings;
        let Some((_, base, parties)) = self.state.start.clone() else { return Err(Error::caller("bins before their start")) };
        let (bins, least) = (settings.bins as usize, settings.boosting.min_rows as u64);
        let asked: Vec<_> = self.state.cells.iter().map(|cells| cells.asked(bins, least)).collect();
        let figures = PARTS * asked.iter().map(Vec::len).sum::<usize>();
        let total = if figures == 0 || self.state.round >= ROUNDS {
            None
        } else {
            let task = Task::Cells { round: self.state.round, asked: asked.clone() };
            self.sum(Kind::Cells, &task, figures, Some(&parties))?
        };
        let Some(total) = total else {
            let cuts = self.state.cells.iter().map(|cells| cells.cuts(bins)).collect::<Result<Vec<Cuts>>>()?;
            self.state.model.start = Some((base, cuts));
            return self.keep();
        };
        let mut counts = total.figures.iter().map(|count| u64::try_from(*count).unwrap_or(0));
        for (cells, asked) in self.state.cells.iter_mut().zip(&asked) {
            let own: Vec<u64> = counts.by_ref().take(PARTS * asked.len()).collect();
            cells.take(asked, &own);
        }
        self.state.round += 1;
        self.keep()
    }

    /// One level of a tree. A tree that loses a party ends where it stands.
    fn level(&mut self) -> Result<()> {
        let boosting = self.plan.settings.boosting;
        let bins: Vec<usize> = self.state.model.start.iter().flat_map(|(_, cuts)| cuts.iter().map(Cuts::bins)).collect();
        let growing = &self.state.growing;
        let splits = growing.splits().to_vec();
        let figures = 2 * growing.asked() * bins.iter().sum::<usize>();
        let must = (!growing.is_new()).then(|| growing.parties.clone());
        let kind = Kind::Grow(level(splits.len(), boosting.depth) as u8);
        let task = Task::Grow { tree: self.state.model.trees.len() as u32, splits };
        let is_over = match self.sum(kind, &task, figures, must.as_deref())? {
            Some(total) => {
                let growing = &mut self.state.growing;
                growing.parties = total.parties;
                growing.take(&boosting, &bins, &total.figures)?;
                growing.is_full(&boosting) || growing.is_done()
            }
            None => true,
        };
        if is_over {
            let Some(tree) = self.state.growing.tree(&boosting) else { return Err(others(&self.sums)) };
            let growing = std::mem::take(&mut self.state.growing);
            let progress = Progress { trees: self.state.model.trees.len() as u32 + 1, parties: growing.parties.len() as u32 };
            self.state.model.trees.push(tree);
            self.state.parties.push(growing.parties);
            self.keep()?;
            (self.with.told)(&progress);
            return Ok(());
        }
        self.keep()
    }

    fn leaves(&mut self) -> Result<()> {
        if self.state.leaf_rows.is_some() {
            return Ok(());
        }
        let figures = self.state.model.trees.iter().map(|tree| tree.leaves.len()).sum();
        let total = self.sum(Kind::Leaves, &Task::Leaves, figures, None)?;
        let counts = |total: Total| total.figures.iter().map(|count| u64::try_from(*count).unwrap_or(0)).collect();
        self.state.leaf_rows = Some(total.map_or_else(Vec::new, counts));
        self.keep()
    }

    fn finish(mut self) -> Result<Done> {
        let (Some((base, cuts)), Some((rows, ..))) = (self.state.model.start.clone(), self.state.start.clone()) else {
            return Err(Error::caller("an end before the start"));
        };
        let settings = &self.plan.settings;
        let trained = Trained {
            v: 1,
            job: hex(&self.plan.job),
            settings: settings.clone(),
            features: self.plan.features.clone(),
            target: self.plan.target.clone(),
            rows,
            cuts,
            forest: Forest { loss: settings.boosting.loss, base, trees: self.state.model.trees.clone() },
            parties: self.state.parties.clone(),
            leaf_rows: self.state.leaf_rows.clone().unwrap_or_default(),
        };
        let bytes = trained.to_bytes()?;
        // whoever has heard it asks no more: a crash from here on must end with the same word
        self.state.document = Some(bytes.clone());
        self.keep()?;
        let lines = self.sums.close(&bytes);
        Ok(Done { trained, bytes, lines })
    }
}
