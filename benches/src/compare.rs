//! Our session channel against a bare QUIC stream: same processes, same runtime, same transport settings, same cipher,
//! interleaved.
//!
//! Two processes (party 0 receives or answers, party 1 sends or asks), each with a blocking main thread and a tokio
//! runtime. The main thread drives the stream by `block_on` in both cases. Both sides of a comparison move the same
//! payload: [`CHUNK`] bytes for throughput, [`SMALL`] for round trips; ours adds its header, sequence numbers, meter, replay
//! buffer and acknowledgements. Each measurement is on a connection of its own, after a warm-up.
//!
//! | file | subject |
//! |---|---|
//! | `bare` | the bare stream |
//! | `pipe` | what is measured, alike for both |
//! | `outcome` | ratios |

mod bare;
mod outcome;
mod pipe;

use std::path::Path;

use serde::{Deserialize, Serialize};
use yu_wire::carrier::CarrierKind;
use yu_wire::frame::CHUNK;
use yu_wire::meter::Meter;

pub use outcome::{Comparison, PartyOutcome, Side};
pub use pipe::{Half, Subject};

use crate::cli::{BareRead, CompareArgs};
use crate::hosts::Hosts;
use crate::machine::Machine;
use crate::node::Node;
use crate::phase::NAMES;
use crate::{Result, local};
use pipe::{Ours, measure};

/// Payload of a round trip, bytes.
pub const SMALL: usize = 32;
/// MiB per run by default.
const MIB: usize = 512;
/// Round trips per run by default.
const ROUNDS: usize = 5000;

/// A comparison with everything decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Throughput or round trip.
    pub subject: Subject,
    /// Frames or round trips per measurement.
    pub count: usize,
    /// Measurements of each.
    pub runs: u32,
    /// Transport threads per process.
    pub io_threads: usize,
    /// How the bare side reads.
    pub bare_read: BareRead,
}

impl Settings {
    /// From the command line.
    #[must_use]
    pub fn new(subject: Subject, args: &CompareArgs) -> Self {
        let count = match subject {
            Subject::Channel => args.size.unwrap_or(MIB) * ((1 << 20) / CHUNK),
            Subject::RoundTrip => args.size.unwrap_or(ROUNDS),
        };
        Self { subject, count: count.max(1), runs: args.runs, io_threads: args.common.io_threads, bare_read: args.bare_read }
    }
}

/// Both processes on this machine, with the program `exe`.
///
/// # Errors
/// A party's.
pub fn run_local(exe: &Path, settings: Settings, args: &CompareArgs) -> Result<Comparison> {
    let mut line = vec![settings.subject.to_string()];
    if let Some(size) = args.size {
        line.extend(["--size".into(), size.to_string()]);
    }
    let read = match settings.bare_read {
        BareRead::Exact => "exact",
        BareRead::Chunks => "chunks",
    };
    line.extend(["--runs".into(), settings.runs.to_string(), "--io-threads".into(), settings.io_threads.to_string()]);
    line.extend(["--bare-read".into(), read.into()]);
    let halves: Vec<Comparison> = local::processes(exe, 2, &line)?;
    Ok(Comparison::new(settings, halves.into_iter().flat_map(|half| half.parties).collect()))
}

/// One of the two processes; the other one runs elsewhere.
///
/// # Errors
/// The party's.
pub fn run_party(settings: Settings, hosts: Hosts, index: usize) -> Result<Comparison> {
    let name = *NAMES.get(index).filter(|_| index < 2).ok_or("a comparison has the parties 0 and 1")?;
    let machine = Machine::here();
    let node = Node::start(hosts, index, settings.io_threads)?;
    let bare = bare::Bare::start(&node, index, settings.bare_read)?;
    let mut outcome = PartyOutcome { index, name: name.into(), machine, bare: Vec::new(), channel: Vec::new() };
    for number in 0..settings.runs {
        let mut stream = bare.join()?;
        outcome.bare.push(measure(&settings, index, &mut stream)?);
        stream.close()?;

        let mut joined = node.join(number, 2, CarrierKind::Quic, &Meter::new())?;
        let channel = joined.take_channels().into_iter().flatten().next().ok_or("no channel to the peer")?;
        outcome.channel.push(measure(&settings, index, &mut Ours(channel))?);
        joined.close()?;
    }
    bare.stop();
    node.stop();
    Ok(Comparison::new(settings, vec![outcome]))
}
