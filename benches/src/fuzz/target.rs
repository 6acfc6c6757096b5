//! A reader under test: its seeds, and what it says.

use yu_tee_attest::claims::Value;
use yu_tee_attest::crypto::Provider;
use yu_tee_attest::{Claims, Fault};

use super::mutate::Form;

/// A genuine input.
#[derive(Debug)]
pub struct Seed {
    /// The file that it is from.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Seed {
    pub(super) fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), bytes }
    }
}

/// What a reader said: inputs that it answers in a new way are worth changing further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// It took the input.
    pub is_accepted: bool,
    /// Hash of the answer, without the numbers in it.
    pub answer: u64,
}

type Run = Box<dyn Fn(usize, &[u8], &dyn Provider) -> Outcome + Send + Sync>;

/// One reader.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What its inputs are made of.
    pub form: Form,
    /// Executions in one round of all targets: many for the quick ones.
    pub weight: u32,
    /// Where inputs start from; at least one.
    pub seeds: Vec<Seed>,
    run: Run,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("name", &self.name).field("seeds", &self.seeds.len()).finish_non_exhaustive()
    }
}

/// Executions in one round of a reader of some microseconds.
pub(super) const QUICK: u32 = 512;
/// Of one that reads whole collateral, some tens of microseconds.
pub(super) const MIDDLE: u32 = 48;
/// Of one that calculates on curves, up to a millisecond.
pub(super) const SLOW: u32 = 2;

impl Target {
    /// `run` gets the number of the seed that the input comes from, for what belongs to it.
    pub(super) fn new(
        name: &'static str,
        form: Form,
        weight: u32,
        seeds: Vec<Seed>,
        run: impl Fn(usize, &[u8], &dyn Provider) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self { name, form, weight, seeds, run: Box::new(run) }
    }

    /// Reads one input.
    #[must_use]
    pub fn run(&self, seed: usize, input: &[u8], provider: &dyn Provider) -> Outcome {
        (self.run)(seed, input, provider)
    }
}

/// FNV-1a: short texts, no adversary.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Letters that are no hexadecimal digits, outside of backticks: what the input cannot choose.
    fn words(mut self, text: &str) -> Self {
        let mut is_quoted = false;
        for byte in text.bytes().take(200) {
            is_quoted ^= byte == b'`';
            if !is_quoted && !byte.is_ascii_hexdigit() {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        self
    }
}

/// The answer of a fault: code, place and words.
pub(super) fn refused(fault: &Fault) -> Outcome {
    let hash = Hash::new().words(fault.code).words(&fault.detail.place).words(&fault.detail.what.en);
    Outcome { is_accepted: false, answer: hash.0 }
}

/// The answer of a reader that says yes or no in one way only.
pub(super) const fn plain(is_accepted: bool) -> Outcome {
    Outcome { is_accepted, answer: is_accepted as u64 }
}

/// The answer of a reader whose result has nothing to look at.
pub(super) fn told<T>(result: Result<T, Fault>) -> Outcome {
    match result {
        Ok(_) => plain(true),
        Err(fault) => refused(&fault),
    }
}

/// The answer of a verifier: which claims there are, and those of few values.
pub(super) fn claimed(claims: &Claims) -> Outcome {
    let mut hash = Hash::new();
    for (name, value) in claims.iter() {
        hash = hash.words(name);
        hash = match value {
            Value::Flag(_) | Value::Tcb(_) => hash.words(&value.show()),
            Value::List(list) => hash.words(if list.is_empty() { "none" } else { "some" }),
            _ => hash,
        };
    }
    Outcome { is_accepted: true, answer: hash.0 }
}
