//! The table of certificates that an SNP host gives to its guests (GHCB specification, 56421, section 4.1.8.1): entries of a
//! GUID, an offset and a length, an entry of zeros, then the certificates.

use crate::cursor::Cursor;
use crate::fault::Result;

const PLACE: &str = "certificate table of the host";
/// Chip key `63da758d-e664-4564-adc5-f4b93be8accd` and operator key `a8074bc2-a25a-483e-aae6-39c045a0b8a1`.
const VCEK: [u8; 16] = [0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd];
const VLEK: [u8; 16] = [0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1];
/// Where a report says which key signed it (bits 2 to 4: 0 chip, 1 operator).
const KEY_INFO: usize = 0x48;

/// The certificate of the key that signed the report. `None` where the host gave none: the verifier's bundle must have it.
pub(super) fn signer(report: &[u8], table: &[u8]) -> Result<Option<Vec<u8>>> {
    let is_operator = report.get(KEY_INFO).is_some_and(|info| info >> 2 & 7 == 1);
    let wanted = if is_operator { VLEK } else { VCEK };
    let mut cursor = Cursor::new(PLACE, table);
    while !cursor.is_empty() {
        let (guid, offset, length) = (cursor.array::<16>()?, cursor.le32()?, cursor.le32()?);
        if guid == [0; 16] {
            return Ok(None);
        }
        if guid != wanted && guid != mixed(wanted) {
            continue;
        }
        let mut rest = Cursor::new(PLACE, table);
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        rest.take(size(offset))?;
        return Ok(Some(rest.take(size(length))?.to_vec()));
    }
    Ok(None)
}

/// The other way of writing a GUID, first three fields little-endian: hosts are found that do either.
const fn mixed(guid: [u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = guid;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}
