//! The request and the response, as they were signed (DSP0274 1.1, tables 43 and 45). All numbers little-endian.
//!
//! ```text
//! request    version 0x11 | GET_MEASUREMENTS 0xe0 | 1 = signed | 0xff = all | nonce, 32 bytes | slot
//! response   version 0x11 | MEASUREMENTS 0x60 | 0 | slot | blocks u8 | length u24
//!            blocks: number u8 | DMTF 1 | size u16 | kind u8 | size u16 | digest
//!            nonce of the card, 32 bytes | length u16 | opaque data | signature, 96 bytes
//! ```

use crate::claims::Claims;
use crate::cursor::Cursor;
use crate::fault::Result;
use crate::layout::{Field, Layout};

const PLACE: &str = "measurement report";
/// ECDSA on P-384: r then s.
const SIGNATURE: usize = 96;
/// Length of a SHA-384 digest, the only kind of measurement there is.
pub(super) const DIGEST: usize = 48;
/// Opaque data of real reports have below 500 bytes.
const MOST_OPAQUE: u16 = 4096;

const REQUEST: Layout = Layout {
    name: PLACE,
    length: 45,
    fields: &[
        Field::new("request", 0, 4),
        Field::new("nonce", 4, 32),
        Field::new("slot", 36, 1),
        Field::new("response", 37, 3),
        Field::new("response slot", 40, 1),
        Field::new("blocks", 41, 1),
        Field::new("length", 42, 3),
    ],
};
const _: () = assert!(REQUEST.sound());

/// A report, read in place.
pub(super) struct Report<'a> {
    /// Everything that is signed.
    pub(super) signed: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) nonce: &'a [u8],
    /// Digest of block 1, 2, and so on.
    pub(super) blocks: Vec<&'a [u8]>,
    pub(super) opaque: &'a [u8],
}

impl<'a> Report<'a> {
    /// Reads the whole; nothing may follow.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let (head, rest) = REQUEST.read(bytes)?;
        let mut cursor = Cursor::new(PLACE, rest);
        let fixed = [
            ("request", head.field("request") == [0x11, 0xe0, 0x01, 0xff]),
            ("slot", head.number("slot") < 8),
            ("response", head.field("response") == [0x11, 0x60, 0x00]),
            ("response slot", head.number("response slot") == head.number("slot")),
        ];
        if let Some((name, _)) = fixed.iter().find(|(_, fits)| !fits) {
            return Err(cursor.wrong(format!("`{name}` has a value that is not known")));
        }
        let record = cursor.take(usize::try_from(head.number("length")).unwrap_or(usize::MAX))?;
        let blocks = blocks(record, head.number("blocks"))?;
        let _nonce_of_the_card = cursor.take(32)?;
        let length = cursor.le16()?;
        if length > MOST_OPAQUE {
            return Err(cursor.wrong("more than 4096 bytes of opaque data"));
        }
        let opaque = cursor.take(usize::from(length))?;
        let signature = cursor.take(SIGNATURE)?;
        cursor.end()?;
        let signed = bytes.get(..bytes.len().saturating_sub(SIGNATURE)).unwrap_or_default();
        Ok(Self { signed, signature, nonce: head.field("nonce"), blocks, opaque })
    }

    /// Sets the claims of the blocks, each as `number:digest`.
    pub(super) fn claims(&self, claims: &mut Claims) {
        let list = (1_u32..).zip(&self.blocks).map(|(number, digest)| format!("{number}:{}", hex::encode(digest))).collect::<Vec<_>>();
        claims.set("nvidia.measurements", list);
    }
}

/// The blocks, numbered from 1 without a gap.
fn blocks(record: &[u8], count: u64) -> Result<Vec<&[u8]>> {
    let mut cursor = Cursor::new("measurement record", record);
    let mut found = Vec::new();
    for number in 1..=count {
        let (index, specification, size) = (cursor.byte()?, cursor.byte()?, cursor.le16()?);
        let (kind, length) = (cursor.byte()?, cursor.le16()?);
        // bit 7 of the kind would mean raw bytes instead of a digest
        let fits = u64::from(index) == number
            && specification == 1
            && kind & 0x80 == 0
            && usize::from(length) == DIGEST
            && size == length.saturating_add(3);
        if !fits {
            return Err(cursor.wrong(format!("block {number} is not a SHA-384 digest in its place")));
        }
        found.push(cursor.take(DIGEST)?);
    }
    cursor.end()?;
    Ok(found)
}
