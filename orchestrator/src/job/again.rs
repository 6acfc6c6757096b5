//! A process ended while a training ran, and goes on from what it stored (断点续训).
//!
//! ```text
//! every round          state of a party, checkpoint of the coordinator: a working object in the vault, before anything of it leaves
//! process ends         the others' sessions with it wait, at most for `resume_limit_s`
//! next start           it opens its rows again and asks its partners to meet it in a session of a new name ([`Ask::Again`])
//! partners             end what waits for the earlier process, open the new session, and repeat the round
//! ```
//! What a party has stored decides what it says: contributions that left once are sent again as they were, and no sum is told over two sets of
//! parties ([`yu_fedlearn::train`]). A process that ended before it stored anything, or a party that ended in the instant between the coordinator's last
//! word and its own hearing of it, ends the job by name as before. Jobs on shares are not resumed: their keys end with their process.

use super::bundle::{self, Bundle};
use super::state::State;
use crate::control::{Ask, unreachable};
use crate::destroy;
use crate::fault::{Code, Fault, Result};
use crate::keys::{now, rng};
use crate::node::Node;
use crate::sessions::Open;
use crate::store::JobRow;
use rand::Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a partner that answered may take to open the session.
const MEET: Duration = Duration::from_secs(20);
/// The same where the partner has just said that it is there.
const SOON: Duration = Duration::from_secs(5);
/// Returns that stand in a job's story.
const MOST_TOLD: usize = 100;
/// Between two questions to a partner that is away.
const PAUSE: Duration = Duration::from_millis(300);
/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(5);

fn state_id(job: &str) -> String {
    format!("{}training", destroy::prefix(job))
}

/// Stores the state in place of the last one.
///
/// # Errors
/// `storage.failed`, `disk.full`.
pub fn keep(node: &Node, job: &str, state: &[u8]) -> Result<()> {
    node.vault().put(&state_id(job), state)
}

/// What an earlier process stored.
///
/// # Errors
/// `storage.damaged`.
pub fn kept(node: &Node, job: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let id = state_id(job);
    if node.vault().holds(&id) { node.vault().get(&id).map(Some) } else { Ok(None) }
}

/// Whether this node can go on with a job that ran when its last process ended.
pub fn can(node: &Node, row: &JobRow) -> bool {
    let is_training = Bundle::of(row).is_ok_and(|bundle| bundle.contract.payload.training().is_some());
    is_training && node.vault().holds(&state_id(&row.id))
}

/// A session of a new name: nobody but the two can guess which, and the job is in it.
fn name(job: &str, session: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(b"yu-session-again-v1").chain_update(job.as_bytes()).chain_update(session).finalize().into()
}

/// A partner says that it is back.
///
/// # Errors
/// `not-found`, `state.wrong` if the job waits for nobody here.
pub fn met(node: &Arc<Node>, from: &str, job: &str, session: &str) -> Result<Value> {
    let row = bundle::of_party(node, from, job)?;
    let contract = Bundle::of(&row)?.contract.payload;
    let partner = crate::sessions::partners(node, &contract).iter().any(|partner| partner == from);
    let session = hex::decode(session).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let Some(session) = session.filter(|_| partner && contract.training().is_some()) else {
        return Err(Fault::new(Code::PeerProtocol, "it has no session of this job with this node").party(from));
    };
    if row.state != State::Running || !node.live().returned(job, from, session) {
        return Err(Fault::new(Code::State, format!("job is `{}` and waits for nobody", row.state)).party(node.name()));
    }
    // the story keeps some of them: a party may come back as often as it likes
    if node.store().events(job, 0)?.iter().filter(|event| event.verb == "returned").count() < MOST_TOLD {
        node.store().add_event(job, "returned", &json!({ "party": from }), now().unix())?;
    }
    Ok(json!({}))
}

/// Whether a fault is about the line and not about what was said on it.
fn is_line(code: Code) -> bool {
    unreachable(code) || matches!(code, Code::PeerLost | Code::PeerRestarted)
}

/// Opens the new session with a partner, which may be starting itself; `is_over` if all that is left to say is the last word: then a partner that waits
/// for nobody has heard it.
///
/// # Errors
/// `peer.lost` if it does not come within the limit; its own fault.
pub fn meet(node: &Arc<Node>, job: &str, open: &mut Open, party: &str, is_over: bool) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(node.config().limits.resume_limit_s);
    loop {
        // both may have ended: whoever came first names the session
        let back = node.live().taken_back(job).into_iter().find(|(name, _)| name == party);
        let met = match back {
            Some((_, session)) => open.one(node, job, party, name(job, &session), MEET),
            None => {
                let mut session = [0; 32];
                rng().fill_bytes(&mut session);
                let ask = Ask::Again { job: job.to_owned(), session: hex::encode(session) };
                let asked = node.ask_within(party, &ask, PATIENCE);
                // the partner may be in the middle of a sum that waits for others
                asked.and_then(|_| open.one(node, job, party, name(job, &session), MEET))
            }
        };
        match met {
            Ok(()) => return Ok(()),
            Err(fault) if is_line(fault.code) || (fault.code == Code::State && !is_over) => {
                if Instant::now() > end || node.live().is_aborted(job) || node.is_stopping() {
                    return Err(fault.party(party));
                }
                std::thread::sleep(PAUSE);
            }
            Err(fault) => return Err(fault.party(party)),
        }
    }
}

/// Waits until a partner whose line was lost is back.
///
/// # Errors
/// `lost` if it does not come within the limit.
pub fn wait(node: &Arc<Node>, job: &str, open: &mut Open, party: &str, lost: Fault) -> Result<()> {
    // a coordinator that breaks the protocol is not waited for
    if !is_line(lost.code) {
        return Err(lost);
    }
    let end = Instant::now() + Duration::from_secs(node.config().limits.resume_limit_s);
    loop {
        let back = node.live().taken_back(job).into_iter().find(|(name, _)| name == party);
        if back.is_some_and(|(_, session)| open.one(node, job, party, name(job, &session), MEET).is_ok()) {
            return Ok(());
        }
        if Instant::now() > end || node.live().is_aborted(job) || node.is_stopping() {
            return Err(lost);
        }
        std::thread::sleep(PAUSE);
    }
}

/// New sessions with those that came back since this was asked last; one that is gone again comes later.
pub fn arrived(node: &Arc<Node>, job: &str, open: &mut Open) -> Vec<String> {
    let back = node.live().taken_back(job).into_iter();
    back.filter(|(party, session)| open.one(node, job, party, name(job, session), SOON).is_ok()).map(|(party, _)| party).collect()
}

/// Waits for a part of the limit, less if somebody comes back.
pub fn pause(node: &Node, job: &str, tries: u32) {
    let whole = Duration::from_secs(node.config().limits.resume_limit_s);
    let end = Instant::now() + whole / (yu_fedlearn::train::ATTEMPTS - 1) + PAUSE * tries;
    while Instant::now() < end && !node.live().is_aborted(job) && !node.live().has_back(job) {
        std::thread::sleep(PAUSE);
    }
}
