//! Tells one party what is shared (仅向一方披露), on any engine.
//!
//! The receiver shares uniform masks of its own; everybody opens value plus mask; the receiver subtracts. What the others see is uniform:
//! the engine's adversary learns nothing, and against a malicious one the opening is checked as every opening is. Two rounds; on
//! [`rep3`](yu_mpc::rep3) 32 bytes a value. Results for someone who does not compute are sealed instead.

use rand::CryptoRng;
use yu_mpc::engine::{Engine, Input, Module, Vector, wipe};

use crate::evaluate::shares::only;
use crate::{Error, Result};

/// The raw values at party `receiver`, which passes randomness; nothing at the others, which pass `None`.
///
/// # Errors
/// The engine's.
pub fn to_one<E: Engine, R: CryptoRng>(
    engine: &mut E,
    receiver: usize,
    randomness: Option<&mut R>,
    words: &E::Words,
) -> Result<Option<Vec<u64>>> {
    let mut mask = randomness.map(|randomness| (0..words.len()).map(|_| randomness.next_u64()).collect::<Vec<u64>>());
    let input = Input { owner: receiver, len: words.len(), values: mask.as_deref() };
    let shared = only(engine.input(&[input])?)?;
    let opened = only(engine.open(&[&words.add(&shared)])?)?;
    let Some(mask) = &mut mask else { return Ok(None) };
    if opened.len() != mask.len() {
        return Err(Error::caller("an opening has as many values as the shares"));
    }
    let values = opened.iter().zip(mask.iter()).map(|(opened, mask)| opened.wrapping_sub(*mask)).collect();
    wipe(mask);
    Ok(Some(values))
}
