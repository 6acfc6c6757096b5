//! Models that stay split among computing parties: this node's share of each, kept under the authorisation it was trained under.
//!
//! ```text
//! end of the training     the share is a working object of its job: a job that fails or is refused takes it away
//! result approved         it becomes a model of this node, named by the job that trained it
//! later                   evaluations and predictions under the same authorisation use it
//! `yu model destroy`, or the authorisation ends: it is destroyed, with a certificate
//! ```

use crate::destroy;
use crate::fault::{Code, Fault, Result};
use crate::job::bundle::{self, Bundle};
use crate::journal::Note;
use crate::keys::now;
use crate::node::Node;
use serde::{Deserialize, Serialize};
use yu_fedlearn::vertical::task::Kept;
use yu_governance::audit::{Event, Verb};
use yu_governance::authorisation::Authorisation;
use yu_governance::canonical::Hash;
use yu_governance::workflow::evidence::Doomed;
use zeroize::Zeroizing;

/// Vault names begin so.
const PREFIX: &str = "model-";
/// Jobs of which what is to be kept is kept.
const KEPT: &str = "model-kept";
/// Keys of the rows behind released probabilities begin so.
const KEYS: &str = "result-keys-";

fn working_share(job: &str) -> String {
    format!("{}model-share", destroy::prefix(job))
}

fn working_keys(job: &str) -> String {
    format!("{}aligned-keys", destroy::prefix(job))
}

/// Stores the share that a training left here, until the result is decided.
///
/// # Errors
/// `storage.failed`, `disk.full`.
pub fn made(node: &Node, job: &str, kept: &Kept) -> Result<()> {
    node.vault().put(&working_share(job), &kept.to_bytes()?)
}

/// What is known of something kept without opening it.
#[derive(Serialize, Deserialize)]
struct Label {
    /// It goes when this ends.
    authorisation: String,
    /// Data sets of this node in it.
    datasets: Vec<String>,
}

/// Stores the keys of the own rows that matched, in their order, until the result is decided: the receiver of probabilities needs them.
///
/// # Errors
/// `storage.failed`, `disk.full`.
pub fn matched(node: &Node, job: &str, keys: &[Vec<String>]) -> Result<()> {
    let bytes = serde_json::to_vec(keys).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    node.vault().put(&working_keys(job), &Zeroizing::new(bytes))
}

/// The result was approved: what the job left to be kept is kept. Doing it again changes nothing.
///
/// # Errors
/// `storage.failed`, `disk.full`.
pub fn keep(node: &Node, job: &str) -> Result<()> {
    let things = [(working_share(job), format!("{PREFIX}{job}")), (working_keys(job), format!("{KEYS}{job}"))];
    // once: what was destroyed since does not come back
    if !things.iter().any(|(from, _)| node.vault().holds(from)) || node.store().object(KEPT, job)?.is_some() {
        return Ok(());
    }
    let contract = Bundle::of(&bundle::find(node, job)?)?.contract.payload;
    for (from, to) in things {
        if node.vault().holds(&from) && !node.vault().holds(&to) {
            node.vault().put(&to, &node.vault().get(&from)?)?;
            if to.starts_with(PREFIX) {
                node.log(Event::new(Verb::StepFinished).of(job)?.code("step", "model-kept"))?;
            }
        }
    }
    let own = contract.inputs.iter().filter(|input| input.party.as_str() == node.name());
    let label =
        Label { authorisation: contract.authorisation.id.to_string(), datasets: own.map(|input| input.dataset.to_string()).collect() };
    let json = serde_json::to_string(&label).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    node.store().put_object(KEPT, job, "", &json, now().unix())
}

/// Keys of the own rows behind the probabilities of a released prediction, a text for each key column.
///
/// # Errors
/// `storage.damaged`.
pub fn keys(node: &Node, job: &str) -> Result<Option<Vec<Vec<String>>>> {
    let id = format!("{KEYS}{job}");
    if !node.vault().holds(&id) {
        return Ok(None);
    }
    let keys = serde_json::from_slice(&node.vault().get(&id)?).map_err(|_| Fault::new(Code::Damaged, "keys of a prediction"))?;
    Ok(Some(keys))
}

