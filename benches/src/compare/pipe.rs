//! What is measured, alike for a bare stream and for our channel.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use yu_wire::channel::{Channel, Expect};
use yu_wire::frame::CHUNK;
use yu_wire::step::Step;

use super::{SMALL, Settings};
use crate::Result;
use crate::machine::cpu;

/// Frames before a throughput measurement: 32 MiB, past slow start.
const WARM_FRAMES: usize = 128;
/// Round trips before a measurement of them.
const WARM_ROUNDS: usize = 200;
const STEP: Step = Step::new(0x7f01, 1);

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Throughput of full frames in one direction.
    Channel,
    /// Small messages to and fro.
    RoundTrip,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Channel => "channel",
            Self::RoundTrip => "round-trip",
        })
    }
}

/// One measurement as one party saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Half {
    /// Seconds from the first frame to the last answer.
    pub wall_s: f64,
    /// CPU seconds of the whole process in that time.
    pub cpu_s: f64,
}

/// A stream of messages of known sizes.
pub(super) trait Pipe {
    /// Sends one message.
    fn send(&mut self, payload: Bytes) -> Result<()>;
    /// Receives one message of `len` bytes and forgets it.
    fn recv(&mut self, len: usize) -> Result<()>;
}

/// Our channel.
pub(super) struct Ours(pub(super) Channel);

impl Pipe for Ours {
    fn send(&mut self, payload: Bytes) -> Result<()> {
        Ok(self.0.send(STEP, payload)?)
    }

    fn recv(&mut self, len: usize) -> Result<()> {
        self.0.recv(STEP, Expect::Exactly(len))?;
        Ok(())
    }
}

/// Warms up and measures, as party `index`.
pub(super) fn measure(settings: &Settings, index: usize, pipe: &mut impl Pipe) -> Result<Half> {
    let mut work = |count: usize| match settings.subject {
        Subject::Channel => stream(index, count, pipe),
        Subject::RoundTrip => ping_pong(index, count, pipe),
    };
    work(match settings.subject {
        Subject::Channel => WARM_FRAMES,
        Subject::RoundTrip => WARM_ROUNDS,
    })?;
    let (wall, cpu) = (Instant::now(), cpu::process());
    work(settings.count)?;
    Ok(Half { wall_s: wall.elapsed().as_secs_f64(), cpu_s: cpu::process().saturating_sub(cpu).as_secs_f64() })
}

/// Party 1 sends `count` frames, party 0 says that it has them all.
fn stream(index: usize, count: usize, pipe: &mut impl Pipe) -> Result<()> {
    if index == 0 {
        (0..count).try_for_each(|_| pipe.recv(CHUNK))?;
        return pipe.send(Bytes::from_static(&[0; SMALL]));
    }
    let frame = Bytes::from(vec![0x5a; CHUNK]);
    (0..count).try_for_each(|_| pipe.send(frame.clone()))?;
    pipe.recv(SMALL)
}

/// Party 1 asks, party 0 answers, `count` times.
fn ping_pong(index: usize, count: usize, pipe: &mut impl Pipe) -> Result<()> {
    let small = Bytes::from_static(&[0; SMALL]);
    (0..count).try_for_each(|_| {
        if index == 1 {
            pipe.send(small.clone())?;
            return pipe.recv(SMALL);
        }
        pipe.recv(SMALL)?;
        pipe.send(small.clone())
    })
}
