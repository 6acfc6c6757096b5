//! Claims of the realm (draft-ffm-rats-cca-token, section 4.3).

use super::cbor::{Key, Reader};
use super::platform::{Profile, is_hash};
use crate::claims::Claims;
use crate::crypto::{Scheme, sha256};
use crate::fault::{Result, malformed};

const PLACE: &str = "realm token";

/// What a realm says.
pub(super) struct Realm<'a> {
    pub(super) challenge: &'a [u8],
    personalization: &'a [u8],
    initial: &'a [u8],
    extended: Vec<String>,
    hash: &'a str,
    /// The key as it stands in the token: what the platform hashed.
    pub(super) key: &'a [u8],
    /// Hash algorithm of the platform's challenge.
    pub(super) key_hash: &'a str,
    /// The key as a point, and its curve.
    pub(super) point: Vec<u8>,
    pub(super) curve: Scheme,
    pub(super) unknown: Vec<String>,
}

impl<'a> Realm<'a> {
    /// Reads all claims, by the rules of the platform's profile.
    pub(super) fn read(payload: &'a [u8], rules: Profile) -> Result<Self> {
        let mut reader = Reader::new(PLACE, payload);
        let (mut profile, mut challenge, mut personalization, mut initial) = (None, None, None, None);
        let (mut extended, mut hash, mut key, mut key_hash) = (None, None, None, None);
        let (mut keys, mut unknown) = (Vec::new(), Vec::new());
        for _ in 0..reader.map()? {
            match reader.key(&mut keys)? {
                Key::Number(265) => profile = Some(reader.text()?),
                Key::Number(10) => challenge = Some(reader.bytes()?),
                Key::Number(44235) => personalization = Some(reader.bytes()?),
                Key::Number(44236) => hash = Some(reader.text()?),
                Key::Number(44237) => key = Some(reader.bytes()?),
                Key::Number(44238) => initial = Some(reader.bytes()?),
                Key::Number(44239) => extended = Some(measurements(&mut reader)?),
                Key::Number(44240) => key_hash = Some(reader.text()?),
                other => {
                    reader.skip()?;
                    unknown.push(format!("realm:{}", other.show()));
                }
            }
        }
        reader.end()?;
        let missing = |en: &str| malformed(PLACE, format!("no {en}"));
        let is_profile = match rules {
            Profile::Legacy => profile.is_none(),
            Profile::Year2023 => profile == Some("tag:arm.com,2023:realm#1.0.0"),
        };
        if !is_profile {
            return Err(malformed(PLACE, "a profile that does not belong to the platform's"));
        }
        let key = key.ok_or_else(|| missing("key"))?;
        let (curve, point) = match rules {
            Profile::Legacy => (curve(key)?, key.to_vec()),
            Profile::Year2023 => cose_key(key)?,
        };
        let (initial, extended) =
            (initial.ok_or_else(|| missing("initial measurement"))?, extended.ok_or_else(|| missing("measurements"))?);
        let length = initial.len();
        if !matches!(length, 32 | 48 | 64) || extended.len() != 4 || extended.iter().any(|one| one.len() != length.saturating_mul(2)) {
            return Err(malformed(PLACE, "measurements that are not five of one length"));
        }
        Ok(Self {
            challenge: challenge.filter(|bytes| bytes.len() == 64).ok_or_else(|| missing("challenge of 64 bytes"))?,
            personalization: personalization
                .filter(|bytes| bytes.len() == 64)
                .ok_or_else(|| missing("personalization value of 64 bytes"))?,
            initial,
            extended,
            hash: hash.filter(|name| is_hash(name)).ok_or_else(|| missing("hash algorithm that is known"))?,
            key,
            key_hash: key_hash.filter(|name| is_hash(name)).ok_or_else(|| missing("hash algorithm of the key that is known"))?,
            point,
            curve,
            unknown,
        })
    }

    /// Sets the claims.
    pub(super) fn claims(&self, claims: &mut Claims) {
        claims.set("cca.realm-initial-measurement", self.initial);
        claims.set("cca.realm-measurements", self.extended.clone());
        claims.set("cca.realm-personalization", self.personalization);
        claims.set("cca.realm-hash-algorithm", self.hash);
        claims.set("cca.realm-key", sha256(&[self.key]).as_slice());
    }
}

fn measurements(reader: &mut Reader<'_>) -> Result<Vec<String>> {
    let count = reader.list()?;
    (0..count).map(|_| reader.bytes().map(hex::encode)).collect()
}

/// The curve of an uncompressed point.
fn curve(point: &[u8]) -> Result<Scheme> {
    match (point.first(), point.len()) {
        (Some(4), 65) => Ok(Scheme::P256Sha256),
        (Some(4), 97) => Ok(Scheme::P384Sha384),
        _ => Err(malformed(PLACE, "a key that is no point of P-256 or P-384")),
    }
}

/// A COSE_Key of type EC2 (RFC 9053, section 7.1.1): curve, x and y as bytes of the field's length.
fn cose_key(bytes: &[u8]) -> Result<(Scheme, Vec<u8>)> {
    let mut reader = Reader::new("realm key", bytes);
    let (mut kind, mut curve_id, mut x, mut y, mut keys) = (None, None, None, None, Vec::new());
    for _ in 0..reader.map()? {
        match reader.key(&mut keys)? {
            Key::Number(1) => kind = Some(reader.number()?),
            Key::Number(-1) => curve_id = Some(reader.number()?),
            Key::Number(-2) => x = Some(reader.bytes()?),
            Key::Number(-3) => y = Some(reader.bytes()?),
            // key identifier and algorithm: of no use, the token's header names the algorithm
            Key::Number(2) => drop(reader.bytes()?),
            Key::Number(3) => drop(reader.number()?),
            other => return Err(reader.wrong(format!("a field {} that is not known", other.show()))),
        }
    }
    reader.end()?;
    let (Some(2), Some(curve_id), Some(x), Some(y)) = (kind, curve_id, x, y) else {
        return Err(reader.wrong("not an elliptic curve key"));
    };
    let point = [&[4], x, y].concat();
    let found = curve(&point)?;
    // 1 is P-256, 2 is P-384
    match (curve_id, found) {
        (1, Scheme::P256Sha256) | (2, Scheme::P384Sha384) if x.len() == y.len() => Ok((found, point)),
        _ => Err(reader.wrong("coordinates that do not belong to the curve")),
    }
}
