//! What all parties of a job agree on before the first message.

use sha2::{Digest, Sha256};

use super::graph::{Regular, Topology};
use super::keys::Hash;
use super::layout::Layout;
use super::set::PartySet;
use crate::{Error, Result};

/// Fewer survivors than this are refused: of two, each would learn the other's input by subtraction.
pub const MIN_SURVIVORS: usize = 3;
const MAX_PARTIES: usize = 1 << 16;
const MAX_ROUNDS: u32 = 1 << 12;

/// What the server may do. Parties that pool what they see with the server are counted by the threshold in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adversary {
    /// The server follows the protocol and looks at everything. `t > n / 2`; fewer than `t` parties collude with it.
    SemiHonest,
    /// The server sends what it wants. `t > 2 n / 3`, one round more, and at most `2 t - n - 1` parties collude with it: two
    /// survivor sets with `t` signatures each share `2 t - n` signers, so an honest one, who signs once. For `t` just above
    /// `2 n / 3` that is fewer than `n / 3`.
    Malicious,
}

/// The parameters of a job.
#[derive(Clone, Debug)]
pub struct Params {
    /// Identity of the job, the hash of its contract.
    pub job: [u8; 32],
    /// Number of the first round that is set up.
    pub first_round: u64,
    /// Rounds that are set up at once, 1 to 4096. Every round has keys of its own.
    pub rounds: u32,
    /// Name of the server.
    pub server: String,
    /// Names of the parties, in order of their index.
    pub parties: Vec<String>,
    /// Weights of a vector.
    pub len: usize,
    /// Bits of a weight, 1 to 32.
    pub bits: u32,
    /// So many weights at the end are digits of long numbers, in base 2^W for the width W of the layout, the lowest first: their sums carry from
    /// one to the next, so that the server learns the sum of the numbers and not those of the digits. A number does not cross a multiple of
    /// [`super::BLOCK`], and its highest digit has room for the sum.
    pub long: usize,
    /// What the server may do.
    pub adversary: Adversary,
    /// Who shares with whom.
    pub topology: Topology,
}

impl Topology {
    /// The complete graph with the smallest threshold for this adversary: the server together with fewer than half of the parties learns nothing.
    #[must_use]
    pub const fn recommended(parties: usize, adversary: Adversary) -> Self {
        Self::Complete { threshold: least_threshold(parties, adversary) as u32 }
    }

    /// For many parties and a server that follows the protocol: a regular graph, if there is one, where at most `corrupted` parties collude with the
    /// server and `dropping` stop. It sends far less than the complete graph and **holds for that number only**: with more, an honest party may have
    /// enough colluding neighbours for both of its secrets. So the number is named by whoever chooses it.
    ///
    /// # Errors
    /// As [`Regular::choose`].
    pub fn sparse(parties: usize, corrupted: usize, dropping: usize) -> Result<Self> {
        Regular::choose(parties, corrupted, dropping).map(Self::Regular)
    }
}

/// The smallest threshold of a complete graph.
const fn least_threshold(parties: usize, adversary: Adversary) -> usize {
    match adversary {
        Adversary::SemiHonest => parties / 2 + 1,
        Adversary::Malicious => 2 * parties / 3 + 1,
    }
}

/// Checked parameters and what follows from them.
#[derive(Clone, Debug)]
pub struct Config {
    params: Params,
    layout: Layout,
    context: Hash,
}

