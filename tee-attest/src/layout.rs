//! Fixed layouts as tables: a field is a name, an offset and a length, and a layout knows its whole length.
//!
//! ```text
//! const BODY: Layout = Layout { name: "report", length: 1184, fields: &[Field::new("version", 0, 4), ..] };
//! ```
//! Reading checks the length once; a field outside the layout does not compile (`Layout::check` runs in a constant).

use crate::fault::{Fault, malformed};

/// A run of bytes with a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) at: usize,
    pub(crate) length: usize,
}

impl Field {
    pub(crate) const fn new(name: &'static str, at: usize, length: usize) -> Self {
        Self { name, at, length }
    }
}

/// A structure of fixed length.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) length: usize,
    pub(crate) fields: &'static [Field],
}

impl Layout {
    /// Whether all fields are inside and none overlaps another: for a constant assertion beside each table.
    #[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs when the crate is compiled")]
    pub(crate) const fn sound(&self) -> bool {
        let mut end = 0;
        let mut index = 0;
        while index < self.fields.len() {
            let field = &self.fields[index];
            if field.at < end || field.length == 0 || field.at + field.length > self.length {
                return false;
            }
            end = field.at + field.length;
            index += 1;
        }
        true
    }

    /// The first `length` bytes as this structure, and what follows.
    pub(crate) fn read<'a>(&'static self, bytes: &'a [u8]) -> Result<(View<'a>, &'a [u8]), Fault> {
        let (own, rest) = bytes
            .split_at_checked(self.length)
            .ok_or_else(|| malformed(self.name, format!("{} bytes where {} are due", bytes.len(), self.length)))?;
        Ok((View { bytes: own, layout: self }, rest))
    }

    /// All bytes as this structure: nothing may follow.
    pub(crate) fn exact<'a>(&'static self, bytes: &'a [u8]) -> Result<View<'a>, Fault> {
        match self.read(bytes)? {
            (view, []) => Ok(view),
            (_, rest) => Err(malformed(self.name, format!("{} bytes after the end", rest.len()))),
        }
    }
}

/// A structure that lies over bytes of the right length.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) bytes: &'a [u8],
    layout: &'static Layout,
}

impl<'a> View<'a> {
    /// The bytes of a field. Fields are named by constants of this crate, each inside its layout by a constant assertion.
    pub(crate) fn field(&self, name: &str) -> &'a [u8] {
        let Some(field) = self.layout.fields.iter().find(|field| field.name == name) else {
            // a name that no table has is a fault of this crate; an empty field never compares equal to a measurement
            debug_assert!(false, "no field `{name}` in `{}`", self.layout.name);
            return &[];
        };
        self.bytes.get(field.at..field.at.saturating_add(field.length)).unwrap_or_default()
    }

    /// A field as an array; all zero is never returned for a wrong length, that is a fault of this crate.
    pub(crate) fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        let field = self.field(name);
        debug_assert_eq!(field.len(), N, "length of `{name}`");
        let mut array = [0xff; N];
        if field.len() == N {
            array.copy_from_slice(field);
        }
        array
    }

    /// A little-endian number of up to eight bytes.
    pub(crate) fn number(&self, name: &str) -> u64 {
        let field = self.field(name);
        debug_assert!(field.len() <= 8, "`{name}` is longer than a number");
        field.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }
}
