//! What is sealed (封存): a file that opens with two halves of a key, one sealed to the authority, one to the regulator. The line of the docket is its
//! time-stamp; the file is read-only and may be copied anywhere.
//!
//! ```text
//! head      format, authorisation, holder, both halves sealed
//! body      list of objects, their bytes; encrypted under the exclusive or of the halves
//! ```

use crate::docket::draft;
use crate::docket::kind::Document;
use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use crate::keys::{now, rng};
use crate::node::{Node, payload_hash};
use crate::procedure::law;
use crate::vault::{blob, check_id};
use crate::verbs::{lines, to_value};
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use yu_governance::canonical::Hash;
use yu_governance::ending::SealedPackage;
use yu_governance::id::{AuthorisationId, PartyName};
use yu_governance::sign::Signed;
use yu_wire::seal::{SealPublic, Sealed, seal as seal_to};
use zeroize::Zeroizing;

/// Folder of the node's sealed packages.
const FOLDER: &str = "sealed";
const BODY: &str = "sealed-package";
const INFO: &[u8] = b"yu-sealed-package-v1";
const HALF_INFO: &[u8] = b"yu-sealed-half-v1";
/// Most bytes of the head.
const LARGEST_HEAD: usize = 16 << 10;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    v: u32,
    authorisation: AuthorisationId,
    holder: PartyName,
    /// The authority's half, then the regulator's.
    halves: [Sealed; 2],
}

/// What the regulator gives the authority, for one file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Half {
    v: u32,
    file: Hash,
    half: Sealed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    Authority,
    Regulator,
}

impl Keeper {
    const fn place(self) -> usize {
        match self {
            Self::Authority => 0,
            Self::Regulator => 1,
        }
    }

    /// Binds a half to what it is of.
    fn aad(self, authorisation: &AuthorisationId, holder: &PartyName) -> Vec<u8> {
        let word = match self {
            Self::Authority => "authority",
            Self::Regulator => "regulator",
        };
        format!("{authorisation}\0{holder}\0{word}").into_bytes()
    }
}

/// Sealing key of a node.
fn key_of(node: &Node, name: &PartyName) -> Result<SealPublic> {
    if name.as_str() == node.name() {
        return Ok(node.keys().seal.public());
    }
    let text = node.peer(name.as_str())?.seal_key;
    let bytes: Option<[u8; 32]> = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(SealPublic).ok_or_else(|| Fault::new(Code::Damaged, "sealing key").party(name.as_str()))
}

/// Writes the package of these objects and asks authority and regulator to sign for it; gives the hash of its document. The objects stay until the caller
/// destroys them.
///
/// # Errors
/// `peer.unknown` for a keeper that this node never met; `storage.failed`, `disk.full`.
pub(super) fn seal(node: &Arc<Node>, id: &AuthorisationId, objects: &[String]) -> Result<Hash> {
    let law = law::required(node)?;
    let holder: PartyName = node.name().parse()?;
    let bytes = packed(objects, |name| node.vault().get(name))?;
    let keys = [key_of(node, &law.authority)?, key_of(node, &law.regulator)?];
    let file = written(id, &holder, &keys, &bytes)?;
    let hash = Hash::of_file(&file);
    let folder = node.home().path(FOLDER);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|e| Fault::io(&e, &folder))?;
    write_atomic(&folder.join(format!("{}.sealed", hash.to_hex())), &file, 0o400)?;
    let objects = u32::try_from(objects.len()).map_err(|_| Fault::new(Code::Input, "too many objects"))?;
    let document = SealedPackage {
        v: 1,
        authorisation: id.clone(),
        holder,
        file: hash,
        objects,
        authority: law.authority,
        regulator: law.regulator,
        at: now(),
    };
    let name = payload_hash(&document)?;
    draft::start(node, crate::docket::named(SealedPackage::KIND)?, &to_value(&Signed::unsigned(document))?)?;
    Ok(name)
}

fn packed(objects: &[String], get: impl Fn(&str) -> Result<Zeroizing<Vec<u8>>>) -> Result<Zeroizing<Vec<u8>>> {
    let read: Vec<(&String, Zeroizing<Vec<u8>>)> = objects.iter().map(|name| Ok((name, get(name)?))).collect::<Result<_>>()?;
    let list: Vec<(&str, u64)> = read.iter().map(|(name, bytes)| (name.as_str(), bytes.len() as u64)).collect();
    let list = serde_json::to_vec(&list).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let size = read.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    let mut whole = Zeroizing::new(Vec::with_capacity(list.len() + 1 + size));
    whole.extend_from_slice(&list);
    whole.push(b'\n');
    read.iter().for_each(|(_, bytes)| whole.extend_from_slice(bytes));
    Ok(whole)
}

