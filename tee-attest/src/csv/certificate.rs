//! Hygon's certificates: fixed layouts, SM2 keys, no dates. Numbers are little-endian, so are the coordinates.

use crate::crypto::sm2_verify;
use crate::fault::{Fault, Result, malformed};
use crate::layout::{Field, Layout, View};

/// Length of the certificate of an authority.
pub(super) const AUTHORITY_LENGTH: usize = 832;
/// Length of the certificate of a chip or a platform.
pub(super) const CERTIFICATE_LENGTH: usize = 2084;
/// What an authority signs of an authority's certificate, and of a chip's.
const AUTHORITY_SIGNED: usize = 576;
const CERTIFICATE_SIGNED: usize = 1044;

/// HRK and HSK.
const AUTHORITY: Layout = Layout {
    name: "Hygon authority certificate",
    length: AUTHORITY_LENGTH,
    fields: &[
        Field::new("version", 0, 4),
        Field::new("key-id", 4, 16),
        Field::new("signer-id", 20, 16),
        Field::new("usage", 36, 4),
        Field::new("reserved-40", 40, 24),
        Field::new("curve", 64, 4),
        Field::new("x", 68, 72),
        Field::new("y", 140, 72),
        Field::new("user-length", 212, 2),
        Field::new("user", 214, 254),
        Field::new("reserved-468", 468, 108),
        Field::new("r", AUTHORITY_SIGNED, 72),
        Field::new("s", 648, 72),
        Field::new("reserved-720", 720, 112),
    ],
};
const _: () = assert!(AUTHORITY.sound());

/// CEK and PEK, with room for two signatures.
const CERTIFICATE: Layout = Layout {
    name: "Hygon certificate",
    length: CERTIFICATE_LENGTH,
    fields: &[
        Field::new("version", 0, 4),
        Field::new("firmware-major", 4, 1),
        Field::new("firmware-minor", 5, 1),
        Field::new("reserved-6", 6, 2),
        Field::new("usage", 8, 4),
        Field::new("algorithm", 12, 4),
        Field::new("curve", 16, 4),
        Field::new("x", 20, 72),
        Field::new("y", 92, 72),
        Field::new("user-length", 164, 2),
        Field::new("user", 166, 254),
        Field::new("signer-id", 420, 16),
        Field::new("reserved-436", 436, 608),
        Field::new("signature-1", CERTIFICATE_SIGNED, 520),
        Field::new("signature-2", 1564, 520),
    ],
};
const _: () = assert!(CERTIFICATE.sound());

/// One of the two signatures of a certificate.
const SIGNATURE: Layout = Layout {
    name: "Hygon certificate signature",
    length: 520,
    fields: &[
        Field::new("usage", 0, 4),
        Field::new("algorithm", 4, 4),
        Field::new("r", 8, 72),
        Field::new("s", 80, 72),
        Field::new("reserved-152", 152, 368),
    ],
};
const _: () = assert!(SIGNATURE.sound());

/// The curve SM2 with 256 bits, and signatures with SM3 on it.
const CURVE: u64 = 3;
const ALGORITHM: u64 = 4;
/// The certificate of the platform's owner (OCA) may sign beside the chip; nothing here depends on it.
const OWNER: u64 = 0x1001;
const NOBODY: u64 = 0x1000;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// Hygon root key.
    Hrk,
    /// Hygon signing key.
    Hsk,
    /// Chip endorsement key.
    Cek,
    /// Platform endorsement key.
    Pek,
}

impl Usage {
    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Hrk => 0,
            Self::Hsk => 0x13,
            Self::Cek => 0x1004,
            Self::Pek => 0x1002,
        }
    }
}

/// A public key with the name that goes into its signatures (GB/T 32918.2, 5.5).
#[derive(Clone, Debug)]
pub(super) struct Signer {
    /// `04 || x || y`, big-endian.
    pub(super) point: [u8; 65],
    user: String,
    /// Identity of an authority's key; zero in other certificates.
    id: [u8; 16],
}

impl Signer {
    fn read(view: &View<'_>, place: &'static str, id: [u8; 16]) -> Result<Self> {
        if view.number("curve") != CURVE {
            return Err(malformed(place, "a curve other than SM2"));
        }
        let mut point = [4; 65];
        let (_, halves) = point.split_at_mut(1);
        for (half, name) in halves.chunks_exact_mut(32).zip(["x", "y"]) {
            half.copy_from_slice(&big_endian(view.field(name)).ok_or_else(|| malformed(place, "a coordinate out of range"))?);
        }
        let length = usize::try_from(view.number("user-length")).unwrap_or(usize::MAX);
        let (user, rest) = view.field("user").split_at_checked(length).ok_or_else(|| malformed(place, "a user name that is too long"))?;
        let user = std::str::from_utf8(user).ok().filter(|user| user.is_ascii() && !user.is_empty());
        match user {
            Some(user) if rest.iter().all(|byte| *byte == 0) => Ok(Self { point, user: user.to_owned(), id }),
            _ => Err(malformed(place, "a user name that is no text")),
        }
    }

