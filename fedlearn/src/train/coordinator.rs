//! The coordinator: asks, adds up, keeps a checkpoint, asks again.

use serde::{Deserialize, Serialize};
use yu_wire::channel::Channel;
use yu_wire::codec;

use super::plan::Plan;
use super::sums::{FIGURES, Sums, Total};
use super::task::{Kind, Model as Told, Task};
use super::trained::{Figures, Trained, hex};
use crate::data::standardise::{Moments, Scale};
use crate::model::{Metrics, Model, Network};
use crate::secagg::identity::Verifier;
use crate::star::assembly::Gate;
use crate::star::attempts::{self, Begun, Wanted, others};
use crate::star::{self, Star};
use crate::strategy::{Layout, ServerState, Sum};
use crate::{Error, Result};

/// Largest checkpoint that is read, bytes.
const MOST: usize = 4 << 30;

/// What a coordinator needs beside the plan and the lines to the parties. It hears of each round.
pub type Coordinator<'a, V> = star::Coordinator<'a, V, Figures>;

/// A training that is over.
pub type Done = star::Done<Trained>;

/// All that survives a crash.
#[derive(Clone, Serialize, Deserialize)]
struct Checkpoint {
    job: [u8; 32],
    scale: Option<Scale>,
    state: ServerState,
    /// For each party the last round that its update is in, counted from 1; 0 for none.
    counted: Vec<u64>,
    history: Vec<Figures>,
    /// The last sum whose masks were to come off, and over whom.
    begun: Begun<About>,
    /// The last word, once it is about to be said.
    document: Option<Vec<u8>>,
}

/// Which contributions are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum About {
    Scale,
    /// Of this round; after the last one figures only.
    Round(u64),
}

impl About {
    const fn kind(self) -> Kind {
        match self {
            Self::Scale => Kind::Scale,
            Self::Round(_) => Kind::Round,
        }
    }
}

impl attempts::Checkpoint for Checkpoint {
    type About = About;

    fn begun(&mut self) -> &mut Begun<About> {
        &mut self.begun
    }
}

/// Trains to the last round. Where only the last word was not said yet, the lines may be those to some of the parties: the others have it or have
/// to do without.
///
/// # Errors
/// [`Error::Quorum`] if too few parties are left after [`ATTEMPTS`](super::ATTEMPTS) tries, then with the names of those away;
/// [`Error::Caller`] for a plan that cannot be or a checkpoint of another job; [`Error::Data`] if the training diverges; those of `keep`.
pub fn coordinate<V: Verifier>(plan: &Plan, lines: Vec<Channel>, with: Coordinator<'_, V>) -> Result<Done> {
    let network = plan.check()?;
    let kept = with.resume.map(|bytes| codec::decode::<Checkpoint>(bytes, MOST)).transpose()?;
    if kept.as_ref().is_some_and(|kept| kept.job != plan.job || kept.state.weights.layers() != network.layers()) {
        return Err(Error::caller("the checkpoint belongs to another job"));
    }
    let layout = plan.layout(&network);
    let named: Vec<String> = lines.iter().map(|line| line.peer().to_owned()).collect();
    let sums = Sums::new(plan, &layout, with.verifier, Star::new(lines));
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
            scale: None,
            state: plan.settings.strategy.server.start(network.initial(u64::from_le_bytes(seed(&plan.job)))),
            counted: vec![0; plan.parties.len()],
            history: Vec::new(),
            begun: None,
            document: None,
        },
    };
    let mut run = Run { plan, network, layout: &layout, sums, state, with };
    run.scale()?;
    while run.state.state.round < u64::from(plan.settings.rounds) {
        run.round()?;
    }
    run.finish()
}

/// Where weights start follows from the job: nobody chooses it.
fn seed(job: &[u8; 32]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *job;
    [a, b, c, d, e, f, g, h]
}

/// Whether all that this checkpoint lacks is that the last word is said.
#[must_use]
pub fn has_ended(checkpoint: &[u8]) -> bool {
    codec::decode::<Checkpoint>(checkpoint, MOST).is_ok_and(|kept| kept.document.is_some())
}

struct Run<'a, 'w, V> {
    plan: &'a Plan,
    network: Network,
    layout: &'a Layout,
    sums: Sums<'a, V>,
    state: Checkpoint,
    with: Coordinator<'w, V>,
}