/// This node's part of a model.
///
/// # Errors
/// `not-found`, naming the training; `storage.damaged`.
pub fn get(node: &Node, job: &str) -> Result<Kept> {
    let id = format!("{PREFIX}{job}");
    if !node.vault().holds(&id) {
        let what = format!("no share of a model of job {job}: it was not trained here, not released, or destroyed");
        return Err(Fault::new(Code::NotFound, what).party(node.name()));
    }
    Ok(Kept::from_bytes(&node.vault().get(&id)?)?)
}

/// Jobs whose models are here, or begin with this text.
pub fn jobs(node: &Node, begins: &str) -> Vec<String> {
    let jobs = node.vault().ids().into_iter().filter_map(|id| id.strip_prefix(PREFIX).map(str::to_owned));
    jobs.filter(|job| job.starts_with(begins)).collect()
}

/// Destroys a model's share, with a certificate. Jobs with the model are refused here from then on, so no honest node uses it; shares are held twice, and
/// the model cannot be put together any more when two parties have destroyed theirs.
///
/// # Errors
/// `not-found`; `storage.failed`.
pub fn destroy(node: &Node, job: &str) -> Result<Hash> {
    let all = jobs(node, job);
    let [job] = &all[..] else {
        return Err(Fault::new(Code::NotFound, format!("{} models begin with `{job}`", all.len())).party(node.name()));
    };
    crate::incidents::refuse_frozen(node, Doomed::Job(destroy::parse_job(job)?))?;
    // what a crash left of the training would bring it back
    node.vault().shred(&working_share(job))?;
    let certificate = destroy::key(node, &format!("{PREFIX}{job}"))?;
    node.log(Event::new(Verb::KeyDestroyed).hash("certificate", &certificate))?;
    Ok(certificate)
}

/// Destroys what was kept under authorisations that have ended.
///
/// # Errors
/// `storage.failed`; the next turn goes on.
pub fn expire(node: &Node) -> Result<()> {
    for (job, label) in labels(node)? {
        let ended = match node.signed::<Authorisation>("authorisation", &label.authorisation) {
            Ok(signed) => {
                signed.payload.not_after <= now() || crate::procedure::effect::has_ended(node, &label.authorisation).unwrap_or(false)
            }
            Err(fault) => fault.code == Code::NotFound,
        };
        // an open matter seals what the end would destroy (`yu end run`), and evidence is kept beyond the end
        let is_kept = || Ok::<_, Fault>(crate::incidents::frozen_by(node, Doomed::Job(destroy::parse_job(&job)?))?.is_some());
        if ended && !crate::procedure::effect::is_held(node, &label.authorisation).unwrap_or(true) && !is_kept()? {
            if node.vault().holds(&format!("{PREFIX}{job}")) {
                destroy(node, &job)?;
                tracing::info!(job, "the authorisation of a model has ended: its share is destroyed");
            }
            node.vault().shred(&format!("{KEYS}{job}"))?;
        }
    }
    Ok(())
}

/// Destroys the keys behind predictions about a data set.
///
/// # Errors
/// `storage.failed`.
pub fn forget_dataset(node: &Node, dataset: &str) -> Result<()> {
    for (job, _) in labels(node)?.into_iter().filter(|(_, label)| label.datasets.iter().any(|id| id == dataset)) {
        node.vault().shred(&format!("{KEYS}{job}"))?;
    }
    Ok(())
}

/// Of everything kept that is still here.
fn labels(node: &Node) -> Result<Vec<(String, Label)>> {
    let here = |job: &str| [PREFIX, KEYS].iter().any(|prefix| node.vault().holds(&format!("{prefix}{job}")));
    let all = node.store().objects(KEPT)?.into_iter().filter(|object| here(&object.id));
    let read = |json: &str| serde_json::from_str(json).map_err(|_| Fault::new(Code::Damaged, "label of a kept model"));
    all.map(|object| Ok((object.id, read(&object.json)?))).collect()
}
