//! Many parties in one process, for experiments: same seed, same bits, whatever the number of threads (单机模拟).
//!
//! | to see | open |
//! |---|---|
//! | rounds over parties in memory | [`Simulation`] |
//! | public data sets with their splits | [`sets`] |
//!
//! Nothing here protects anything: all rows are in one process, and the generators come from one seed.

pub mod sets;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::data::split::shuffled;
use crate::model::{Metrics, Model, Network, Spec};
use crate::strategy::{ClientState, ServerState, Strategy, Sum, generator};
use crate::{Error, Result};

/// Rounds over parties in memory.
pub struct Simulation {
    strategy: Strategy,
    model: Network,
    parties: Vec<Dataset>,
    seed: [u8; 32],
    /// Parties drawn for a round; all by default.
    present: usize,
    checkpoint: Checkpoint,
}

/// All that changes from round to round: store it by `yu_wire::codec` and resume to the same bits.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The server's state.
    pub server: ServerState,
    /// The parties' states.
    pub parties: Vec<ClientState>,
}

impl Simulation {
    /// Parties with their rows; weights start from the seed.
    ///
    /// # Errors
    /// `Caller` for settings that do not fit, no party, or parties with other columns.
    pub fn new(spec: &Spec, strategy: Strategy, parties: Vec<Dataset>, seed: [u8; 32]) -> Result<Self> {
        strategy.check()?;
        let columns = parties.first().ok_or_else(|| Error::caller("a simulation of no party"))?.columns();
        if parties.iter().any(|party| party.columns() != columns) {
            return Err(Error::caller("the parties' rows have different columns"));
        }
        let model = spec.build(columns)?;
        let start = model.initial(u64::from_le_bytes([seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], seed[6], seed[7]]));
        let checkpoint = Checkpoint { server: strategy.server.start(start), parties: vec![ClientState::default(); parties.len()] };
        Ok(Self { strategy, model, present: parties.len(), parties, seed, checkpoint })
    }

    /// Only so many parties, drawn anew each round, take part.
    ///
    /// # Errors
    /// `Caller` for none, or more than there are.
    pub fn with_present(mut self, present: usize) -> Result<Self> {
        if present == 0 || present > self.parties.len() {
            return Err(Error::caller(format!("{present} of {} parties in a round", self.parties.len())));
        }
        self.present = present;
        Ok(self)
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Network {
        &self.model
    }

    /// What a resumed run needs.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Goes on from a checkpoint of the same job.
    ///
    /// # Errors
    /// `Caller` if it has another number of parties or parameters.
    pub fn resume(&mut self, checkpoint: Checkpoint) -> Result<()> {
        if checkpoint.parties.len() != self.parties.len() || checkpoint.server.weights.layers() != self.checkpoint.server.weights.layers() {
            return Err(Error::caller("the checkpoint belongs to another job"));
        }
        self.checkpoint = checkpoint;
        Ok(())
    }

    /// One round; gives the mean loss over the parties' steps.
    ///
    /// # Errors
    /// Those of the parties and the server; the state is then as before.
    pub fn round(&mut self) -> Result<f64> {
        let server = &self.checkpoint.server;
        let layout = self.strategy.layout(self.model.parameters());
        let mut chosen = shuffled(self.parties.len(), &mut generator(&self.seed, "present", server.round, 0));
        chosen.truncate(self.present);
        chosen.sort_unstable();
        let control = (!server.control.is_empty()).then_some(server.control.as_slice());
        let updates = chosen
            .par_iter()
            .map(|party| {
                let mut rng = generator(&self.seed, "train", server.round, *party as u32);
                let (data, state) = (&self.parties[*party], &self.checkpoint.parties[*party]);
                self.strategy.local.train(&self.model, &server.weights, control, state, data, &mut rng)
            })
            .collect::<Result<Vec<_>>>()?;
        let contributions =
            updates.iter().map(|update| layout.contribution(update, self.strategy.weighting)).collect::<Result<Vec<_>>>()?;
        let sum = Sum::of(contributions.iter().map(Vec::as_slice))?;
        self.checkpoint.server = self.strategy.server.apply(server, &layout, &sum)?;
        let mut loss = 0.0;
        for (party, update) in chosen.iter().zip(updates) {
            loss += update.metrics.loss / self.present as f64;
            self.checkpoint.parties[*party] = update.state;
        }
        Ok(loss)
    }

    /// The model on other rows.
    ///
    /// # Errors
    /// `Data` for rows that do not fit.
    pub fn evaluate(&self, data: &Dataset) -> Result<Metrics> {
        self.model.evaluate(&self.checkpoint.server.weights, &data.batch())
    }
}
