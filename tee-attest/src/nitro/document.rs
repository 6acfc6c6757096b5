//! The fields of a document and the bounds that AWS gives for them. Indefinite lengths, unknown and doubled keys are refused.

use minicbor::Decoder;
use minicbor::data::Type;

use crate::fault::{Result, malformed};
use crate::instant::Instant;

const PLACE: &str = "attestation document";
/// Registers are numbered from 0 to 31.
pub(super) const REGISTERS: usize = 32;
/// Certificates above the leaf; AWS has four.
const MOST_CERTIFICATES: u64 = 7;

/// A document that keeps to its bounds.
pub(super) struct Document<'a> {
    pub(super) module_id: &'a str,
    /// Milliseconds since 1970.
    pub(super) timestamp: u64,
    pub(super) registers: [Option<&'a [u8]>; REGISTERS],
    pub(super) certificate: &'a [u8],
    /// Issuers, the root first.
    pub(super) bundle: Vec<&'a [u8]>,
    pub(super) public_key: Option<&'a [u8]>,
    pub(super) user_data: Option<&'a [u8]>,
    pub(super) nonce: Option<&'a [u8]>,
}

/// What was read so far: a key sets its place once.
#[derive(Default)]
struct Found<'a> {
    module_id: Option<&'a str>,
    digest: Option<&'a str>,
    timestamp: Option<u64>,
    registers: Option<[Option<&'a [u8]>; REGISTERS]>,
    certificate: Option<&'a [u8]>,
    bundle: Option<Vec<&'a [u8]>>,
    public_key: Option<Option<&'a [u8]>>,
    user_data: Option<Option<&'a [u8]>>,
    nonce: Option<Option<&'a [u8]>>,
}

fn wrong(_: minicbor::decode::Error) -> crate::fault::Fault {
    malformed(PLACE, "not CBOR with definite lengths, or a value of another type")
}

/// Puts a value in its place; a second one is refused.
fn once<T>(place: &mut Option<T>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(malformed(PLACE, "a key twice")),
    }
}

impl<'a> Document<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Result<Self> {
        let mut reader = Decoder::new(payload);
        let fields = reader.map().map_err(wrong)?.filter(|fields| *fields <= 9);
        let fields = fields.ok_or_else(|| malformed(PLACE, "not a map of at most nine fields"))?;
        let mut found = Found::default();
        for _ in 0..fields {
            match reader.str().map_err(wrong)? {
                "module_id" => once(&mut found.module_id, reader.str().map_err(wrong)?)?,
                "digest" => once(&mut found.digest, reader.str().map_err(wrong)?)?,
                "timestamp" => once(&mut found.timestamp, reader.u64().map_err(wrong)?)?,
                "pcrs" => once(&mut found.registers, registers(&mut reader)?)?,
                "certificate" => once(&mut found.certificate, bytes(&mut reader, 1, 1024)?)?,
                "cabundle" => once(&mut found.bundle, bundle(&mut reader)?)?,
                "public_key" => once(&mut found.public_key, optional(&mut reader, 1, 1024)?)?,
                "user_data" => once(&mut found.user_data, optional(&mut reader, 0, 512)?)?,
                "nonce" => once(&mut found.nonce, optional(&mut reader, 0, 512)?)?,
                _ => return Err(malformed(PLACE, "a field that is not known")),
            }
        }
        if reader.position() != payload.len() {
            return Err(malformed(PLACE, "bytes after the end"));
        }
        found.whole()
    }

    /// When it was made, rounded down to a second.
    pub(super) fn made(&self) -> Instant {
        Instant(i64::try_from(self.timestamp / 1000).unwrap_or(i64::MAX))
    }

    /// Whether the enclave runs in debug mode: AWS makes the registers of image, kernel and application zero then.
    pub(super) fn is_debug(&self) -> bool {
        self.registers.iter().take(3).flatten().all(|register| register.iter().all(|byte| *byte == 0))
    }
}

impl<'a> Found<'a> {
    fn whole(self) -> Result<Document<'a>> {
        let missing = || malformed(PLACE, "a field is missing");
        if self.digest.ok_or_else(missing)? != "SHA384" {
            return Err(malformed(PLACE, "registers of a digest other than SHA-384"));
        }
        let module_id = self.module_id.ok_or_else(missing)?;
        let timestamp = self.timestamp.ok_or_else(missing)?;
        let registers = self.registers.ok_or_else(missing)?;
        if module_id.is_empty() || module_id.len() > 256 || timestamp == 0 {
            return Err(malformed(PLACE, "an empty name of the module, or no time"));
        }
        // without them nobody could say whether the enclave is in debug mode
        if registers.iter().take(3).any(Option::is_none) {
            return Err(malformed(PLACE, "no registers 0 to 2"));
        }
        Ok(Document {
            module_id,
            timestamp,
            registers,
            certificate: self.certificate.ok_or_else(missing)?,
            bundle: self.bundle.ok_or_else(missing)?,
            public_key: self.public_key.flatten(),
            user_data: self.user_data.flatten(),
            nonce: self.nonce.flatten(),
        })
    }
}

fn bytes<'a>(reader: &mut Decoder<'a>, least: usize, most: usize) -> Result<&'a [u8]> {
    let bytes = reader.bytes().map_err(wrong)?;
    if (least..=most).contains(&bytes.len()) { Ok(bytes) } else { Err(malformed(PLACE, "a field outside its bounds")) }
}

fn optional<'a>(reader: &mut Decoder<'a>, least: usize, most: usize) -> Result<Option<&'a [u8]>> {
    if reader.datatype().map_err(wrong)? == Type::Null {
        reader.null().map_err(wrong)?;
        return Ok(None);
    }
    bytes(reader, least, most).map(Some)
}

fn registers<'a>(reader: &mut Decoder<'a>) -> Result<[Option<&'a [u8]>; REGISTERS]> {
    let count = reader.map().map_err(wrong)?.filter(|count| (1..=32).contains(count));
    let count = count.ok_or_else(|| malformed(PLACE, "not 1 to 32 registers"))?;
    let mut all = [None; REGISTERS];
    for _ in 0..count {
        let index = usize::from(reader.u8().map_err(wrong)?);
        let slot = all.get_mut(index).ok_or_else(|| malformed(PLACE, "a register above 31"))?;
        once(slot, bytes(reader, 48, 48)?)?;
    }
    Ok(all)
}

fn bundle<'a>(reader: &mut Decoder<'a>) -> Result<Vec<&'a [u8]>> {
    let count = reader.array().map_err(wrong)?.filter(|count| (1..=MOST_CERTIFICATES).contains(count));
    let count = count.ok_or_else(|| malformed(PLACE, "not 1 to 7 certificates of issuers"))?;
    (0..count).map(|_| bytes(reader, 1, 1024)).collect()
}
