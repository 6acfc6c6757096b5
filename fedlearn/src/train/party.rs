//! A party: keeps its rows, answers with contributions.

use rand::CryptoRng;
use yu_wire::channel::Channel;

use super::answer::Work;
use super::plan::Plan;
use super::state::Saved;
use super::sums::most_asked;
use super::trained::{Figures, Trained};
use crate::data::Dataset;
use crate::model::Model;
use crate::secagg::identity::{Signer, Verifier};
use crate::star;
use crate::strategy::Step;
use crate::{Error, Result};

/// What a party needs beside the plan and the line to the coordinator. It hears of each round.
pub type Party<'a, S, V> = star::Party<'a, S, V, dyn FnMut(&Figures) + 'a>;

/// Takes part until the coordinator says that it is over; returns the trained model and its bytes.
///
/// # Errors
/// [`Error::Peer`] for a coordinator that breaks the protocol, asks to unmask twice, or tells another model at the end than the one it
/// trained; [`Error::Data`] for rows that the model cannot be trained on; [`Error::Budget`]; [`Error::Caller`] for a plan that
/// cannot be; those of `keep`; the transport's.
pub fn take_part<S: Signer, V: Verifier, R: CryptoRng>(
    plan: &Plan,
    line: &mut Channel,
    with: Party<'_, S, V>,
    rng: &mut R,
) -> Result<(Trained, Vec<u8>)> {
    take_part_by(plan, line, with, &mut plan.settings.strategy.local.clone(), rng)
}

/// The same with updates made in another way, as by [`External`](crate::external::External).
///
/// # Errors
/// As [`take_part`]; [`Error::Unsafe`] for a plan with a privacy budget and a step that does not bound what a row does; those of the step.
pub fn take_part_by<S: Signer, V: Verifier, R: CryptoRng>(
    plan: &Plan,
    line: &mut Channel,
    with: Party<'_, S, V>,
    step: &mut dyn Step,
    rng: &mut R,
) -> Result<(Trained, Vec<u8>)> {
    let network = plan.check()?;
    if plan.settings.privacy.is_some() && !step.bounds_rows() {
        return Err(Error::Unsafe {
            setting: "privacy".into(),
            reason: "what a single row does to the update of this trainer is not bounded, so no noise hides it".into(),
            remedy: "train with `strategy.local.private`, or leave out the budget".into(),
        });
    }
    let layout = plan.layout(&network);
    plan.check_party(with.index, &with.rows)?;
    network.check(&with.rows.batch())?;
    let saved = Saved::open(plan, &with.rows, with.resume, rng)?;
    let mut work = Work::new(plan, network, &layout, saved, with, step, rng)?;
    // stored before anything that depends on it leaves
    work.keep()?;
    let last = star::serve(line, most_asked(plan, &layout).max(plan.most_document()?), |place, body| work.answer(place, body))?;
    let peer = |what: &str| Error::Peer { culprit: plan.coordinator.clone(), step: "last word", what: what.to_owned() };
    let trained = Trained::from_bytes(&last).map_err(|error| peer(&error.to_string()))?;
    if !trained.is_of(plan) || !work.has_seen(&trained) {
        return Err(peer("it is about another model than the one that was trained"));
    }
    work.heard(&last)?;
    Ok((trained, last))
}

/// The trained model and its bytes, if this party had heard them before it ended: then there is nothing left to take part in.
///
/// # Errors
/// [`Error::Caller`] for the state of another job; [`Error::Data`] for a damaged one.
pub fn heard(plan: &Plan, resume: &[u8]) -> Result<Option<(Trained, Vec<u8>)>> {
    let saved = Saved::read(plan, resume)?;
    saved.heard.clone().map(|bytes| Ok((Trained::from_bytes(&bytes)?, bytes))).transpose()
}

/// Rows to train on, and rows to judge by: every so many one, beginning with the first.
pub(crate) fn parted(rows: &Dataset, every: u32) -> Result<(Dataset, Option<Dataset>)> {
    if every == 0 || rows.rows() < every as usize {
        return Ok((rows.clone(), None));
    }
    let (held, kept): (Vec<usize>, Vec<usize>) = (0..rows.rows()).partition(|row| row % every as usize == 0);
    Ok((rows.take(&kept)?, Some(rows.take(&held)?)))
}
