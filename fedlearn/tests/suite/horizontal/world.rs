//! Rows for trees, and settings.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use yu_fedlearn::Result;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::trees::Boosting;
use yu_fedlearn::trees::horizontal::{Aggregation, Coordinator, Done, Plan, Progress, Settings, Trained, coordinate, take_part};
use yu_wire::channel::Channel;

use crate::world::{self, Own, Ring, Training, hearing};

pub(crate) const SECURE: Aggregation = Aggregation::Secure { malicious: false };

pub(crate) fn settings(aggregation: Aggregation, boosting: Boosting) -> Settings {
    Settings { boosting, bins: 8, aggregation, quorum: 0, deadline_s: 20, danger_small_leaves: false }
}

pub(crate) fn small() -> Boosting {
    Boosting { trees: 4, depth: 3, rate: 0.3, min_rows: 10, ..Boosting::default() }
}

/// Rows whose class follows from two of three columns; values of the third are few.
pub(crate) fn rows(count: usize, seed: u64) -> Dataset {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut unit = || f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0;
    let mut x = ndarray::Array2::zeros((count, 3));
    let mut y = Vec::new();
    for mut row in x.rows_mut() {
        let (a, b, c) = (unit(), unit(), unit());
        row.assign(&ndarray::arr1(&[400.0 * a, b.powi(3), (3.0 * c).round()]));
        y.push(if a * b + 0.3 * c + 0.2 * unit() > 0.0 { 1.0 } else { 0.0 });
    }
    Dataset::new(x, y).unwrap()
}

pub(crate) type World = world::World<Settings>;

impl World {
    pub(crate) fn new(rows: Vec<Dataset>, settings: Settings) -> Self {
        let names: Vec<String> = (0..rows[0].columns()).map(|column| format!("x{column}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Self::of(rows, &names, settings, Duration::from_millis(50))
    }
}

impl Training for Settings {
    type Trained = Trained;
    type Told = Progress;

    fn coordinate(plan: &Plan, lines: Vec<Channel>, with: Coordinator<'_, Ring>) -> Result<Done> {
        coordinate(plan, lines, with)
    }

    fn take_part(plan: &Plan, line: &mut Channel, with: Own<'_>, heard: &AtomicUsize, rng: &mut ChaCha20Rng) -> Result<Vec<u8>> {
        let mut told = |trees: u32| heard.store(trees as usize, Ordering::SeqCst);
        take_part(plan, line, hearing(with, &mut told), rng).map(|(_, bytes)| bytes)
    }
}
