//! Pseudonyms (假名): keyed digests of cells, from 128 bits on, written as text.
//!
//! Equal cells get equal pseudonyms within one key, purpose and domain, so frequencies stay visible and tables stay joinable.
//! Without the key nobody can compute a pseudonym, hence nobody can try out all identifiers; with it anybody can:
//! pseudonyms are not anonymous for whoever holds the key. A digest cannot be turned back, not even with the key, other
//! than by trying.

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::buffer::OffsetBuffer;

use super::cells::{At, Cells, like, texts};
use super::digest::Hmac;
use super::encoding::Encoding;
use crate::error::{Error, Result};

pub(super) struct Pseudonyms {
    hmac: Hmac,
    encoding: Encoding,
    /// Bytes of the digest that are kept.
    bytes: usize,
}

impl Pseudonyms {
    /// `bytes` from 16 to 32.
    pub(super) const fn new(hmac: Hmac, encoding: Encoding, bytes: usize) -> Self {
        Self { hmac, encoding, bytes }
    }

    fn all(&self, texts: &StringArray) -> Result<StringArray> {
        let width = self.encoding.width(self.bytes);
        let too_long = || Error::Shape { what: "bytes of a column of pseudonyms in one batch", expected: i32::MAX as u64, found: u64::MAX };
        let present = texts.len() - texts.null_count();
        let length = present.checked_mul(width).filter(|length| i32::try_from(*length).is_ok()).ok_or_else(too_long)?;
        let mut out = vec![0; length];
        // the cells that are there lie side by side in the output
        let put = |number: usize, code: &[u8; 32]| {
            if let Some(slot) = out.get_mut(number * width..(number + 1) * width) {
                self.encoding.fill(&code[..self.bytes], slot);
            }
        };
        let offsets: OffsetBuffer<i32> = match texts.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => {
                self.hmac.each((0..texts.len()).map(|row| texts.value(row).as_bytes()), put);
                OffsetBuffer::from_repeated_length(width, texts.len())
            }
            Some(nulls) => {
                self.hmac.each(texts.iter().flatten().map(str::as_bytes), put);
                OffsetBuffer::from_lengths(nulls.iter().map(|is_valid| if is_valid { width } else { 0 }))
            }
        };
        StringArray::try_new(offsets, out.into(), texts.nulls().cloned()).map_err(|source| Error::Arrow { what: "building text", source })
    }
}

impl Cells for Pseudonyms {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        like(self.all(&texts(array, at)?)?, array, at)
    }
}
