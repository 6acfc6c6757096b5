//! What one party measures of one run: set-up and online apart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use yu_wire::meter::{Meter, Totals};

use crate::machine::{cpu, peak_memory, reset_peak_memory};

/// Names of the parties by index, in protocols and formulas.
pub const NAMES: [&str; 3] = ["p0", "p1", "p2"];

/// One run of one party.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Connections, keys, sharing of the inputs where the protocol computes on shares only.
    pub offline: Phase,
    /// The rest.
    pub online: Phase,
    /// Greatest resident memory of the party's process in this run, bytes; absent when parties share a process.
    pub peak_memory_bytes: Option<u64>,
}

/// One phase of one party.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Seconds on the wall.
    pub wall_s: f64,
    /// CPU seconds of all the party's threads, the transport's included.
    pub cpu_s: f64,
    /// Bytes sent in data frames, headers included.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Data frames sent.
    pub frames_sent: u64,
    /// Data frames received.
    pub frames_received: u64,
    /// Rounds: longest causal chain of messages.
    pub rounds: u32,
}

/// Whose CPU time counts as the party's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The party is this process.
    Process,
    /// The party is the thread pool that it runs in; parties over memory share a process.
    Pool,
}

impl Clock {
    fn read(self) -> Duration {
        match self {
            Self::Process => cpu::process(),
            Self::Pool => rayon::broadcast(|_| cpu::thread()).into_iter().sum(),
        }
    }
}

/// Measures a run. Made before the set-up, inside the pool that the party runs in.
pub struct Watch {
    clock: Clock,
    meter: Arc<Meter>,
    last: Mark,
    sample: Sample,
}

struct Mark {
    wall: Instant,
    cpu: Duration,
    totals: Totals,
}

impl Watch {
    /// Begins the set-up phase.
    #[must_use]
    pub fn start(clock: Clock, meter: Arc<Meter>) -> Self {
        if clock == Clock::Process {
            reset_peak_memory();
        }
        let last = Mark { wall: Instant::now(), cpu: clock.read(), totals: meter.totals() };
        Self { clock, meter, last, sample: Sample::default() }
    }

    /// Lets the peak of memory begin again, where a party has its own process: what the set-up needed is given up.
    pub fn forget_peak(&self) {
        if self.clock == Clock::Process {
            reset_peak_memory();
        }
    }

    /// The set-up is done, the online phase begins.
    pub fn online(&mut self) {
        self.sample.offline = self.phase();
    }

    /// The online phase is done; what follows (checks of the result) does not count.
    pub fn done(&mut self) {
        self.sample.online = self.phase();
        if self.clock == Clock::Process {
            self.sample.peak_memory_bytes = peak_memory();
        }
    }

    /// What was measured.
    #[must_use]
    pub fn sample(self) -> Sample {
        self.sample
    }

    fn phase(&mut self) -> Phase {
        let wall = Instant::now();
        let now = Mark { wall, cpu: self.clock.read(), totals: self.meter.totals() };
        let last = std::mem::replace(&mut self.last, now);
        let now = &self.last;
        Phase {
            wall_s: now.wall.duration_since(last.wall).as_secs_f64(),
            cpu_s: now.cpu.saturating_sub(last.cpu).as_secs_f64(),
            bytes_sent: now.totals.bytes_sent - last.totals.bytes_sent,
            bytes_received: now.totals.bytes_received - last.totals.bytes_received,
            frames_sent: now.totals.frames_sent - last.totals.frames_sent,
            frames_received: now.totals.frames_received - last.totals.frames_received,
            rounds: now.totals.rounds - last.totals.rounds,
        }
    }
}
