//! Rows for gradient models, and settings.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use yu_fedlearn::Result;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::model::Spec;
use yu_fedlearn::strategy::{Local, Strategy};
use yu_fedlearn::train::{Aggregation, Coordinator, Done, Figures, Plan, Settings, Trained, coordinate, take_part};
use yu_wire::channel::Channel;

use crate::world::{self, Own, Ring, Training, hearing};

pub(crate) fn clear(_: usize) -> Aggregation {
    Aggregation::Clear
}

pub(crate) fn secure(_: usize) -> Aggregation {
    Aggregation::Secure { bits: 24, bound: 1.0, malicious: false }
}

/// Logistic regression, a few local steps.
pub(crate) fn settings(aggregation: Aggregation, rounds: u32) -> Settings {
    let local = Local {
        epochs: 2,
        batch: 16,
        learning_rate: 0.1,
        momentum: 0.0,
        proximal: 0.0,
        correction: yu_fedlearn::strategy::Correction::None,
        private: None,
    };
    Settings {
        model: Spec::Logistic { l2: 0.001 },
        strategy: Strategy { local, server: Default::default(), weighting: Default::default() },
        rounds,
        aggregation,
        privacy: None,
        quorum: 0,
        deadline_s: 20,
        holdout: 5,
        standardise: true,
    }
}

/// Rows whose class follows from two columns of different units; the third is noise.
pub(crate) fn rows(party: usize, count: usize) -> Dataset {
    let mut rng = ChaCha20Rng::seed_from_u64(party as u64);
    let mut unit = || f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0;
    let mut x = Array2::zeros((count, 3));
    let mut y = Vec::new();
    for mut row in x.rows_mut() {
        let (a, b, c) = (unit(), unit(), unit());
        row.assign(&ndarray::arr1(&[4.0 * a, 100.0 + 10.0 * b, c]));
        y.push(if a + b + 0.2 * unit() > 0.0 { 1.0 } else { 0.0 });
    }
    Dataset::new(x, y).unwrap()
}

pub(crate) type World = world::World<Settings>;

impl World {
    /// So many parties with 150 rows each.
    pub(crate) fn new(parties: usize, settings: Settings) -> Self {
        Self::of((0..parties).map(|party| rows(party, 150)).collect(), &["a", "b", "c"], settings, Duration::from_secs(10))
    }
}

impl Training for Settings {
    type Trained = Trained;
    type Told = Figures;

    fn coordinate(plan: &Plan, lines: Vec<Channel>, with: Coordinator<'_, Ring>) -> Result<Done> {
        coordinate(plan, lines, with)
    }

    fn take_part(plan: &Plan, line: &mut Channel, with: Own<'_>, heard: &AtomicUsize, rng: &mut ChaCha20Rng) -> Result<Vec<u8>> {
        let mut told = |_: &Figures| {
            heard.fetch_add(1, Ordering::SeqCst);
        };
        take_part(plan, line, hearing(with, &mut told), rng).map(|(_, bytes)| bytes)
    }
}
