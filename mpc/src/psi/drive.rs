//! The loop that moves the messages over a channel. Points are computed, sent, received and answered batch by batch, so
//! that computing and sending overlap and nothing is held twice.

use bytes::Bytes;
use rand::CryptoRng;
use yu_wire::channel::{Channel, Expect};
use yu_wire::frame::CHUNK;

use super::config::Config;
use super::msg::{Hello, PsiStep};
use super::party::{Matched, Offer};
use crate::Result;
use crate::cost::{Expr, Formula, Var};

/// Batches sent ahead of those received: both sides stay busy and no buffer fills up.
const LEAD: usize = 2;

/// Frames of tags sent ahead (8 MiB, below every carrier's buffer).
const LEAD_TAGS: usize = 32;

/// Finds the rows whose keys the peer has too. `keys` are normalised key bytes, one per row, all different.
///
/// # Errors
/// [`crate::Error::Policy`] if a size is outside the limits, before any point is sent; [`crate::Error::Caller`] for repeated keys; [`crate::Error::Peer`] if the
/// peer breaks the protocol; the transport's.
///
/// ```
/// use rand::{rngs::SysRng, rand_core::UnwrapErr};
/// use yu_mpc::psi::{Config, Limits, run};
///
/// let (mut a, mut b) = yu_wire::memory::pair("health", "bank");
/// let config = |party: &str| Config { party: party.into(), session: [7; 32], limits: Limits::NONE, expected_peer_rows: None };
/// let bank = std::thread::spawn(move || {
///     run(&mut b, config("bank"), &["x", "z"], &mut UnwrapErr(SysRng)).map(|matched| matched.rows().to_vec())
/// });
/// let health = run(&mut a, config("health"), &["y", "x"], &mut UnwrapErr(SysRng))?;
/// assert_eq!(health.rows(), [1]);
/// assert_eq!(bank.join().unwrap()?, [0]);
/// # Ok::<(), yu_mpc::Error>(())
/// ```
pub fn run<K: AsRef<[u8]> + Sync>(channel: &mut Channel, config: Config, keys: &[K], rng: &mut impl CryptoRng) -> Result<Matched> {
    let peer = channel.peer().to_owned();
    let (offer, hello) = Offer::new(config, keys, rng)?;
    channel.send(PsiStep::Hello, Bytes::copy_from_slice(&hello.encode()))?;
    let answer = channel.recv(PsiStep::Hello, Expect::Exactly(Hello::LEN))?;
    let mut masking = offer.accept(&peer, Hello::decode(&peer, &answer)?)?;

    channel.begin_send(PsiStep::Points, masking.own_len() as u64)?;
    channel.begin_recv(PsiStep::Points, Expect::Exactly(masking.peer_len()?))?;
    interleave(
        channel,
        LEAD,
        &mut masking,
        |masking| Ok(masking.next_points()?.map(Bytes::from)),
        |masking, piece| masking.take_points(piece),
    )?;
    let mut tagging = masking.finish()?;

    let mut tags = Bytes::from(tagging.take_tags());
    let mut received = Vec::with_capacity(tagging.expected_len());
    channel.begin_send(PsiStep::Tags, tags.len() as u64)?;
    channel.begin_recv(PsiStep::Tags, Expect::Exactly(tagging.expected_len()))?;
    let next = |_: &mut Vec<u8>| Ok((!tags.is_empty()).then(|| tags.split_to(tags.len().min(CHUNK))));
    interleave(channel, LEAD_TAGS, &mut received, next, |received, piece| {
        received.extend_from_slice(piece);
        Ok(())
    })?;
    tagging.finish(&received)
}

/// Moves the message begun in each direction: at most `lead` frames ahead of what came in, as long as something comes in.
fn interleave<S>(
    channel: &mut Channel,
    lead: usize,
    state: &mut S,
    mut next: impl FnMut(&mut S) -> Result<Option<Bytes>>,
    mut take: impl FnMut(&mut S, &[u8]) -> Result<()>,
) -> Result<()> {
    let (mut is_sending, mut is_receiving, mut ahead) = (true, true, 0);
    while is_sending || is_receiving {
        if is_sending && (ahead < lead || !is_receiving) {
            match next(state)? {
                Some(piece) => {
                    channel.push(piece)?;
                    ahead += 1;
                    continue;
                }
                None => is_sending = false,
            }
        }
        if is_receiving {
            match channel.pull()? {
                Some(piece) => {
                    take(state, &piece)?;
                    ahead = ahead.saturating_sub(1);
                }
                None => is_receiving = false,
            }
        }
    }
    Ok(())
}

/// What a run between two parties costs, as a formula in `n_left` and `n_right`.
#[must_use]
pub fn formula(left: &str, right: &str) -> Formula {
    let both = |step: PsiStep, to_right: Expr, to_left: Expr| [(step.label(), left, right, to_right), (step.label(), right, left, to_left)];
    let (n_left, n_right) = (Expr::from(Var::Left), Expr::from(Var::Right));
    let hello = Expr::from(Hello::LEN as u64);
    let points = |rows: &Expr| Expr::from(super::party::POINT_LEN as u64) * rows.clone();
    let tag = Expr::TagBytes(Box::new(n_left.clone()), Box::new(n_right.clone()));
    let tags = |rows: &Expr| rows.clone() * tag.clone();
    let mut formula = Formula::empty();
    formula.phase(both(PsiStep::Hello, hello.clone(), hello));
    formula.phase(both(PsiStep::Points, points(&n_left), points(&n_right)));
    formula.phase(both(PsiStep::Tags, tags(&n_right), tags(&n_left)));
    formula
}
