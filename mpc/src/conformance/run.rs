//! Parties in one process, one thread each.

use std::sync::Arc;

use yu_wire::channel::Channel;
use yu_wire::meter::{Meter, Totals};
use yu_wire::shape::{Link, shaped_mesh};

use crate::engine::Priced;
use crate::{Error, Result};

/// How an engine is brought up: all that the suite has to know about it.
pub trait Harness {
    /// The engine.
    type Engine: Priced;

    /// Names of the parties in order.
    const PARTIES: &'static [&'static str];

    /// Joins a session as party [`Seat::index`], with randomness of fixed seeds so that failures repeat.
    ///
    /// # Errors
    /// The engine's.
    fn join(seat: &mut Seat) -> Result<Self::Engine>;
}

/// A party's place in a session.
pub struct Seat {
    index: usize,
    peers: Vec<Option<Channel>>,
    /// `None` for a party without peers.
    meter: Option<Arc<Meter>>,
}

impl Seat {
    /// The place of party `index`; `peers[j]` leads to party `j`, `None` for ourselves.
    #[must_use]
    pub fn new(index: usize, peers: Vec<Option<Channel>>) -> Self {
        let meter = peers.iter().flatten().next().map(|channel| Arc::clone(channel.meter()));
        Self { index, peers, meter }
    }

    /// Our number.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Takes the channel to party `to`.
    ///
    /// # Errors
    /// [`Error::Caller`] if there is none, or no more.
    pub fn channel_to(&mut self, to: usize) -> Result<Channel> {
        let channel = self.peers.get_mut(to).and_then(Option::take);
        channel.ok_or_else(|| Error::caller(format!("party `{}` has no channel to party `{to}`", self.index)))
    }

    /// What our channels have moved so far; `None` for a party without peers.
    #[must_use]
    pub fn totals(&self) -> Option<Totals> {
        self.meter.as_ref().map(|meter| meter.totals())
    }
}

/// Runs `party` for each party of the harness at once, over simulated links, and returns the results in order. Every party has
/// a thread of its own and a `rayon` pool of that one thread: what a party computes, its thread computes.
pub fn run<H: Harness, R: Send>(link: Link, party: impl Fn(&mut H::Engine, &Seat) -> Result<R> + Sync) -> Vec<Result<R>> {
    let at = |index: usize, peers: Vec<Option<Channel>>| {
        let mut seat = Seat::new(index, peers);
        let mut engine = H::join(&mut seat)?;
        party(&mut engine, &seat)
    };
    let alone = |index: usize, peers: Vec<Option<Channel>>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.map_err(|error| Error::caller(format!("no thread for party `{index}`: {error}")))?.install(|| at(index, peers))
    };
    std::thread::scope(|scope| {
        let alone = &alone;
        let mesh = shaped_mesh(H::PARTIES, link).into_iter().enumerate();
        let threads: Vec<_> = mesh.map(|(index, peers)| scope.spawn(move || alone(index, peers))).collect();
        let finish =
            |thread: std::thread::ScopedJoinHandle<'_, Result<R>>| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        threads.into_iter().map(finish).collect()
    })
}
