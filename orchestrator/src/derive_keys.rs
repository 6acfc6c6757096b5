//! Keys with which a provider's operators make pseudonyms: in the vault, by name. A contract names those that its policy uses, and its
//! permit is for no others. Whoever destroys a key ends every way back.

use crate::destroy;
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::journal::Note;
use crate::keys::rng;
use crate::node::Node;
use rand::Rng;
use yu_desensitize::transform::{KeyId, Keys, TransformKey};
use yu_governance::audit::{Event, Verb};
use yu_governance::canonical::{Hash, digest};
use zeroize::Zeroizing;

/// Vault names begin so.
const PREFIX: &str = "transform-key-";

/// Folders of tables that are being made begin so.
pub(crate) const SCRATCH: &str = ".scratch-";

fn vault_id(name: &KeyId) -> String {
    format!("{PREFIX}{name}")
}

/// Makes a key; returns its fingerprint.
///
/// # Errors
/// `file.exists` if there is one of this name: what it made could not be joined any more. `input.bad` for a name that is none.
pub fn make(node: &Node, name: &str) -> Result<String> {
    let id = KeyId::new(name)?;
    if node.vault().holds(&vault_id(&id)) {
        return Err(Fault::new(Code::Exists, format!("a key `{name}` is there; destroy it first, or choose another name")));
    }
    let mut bytes = Zeroizing::new([0; 32]);
    rng().fill_bytes(bytes.as_mut_slice());
    node.vault().put(&vault_id(&id), bytes.as_slice())?;
    let key = TransformKey::new(id, bytes);
    let fingerprint = key.fingerprint();
    node.log(Event::new(Verb::KeyMade).hash("fingerprint", &digest("yu-transform-key-v1", fingerprint.as_ref())))?;
    Ok(hex::encode(fingerprint))
}

/// Names and fingerprints of the keys that are here.
///
/// # Errors
/// `storage.damaged`.
pub fn list(node: &Node) -> Result<Vec<(String, String)>> {
    let names = node.vault().ids().into_iter().filter_map(|id| id.strip_prefix(PREFIX).map(str::to_owned));
    names.map(|name| one(node, &name).map(|key| (name, hex::encode(key.fingerprint())))).collect()
}

/// Destroys a key, with a certificate.
///
/// # Errors
/// `not-found`; `storage.failed`.
pub fn destroy(node: &Node, name: &str) -> Result<Hash> {
    let id = KeyId::new(name)?;
    if !node.vault().holds(&vault_id(&id)) {
        return Err(missing(node, name));
    }
    let certificate = destroy::key(node, &vault_id(&id))?;
    node.log(Event::new(Verb::KeyDestroyed).hash("certificate", &certificate))?;
    Ok(certificate)
}

/// The keys of a contract.
///
/// # Errors
/// `not-found`, naming the key.
pub fn load(node: &Node, names: &[String]) -> Result<Keys> {
    let mut keys = Keys::none();
    for name in names {
        keys.insert(one(node, name)?);
    }
    Ok(keys)
}

fn one(node: &Node, name: &str) -> Result<TransformKey> {
    let id = KeyId::new(name)?;
    if !node.vault().holds(&vault_id(&id)) {
        return Err(missing(node, name));
    }
    let stored = node.vault().get(&vault_id(&id))?;
    let bytes: [u8; 32] = stored[..].try_into().map_err(|_| Fault::new(Code::Damaged, "a key of operators"))?;
    Ok(TransformKey::new(id, Zeroizing::new(bytes)))
}

fn missing(node: &Node, name: &str) -> Fault {
    Fault::new(Code::NotFound, format!("key `{name}`; `yu key new {name}` makes one")).party(node.name())
}

/// Removes what a crash left of tables that nobody had looked at.
///
/// # Errors
/// `storage.failed`.
pub fn sweep(home: &Home) -> Result<()> {
    let entries = std::fs::read_dir(home.dir()).map_err(|e| Fault::io(&e, home.dir()))?;
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(SCRATCH)) {
        std::fs::remove_dir_all(entry.path()).map_err(|e| Fault::io(&e, &entry.path()))?;
    }
    Ok(())
}
