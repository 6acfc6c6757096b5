//! One execution, and what it must not do.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::{Duration, Instant};

use yu_tee_attest::crypto::{AwsLc, Provider, RustCrypto};

use super::meter::{self, Taken};
use super::provider::{Believer, asked};
use super::recipe::Recipe;
use super::target::{Outcome, Target};
use crate::machine::cpu;

/// Most bytes that a reader may hold at once: so many for each byte of the input ...
pub const BYTES_PER_BYTE: u64 = 64;
/// ... and so many whatever the input.
pub const BYTES_FREE: u64 = 1 << 20;
/// Most processor time of one execution.
pub const SLOWEST: Duration = Duration::from_millis(50);

/// What one execution did.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// What the reader said.
    pub outcome: Outcome,
    /// Memory.
    pub taken: Taken,
    /// Signatures that it asked for.
    pub asked: u32,
    /// Wall time.
    pub time: Duration,
}

impl Done {
    /// Hash of everything that tells one way through the reader from another.
    #[must_use]
    pub fn way(&self) -> u64 {
        let calls = if self.taken.calls < 24 { self.taken.calls } else { 24 + u64::from(self.taken.calls.ilog2()) };
        let mixed = self.outcome.answer ^ u64::from(self.asked.min(15)) << 56 ^ calls.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ u64::from(self.outcome.is_accepted)
    }
}

/// What must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fall {
    /// The reader panicked: message and place.
    Panic(String),
    /// It held too many bytes.
    Memory(u64),
    /// It took too long, three times over: milliseconds of processor time.
    Slow(u128),
}

impl std::fmt::Display for Fall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Panic(what) => write!(f, "panic: {what}"),
            Self::Memory(bytes) => write!(f, "memory: {bytes} bytes at once"),
            Self::Slow(time) => write!(f, "slow: {time} ms"),
        }
    }
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Panics of executions are kept, not printed.
pub(super) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let text = info.to_string().replace('\n', " ");
            PANIC.with(|slot| slot.replace(text));
        }));
    });
}

/// Which provider a recipe is run with: mostly one that believes; now and then the real ones, whose readers of keys run too.
fn provider(recipe: &Recipe) -> &'static dyn Provider {
    match recipe.steps().last().unwrap_or(&0) % 8192 {
        1 => &AwsLc,
        2 => &RustCrypto,
        last if last % 16 == 3 => &Believer::Most,
        _ => &Believer::All,
    }
}

/// Runs one input.
///
/// # Errors
/// What must not happen.
pub fn execute(target: &Target, recipe: &Recipe, input: &[u8]) -> Result<Done, Fall> {
    let provider = provider(recipe);
    let once = || {
        asked();
        let start = Instant::now();
        let (result, taken) = meter::taken(|| catch_unwind(AssertUnwindSafe(|| target.run(recipe.seed(), input, provider))));
        (result, taken, start.elapsed())
    };
    let (result, taken, time) = once();
    let Ok(outcome) = result else { return Err(Fall::Panic(PANIC.take())) };
    let asked = asked();
    let most = BYTES_FREE + BYTES_PER_BYTE * u64::try_from(input.len()).unwrap_or(u64::MAX / BYTES_PER_BYTE / 2);
    if taken.peak > most {
        return Err(Fall::Memory(taken.peak));
    }
    if time > SLOWEST {
        // another process may have had the processor: the least of three counts, by the thread's own clock
        let least = (0..3).map(|_| {
            let start = cpu::thread();
            drop(once());
            cpu::thread() - start
        });
        let least = least.min().unwrap_or_default();
        if least > SLOWEST {
            return Err(Fall::Slow(least.as_millis()));
        }
    }
    Ok(Done { outcome, taken, asked, time })
}