impl Config {
    /// Checks parameters.
    ///
    /// # Errors
    /// [`Error::Unsafe`] for fewer than 3 parties, a threshold too low for the adversary, or a regular graph with a malicious
    /// server; [`Error::Caller`] for sizes out of range and names that are empty or given twice.
    pub fn new(params: Params) -> Result<Self> {
        let n = params.parties.len();
        if n < MIN_SURVIVORS {
            return Err(Error::Unsafe {
                setting: "parties".into(),
                reason: format!("with `{n}` parties each learns the other's input from the sum"),
                remedy: "at least 3 parties, or another technique".into(),
            });
        }
        if n > MAX_PARTIES || !(1..=MAX_ROUNDS).contains(&params.rounds) || !(1..=32).contains(&params.bits) {
            return Err(Error::caller(format!(
                "`{n}` parties, `{}` rounds, `{}` bits: at most 65536 parties, 1 to 4096 rounds, 1 to 32 bits",
                params.rounds, params.bits
            )));
        }
        if params.long > params.len || (params.long > 0 && Layout::new(n, params.len, params.bits).width() > u32::BITS) {
            return Err(Error::caller(format!(
                "`{}` digits of long numbers among `{}` weights, of at most 32 bits with the sum",
                params.long, params.len
            )));
        }
        if params.len == 0 || u32::try_from(params.len).is_err() {
            return Err(Error::caller(format!("`{}` weights: 1 to 2^32 - 1 are possible", params.len)));
        }
        let mut names: Vec<&str> = params.parties.iter().map(String::as_str).chain([params.server.as_str()]).collect();
        names.sort_unstable();
        if names.first().is_some_and(|name| name.is_empty()) || names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::caller("names of parties and server must be there and differ"));
        }
        match params.topology {
            Topology::Complete { threshold } => {
                let least = least_threshold(n, params.adversary);
                if (threshold as usize) < least {
                    return Err(Error::Unsafe {
                        setting: "threshold".into(),
                        reason: format!("with `{threshold}` of `{n}` shares the server could open both secrets of a party"),
                        remedy: format!("at least `{least}`"),
                    });
                }
                if threshold as usize > n {
                    return Err(Error::caller(format!("threshold `{threshold}` above `{n}` parties")));
                }
            }
            Topology::Regular(regular) => {
                if params.adversary == Adversary::Malicious {
                    return Err(Error::Unsafe {
                        setting: "regular graph".into(),
                        reason: "a malicious server could declare chosen neighbours to be gone and learn sums of parts".into(),
                        remedy: "the complete graph, or a server that is trusted to follow the protocol".into(),
                    });
                }
                if regular.parties() as usize != n {
                    return Err(Error::caller(format!("graph chosen for `{}` parties, not `{n}`", regular.parties())));
                }
            }
        }
        let layout = Layout::new(n, params.len, params.bits);
        let context = context(&params);
        Ok(Self { params, layout, context })
    }

    /// What was agreed.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// Sizes of a masked vector.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Number of parties, `n`.
    #[must_use]
    pub const fn parties(&self) -> usize {
        self.params.parties.len()
    }

    /// Shares that make a secret, `t`.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        match self.params.topology {
            Topology::Complete { threshold } => threshold as usize,
            Topology::Regular(regular) => regular.threshold() as usize,
        }
    }

    /// Parties that must be left at every stage.
    #[must_use]
    pub fn quorum(&self) -> usize {
        let least = match self.params.topology {
            Topology::Complete { threshold } => threshold,
            Topology::Regular(regular) => regular.quorum(),
        };
        (least as usize).max(MIN_SURVIVORS)
    }

    /// Name of a party.
    #[must_use]
    pub fn name(&self, party: u32) -> &str {
        self.params.parties.get(party as usize).map_or("nobody", String::as_str)
    }

    /// Hash of everything that was agreed.
    pub(super) const fn context(&self) -> &Hash {
        &self.context
    }

    pub(super) fn empty_set(&self) -> PartySet {
        PartySet::new(self.parties())
    }

    pub(super) fn set(&self, members: impl IntoIterator<Item = u32>) -> PartySet {
        PartySet::of(self.parties(), members)
    }

    pub(super) fn check_party(&self, party: u32) -> Result<()> {
        if party as usize >= self.parties() {
            return Err(Error::caller(format!("party `{party}` of `{}`", self.parties())));
        }
        Ok(())
    }

    pub(super) fn check_round(&self, round: u32) -> Result<()> {
        if round >= self.params.rounds {
            return Err(Error::caller(format!("round `{round}` of the `{}` that were set up", self.params.rounds)));
        }
        Ok(())
    }

    pub(super) fn check_quorum(&self, step: &'static str, present: usize) -> Result<()> {
        let needed = self.quorum();
        if present < needed {
            return Err(Error::Quorum { step, present, needed, remedy: "wait longer, or repeat with the parties that are there" });
        }
        Ok(())
    }

    /// A party deviated.
    pub(super) fn peer(&self, party: u32, step: &'static str, what: impl Into<String>) -> Error {
        Error::Peer { culprit: self.name(party).to_owned(), step, what: what.into() }
    }

    /// The server deviated.
    pub(super) fn server(&self, step: &'static str, what: impl Into<String>) -> Error {
        Error::Peer { culprit: self.params.server.clone(), step, what: what.into() }
    }

    pub(super) fn names(&self, parties: impl IntoIterator<Item = u32>) -> String {
        parties.into_iter().map(|party| self.name(party)).collect::<Vec<_>>().join(", ")
    }
}

fn context(params: &Params) -> Hash {
    let (kind, numbers) = match params.topology {
        Topology::Complete { threshold } => (0, [threshold, 0, 0, 0]),
        Topology::Regular(regular) => (1, [regular.threshold(), regular.degree(), regular.quorum(), regular.corrupted()]),
    };
    let adversary = match params.adversary {
        Adversary::SemiHonest => 0,
        Adversary::Malicious => 1,
    };
    let mut hash = Sha256::new()
        .chain_update(b"yu-fedlearn/secagg/context/v2")
        .chain_update(params.job)
        .chain_update(params.first_round.to_le_bytes())
        .chain_update(params.rounds.to_le_bytes())
        .chain_update((params.len as u64).to_le_bytes())
        .chain_update(params.bits.to_le_bytes())
        .chain_update((params.long as u64).to_le_bytes())
        .chain_update([adversary, kind]);
    for number in numbers {
        hash.update(number.to_le_bytes());
    }
    hash.update((params.parties.len() as u64).to_le_bytes());
    for name in params.parties.iter().chain([&params.server]) {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
    }
    hash.finalize().into()
}
