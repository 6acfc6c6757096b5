//! How nodes come to know each other: one ticket, no copying of certificates.
//!
//! A node card states a node's name, keys and address. A ticket carries the inviter's card and a one-time secret. The
//! newcomer dials the inviter (whose root it now knows), shows its own card and proves the secret bound to this very
//! TLS connection, so that a ticket seen on the way is worthless after its first use and a middleman cannot pass it on.
//! In production both cards must carry the signature of the authority.

use crate::fault::{Code, Fault, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use yu_governance::canonical::to_canonical;
use yu_governance::clock::Time;
use yu_governance::sign::{KeyRing, PublicKey, Signed, SignedType};

const PREFIX: &str = "yu1.";

/// What a node says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeCard {
    /// Format version, 1.
    pub v: u32,
    /// `yu://env/org/node`.
    pub name: String,
    /// Organisation root certificate, DER as base64.
    pub root: String,
    /// Verifies its signatures.
    pub signing_key: PublicKey,
    /// Seals to it, hex.
    pub seal_key: String,
    /// Where to dial it; absent: it only dials out.
    pub address: Option<String>,
    /// Role.
    pub role: String,
    /// Who controls it.
    pub controller: String,
    /// `inside` or `outside` the domain.
    pub zone: String,
}

impl SignedType for NodeCard {
    const TYPE: &'static str = "node-card-v1";
}

impl NodeCard {
    /// The root certificate.
    ///
    /// # Errors
    /// `ticket.bad`.
    pub fn root_der(&self) -> Result<Vec<u8>> {
        STANDARD.decode(&self.root).map_err(|_| bad("root certificate is not base64"))
    }
}

/// An invitation.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Format version, 1.
    pub v: u32,
    /// The inviter.
    pub card: Signed<NodeCard>,
    /// Public id of the invitation.
    pub invite: String,
    /// One-time secret, hex.
    pub secret: String,
    /// When it expires.
    pub expires: Time,
}

fn bad(what: &str) -> Fault {
    Fault::new(Code::TicketBad, what.to_owned())
}

impl Ticket {
    /// One line of text.
    ///
    /// # Errors
    /// `internal` when it has no canonical form.
    pub fn encode(&self) -> Result<String> {
        let bytes = to_canonical(self).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a ticket; does not yet trust it.
    ///
    /// # Errors
    /// `ticket.bad`.
    pub fn decode(text: &str) -> Result<Self> {
        let body = text.trim().strip_prefix(PREFIX).ok_or_else(|| bad("does not begin with `yu1.`"))?;
        if body.len() > 64 * 1024 {
            return Err(bad("longer than 64 KiB"));
        }
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| bad("is cut or altered"))?;
        let ticket: Self = serde_json::from_slice(&bytes).map_err(|_| bad("does not parse"))?;
        if ticket.v != 1 || ticket.card.payload.v != 1 {
            return Err(Fault::new(Code::Version, "ticket of another version"));
        }
        Ok(ticket)
    }
}

/// Whether a card must already carry the authority's signature in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Countersigned {
    /// Everywhere but at the authority.
    Before,
    /// At the authority itself, which signs the card when it admits the node.
    OnAdmission,
}

/// Verifies a card: signed by itself, and in production by the authority unless it is the authority's own.
///
/// # Errors
/// `ticket.bad`, `env.mismatch`, `signature.bad`.
pub fn verify_card(card: &Signed<NodeCard>, environment: &str, authority: Option<(&str, &PublicKey)>, when: Countersigned) -> Result<()> {
    let own = &card.payload;
    if !own.name.starts_with(&format!("yu://{environment}/")) {
        return Err(Fault::new(Code::EnvMismatch, format!("`{}` does not belong to `{environment}`", own.name)));
    }
    let mut ring = KeyRing::new();
    let fault = |e: yu_governance::Error| Fault::new(Code::Signature, e.to_string()).party(own.name.clone());
    ring.insert(&own.name, own.signing_key).map_err(fault)?;
    let mut required = vec![own.name.as_str()];
    match authority {
        Some((name, key)) if name != own.name => {
            ring.insert(name, *key).map_err(fault)?;
            if environment == "prod" && when == Countersigned::Before {
                required.push(name);
            }
        }
        Some((_, key)) if *key != own.signing_key => return Err(Fault::new(Code::Signature, "another key claims to be the authority")),
        _ => {}
    }
    if environment == "prod" && authority.is_none() {
        return Err(Fault::new(Code::TicketBad, "production needs the authority: name it in node.toml and accept its ticket first"));
    }
    // signatures of parties that are unknown here say nothing; only the required ones count
    let mut known = card.clone();
    known.signatures.retain(|s| ring.get(&s.signer).is_some());
    known.verify(&ring, &required).map_err(fault)?;
    Ok(())
}
