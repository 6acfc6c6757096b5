//! The protocols that can be run: inputs, what a party does, how its result is checked, and what it must cost.

mod data;
mod formula;
mod rep3;

use std::fmt;

use rand::rngs::SysRng;
use rand::{SeedableRng, TryRng};
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};
use yu_mpc::SessionId;
use yu_mpc::cost::{Counts, Formula};
use yu_mpc::psi;
use yu_mpc::rep3::Context;
use yu_mpc::stats::{self, LocalData, Role, StatsPlan};
use yu_wire::channel::Channel;

use crate::Result;
use crate::phase::{NAMES, Watch};
use crate::support::parties::ring;

/// What a bench run runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Alignment.
    Psi,
    /// Products of integers.
    Mul,
    /// Products of fixed-point numbers.
    MulTrunc,
    /// Matrix product of fixed-point numbers.
    Matmul,
    /// Joint statistics.
    Stats,
    /// Alignment and joint statistics.
    Job,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Psi => "psi",
            Self::Mul => "mul",
            Self::MulTrunc => "mul-trunc",
            Self::Matmul => "matmul",
            Self::Stats => "stats",
            Self::Job => "job",
        })
    }
}

impl Protocol {
    /// How many take part.
    #[must_use]
    pub const fn parties(self) -> usize {
        match self {
            Self::Psi => 2,
            Self::Mul | Self::MulTrunc | Self::Matmul | Self::Stats | Self::Job => 3,
        }
    }

    /// A size that takes about a second.
    #[must_use]
    pub const fn default_size(self) -> usize {
        match self {
            Self::Psi | Self::Job => 20_000,
            Self::Mul | Self::MulTrunc => 1 << 20,
            Self::Matmul => 1000,
            Self::Stats => 100_000,
        }
    }

    /// Below it the protocol or its check has no meaning (each group of the statistics needs a row).
    #[must_use]
    pub const fn least_size(self) -> usize {
        match self {
            Self::Psi | Self::Mul | Self::MulTrunc | Self::Matmul => 1,
            Self::Stats => 8,
            Self::Job => 16,
        }
    }

    /// What a unit of size is.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Psi | Self::Job => "rows per side",
            Self::Mul | Self::MulTrunc => "elements",
            Self::Matmul => "rows and columns",
            Self::Stats => "aligned rows",
        }
    }

    /// What a run costs, as messages in the row counts.
    ///
    /// # Errors
    /// A plan that the statistics refuse.
    pub fn formula(self, size: usize) -> Result<Formula> {
        let [left, right, _] = NAMES;
        Ok(match self {
            Self::Psi => psi::formula(left, right),
            Self::Mul => formula::mul(size as u64),
            Self::MulTrunc => formula::mul_trunc(size as u64),
            Self::Matmul => formula::mul_trunc((size as u64).saturating_mul(size as u64)),
            Self::Stats => stats::formula(&data::plan())?,
            Self::Job => stats::job_formula(&data::plan())?,
        })
    }

    /// The row counts of a run.
    #[must_use]
    pub const fn counts(self, size: usize) -> Counts {
        let rows = size as u64;
        let matched = match self {
            Self::Psi | Self::Job => data::matched(size) as u64,
            Self::Mul | Self::MulTrunc | Self::Matmul | Self::Stats => rows,
        };
        Counts { n_left: rows, n_right: rows, matched }
    }
}

/// A party's input, made before anything is measured.
pub enum Input {
    /// Keys to align.
    Keys(Vec<String>),
    /// Our operand, ring elements; empty for the helper.
    Operand(Vec<u64>),
    /// The aligned rows; none for the helper.
    Aligned(Option<LocalData>),
    /// Keys and all rows; none for the helper.
    Tables(Option<(Vec<String>, LocalData)>),
}

impl Input {
    /// The input of party `index`, the same in every run.
    #[must_use]
    pub fn new(protocol: Protocol, size: usize, index: usize) -> Self {
        let role = role(index);
        match protocol {
            Protocol::Psi => Self::Keys(data::keys(index, size)),
            Protocol::Mul => Self::Operand(data::operand(index, size, data::integer)),
            Protocol::MulTrunc => Self::Operand(data::operand(index, size, data::small)),
            Protocol::Matmul => Self::Operand(data::operand(index, size * size, data::small)),
            Protocol::Stats => Self::Aligned(role.owner().map(|owner| data::table(owner, size))),
            Protocol::Job => Self::Tables(role.owner().map(|owner| (data::keys(index, size), data::table(owner, size)))),
        }
    }
}

