//! Pseudonyms (假名): keyed digests of cells, from 128 bits on, written as text.
//!
//! Equal cells get equal pseudonyms within one key, purpose and domain, so frequencies stay visible and tables stay joinable.
//! Without the key nobody can compute a pseudonym, hence nobody can try out all identifiers; with it anybody can:
//! pseudonyms are not anonymous for whoever holds the key. A digest cannot be turned back, not even with the key, other
//! than by trying.

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};

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
        let mut offsets = Vec::with_capacity(texts.len() + 1);
        offsets.push(0i32);
        let too_long = || Error::Shape { what: "bytes of a column of pseudonyms in one batch", expected: i32::MAX as u64, found: u64::MAX };
        let mut end = 0i32;
        for row in 0..texts.len() {
            if texts.is_valid(row) {
                end = i32::try_from(width).ok().and_then(|width| end.checked_add(width)).ok_or_else(too_long)?;
            }
            offsets.push(end);
        }
        let mut out = vec![0; end as usize];
        // the cells that are there lie side by side in the output
        self.hmac.each(texts.iter().flatten().map(str::as_bytes), |number, code| {
            if let Some(slot) = out.get_mut(number * width..(number + 1) * width) {
                self.encoding.fill(&code[..self.bytes], slot);
            }
        });
        StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(offsets)), out.into(), texts.nulls().cloned())
            .map_err(|source| Error::Arrow { what: "building text", source })
    }
}

impl Cells for Pseudonyms {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        like(self.all(&texts(array, at)?)?, array, at)
    }
}
