//! Bytes of formats whose fields follow one another with lengths inside: event logs, TPM structures, SPDM messages.

use crate::fault::{Fault, malformed};

/// A place in bytes; every read moves it on and fails where the bytes end.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    place: &'static str,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(place: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, place }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A fault of this format.
    pub(crate) fn wrong(&self, en: impl Into<String>) -> Fault {
        malformed(self.place, en)
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (head, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.wrong(format!("it ends {} bytes early", length.saturating_sub(self.rest.len()))))?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| self.wrong("a field of another length"))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Fault> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn le16(&mut self) -> Result<u16, Fault> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn le32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn le64(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn be16(&mut self) -> Result<u16, Fault> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn be32(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn be64(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Bytes after a 16-bit big-endian length (`TPM2B` of the TPM library specification), at most `most` of them.
    pub(crate) fn sized(&mut self, most: usize) -> Result<&'a [u8], Fault> {
        let length = usize::from(self.be16()?);
        if length > most {
            return Err(self.wrong(format!("a field of {length} bytes where at most {most} are allowed")));
        }
        self.take(length)
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong(format!("{} bytes after the end", self.rest.len()))) }
    }
}