fn xor(one: &[u8], other: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0_u8; 32]);
    if one.len() != 32 || other.len() != 32 {
        return Err(Fault::new(Code::Damaged, "half of a key"));
    }
    key.iter_mut().zip(one.iter().zip(other)).for_each(|(key, (one, other))| *key = one ^ other);
    Ok(key)
}

/// The bytes of a package.
fn written(id: &AuthorisationId, holder: &PartyName, keys: &[SealPublic; 2], bytes: &[u8]) -> Result<Vec<u8>> {
    let mut halves = [Zeroizing::new([0_u8; 32]), Zeroizing::new([0_u8; 32])];
    halves.iter_mut().for_each(|half| rng().fill_bytes(&mut half[..]));
    let key = xor(&halves[0][..], &halves[1][..])?;
    let sealed = |keeper: Keeper| {
        let at = keeper.place();
        seal_to(&keys[at], INFO, &keeper.aad(id, holder), &halves[at][..], &mut rng())
    };
    let head =
        Head { v: 1, authorisation: id.clone(), holder: holder.clone(), halves: [sealed(Keeper::Authority)?, sealed(Keeper::Regulator)?] };
    let mut file = serde_json::to_vec(&head).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    file.push(b'\n');
    file.extend(blob::encrypt(crate::suite::current(), &key, BODY, bytes)?);
    Ok(file)
}

fn read(path: &Path) -> Result<(Head, Vec<u8>, Hash)> {
    let bytes = fs::read(path).map_err(|e| {
        let code = if e.kind() == std::io::ErrorKind::NotFound { Code::FileMissing } else { Code::FileRead };
        Fault::new(code, e.kind().to_string()).at(path.display().to_string())
    })?;
    let bad = || Fault::new(Code::Input, "no sealed package").at(path.display().to_string());
    let end = bytes.iter().take(LARGEST_HEAD).position(|b| *b == b'\n').ok_or_else(bad)?;
    let (head, body) = bytes.split_at(end);
    let head: Head = serde_json::from_slice(head).map_err(|_| bad())?;
    if head.v != 1 {
        return Err(bad());
    }
    Ok((head, body.get(1..).unwrap_or_default().to_vec(), Hash::of_file(&bytes)))
}

/// Refuses what authority and regulator have not both signed to open.
fn may_open(node: &Node, file: &Hash) -> Result<()> {
    if node.docket().with(node, |book| Ok(book.endings.unsealed.contains_key(file)))? {
        return Ok(());
    }
    let what = format!("sealed.closed: no `unsealing` of the file {file} is filed; authority and regulator sign one");
    Err(Fault::new(Code::Refused, what).party(node.name()))
}

/// The regulator's half of a key, sealed to the authority.
///
/// # Errors
/// `policy.refused` before the unsealing is filed; `state.wrong` at another node.
pub fn half(node: &Node, path: &Path) -> Result<Value> {
    let law = law::required(node)?;
    if law.regulator.as_str() != node.name() {
        return Err(Fault::new(Code::State, "the second half is the regulator's").party(node.name()));
    }
    let (head, _, file) = read(path)?;
    may_open(node, &file)?;
    let half = node.keys().seal.open(INFO, &Keeper::Regulator.aad(&head.authorisation, &head.holder), &head.halves[1])?;
    let half = seal_to(&key_of(node, &law.authority)?, HALF_INFO, file.as_bytes(), &half, &mut rng())?;
    let text = serde_json::to_string(&Half { v: 1, file, half }).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    Ok(json!({ "half": text, "say": lines([(
        format!("half of the key of {file}, for the authority alone"),
        format!("{file} 的监管方半份密钥，仅主管部门可用"),
    )]) }))
}

