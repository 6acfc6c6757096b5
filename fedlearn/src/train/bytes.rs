//! What a training sends, before it runs.

use yu_wire::codec;

use super::plan::{Aggregation, Plan};
use super::sums::{config, sizes};
use super::task::{Kind, Model as Told, Order, SetUp, Task};
use super::trained::Figures;
use crate::Result;
use crate::data::standardise::Scale;
use crate::model::Model;
use crate::star::Bytes;
use crate::star::terms::Vectors;

impl Plan {
    /// Bytes that the trained model may have as a document, the last word of the training.
    ///
    /// # Errors
    /// As [`Plan::check`].
    pub fn most_document(&self) -> Result<usize> {
        let network = self.check()?;
        // a number has at most 25 characters with its comma, the figures of a round their names beside
        let numbers = network.parameters().saturating_add(2 * self.features.len()).saturating_mul(25);
        let history = (self.settings.rounds as usize + 1).saturating_mul(6 * 25 + 80);
        Ok(numbers.saturating_add(history).saturating_add(128 * network.layers().len()).saturating_add(self.most_names()))
    }

    /// Bytes of an undisturbed training.
    ///
    /// # Errors
    /// As [`Plan::check`].
    pub fn bytes(&self) -> Result<Bytes> {
        let network = self.check()?;
        let layout = self.layout(&network);
        let columns = self.features.len();
        let mut total = Bytes::default();
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
        total.add_set_ups(set_ups, codec::encode(&set_up).len(), &config)?;
        total.add_masked(count, task, &config, malicious)
    }
}
