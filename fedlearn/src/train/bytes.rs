//! What a training sends, before it runs.

use yu_wire::codec;
use yu_wire::frame::framed_len;

use super::plan::{Aggregation, Plan};
use super::sums::{config, sizes};
use super::task::{Kind, Model as Told, Order, SetUp, Task};
use super::trained::Figures;
use crate::data::standardise::Scale;
use crate::model::Model;
use crate::secagg::msg::{self, Message};
use crate::star::terms::Vectors;
use crate::{Error, Result};

/// Round and stage before every body.
const HEAD: usize = 5;

/// Between the coordinator and one party, with the frames' headers, if no round has to be repeated: at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// Coordinator to party, without the last word.
    pub down: u64,
    /// Party to coordinator.
    pub up: u64,
    /// Questions and answers.
    pub exchanges: u64,
}

impl Bytes {
    fn add(&mut self, times: u64, down: usize, up: usize) -> Result<()> {
        let all = |total: u64, body: usize| framed_len((HEAD + body) as u64).checked_mul(times).and_then(|bytes| total.checked_add(bytes));
        let too_much = || Error::caller("the training sends more bytes than can be counted");
        self.down = all(self.down, down).ok_or_else(too_much)?;
        self.up = all(self.up, up).ok_or_else(too_much)?;
        self.exchanges += times;
        Ok(())
    }
}

impl Plan {
    /// Bytes of an undisturbed training.
    ///
    /// # Errors
    /// As [`Plan::check`].
    pub fn bytes(&self) -> Result<Bytes> {
        let network = self.check()?;
        let layout = self.layout(&network);
        let columns = self.features.len();
        let mut total = Bytes { down: 0, up: 0, exchanges: 0 };
        let figures = Figures { round: 0, parties: 0, rows: 0, loss: 0.0, accuracy: 0.0, rmse: 0.0 };
        let scale = Scale { means: vec![0.0; columns], deviations: vec![1.0; columns] };
        let told = Told {
            round: 0,
            weights: vec![0.0; network.parameters()],
            control: vec![0.0; layout.control().len()],
            scale: self.settings.standardise.then_some(scale),
            counted: vec![0; self.parties.len()],
            told: Some(figures),
        };
        let round = codec::encode(&Order { within: 0, task: Task::Train(Box::new(told)) }).len();
        let sums_of_features = codec::encode(&Order { within: 0, task: Task::Scale }).len();
        let sums = u64::from(self.settings.rounds) + 1;
        if self.settings.standardise {
            self.sums(&mut total, &layout, Kind::Scale, 1, sums_of_features)?;
        }
        self.sums(&mut total, &layout, Kind::Round, sums, round)?;
        Ok(total)
    }

    fn sums(&self, total: &mut Bytes, layout: &crate::strategy::Layout, kind: Kind, count: u64, task: usize) -> Result<()> {
        let (values, figures) = sizes(self, layout, kind);
        let Aggregation::Secure { malicious, .. } = self.settings.aggregation else {
            return total.add(count, task, 8 * (values + figures));
        };
        let rounds = kind.batch();
        let set_up = SetUp { vectors: kind, first: 0, rounds };
        let config = config(self, layout, set_up)?;
        let set_ups = count.div_ceil(u64::from(rounds));
        total.add(set_ups, codec::encode(&set_up).len(), msg::Advert::limit(&config))?;
        total.add(set_ups, msg::Roster::limit(&config), msg::Shares::limit(&config))?;
        total.add(set_ups, msg::Delivery::limit(&config), 0)?;
        total.add(count, task, msg::Masked::size(&config))?;
        if malicious {
            total.add(count, msg::Survivors::limit(&config), msg::Consent::limit(&config))?;
            return total.add(count, msg::Consents::limit(&config), msg::Unmask::limit(&config));
        }
        total.add(count, msg::Survivors::limit(&config), msg::Unmask::limit(&config))
    }
}
