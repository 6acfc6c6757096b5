//! Verdicts on disk: `DIR/attest/` keeps each verdict with its evidence, policy and bundle, each under the hash of its bytes, so
//! that `yu attest replay` gives the same verdict years later. The audit log names the verdict by its hash.
//!
//! ```text
//! DIR/attest/verdicts/HASH.json    evidence/HASH.json    policies/HASH.json    bundles/HASH.json
//! DIR/attest/trusted               keys whose bundles count, one a line, hexadecimal
//! ```
//! Nothing secret lies here. Files are never overwritten with other bytes.

use sha2::{Digest as _, Sha256};
use yu_governance::canonical::Hash;
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::signed::{self, Document as _};
use yu_tee_attest::verdict::Verdict;
use yu_tee_attest::{Bundle, Evidence, Policy};

use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};

/// Keys whose bundles this node believes.
const TRUSTED: &str = "attest/trusted";

fn keep(home: &Home, kind: &str, name: &str, bytes: &[u8]) -> Result<()> {
    let folder = home.path("attest").join(kind);
    std::fs::create_dir_all(&folder).map_err(|e| Fault::io(&e, &folder))?;
    let path = folder.join(format!("{name}.json"));
    match std::fs::read(&path) {
        Ok(there) if there == bytes => Ok(()),
        Ok(_) => Err(Fault::new(Code::Damaged, "another object of this hash").at(path.display().to_string())),
        Err(_) => write_atomic(&path, bytes, 0o600),
    }
}

fn fetch(home: &Home, kind: &str, name: &str) -> Result<Vec<u8>> {
    let path = home.path("attest").join(kind).join(format!("{name}.json"));
    std::fs::read(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Fault::new(Code::NotFound, format!("{kind}: {name}")).at(path.display().to_string()),
        _ => Fault::io(&e, &path),
    })
}

/// Stores a verdict with what it rests on; returns the hash that the audit log names it by. `policy` is the text.
///
/// # Errors
/// `storage.failed`.
pub fn store(home: &Home, verdict: &Verdict, evidence: &Evidence, policy: &str) -> Result<Hash> {
    keep(home, "evidence", &hex::encode(verdict.evidence), &evidence.encode())?;
    keep(home, "policies", &hex::encode(verdict.policy), &canonical(policy)?)?;
    let bytes = serde_json::to_vec(verdict).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let hash = Hash::from_bytes(Sha256::digest(&bytes).into());
    keep(home, "verdicts", &hash.to_hex(), &bytes)?;
    Ok(hash)
}

/// One form for each hash: contracts may space a policy as they like.
fn canonical(policy: &str) -> Result<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_str(policy).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    Ok(yu_governance::canonical::to_canonical(&value)?)
}

/// A stored verdict by its hash or the beginning of it.
///
/// # Errors
/// `not-found`; `storage.damaged` if its bytes do not have the hash.
pub fn verdict(home: &Home, name: &str) -> Result<(Hash, Verdict)> {
    let folder = home.path("attest/verdicts");
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".json").map(str::to_owned));
    let bare = name.trim_start_matches("sha-256:");
    let found: Vec<String> = names.filter(|hash| bare.len() >= 6 && hash.starts_with(bare)).collect();
    let [hash] = found.as_slice() else {
        return Err(Fault::new(Code::NotFound, format!("{} verdicts begin with `{name}`", found.len())).at(folder.display().to_string()));
    };
    let bytes = fetch(home, "verdicts", hash)?;
    let damaged = || Fault::new(Code::Damaged, "a stored verdict").at(folder.join(hash).display().to_string());
    let own: [u8; 32] = Sha256::digest(&bytes).into();
    if hex::encode(own) != *hash {
        return Err(damaged());
    }
    Ok((Hash::from_bytes(own), serde_json::from_slice(&bytes).map_err(|_| damaged())?))
}

/// All stored verdicts, the oldest first.
///
/// # Errors
/// `storage.damaged`.
pub fn list(home: &Home) -> Result<Vec<(Hash, Verdict)>> {
    let files = std::fs::read_dir(home.path("attest/verdicts")).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".json").map(str::to_owned));
    let mut all = names.map(|name| verdict(home, &name)).collect::<Result<Vec<_>>>()?;
    all.sort_by_key(|(hash, verdict)| (verdict.at, hash.to_hex()));
    Ok(all)
}

