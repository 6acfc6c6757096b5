//! The suite of this process: chosen once from `node.toml` (`crypto`), for signatures, hashes, sealing and what lies at rest.

use crate::fault::{Code, Fault, Result};
use std::sync::{Arc, OnceLock, Weak};
use yu_governance::sign::{PublicKey, SigningKey};
use yu_governance::suite::Suite;
use yu_wire::inner::{Inner, InnerIdentity, POINT};
use yu_wire::seal::SealAlgorithm;
use yu_wire::trust::Peer;

/// Domain of signatures in the inner layer.
const DOMAIN: &str = "yu-inner-layer-v1";

/// Decides for the process; a process works for nodes of one suite.
///
/// # Errors
/// `suite.mismatch` if another one was chosen before.
pub fn choose(suite: Suite) -> Result<()> {
    let refused = |what: String| Fault::new(Code::Suite, what).at("node.toml `crypto`");
    yu_governance::suite::choose(suite).map_err(|e| refused(e.to_string()))?;
    let seal = match suite {
        Suite::Standard => SealAlgorithm::Hpke,
        Suite::Gm => SealAlgorithm::Sm2,
    };
    if yu_wire::seal::choose(seal) { Ok(()) } else { Err(refused("this process seals with another suite".into())) }
}

/// What this process makes.
#[must_use]
pub fn current() -> Suite {
    yu_governance::suite::suite()
}

/// Name of the cipher of payloads and wrapped keys.
#[must_use]
pub fn at_rest() -> &'static str {
    match current() {
        Suite::Standard => "aes-256-gcm",
        Suite::Gm => "sm4-gcm",
    }
}

/// Digits of a hash that a person may have written with the name of its algorithm.
#[must_use]
pub fn digits(text: &str) -> &str {
    text.strip_prefix("sha-256:").or_else(|| text.strip_prefix("sm3:")).unwrap_or(text)
}

/// The inner layer's view of a node: its signing key, and the keys of the peers that it knows.
pub struct Known {
    key: SigningKey,
    /// The store that knows the peers; set when the node is open. Before, nobody is let in.
    peers: OnceLock<Weak<crate::node::Node>>,
}

impl Known {
    /// Of a node of the national suite.
    #[must_use]
    pub fn new(key: &SigningKey) -> Arc<Self> {
        Arc::new(Self { key: key.duplicate(), peers: OnceLock::new() })
    }

    /// For the endpoint.
    #[must_use]
    pub fn layer(self: &Arc<Self>) -> Inner {
        Inner(Arc::<Self>::clone(self))
    }

    /// The node is open.
    pub fn opened(&self, node: &Arc<crate::node::Node>) {
        // set once, by the one who opens the node
        let _ = self.peers.set(Arc::downgrade(node));
    }
}

/// The text of a key of the inner layer.
fn text(key: &[u8; POINT]) -> String {
    format!("{}{}", PublicKey::SM2, hex::encode(key))
}

/// A connection whose inner layer was made with another key than the card states is refused. Without an inner layer there is
/// nothing to compare.
///
/// # Errors
/// `peer.identity`.
pub fn same_key(inner: Option<[u8; POINT]>, card: &PublicKey, party: &str) -> Result<()> {
    match inner {
        Some(key) if text(&key) != card.to_string() => {
            Err(Fault::new(Code::PeerIdentity, "the card states another key than the one that the connection was made with").party(party))
        }
        None if card.suite() == Suite::Gm => {
            Err(Fault::new(Code::Suite, "a card of the suite `gm` came over a connection without its inner layer").party(party))
        }
        _ => Ok(()),
    }
}

impl InnerIdentity for Known {
    fn public(&self) -> [u8; POINT] {
        self.key.public().to_bytes().try_into().unwrap_or([0; POINT])
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign_message(DOMAIN, message)
    }

    fn verify(&self, key: &[u8; POINT], message: &[u8], signature: &[u8; 64]) -> bool {
        text(key).parse::<PublicKey>().is_ok_and(|key| key.verify_message(DOMAIN, message, signature).is_ok())
    }

    fn judge(&self, peer: &Peer, key: &[u8; POINT]) -> std::result::Result<(), String> {
        let node = self.peers.get().and_then(Weak::upgrade).ok_or("this node is not open yet")?;
        match node.store().peer(&peer.name().to_string()) {
            Ok(Some(row)) if row.signing_key == text(key) => Ok(()),
            Ok(Some(_)) => Err("its key is not the one that it was admitted with".into()),
            // it may redeem a ticket and nothing else: `same_key` compares then
            Ok(None) => Ok(()),
            Err(_) => Err("the store of this node cannot be read".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d12_keys_of_card_and_connection_are_one() {
        let key = SigningKey::of_suite(Suite::Gm, &[3; 32]).unwrap();
        let other = SigningKey::of_suite(Suite::Gm, &[4; 32]).unwrap();
        let shown = Known::new(&key).public();
        same_key(Some(shown), &key.public(), "p").unwrap();
        assert_eq!(same_key(Some(shown), &other.public(), "p").unwrap_err().code, Code::PeerIdentity);
        assert_eq!(same_key(None, &key.public(), "p").unwrap_err().code, Code::Suite);
        same_key(None, &SigningKey::from_bytes(&[3; 32]).public(), "p").unwrap();
        assert_eq!(digits("sm3:ab"), "ab");
        assert_eq!((digits("sha-256:ab"), digits("ab"), digits("md5:ab")), ("ab", "ab", "md5:ab"));
    }

    #[test]
    fn d12_nobody_is_let_in_before_the_node_is_open() {
        let known = Known::new(&SigningKey::of_suite(Suite::Gm, &[3; 32]).unwrap());
        let peer = Peer::Admitted("yu://dev/bank/n1".parse().unwrap());
        assert!(known.judge(&peer, &known.public()).unwrap_err().contains("not open"));
        let signature = known.sign(b"m");
        assert!(known.verify(&known.public(), b"m", &signature));
        assert!(!known.verify(&known.public(), b"n", &signature));
        assert!(!known.verify(&[4; POINT], b"m", &signature), "no point");
    }

    #[test]
    fn d12_a_process_of_the_standard_suite_opens_no_node_of_the_other() {
        choose(Suite::Standard).unwrap();
        let fault = choose(Suite::Gm).unwrap_err();
        assert_eq!((fault.code, fault.place.as_deref()), (Code::Suite, Some("node.toml `crypto`")));
        assert_eq!((current(), at_rest()), (Suite::Standard, "aes-256-gcm"));
    }
}