impl<V: Verifier> Run<'_, '_, V> {
    fn sum(&mut self, about: About, task: impl Fn(&Checkpoint) -> Task) -> Result<Option<Total>> {
        let wanted = Wanted { about, must: None, quorum: self.plan.quorum(), step: "round" };
        let ask = |sums: &mut Sums<'_, V>, state: &Checkpoint, gate: Gate<'_>| sums.sum(about.kind(), || task(state), gate);
        self.with.sum(&mut self.sums, &mut self.state, &wanted, ask)
    }

    /// One sum about zero: two sums over parties that are not the same would tell one of them by their difference.
    fn scale(&mut self) -> Result<()> {
        if !self.plan.settings.standardise || self.state.scale.is_some() {
            return Ok(());
        }
        let columns = self.plan.features.len();
        let point = vec![0.0; columns];
        let Some(total) = self.sum(About::Scale, |_| Task::Scale)? else { return Err(others(&self.sums)) };
        self.state.scale = Some(Moments::from_flat(&total.figures, columns)?.scale(&point));
        self.keep()
    }

    fn keep(&mut self) -> Result<()> {
        self.with.store(&self.state)
    }

    fn told(state: &Checkpoint) -> Box<Told> {
        Box::new(Told {
            round: state.state.round,
            weights: state.state.weights.flat().to_vec(),
            control: state.state.control.clone(),
            scale: state.scale.clone(),
            counted: state.counted.clone(),
            told: state.history.last().copied(),
        })
    }

    /// Notes the figures of the model that the parties were sent.
    fn judged(&mut self, total: &Total) -> Result<()> {
        if total.figures.len() != FIGURES {
            return Ok(());
        }
        let metrics = metrics(&total.figures)?;
        let figures = Figures::new(self.state.state.round, total.parties.len() as u32, &metrics);
        self.state.history.push(figures);
        (self.with.told)(&figures);
        Ok(())
    }

    fn round(&mut self) -> Result<()> {
        let round = self.state.state.round;
        let Some(total) = self.sum(About::Round(round), |state| Task::Train(Self::told(state)))? else {
            // updates without noise from the same weights over other parties would tell one of them by the difference of the sums
            if self.plan.settings.privacy.is_none() {
                return Err(others(&self.sums));
            }
            self.state.state.round += 1;
            return self.keep();
        };
        self.judged(&total)?;
        let sum = Sum { values: total.values, parties: total.parties.len() as u32 };
        self.state.state = self.plan.settings.strategy.server.apply(&self.state.state, self.layout, &sum)?;
        for party in total.parties {
            if let Some(last) = self.state.counted.get_mut(party as usize) {
                *last = round + 1;
            }
        }
        self.keep()
    }

    fn finish(mut self) -> Result<Done> {
        // the parties are shown the last weights even where no figures come back: the last word has to be about them
        let round = self.state.state.round;
        if let Some(total) = self.sum(About::Round(round), |state| Task::Judge(Self::told(state)))? {
            self.judged(&total)?;
        }
        let trained = Trained {
            v: 1,
            job: hex(&self.plan.job),
            model: self.plan.settings.model.clone(),
            features: self.plan.features.clone(),
            target: self.plan.target.clone(),
            scale: self.state.scale.clone(),
            weights: self.state.state.weights.clone(),
            history: self.state.history.clone(),
            privacy: self.plan.settings.privacy,
        };
        debug_assert_eq!(trained.weights.layers(), self.network.layers());
        let bytes = trained.to_bytes()?;
        // whoever has heard it asks no more: a crash from here on must end with the same word
        self.state.document = Some(bytes.clone());
        self.keep()?;
        let lines = self.sums.close(&bytes);
        Ok(Done { trained, bytes, lines })
    }
}

/// Sums of held-out rows as figures.
fn metrics(figures: &[f64]) -> Result<Metrics> {
    match *figures {
        [examples, loss_sum, correct, squared_sum] if examples >= 0.0 && correct >= 0.0 => {
            Ok(Metrics { examples: examples.round() as u64, loss_sum, correct: correct.round() as u64, squared_sum })
        }
        _ => Err(Error::caller("sums of figures that cannot be")),
    }
}
