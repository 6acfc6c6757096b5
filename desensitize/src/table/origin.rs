//! Batches that know which rows of the file they hold.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use crate::error::Place;

#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) batch: RecordBatch,
    pub(crate) origin: Origin,
}

/// Where the rows of a batch come from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// Consecutive rows, on consecutive lines if there are lines. Holds the place of the first one.
    Run(Place),
    /// Anything else. Shared, because a clone of a table shares its batches as well.
    Each(Arc<[Place]>),
}

impl Origin {
    /// INVARIANT: `index` is a row of the batch.
    pub(crate) fn place(&self, index: usize) -> Place {
        match self {
            Self::Run(first) => {
                let step = index as u64;
                Place { row: first.row + step, line: first.line.map(|line| line + step) }
            }
            Self::Each(places) => places[index],
        }
    }
}

impl Part {
    pub(crate) fn place(&self, index: usize) -> Place {
        self.origin.place(index)
    }
}
