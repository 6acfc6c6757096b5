//! `TPMS_ATTEST` of a quote (TPM Library Specification, part 2, section 10.12.8). All numbers big-endian.
//!
//! ```text
//! magic u32 = 0xff544347 | type u16 = 0x8018 | qualifiedSigner TPM2B | extraData TPM2B
//! clock u64 | resetCount u32 | restartCount u32 | safe u8 | firmwareVersion u64
//! pcrSelect: count u32 = 1, hash u16, size u8, bitmap | pcrDigest TPM2B
//! ```

use subtle::ConstantTimeEq as _;

use super::signature::Hash;
use crate::claims::Claims;
use crate::cursor::Cursor;
use crate::eventlog::Algorithm;
use crate::fault::{Fault, Result};

/// `TPM_GENERATED_VALUE`: a restricted key signs it only for structures that the TPM itself made.
const MAGIC: u32 = 0xff54_4347;
/// `TPM_ST_ATTEST_QUOTE`.
const QUOTE: u16 = 0x8018;
/// The longest name: two bytes of algorithm and a SHA-512 digest.
const LONGEST_NAME: usize = 66;
/// Registers that have a name: 0 to 23.
const MOST_REGISTERS: u32 = 24;

/// A quote, read in place.
pub(super) struct Quote<'a> {
    signer: &'a [u8],
    pub(super) extra: &'a [u8],
    clock: u64,
    resets: u32,
    restarts: u32,
    is_safe: bool,
    firmware: u64,
    pub(super) bank: Algorithm,
    selected: Vec<u32>,
    digest: &'a [u8],
}

impl<'a> Quote<'a> {
    /// Reads the whole structure.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new("quote", bytes);
        if cursor.be32()? != MAGIC || cursor.be16()? != QUOTE {
            return Err(cursor.wrong("not a quote that a TPM made"));
        }
        let signer = cursor.sized(LONGEST_NAME)?;
        let extra = cursor.sized(64)?;
        let (clock, resets, restarts) = (cursor.be64()?, cursor.be32()?, cursor.be32()?);
        let is_safe = match cursor.byte()? {
            0 => false,
            1 => true,
            _ => return Err(cursor.wrong("a flag that is neither yes nor no")),
        };
        let firmware = cursor.be64()?;
        if cursor.be32()? != 1 {
            return Err(cursor.wrong("registers of more than one algorithm, or none"));
        }
        let bank = match Algorithm::of(cursor.be16()?)? {
            Algorithm::Sha1 => return Err(cursor.wrong("SHA-1 registers: quote those of a hash that is not broken")),
            bank => bank,
        };
        let size = cursor.byte()?;
        let selected: Vec<u32> =
            (0_u32..).step_by(8).zip(cursor.take(usize::from(size))?).flat_map(|(base, bits)| chosen(base, *bits)).collect();
        if selected.is_empty() || selected.iter().any(|index| *index >= MOST_REGISTERS) {
            return Err(cursor.wrong("no register, or one above 23"));
        }
        let digest = cursor.sized(64)?;
        cursor.end()?;
        Ok(Self { signer, extra, clock, resets, restarts, is_safe, firmware, bank, selected, digest })
    }

    /// The values given beside the quote, each with its number: together they must have the digest that was signed.
    pub(super) fn registers<'b>(&self, bytes: &'b [u8], hash: Hash) -> Result<Vec<(u32, &'b [u8])>> {
        let mut cursor = Cursor::new("registers", bytes);
        let mut values = Vec::with_capacity(self.selected.len());
        for index in &self.selected {
            values.push((*index, cursor.take(self.bank.length())?));
        }
        cursor.end()?;
        // part 3, section 18.4: the digest is made by the hash of the signing scheme
        if bool::from(hash.digest(bytes).as_slice().ct_eq(self.digest)) {
            return Ok(values);
        }
        Err(Fault::new(
            "tpm.registers",
            "registers",
            "the values of the registers do not have the signed digest",
            "寄存器的值与已签名的摘要不符",
        ))
    }

    /// Claims about the TPM itself.
    pub(super) fn claims(&self, claims: &mut Claims) {
        claims.set("tpm.qualified-signer", self.signer);
        claims.set("tpm.clock", self.clock);
        claims.set("tpm.clock-safe", self.is_safe);
        claims.set("tpm.reset-count", u64::from(self.resets));
        claims.set("tpm.restart-count", u64::from(self.restarts));
        claims.set("tpm.firmware", self.firmware);
    }
}

/// Numbers of the bits that are set, the least significant first.
fn chosen(base: u32, bits: u8) -> impl Iterator<Item = u32> {
    (0_u32..8).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| base.saturating_add(bit))
}
