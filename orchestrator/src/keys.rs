//! A node's own keys: organisation root, certificate, signing key, sealing key. Files of mode 0600.

use crate::fault::{Code, Fault, Result};
use crate::home::{Home, NodeConfig, write_atomic};
use std::fs;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use yu_governance::clock::Time;
use yu_governance::sign::SigningKey;
use yu_wire::identity::{Env, NodeIdentity, OrgRoot};
use yu_wire::seal::SealKey;
use zeroize::Zeroizing;

/// Days that a node certificate lives; it is issued anew at every start that finds less than half of it left, so a
/// stolen certificate dies soon and a node that is restarted monthly never expires.
const CERTIFICATE_DAYS: i64 = 90;

/// Seconds that a certificate begins before "now": clocks of peers may be behind by this much.
const BACKDATE: i64 = 300;

/// The node's clock; the only place in this crate that reads it.
pub fn now() -> Time {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Time::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Keys of a node.
pub struct Keys {
    /// Certificate and key for the wire.
    pub identity: Arc<NodeIdentity>,
    /// Organisation root certificate, DER.
    pub root_der: Vec<u8>,
    /// Signs documents, checkpoints and session bindings.
    pub signing: SigningKey,
    /// Opens what is sealed to this node.
    pub seal: SealKey,
}

fn env(config: &NodeConfig) -> Result<Env> {
    match config.environment.as_str() {
        "dev" => Ok(Env::Dev),
        "prod" => Ok(Env::Prod),
        other => Err(Fault::new(Code::Input, format!("`{other}`: dev or prod")).at("node.toml `environment`")),
    }
}

impl Keys {
    /// Makes all keys of a new node.
    ///
    /// # Errors
    /// `input.bad` for a name outside `a-z0-9-`, `storage.failed`.
    pub fn create(home: &Home, config: &NodeConfig) -> Result<()> {
        let mut rng = rng();
        let root = OrgRoot::generate(env(config)?, &config.organisation)?;
        let at = now().unix();
        let identity = root.issue(&config.node, at - BACKDATE, at + CERTIFICATE_DAYS * 86_400)?;
        write_atomic(&home.path("keys/org-root.pem"), root.to_pem().as_bytes(), 0o600)?;
        write_atomic(&home.path("keys/node.pem"), identity.to_pem().as_bytes(), 0o600)?;
        write_atomic(&home.path("keys/signing.key"), &SigningKey::generate(&mut rng).to_bytes()[..], 0o600)?;
        write_atomic(&home.path("keys/seal.key"), &SealKey::generate(&mut rng).to_bytes()[..], 0o600)
    }

    /// Loads the keys; renews the certificate when less than half of its life is left and the root is here.
    ///
    /// # Errors
    /// `storage.damaged` when a key file is missing or unreadable.
    pub fn load(home: &Home, config: &NodeConfig) -> Result<Self> {
        let pem = read(home, "keys/node.pem")?;
        let mut identity = NodeIdentity::from_pem(text(&pem)?).map_err(|e| damaged("keys/node.pem", &e))?;
        let at = now().unix();
        let (_, ends) = identity.validity()?;
        if ends - at < CERTIFICATE_DAYS * 86_400 / 2
            && let Ok(pem) = read(home, "keys/org-root.pem")
        {
            let root = OrgRoot::from_pem(text(&pem)?).map_err(|e| damaged("keys/org-root.pem", &e))?;
            identity = root.issue(&config.node, at - BACKDATE, at + CERTIFICATE_DAYS * 86_400)?;
            write_atomic(&home.path("keys/node.pem"), identity.to_pem().as_bytes(), 0o600)?;
        }
        let signing =
            SigningKey::of_suite(config.crypto, &*array(home, "keys/signing.key")?).map_err(|e| damaged("keys/signing.key", &e))?;
        let seal = SealKey::from_bytes(&*array(home, "keys/seal.key")?).map_err(|e| damaged("keys/seal.key", &e))?;
        Ok(Self { root_der: identity.root_der().to_vec(), identity: Arc::new(identity), signing, seal })
    }
}

/// The system's randomness as the protocols want it.
pub fn rng() -> rand::rngs::StdRng {
    rand::make_rng()
}

fn damaged(place: &str, error: &impl std::fmt::Display) -> Fault {
    Fault::new(Code::Damaged, error.to_string()).at(place.to_owned())
}

fn read(home: &Home, name: &str) -> Result<Zeroizing<Vec<u8>>> {
    let path = home.path(name);
    fs::read(&path).map(Zeroizing::new).map_err(|e| damaged(name, &e.kind()))
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|e| damaged("keys", &e))
}

fn array(home: &Home, name: &str) -> Result<Zeroizing<[u8; 32]>> {
    let bytes = read(home, name)?;
    let mut out = Zeroizing::new([0_u8; 32]);
    if bytes.len() != 32 {
        return Err(damaged(name, &"wrong length"));
    }
    out.copy_from_slice(&bytes);
    Ok(out)
}
