//! The release gate of a trained model (模型出域检验): each party attacks the model with its own rows before it vouches for it.
//!
//! | to see | open |
//! |---|---|
//! | the attacks, and what comes out | [`examine`], [`Report`], [`Test`] |
//! | limits, as a job file says them | [`Settings`] |
//! | what is examined: a network, trees, anything that gives a loss | [`Subject`] |
//! | rows to train on, rows to hold back, records to plant | [`Rows`], [`plant`] |
//! | all of it for a horizontal training | [`of_training`], of trees [`of_trees`] |
//!
//! | test | refuses when | how it is done |
//! |---|---|---|
//! | advantage (成员推断优势) | the loss tells on average who was in the training | Yeom et al., CSF 2018, section 3.2 |
//! | membership by loss (成员推断) | some own rows are told from rows held back, at a false-positive rate at which a claim is believed | Carlini et al., S&P 2022 |
//! | membership by shadows | the same, knowing what the loss of each row is with and without it | LiRA, Carlini et al., S&P 2022 |
//! | canaries | a planted record is known better than all but one in `2^canary_exposure` of its kind | Carlini et al., USENIX Security 2019 |
//! | leaf size | a leaf of a tree stands for fewer than `leaf_rows` rows | counted |
//! | privacy statement | `epsilon` is set, and the training spent more or was not private | accounted |
//!
//! The attacks are those of [`yu_desensitize::restore`]; the upper end of an interval of Clopper and Pearson is compared with the limit, so that
//! rows too few to tell do not pass: by [`WhenUnsure`] they refuse, or are said to tell nothing. There is no third way.
//!
//! **What shadows are here.** A party can train models like the one that leaves with its own rows only: by the same strategy, rounds and
//! privacy, as one party. They remember more than the model of all parties, so their statistics are sharper than an attacker's who has one
//! party's rows; the share that is judged is always that of the real model on rows that it has, and has not, seen.
//!
//! **What the report tells.** It leaves with the model. It holds no row, no loss and no exact count of rows: numbers of rows are given in tens, rounded
//! to the side that tells less of how well the model stands. Passing is itself a word about the rows that no privacy budget pays for.
//!
//! **What a pass does not prove:** that attacks which are not listed fail, too. Only the privacy statement bounds those.
//!
//! **Cost.** One loss for each row used, at most `2 sample`; with shadows `shadow_models` trainings on half of them and one loss for each row
//! and shadow; with canaries one training and `2^canary_exposure` losses more. Trainings are counted before they begin, in multiplications
//! and additions: above [`Settings::work`] they are not begun. Nothing depends on a clock: the same seed gives the same report.

mod attacks;
mod forest;
mod network;
mod report;
mod rows;
mod rules;
mod settings;
mod subject;

pub use report::{Outcome, Report, Rule, Test, Verdict};
pub use rows::{Planted, Rows, plant};
pub use settings::{Settings, WhenUnsure};
pub use subject::{Leaves, Subject};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::data::Dataset;
use crate::train::{Plan, Trained};
use crate::trees::horizontal;
use crate::{Error, Result};

/// Attacks a model with own rows: `members` it was trained with, `held_back` of the same source it was not.
///
/// `planted` are canaries that were among the rows of the training; without, and with a trainer, some are planted in a model trained here.
///
/// # Errors
/// [`Error::Caller`] for limits out of range; [`Error::Data`] for rows of another shape, no member, or a model that gives no loss. An error
/// is no pass.
pub fn examine(
    subject: &Subject<'_>,
    members: &Dataset,
    held_back: &Dataset,
    planted: Option<&Planted>,
    settings: &Settings,
    seed: &[u8; 32],
) -> Result<Report> {
    settings.check()?;
    for (rows, what) in [(members, "rows of the training"), (held_back, "rows held back")] {
        if rows.columns() != subject.columns() {
            return Err(Error::Data {
                what: what.into(),
                problem: format!("{} columns, the model has {}", rows.columns(), subject.columns()),
                remedy: "give the model's features in their order".into(),
            });
        }
    }
    if members.rows() == 0 {
        return Err(Error::Data {
            what: "rows of the training".into(),
            problem: "there is none".into(),
            remedy: "let the parties examine the model whose rows are in it".into(),
        });
    }
    let mut rng = ChaCha20Rng::from_seed(*seed);
    let mut tests = attacks::run(subject, members, held_back, planted, settings, &mut rng)?;
    tests.extend(rules::leaves(subject, members, settings)?);
    tests.push(rules::privacy(subject, settings));
    Ok(Report::new(subject, settings, [members.rows(), held_back.rows()], tests))
}

/// [`examine`] for a horizontal training: `rows` are the party's, as [`Rows::divide`] got them before the training.
///
/// # Errors
/// As [`examine`] and [`Rows::divide`]; [`Error::Caller`] for a model of another plan.
pub fn of_training(plan: &Plan, trained: &Trained, rows: &Dataset, settings: &Settings, seed: &[u8; 32]) -> Result<Report> {
    if !trained.is_of(plan) {
        return Err(Error::caller("the trained model is not that of the plan: examine the model that the job trained"));
    }
    let divided = Rows::divide(plan, rows, settings)?;
    let subject = Subject::trained(trained, &plan.settings)?;
    examine(&subject, &divided.members, &divided.held_back, None, settings, seed)
}

/// [`examine`] for boosted trees over parties: `rows` are the party's, as [`Rows::hold_back`] got them before the training.
///
/// # Errors
/// As [`examine`] and [`Rows::hold_back`]; [`Error::Caller`] for trees of another plan.
pub fn of_trees(
    plan: &horizontal::Plan,
    trained: &horizontal::Trained,
    rows: &Dataset,
    settings: &Settings,
    seed: &[u8; 32],
) -> Result<Report> {
    if !trained.is_of(plan) {
        return Err(Error::caller("the trees are not those of the plan: examine the trees that the job trained"));
    }
    let divided = Rows::hold_back(rows, &plan.job, settings)?;
    examine(&Subject::boosted(trained)?, &divided.members, &divided.held_back, None, settings, seed)
}
