//! Claims of the platform (draft-ffm-rats-cca-token, section 4.2).

use super::cbor::{Key, Reader};
use crate::claims::Claims;
use crate::fault::{Result, malformed};

const PLACE: &str = "platform token";

/// Which rules a token follows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    Legacy,
    Year2023,
}

/// What a platform says.
pub(super) struct Platform<'a> {
    pub(super) profile: Profile,
    pub(super) challenge: &'a [u8],
    pub(super) implementation: &'a [u8],
    pub(super) instance: &'a [u8],
    configuration: &'a [u8],
    lifecycle: u16,
    hash: &'a str,
    components: Vec<String>,
    service: Option<&'a str>,
    pub(super) unknown: Vec<String>,
}

impl<'a> Platform<'a> {
    /// Reads all claims; those that the profile asks for must be there.
    pub(super) fn read(payload: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(PLACE, payload);
        let (mut profile, mut challenge, mut implementation, mut instance) = (None, None, None, None);
        let (mut configuration, mut lifecycle, mut hash, mut found, mut service) = (None, None, None, None, None);
        let (mut keys, mut unknown) = (Vec::new(), Vec::new());
        for _ in 0..reader.map()? {
            match reader.key(&mut keys)? {
                Key::Number(265) => profile = Some(reader.text()?),
                Key::Number(10) => challenge = Some(reader.bytes()?),
                Key::Number(2396) => implementation = Some(reader.bytes()?),
                Key::Number(256) => instance = Some(reader.bytes()?),
                Key::Number(2401) => configuration = Some(reader.bytes()?),
                Key::Number(2395) => lifecycle = Some(reader.number()?),
                Key::Number(2402) => hash = Some(reader.text()?),
                Key::Number(2399) => found = Some(components(&mut reader)?),
                Key::Number(2400) => service = Some(reader.text()?),
                other => {
                    reader.skip()?;
                    unknown.push(format!("platform:{}", other.show()));
                }
            }
        }
        reader.end()?;
        let missing = |en: &str| malformed(PLACE, format!("no {en}"));
        let profile = match profile.ok_or_else(|| missing("profile"))? {
            "http://arm.com/CCA-SSD/1.0.0" => Profile::Legacy,
            "tag:arm.com,2023:cca_platform#1.0.0" => Profile::Year2023,
            _ => return Err(malformed(PLACE, "a profile that is not known")),
        };
        let read = Self {
            profile,
            challenge: challenge.ok_or_else(|| missing("challenge"))?,
            implementation: implementation.filter(|id| id.len() == 32).ok_or_else(|| missing("implementation identity of 32 bytes"))?,
            // a UEID of type RAND: 0x01 and 32 bytes
            instance: instance
                .filter(|id| id.len() == 33 && id.first() == Some(&1))
                .ok_or_else(|| missing("instance identity of 33 bytes"))?,
            configuration: configuration.ok_or_else(|| missing("configuration"))?,
            lifecycle: lifecycle.and_then(|state| u16::try_from(state).ok()).ok_or_else(|| missing("lifecycle of 16 bits"))?,
            hash: hash.filter(|name| is_hash(name)).ok_or_else(|| missing("hash algorithm that is known"))?,
            components: found.ok_or_else(|| missing("software components"))?,
            service,
            unknown,
        };
        Ok(read)
    }

    /// Sets the claims, debug among them: everything but `secured` is a state in which somebody may look inside.
    pub(super) fn claims(&self, claims: &mut Claims) {
        let state = lifecycle(self.lifecycle);
        claims.set("cca.profile", if self.profile == Profile::Legacy { "legacy" } else { "2023" });
        claims.set("cca.implementation", self.implementation);
        claims.set("cca.instance", self.instance);
        claims.set("cca.configuration", self.configuration);
        claims.set("cca.lifecycle", state);
        claims.set("cca.lifecycle-value", u64::from(self.lifecycle));
        claims.set("cca.hash-algorithm", self.hash);
        claims.set("cca.components", self.components.clone());
        if let Some(service) = self.service {
            claims.set("cca.verification-service", service);
        }
        claims.set("evidence.debug", state != "secured");
    }
}

/// Names that the drafts give to hash algorithms (IANA, Named Information Hash Algorithm Registry).
pub(super) fn is_hash(name: &str) -> bool {
    matches!(name, "sha-256" | "sha-384" | "sha-512")
}

/// The high byte is the state, the low byte the maker's own (draft-ffm-rats-cca-token, section 4.2.4).
const fn lifecycle(value: u16) -> &'static str {
    match value {
        0x1000..=0x10ff => "assembly-and-test",
        0x2000..=0x20ff => "rot-provisioning",
        0x3000..=0x30ff => "secured",
        0x4000..=0x40ff => "non-cca-platform-rot-debug",
        0x5000..=0x50ff => "recoverable-cca-platform-rot-debug",
        0x6000..=0x60ff => "decommissioned",
        _ => "unknown",
    }
}

/// Each component as `type:version:measurement:signer`, absent parts empty.
fn components(reader: &mut Reader<'_>) -> Result<Vec<String>> {
    let count = reader.list()?;
    let mut all = Vec::new();
    for _ in 0..count {
        let (mut kind, mut version, mut measurement, mut signer) = ("", "", None, None);
        let mut keys = Vec::new();
        for _ in 0..reader.map()? {
            match reader.key(&mut keys)? {
                Key::Number(1) => kind = reader.text()?,
                Key::Number(2) => measurement = Some(hex::encode(reader.bytes()?)),
                Key::Number(4) => version = reader.text()?,
                Key::Number(5) => signer = Some(hex::encode(reader.bytes()?)),
                Key::Number(6) => {
                    if !is_hash(reader.text()?) {
                        return Err(reader.wrong("a component with a hash algorithm that is not known"));
                    }
                }
                other => return Err(reader.wrong(format!("a component with a field {} that is not known", other.show()))),
            }
        }
        let (Some(measurement), Some(signer)) = (measurement, signer) else {
            return Err(reader.wrong("a component without measurement or signer"));
        };
        all.push(format!("{kind}:{version}:{measurement}:{signer}"));
    }
    Ok(all)
}
