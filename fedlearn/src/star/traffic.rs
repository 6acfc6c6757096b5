//! How many bytes the questions and answers of a training take, counted before it runs.

use yu_wire::frame::framed_len;

use super::HEAD;
use crate::secagg::Config;
use crate::secagg::msg::{self, Message};
use crate::{Error, Result};

/// Between the coordinator and one party, with the frames' headers, if nothing has to be repeated: at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Coordinator to party, without the last word.
    pub down: u64,
    /// Party to coordinator.
    pub up: u64,
    /// Questions and answers.
    pub exchanges: u64,
}

impl Bytes {
    /// So many exchanges with bodies of these lengths.
    pub(crate) fn add(&mut self, times: u64, down: usize, up: usize) -> Result<()> {
        let all = |total: u64, body: usize| {
            let bytes = framed_len((HEAD as u64).saturating_add(body as u64));
            bytes.checked_mul(times).and_then(|bytes| total.checked_add(bytes))
        };
        let too_much = || Error::caller("the training sends more bytes than can be counted");
        self.down = all(self.down, down).ok_or_else(too_much)?;
        self.up = all(self.up, up).ok_or_else(too_much)?;
        self.exchanges += times;
        Ok(())
    }

    /// Keys for secure aggregation, set up so many times by questions of this length.
    pub(crate) fn add_set_ups(&mut self, times: u64, question: usize, config: &Config) -> Result<()> {
        self.add(times, question, msg::Advert::limit(config))?;
        self.add(times, msg::Roster::limit(config), msg::Shares::limit(config))?;
        self.add(times, msg::Delivery::limit(config), 0)
    }

    /// So many masked vectors that answer tasks of this length, with what takes the masks off their sum.
    pub(crate) fn add_masked(&mut self, times: u64, task: usize, config: &Config, malicious: bool) -> Result<()> {
        self.add(times, task, msg::Masked::size(config))?;
        if malicious {
            self.add(times, msg::Survivors::limit(config), msg::Consent::limit(config))?;
            return self.add(times, msg::Consents::limit(config), msg::Unmask::limit(config));
        }
        self.add(times, msg::Survivors::limit(config), msg::Unmask::limit(config))
    }
}