/// Takes a signed bundle of collateral in, if its signer is trusted and everything in it verifies; returns its hash.
///
/// # Errors
/// `attest.refused` with what is wrong.
pub fn add_bundle(home: &Home, bytes: &[u8]) -> Result<(Hash, Bundle)> {
    let bundle: Bundle = signed::open(bytes, &trusted(home)?)?;
    bundle.verify(default_provider())?;
    let hash = Hash::from_bytes(bundle.hash()?);
    // the same bundle, signed again by somebody whose keys count now, takes the old file's place
    let folder = home.path("attest/bundles");
    std::fs::create_dir_all(&folder).map_err(|e| Fault::io(&e, &folder))?;
    write_atomic(&folder.join(format!("{}.json", hash.to_hex())), bytes, 0o600)?;
    Ok((hash, bundle))
}

/// A bundle that was taken in. Its signature is checked again: a key may have lost its trust.
///
/// # Errors
/// `attest.unavailable` if it is not here.
pub fn bundle(home: &Home, hash: &Hash) -> Result<Bundle> {
    let bytes = fetch(home, "bundles", &hash.to_hex())
        .map_err(|_| Fault::new(Code::AttestUnavailable, format!("the bundle {hash} is not here: `yu attest bundle add FILE`")))?;
    let bundle: Bundle = signed::open(&bytes, &trusted(home)?)?;
    if Hash::from_bytes(bundle.hash()?) != *hash {
        return Err(Fault::new(Code::Damaged, format!("the stored bundle {hash}")));
    }
    Ok(bundle)
}

/// Keys whose bundles this node believes.
///
/// # Errors
/// `input.bad` naming the line.
pub fn trusted(home: &Home) -> Result<Vec<[u8; 32]>> {
    let path = home.path(TRUSTED);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Fault::io(&e, &path)),
    };
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            key(line).ok_or_else(|| Fault::new(Code::Input, "not 32 bytes in hexadecimal").at(format!("{TRUSTED} line {}", number + 1)))
        })
        .collect()
}

fn key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok().map(|()| key)
}

/// Adds a key whose bundles count.
///
/// # Errors
/// `input.bad` if it is none.
pub fn trust(home: &Home, text: &str) -> Result<()> {
    let key = key(text).ok_or_else(|| Fault::new(Code::Input, "not 32 bytes in hexadecimal").at("KEY"))?;
    let mut keys = trusted(home)?;
    if !keys.contains(&key) {
        keys.push(key);
    }
    let folder = home.path("attest");
    std::fs::create_dir_all(&folder).map_err(|e| Fault::io(&e, &folder))?;
    let text: String = keys.iter().map(|key| hex::encode(key) + "\n").collect();
    write_atomic(&home.path(TRUSTED), text.as_bytes(), 0o600)
}

/// Gives a stored verdict again from what is stored beside it.
///
/// # Errors
/// `verify.failed` if it differs; `not-found` if something it rests on is gone.
pub fn replay(home: &Home, verdict: &Verdict) -> Result<()> {
    let evidence = Evidence::decode(&fetch(home, "evidence", &hex::encode(verdict.evidence))?)?;
    let policy = fetch(home, "policies", &hex::encode(verdict.policy))?;
    let damaged = || Fault::new(Code::Damaged, "a stored policy of attestation");
    let again = if verdict.kind == "simulated" {
        replay_simulated(verdict, &policy, &evidence)
    } else {
        let policy: Policy = serde_json::from_slice(&policy).map_err(|_| damaged())?;
        // by its hash alone: who signed it may have lost our trust since
        let bytes = fetch(home, "bundles", &hex::encode(verdict.bundle))?;
        let bundle: Bundle = signed::content(&bytes)?;
        verdict.replay(default_provider(), &evidence, &bundle, &policy).map_err(Fault::from)
    };
    again.map_err(|fault| Fault::new(Code::Verify, fault.to_string()))
}

#[cfg(feature = "danger-simulated-tee")]
fn replay_simulated(verdict: &Verdict, policy: &[u8], evidence: &Evidence) -> Result<()> {
    let policy = serde_json::from_slice(policy).map_err(|_| Fault::new(Code::Damaged, "a stored policy of attestation"))?;
    Ok(yu_tee_attest::simulated::replay(verdict, &policy, evidence)?)
}

#[cfg(not(feature = "danger-simulated-tee"))]
fn replay_simulated(_: &Verdict, _: &[u8], _: &Evidence) -> Result<()> {
    Err(Fault::new(Code::AttestUnavailable, "a verdict on simulated evidence: this build has no simulator (feature danger-simulated-tee)"))
}
