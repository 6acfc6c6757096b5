//! What nodes ask each other outside the data plane: JSON over one stream per question, on a mutually authenticated
//! connection. Signed documents travel as JSON and are verified where they arrive; the sender of a question is the
//! name in its certificate, never a field.

use crate::fault::{Code, Fault, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yu_governance::canonical::Hash;
use yu_governance::id::ColumnSet;

/// Largest question or answer, bytes: a contract with its evidence is tens of kilobytes; a sealed result of a few
/// thousand statistics is below a megabyte.
pub const LIMIT: usize = 16 << 20;

/// A question.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ask {
    /// Who are you, which version, what time is it?
    Hello,
    /// Redeem an invitation.
    Join {
        /// Our own ticket.
        ticket: String,
        /// Public id of the invitation.
        invite: String,
        /// HMAC of the invitation's secret over this connection's keying material.
        proof: String,
    },
    /// Catalogue entries that you publish, signed.
    Catalogue,
    /// A signed document for you.
    Deliver {
        /// `authorisation`, `request`, `approval`, `certificate`.
        kind: String,
        /// The document with its signatures.
        document: Value,
    },
    /// How many rows would you offer to alignment, under which commitment to your consent set?
    Offer {
        /// Authorisation.
        authorisation: String,
        /// The approved request.
        request: String,
        /// Key columns.
        key: Vec<String>,
        /// Key normalisation.
        normalisation: Vec<String>,
        /// Every column that the job would read; consent has to cover them.
        columns: ColumnSet,
        /// Numeric ones among them whose magnitudes are wanted.
        #[serde(default)]
        measured: Vec<String>,
    },
    /// Check this contract against your own policy and sign it.
    Propose {
        /// Contract, signature of the proposer, evidence.
        bundle: Value,
    },
    /// My signature for a contract that I was asked to sign.
    Sign {
        /// Job.
        job: String,
        /// One signature.
        signature: Value,
    },
    /// I do not sign.
    Refuse {
        /// Job.
        job: String,
        /// Why.
        fault: Fault,
    },
    /// All signatures: get ready.
    Admit {
        /// Contract with all signatures.
        bundle: Value,
    },
    /// Everybody is ready: begin.
    Start {
        /// Job.
        job: String,
    },
    /// My process ended while the job ran, and I go on from what I stored: meet me in a new session.
    Again {
        /// Job.
        job: String,
        /// What the session is called, 32 bytes in hexadecimal.
        session: String,
    },
    /// The job ended by a fault.
    Abort {
        /// Job.
        job: String,
        /// Which.
        fault: Fault,
    },
    /// How is the job with you?
    Job {
        /// Job.
        job: String,
    },
    /// My sealed share of the output.
    Share {
        /// Job.
        job: String,
        /// Sealed to the reviewer, with attestation.
        share: Value,
    },
    /// The released result, sealed to you.
    Release {
        /// Job.
        job: String,
        /// Sealed result, decision, receipt.
        package: Value,
    },
    /// The review's decision, without the result.
    Outcome {
        /// Job.
        job: String,
        /// Signed decision.
        decision: Value,
    },
    /// The copy of a document of a dossier, for my reading that is filed.
    Dossier {
        /// Hash of the application under review.
        application: Hash,
        /// Hash of the document.
        document: Hash,
    },
    /// What is in force: profile, appointments, steps from a place on.
    Procedures {
        /// Steps that I have been told of.
        from: u64,
    },
    /// What is filed: lines of the docket from a place on.
    Docket {
        /// Lines that I have.
        from: u64,
    },
    /// Here is the last line of my docket: show me yours of that place, or your last.
    DocketCompare {
        /// The line as the authority signed it; absent without any.
        line: Option<Value>,
    },
    /// To a node that I supervise: what of your log is behind what I have, in bytes of its three files?
    Log {
        /// Entries, checkpoints, countersignatures.
        have: [u64; 3],
    },
    /// Countersign my last checkpoint. Without checkpoints: which one did you see last?
    Countersign {
        /// Checkpoint lines of my log that you have not seen, oldest first.
        checkpoints: Vec<String>,
    },
}

impl Ask {
    /// As queued until the peer confirms it.
    ///
    /// # Errors
    /// None in practice: every question has a JSON form.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Fault::new(Code::Bug, e.to_string()))
    }

    /// Name for logs and metering.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Join { .. } => "join",
            Self::Catalogue => "catalogue",
            Self::Deliver { .. } => "deliver",
            Self::Offer { .. } => "offer",
            Self::Propose { .. } => "propose",
            Self::Sign { .. } => "sign",
            Self::Refuse { .. } => "refuse",
            Self::Admit { .. } => "admit",
            Self::Start { .. } => "start",
            Self::Again { .. } => "again",
            Self::Abort { .. } => "abort",
            Self::Job { .. } => "job",
            Self::Share { .. } => "share",
            Self::Release { .. } => "release",
            Self::Outcome { .. } => "outcome",
            Self::Procedures { .. } => "procedures",
            Self::Dossier { .. } => "dossier",
            Self::Docket { .. } => "docket",
            Self::DocketCompare { .. } => "docket-compare",
            Self::Log { .. } => "log",
            Self::Countersign { .. } => "countersign",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It worked.
    Ok(Value),
    /// It did not.
    Fault(Fault),
}

/// Answer to [`Ask::Hello`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HelloAnswer {
    /// Name of the answering node.
    pub name: String,
    /// Program version.
    pub version: String,
    /// Its clock, unix seconds.
    pub time: i64,
    /// Its environment.
    pub environment: String,
}

/// Answer to [`Ask::Offer`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfferAnswer {
    /// Rows after the consent filter; a few of them may have no usable key.
    pub rows: u64,
    /// Salted commitment to the consent set; absent where the rows point at nobody.
    pub commitment: Option<String>,
    /// For each wanted column a power of two above its largest absolute value.
    #[serde(default)]
    pub exponents: Vec<i32>,
}

/// Answer to [`Ask::Job`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobAnswer {
    /// State name.
    pub state: String,
    /// Fault, when it failed there.
    pub fault: Option<Fault>,
}

/// Answer to [`Ask::Propose`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum ProposeAnswer {
    /// Signed at once: policy passed and this node signs by itself.
    Signed {
        /// One signature.
        signature: Value,
    },
    /// A person decides.
    Pending,
    /// Policy refuses.
    Refused {
        /// Why.
        fault: Fault,
    },
}
