//! CBOR (RFC 8949) as tokens use it: definite lengths, no key twice, bounded depth, nothing left over.

use minicbor::Decoder;
use minicbor::data::Type;

use crate::fault::{Fault, Result, malformed};

/// Claims have at most a list of maps inside.
const DEEPEST: usize = 6;
/// More entries than any token has.
const MOST_ENTRIES: u64 = 64;

/// A reader of one structure; every fault names its place.
pub(super) struct Reader<'a> {
    decoder: Decoder<'a>,
    place: &'static str,
}

/// The key of a map: tokens have numbers; texts are read to be listed as unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'a> {
    Number(i64),
    Text(&'a str),
}

impl Key<'_> {
    /// The key in words.
    pub(super) fn show(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.chars().filter(|letter| !letter.is_control()).take(64).collect(),
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(place: &'static str, bytes: &'a [u8]) -> Self {
        Self { decoder: Decoder::new(bytes), place }
    }

    pub(super) fn wrong(&self, en: impl Into<String>) -> Fault {
        malformed(self.place, en)
    }

    fn is(&self, wanted: &[Type]) -> Result<()> {
        let found = self.decoder.datatype().map_err(|_| self.wrong("it ends where an item is due"))?;
        if wanted.contains(&found) { Ok(()) } else { Err(self.wrong(format!("{found} where another type is due"))) }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8]> {
        self.is(&[Type::Bytes])?;
        self.decoder.bytes().map_err(|_| self.wrong("bytes that cannot be read"))
    }

    pub(super) fn text(&mut self) -> Result<&'a str> {
        self.is(&[Type::String])?;
        self.decoder.str().map_err(|_| self.wrong("text that cannot be read"))
    }

    pub(super) fn number(&mut self) -> Result<i64> {
        self.decoder.i64().map_err(|_| self.wrong("no number where one is due"))
    }

    pub(super) fn tag(&mut self) -> Result<u64> {
        self.decoder.tag().map(|tag| tag.as_u64()).map_err(|_| self.wrong("no tag where one is due"))
    }

    /// Length of a list.
    pub(super) fn list(&mut self) -> Result<u64> {
        self.is(&[Type::Array])?;
        self.decoder
            .array()
            .ok()
            .flatten()
            .filter(|length| *length <= MOST_ENTRIES)
            .ok_or_else(|| self.wrong("a list that cannot be read, or with more than 64 items"))
    }

    /// Length of a map.
    pub(super) fn map(&mut self) -> Result<u64> {
        self.is(&[Type::Map])?;
        self.decoder
            .map()
            .ok()
            .flatten()
            .filter(|length| *length <= MOST_ENTRIES)
            .ok_or_else(|| self.wrong("a map that cannot be read, or with more than 64 entries"))
    }

    /// The next key of a map, which none of those before it may be.
    pub(super) fn key(&mut self, before: &mut Vec<Key<'a>>) -> Result<Key<'a>> {
        let key = match self.decoder.datatype() {
            Ok(Type::String) => Key::Text(self.text()?),
            _ => Key::Number(self.number()?),
        };
        if before.contains(&key) {
            return Err(self.wrong(format!("key {} twice in one map", key.show())));
        }
        before.push(key);
        Ok(key)
    }

    /// Reads one item and leaves it alone.
    pub(super) fn skip(&mut self) -> Result<()> {
        self.skip_to(DEEPEST)
    }

    fn skip_to(&mut self, depth: usize) -> Result<()> {
        let below = depth.checked_sub(1).ok_or_else(|| self.wrong("items inside items more than six deep"))?;
        let scalar = |result: std::result::Result<(), minicbor::decode::Error>| {
            result.map_err(|_| malformed(self.place, "an item that cannot be read"))
        };
        match self.decoder.datatype().map_err(|_| malformed(self.place, "it ends where an item is due"))? {
            Type::Bytes => self.bytes().map(drop),
            Type::String => self.text().map(drop),
            Type::Array => {
                for _ in 0..self.list()? {
                    self.skip_to(below)?;
                }
                Ok(())
            }
            Type::Map => {
                let mut keys = Vec::new();
                for _ in 0..self.map()? {
                    self.key(&mut keys)?;
                    self.skip_to(below)?;
                }
                Ok(())
            }
            Type::Tag => {
                self.tag()?;
                self.skip_to(below)
            }
            Type::Bool => scalar(self.decoder.bool().map(drop)),
            Type::Null => scalar(self.decoder.null()),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => self.number().map(drop),
            other => Err(self.wrong(format!("{other}, which no token uses"))),
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<()> {
        if self.decoder.position() == self.decoder.input().len() { Ok(()) } else { Err(self.wrong("bytes after the end")) }
    }
}