/// Opens a package at the authority into a folder that does not exist yet.
///
/// # Errors
/// `policy.refused` before the unsealing is filed; `state.wrong` at another node; `storage.damaged` for another half, or changed bytes.
pub fn open(node: &Node, path: &Path, half: &str, out: &Path) -> Result<Value> {
    let law = law::required(node)?;
    if law.authority.as_str() != node.name() {
        return Err(Fault::new(Code::State, "the authority opens sealed packages").party(node.name()));
    }
    let (head, body, file) = read(path)?;
    may_open(node, &file)?;
    let second: Half = serde_json::from_str(half).map_err(|_| Fault::new(Code::Input, "no half of a key").at("--half"))?;
    if second.v != 1 || second.file != file {
        return Err(Fault::new(Code::Input, "the half is of another file").at("--half"));
    }
    let seal = &node.keys().seal;
    let first = seal.open(INFO, &Keeper::Authority.aad(&head.authorisation, &head.holder), &head.halves[0])?;
    let second = seal.open(HALF_INFO, file.as_bytes(), &second.half)?;
    let key = xor(&first, &second)?;
    let plain = blob::decrypt(crate::suite::current(), &key, BODY, &body)?;
    let count = unpacked(&plain, out)?;
    Ok(json!({ "file": file, "objects": count, "say": lines([(
        format!("{count} objects are in {}", out.display()),
        format!("{count} 个对象已写入 {}", out.display()),
    )]) }))
}

fn unpacked(plain: &[u8], out: &Path) -> Result<usize> {
    let damaged = || Fault::new(Code::Damaged, "the list of a sealed package");
    let end = plain.iter().position(|b| *b == b'\n').ok_or_else(damaged)?;
    let (list, rest) = plain.split_at(end);
    let list: Vec<(String, u64)> = serde_json::from_slice(list).map_err(|_| damaged())?;
    let mut rest = rest.get(1..).unwrap_or_default();
    let mut files = Vec::with_capacity(list.len());
    for (name, bytes) in list {
        check_id(&name)?;
        let length = usize::try_from(bytes).ok().filter(|length| *length <= rest.len()).ok_or_else(damaged)?;
        let (file, behind) = rest.split_at(length);
        files.push((name, file));
        rest = behind;
    }
    if !rest.is_empty() {
        return Err(damaged());
    }
    fs::DirBuilder::new().mode(0o700).create(out).map_err(|e| Fault::io(&e, out))?;
    files.iter().try_for_each(|(name, file)| write_atomic(&out.join(name), file, 0o600))?;
    Ok(files.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use yu_wire::seal::SealKey;

    #[test]
    fn l5_a_sealed_package_needs_both_halves_and_every_byte() {
        let (authority, regulator) = (SealKey::generate(&mut rng()), SealKey::generate(&mut rng()));
        let (id, holder): (AuthorisationId, PartyName) = ("dev/authority/a1".parse().unwrap(), "yu://dev/bank/n1".parse().unwrap());
        let names = vec!["model-1".to_owned(), "result-keys-1".to_owned()];
        let plain = packed(&names, |name| Ok(Zeroizing::new(name.as_bytes().repeat(3)))).unwrap();
        let file = written(&id, &holder, &[authority.public(), regulator.public()], &plain).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        std::fs::write(&path, &file).unwrap();
        let (head, body, hash) = read(&path).unwrap();
        assert_eq!(hash, Hash::of_file(&file));
        let first = authority.open(INFO, &Keeper::Authority.aad(&id, &holder), &head.halves[0]).unwrap();
        let second = regulator.open(INFO, &Keeper::Regulator.aad(&id, &holder), &head.halves[1]).unwrap();
        // neither opens the other's half, and none alone is the key
        assert!(authority.open(INFO, &Keeper::Regulator.aad(&id, &holder), &head.halves[1]).is_err());
        assert!(regulator.open(INFO, &Keeper::Authority.aad(&id, &holder), &head.halves[0]).is_err());
        for half in [&first, &second] {
            let key: [u8; 32] = half[..].try_into().unwrap();
            assert!(blob::decrypt(crate::suite::current(), &key, BODY, &body).is_err());
        }
        let opened = blob::decrypt(crate::suite::current(), &xor(&first, &second).unwrap(), BODY, &body).unwrap();
        let out = dir.path().join("out");
        assert_eq!(unpacked(&opened, &out).unwrap(), 2);
        assert_eq!(std::fs::read(out.join("model-1")).unwrap(), b"model-1model-1model-1");
        let mut bad = body;
        *bad.last_mut().unwrap() ^= 1;
        assert!(blob::decrypt(crate::suite::current(), &xor(&first, &second).unwrap(), BODY, &bad).is_err());
        // the halves of one holder's package are nobody else's
        let other: PartyName = "yu://dev/platform/n1".parse().unwrap();
        assert!(authority.open(INFO, &Keeper::Authority.aad(&id, &other), &head.halves[0]).is_err());
        assert!(unpacked(b"[[\"../x\",1]]\nx", &dir.path().join("bad")).is_err());
        assert!(unpacked(b"[[\"x\",9]]\nx", &dir.path().join("bad")).is_err());
    }
}
