//! The exit gate (出域): the only code that sends a result out, and it takes nothing but what governance released.

use crate::control::Ask;
use crate::fault::Result;
use crate::keys::{now, rng};
use crate::node::Node;
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use yu_governance::release::{Receipt, Released, ReviewDecision};
use yu_governance::sign::Signed;
use yu_wire::seal::{SealPublic, Sealed, seal};

/// What a receiver gets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The result document, sealed to the receiver's key that stands in the contract.
    pub sealed: Sealed,
    /// The decision that released it.
    pub decision: Signed<ReviewDecision>,
    /// The receipt, signed by the reviewer.
    pub receipt: Signed<Receipt>,
}

/// Bound to by the seal: another job's or receiver's package does not open.
pub(crate) fn seal_info(job: &str, receiver: &str) -> Vec<u8> {
    format!("yu-release-v1\0{job}\0{receiver}").into_bytes()
}

/// Seals a released result to each of its receivers. The messages are queued together with the job's next state, and stay
/// queued until their receivers confirm.
///
/// # Errors
/// `internal` when a document has no canonical form; nothing has left then.
pub fn packages<V>(node: &Node, released: &Released<V>, decision: &Signed<ReviewDecision>) -> Result<Vec<(String, Ask)>> {
    let job = released.job().0.to_hex();
    let mut messages = Vec::new();
    for recipient in released.receivers() {
        let receiver = recipient.party.to_string();
        let key = SealPublic(*recipient.seal.as_bytes());
        let sealed = seal(&key, &seal_info(&job, &receiver), b"", released.document(), &mut rng())?;
        let receipt = released.receipt(&recipient.party, &node.name().parse()?, now())?;
        let receipt = Signed::sign(receipt, node.name(), node.signing())?;
        let package = Package { sealed, decision: decision.clone(), receipt };
        messages.push((receiver, Ask::Release { job: job.clone(), package: to_value(&package)? }));
    }
    Ok(messages)
}