/// One party's part of a run: set-up, online phase (both measured), check of the result.
pub struct Party<'a> {
    /// What is run.
    pub protocol: Protocol,
    /// Its size.
    pub size: usize,
    /// Which party we are.
    pub index: usize,
    /// Names the run; the same for all parties, different for each run.
    pub session: SessionId,
    /// Our input.
    pub input: &'a Input,
}

impl Party<'_> {
    /// Runs over `channels` (`channels[j]` leads to party `j`); the set-up has begun with `watch`.
    ///
    /// # Errors
    /// The protocol's and the transport's; a result that is not the clear computation's.
    pub fn run(&self, mut channels: Vec<Option<Channel>>, watch: &mut Watch) -> Result<()> {
        let mut rng = ChaCha20Rng::from_seed(seed()?);
        if let Input::Keys(keys) = self.input {
            let channel = channels.get_mut(1 - self.index).and_then(Option::as_mut).ok_or("no channel to the peer")?;
            watch.online();
            let matched = psi::run(channel, self.config(), keys, &mut rng)?;
            watch.done();
            return check_matched(self.size, matched.count());
        }
        if let Input::Tables(tables) = self.input {
            return self.job(channels, tables.as_ref(), watch, &mut rng);
        }
        let (prev, next) = ring(self.index, &mut channels)?;
        let mut context = Context::new(self.index, &self.session, prev, next, &mut rng)?;
        match (self.input, self.protocol) {
            (Input::Operand(own), Protocol::Mul) => rep3::mul(&mut context, self.size, own, watch),
            (Input::Operand(own), Protocol::MulTrunc) => rep3::mul_trunc(&mut context, self.size, own, watch),
            (Input::Operand(own), _) => rep3::matmul(&mut context, self.size, own, watch),
            (Input::Aligned(data), _) => {
                watch.online();
                self.statistics(&mut context, &data::plan(), data.as_ref(), self.size)?;
                watch.done();
                Ok(())
            }
            _ => Err("input of another protocol".into()),
        }
    }

    fn job(
        &self,
        mut channels: Vec<Option<Channel>>,
        tables: Option<&(Vec<String>, LocalData)>,
        watch: &mut Watch,
        rng: &mut ChaCha20Rng,
    ) -> Result<()> {
        watch.online();
        let mut aligned = None;
        let expected = data::matched(self.size);
        if let Some((keys, table)) = tables {
            let channel = channels.get_mut(1 - self.index).and_then(Option::as_mut).ok_or("no channel to the peer")?;
            let matched = psi::run(channel, self.config(), keys, rng)?;
            check_matched(self.size, matched.count())?;
            aligned = Some(data::select(table, matched.rows())?);
        }
        let (prev, next) = ring(self.index, &mut channels)?;
        let mut context = Context::new(self.index, &self.session, prev, next, rng)?;
        self.statistics(&mut context, &data::plan(), aligned.as_ref(), expected)?;
        watch.done();
        Ok(())
    }

    fn statistics(&self, context: &mut Context, plan: &StatsPlan, data: Option<&LocalData>, rows: usize) -> Result<()> {
        let role = role(self.index);
        let n = stats::agree(context, plan, role, data.map(|_| rows as u64))?;
        let shares = stats::run(context, plan, role, data, n)?;
        if n == rows as u64 && shares.share.len() == shares.layout.len() { Ok(()) } else { Err("wrong shape of the result".into()) }
    }

    fn config(&self) -> psi::Config {
        let party = NAMES.get(self.index).copied().unwrap_or("party").to_owned();
        psi::Config { party, session: self.session, limits: psi::Limits::NONE, expected_peer_rows: None }
    }
}

const fn role(index: usize) -> Role {
    match index {
        0 => Role::Left,
        1 => Role::Right,
        _ => Role::Helper,
    }
}

fn check_matched(size: usize, found: u64) -> Result<()> {
    let expected = data::matched(size) as u64;
    if found == expected { Ok(()) } else { Err(format!("`{found}` rows matched, expected `{expected}`").into()) }
}

pub(crate) fn seed() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    SysRng.try_fill_bytes(&mut seed)?;
    Ok(seed)
}