    /// Whether this key signed the message; r and s are big-endian.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        sm2_verify(&self.user, &self.point, message, signature)
    }
}

/// 32 bytes big-endian from 72 little-endian ones, the upper 40 of which are zero.
fn big_endian(field: &[u8]) -> Option<[u8; 32]> {
    let (low, high) = field.split_at_checked(32)?;
    let mut number = <[u8; 32]>::try_from(low).ok()?;
    number.reverse();
    high.iter().all(|byte| *byte == 0).then_some(number)
}

/// r then s of the fields with these names.
pub(super) fn signature(view: &View<'_>, place: &'static str, names: [&str; 2]) -> Result<[u8; 64]> {
    let mut signature = [0; 64];
    for (half, name) in signature.chunks_exact_mut(32).zip(names) {
        half.copy_from_slice(&big_endian(view.field(name)).ok_or_else(|| malformed(place, "a signature out of range"))?);
    }
    Ok(signature)
}

/// Every reserved field must be zero.
pub(super) fn unused(view: &View<'_>, place: &'static str, names: &[&str]) -> Result<()> {
    match names.iter().all(|name| view.field(name).iter().all(|byte| *byte == 0)) {
        true => Ok(()),
        false => Err(malformed(place, "reserved bytes that are not zero")),
    }
}

fn wrong(code: &'static str, place: &'static str) -> Fault {
    Fault::new(code, place, "a certificate that the key above it did not sign", "证书签名无效")
}

/// The certificate of an authority.
pub(super) struct Authority<'a> {
    view: View<'a>,
    place: &'static str,
    signer: Signer,
}

impl<'a> Authority<'a> {
    pub(super) fn read(place: &'static str, bytes: &'a [u8], usage: Usage) -> Result<Self> {
        let view = AUTHORITY.exact(bytes).map_err(|fault| fault.inside(place))?;
        if view.number("version") != 1 || view.number("usage") != usage.number() {
            return Err(malformed(place, "a version or a usage that is not known here"));
        }
        unused(&view, place, &["reserved-40", "reserved-468", "reserved-720"])?;
        let signer = Signer::read(&view, place, view.array("key-id"))?;
        Ok(Self { view, place, signer })
    }

    pub(super) const fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Whether the key above signed it.
    pub(super) fn check(&self, above: &Signer) -> Result<()> {
        let signed = self.view.bytes.get(..AUTHORITY_SIGNED).unwrap_or_default();
        let signature = signature(&self.view, self.place, ["r", "s"])?;
        match self.view.array("signer-id") == above.id && above.verify(signed, &signature) {
            true => Ok(()),
            false => Err(wrong("csv.chain-signature", self.place)),
        }
    }
}

/// The certificate of a chip or a platform.
pub(super) struct Certificate<'a> {
    view: View<'a>,
    place: &'static str,
    signer: Signer,
}

impl<'a> Certificate<'a> {
    pub(super) fn read(place: &'static str, bytes: &'a [u8], usage: Usage) -> Result<Self> {
        let view = CERTIFICATE.exact(bytes).map_err(|fault| fault.inside(place))?;
        if !matches!(view.number("version"), 1 | 2) || view.number("usage") != usage.number() || view.number("algorithm") != ALGORITHM {
            return Err(malformed(place, "a version, a usage or an algorithm that is not known here"));
        }
        unused(&view, place, &["reserved-6", "reserved-436"])?;
        let signer = Signer::read(&view, place, [0; 16])?;
        Ok(Self { view, place, signer })
    }

    pub(super) const fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Version of the interface that the platform's firmware speaks: major times 256 plus minor.
    pub(super) fn firmware(&self) -> u64 {
        self.view.number("firmware-major") << 8 | self.view.number("firmware-minor")
    }

    /// Whether the key above signed it, in exactly one of the two signatures; the other is the owner's, or empty.
    pub(super) fn check(&self, above: &Signer, usage: Usage) -> Result<()> {
        let mut found = None;
        for name in ["signature-1", "signature-2"] {
            let one = SIGNATURE.exact(self.view.field(name)).map_err(|fault| fault.inside(self.place))?;
            unused(&one, self.place, &["reserved-152"])?;
            match (one.number("usage"), one.number("algorithm")) {
                (signer, ALGORITHM) if signer == usage.number() && found.is_none() => {
                    found = Some(signature(&one, self.place, ["r", "s"])?);
                }
                (OWNER, ALGORITHM) => {
                    signature(&one, self.place, ["r", "s"])?;
                }
                (NOBODY, 0) => unused(&one, self.place, &["r", "s"])?,
                _ => return Err(malformed(self.place, "a signature by a key that is not known here")),
            }
        }
        let signed = self.view.bytes.get(..CERTIFICATE_SIGNED).unwrap_or_default();
        // a chip names its authority; a platform's field is zero, as is the identity of a chip's key
        let named = self.view.array("signer-id") == above.id;
        match found.is_some_and(|signature| named && above.verify(signed, &signature)) {
            true => Ok(()),
            false => Err(wrong("csv.chain-signature", self.place)),
        }
    }
}
