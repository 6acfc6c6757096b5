//! What a training of trees sends, before it runs.

use yu_wire::codec;

use super::cells::{Asked, PARTS, ROUNDS};
use super::plan::{Aggregation, Kind, Plan};
use super::sums::config;
use super::task::{Order, SetUp, Task, Vector};
use crate::Result;
use crate::star::Bytes;
use crate::star::terms::Vectors as _;
use crate::trees::{Cuts, Split, Tree};

/// What kind of sum, how often, so many figures, and the bytes of its task.
struct Sums(Kind, u64, usize, usize);

impl Plan {
    /// Bytes that the trained trees may have as a document, the last word of the training.
    #[must_use]
    pub fn most_document(&self) -> usize {
        let (bins, boosting) = (self.settings.bins as usize, &self.settings.boosting);
        let leaves = 1_usize << boosting.depth;
        // a number has at most 25 characters with its comma, a count 21; a split with its names 50
        let tree = leaves.saturating_mul(25 + 21 + 50).saturating_add(64 + 11 * self.parties.len());
        let cuts = self.features.len().saturating_mul(64 + 26 * bins);
        boosting.trees.saturating_mul(tree).saturating_add(cuts).saturating_add(self.most_names())
    }

    /// Bytes of an undisturbed training in which every tree has all its levels and every feature all its bins and rounds.
    ///
    /// # Errors
    /// As [`Plan::check`].
    pub fn bytes(&self) -> Result<Bytes> {
        self.check()?;
        let (features, bins, boosting) = (self.features.len(), self.settings.bins as usize, &self.settings.boosting);
        let (trees, leaves) = (boosting.trees as u64, 1 << boosting.depth);
        let split = Some(Split { feature: 0, bin: 0 });
        let tree = Tree { splits: vec![split; leaves - 1], leaves: vec![0.0; leaves] };
        let order = |start, told: u64, task| {
            let trees = vec![tree.clone(); told as usize];
            codec::encode(&Order { within: 0, digest: [0; 32], start, from: 0, trees, task }).len()
        };
        let ends: Vec<f64> = (1..bins).map(|end| end as f64).collect();
        let start = vec![Cuts::new(ends, false)?; features];
        let cell = Asked { start: 0, bits: 64 };
        let cells = Task::Cells { round: 0, asked: vec![vec![cell; 4 * bins]; features] };
        let mut total = Bytes::default();
        self.add(&mut total, &Sums(Kind::Start, 1, 2, order(None, 0, Task::Start)))?;
        self.add(&mut total, &Sums(Kind::Cells, u64::from(ROUNDS), 4 * bins * PARTS * features, order(None, 0, cells)))?;
        for level in 0..boosting.depth {
            // each tree is told once, with the first level of the next one, and so are the bins
            let told = u64::from(level == 0);
            let task = || Task::Grow { tree: 0, splits: vec![split; (1 << level) - 1] };
            let figures = 2 * features * bins * (1 << level.saturating_sub(1));
            let first = order(Some((0.0, start.clone())), told, task());
            self.add(&mut total, &Sums(Kind::Grow(level as u8), 1, figures, first))?;
            self.add(&mut total, &Sums(Kind::Grow(level as u8), trees - 1, figures, order(None, told, task())))?;
        }
        self.add(&mut total, &Sums(Kind::Leaves, 1, boosting.trees * leaves, order(None, 1, Task::Leaves)))?;
        Ok(total)
    }

    fn add(&self, total: &mut Bytes, sums: &Sums) -> Result<()> {
        let Sums(kind, count, figures, task) = *sums;
        let Aggregation::Secure { malicious } = self.settings.aggregation else {
            return total.add(count, task, 8 * figures);
        };
        let vectors = Vector { kind, figures: figures as u32 };
        let set_up = SetUp { vectors, first: 0, rounds: vectors.batch() };
        let config = config(self, set_up)?;
        // keys are set up anew whenever another number of nodes is asked about: for each sum, at worst
        total.add_set_ups(count, codec::encode(&set_up).len(), &config)?;
        total.add_masked(count, task, &config, malicious)
    }
}
