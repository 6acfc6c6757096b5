//! Which encoding a text file has, and decoding without replacement characters.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{Decoder, DecoderResult};

use super::{Encoding, Input};
use crate::error::{Error, Result};

const BLOCK: usize = 1 << 18;

/// What was found: how to decode, and how many bytes of byte order mark to skip.
#[derive(Clone, Copy)]
pub(super) struct Decoding {
    /// `None` is UTF-8, which needs no conversion.
    convert: Option<&'static encoding_rs::Encoding>,
    skip: u64,
}

/// Reads the whole input once and finds its encoding; every byte has been checked when this returns.
pub(super) fn find(name: &str, input: &mut Input, asked: Encoding) -> Result<Decoding> {
    let io = |source| Error::io(name, source);
    let mut first = Vec::with_capacity(3);
    input.rewind().map_err(io)?;
    input.by_ref().take(3).read_to_end(&mut first).map_err(io)?;
    let plain = |convert, skip| Decoding { convert, skip };
    let gb18030 = Some(encoding_rs::GB18030);
    // in the order in which they are tried; a byte order mark leaves no choice
    let candidates: Vec<(&'static str, Decoding)> = match (asked, first.as_slice()) {
        (Encoding::Auto | Encoding::Utf8, [0xef, 0xbb, 0xbf]) => vec![("UTF-8", plain(None, 3))],
        (Encoding::Auto, [0xff, 0xfe, ..]) => {
            vec![("UTF-16LE", plain(Some(encoding_rs::UTF_16LE), 2))]
        }
        (Encoding::Auto, [0xfe, 0xff, ..]) => {
            vec![("UTF-16BE", plain(Some(encoding_rs::UTF_16BE), 2))]
        }
        (Encoding::Auto, _) => vec![("UTF-8", plain(None, 0)), ("GB18030", plain(gb18030, 0))],
        (Encoding::Utf8, _) => vec![("UTF-8", plain(None, 0))],
        (Encoding::Gb18030, _) => vec![("GB18030", plain(gb18030, 0))],
    };
    let mut tried = Vec::new();
    for (label, decoding) in candidates {
        input.seek(SeekFrom::Start(decoding.skip)).map_err(io)?;
        let fault = match decoding.convert {
            None => first_invalid_utf8(input).map_err(io)?,
            Some(encoding) => {
                let mut reader = Decode::new(&mut *input, encoding);
                match io::copy(&mut reader, &mut io::sink()) {
                    Ok(_) => None,
                    Err(error) => Some(undecodable(&error).ok_or(error).map_err(io)?),
                }
            }
        };
        match fault {
            None => return Ok(decoding),
            Some(offset) => tried.push((label, decoding.skip + offset)),
        }
    }
    Err(Error::Undecodable { file: name.to_owned(), tried })
}

impl Decoding {
    /// The text as UTF-8, without byte order mark.
    pub(super) fn open(self, mut input: Input) -> io::Result<Box<dyn Read + Send>> {
        input.seek(SeekFrom::Start(self.skip))?;
        Ok(match self.convert {
            None => Box::new(input),
            Some(encoding) => Box::new(Decode::new(input, encoding)),
        })
    }
}

/// Offset of the first byte that does not fit, from where the reader stands.
fn first_invalid_utf8(reader: &mut impl Read) -> io::Result<Option<u64>> {
    let mut block = vec![0; BLOCK];
    let mut held = 0; // bytes of an unfinished character at the start of the block, at most 3
    let mut before = 0; // bytes of the file in front of the block
    loop {
        let count = match reader.read(&mut block[held..]) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if count == 0 {
            return Ok((held > 0).then_some(before));
        }
        let filled = held + count;
        let valid = match std::str::from_utf8(&block[..filled]) {
            Ok(_) => filled,
            Err(error) if error.error_len().is_some() => {
                return Ok(Some(before + error.valid_up_to() as u64));
            }
            Err(error) => error.valid_up_to(),
        };
        block.copy_within(valid..filled, 0);
        held = filled - valid;
        before += valid as u64;
    }
}

/// The reader's error when bytes do not fit the encoding; travels inside an [`io::Error`].
#[derive(Debug)]
struct Undecodable(u64);

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "undecodable byte at offset {}", self.0)
    }
}

impl std::error::Error for Undecodable {}

/// The offset, if that is what happened.
pub(super) fn undecodable(error: &io::Error) -> Option<u64> {
    error.get_ref()?.downcast_ref::<Undecodable>().map(|fault| fault.0)
}

/// Converts to UTF-8 block by block and stops at the first byte that does not fit.
struct Decode<R> {
    source: R,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_start: usize,
    raw_end: usize,
    text: Vec<u8>,
    text_start: usize,
    text_end: usize,
    consumed: u64,
    ended: bool,
}

impl<R: Read> Decode<R> {
    fn new(source: R, encoding: &'static encoding_rs::Encoding) -> Self {
        Self {
            source,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: vec![0; BLOCK],
            raw_start: 0,
            raw_end: 0,
            text: vec![0; BLOCK],
            text_start: 0,
            text_end: 0,
            consumed: 0,
            ended: false,
        }
    }

    /// Fills `text` with at least one byte, or finds the end.
    fn fill(&mut self) -> io::Result<()> {
        while self.text_start == self.text_end && !self.ended {
            let mut last = false;
            if self.raw_start == self.raw_end {
                self.raw_start = 0;
                self.raw_end = self.source.read(&mut self.raw)?;
                last = self.raw_end == 0;
            }
            let raw = &self.raw[self.raw_start..self.raw_end];
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(raw, &mut self.text, last);
            self.raw_start += read;
            self.consumed += read as u64;
            self.text_start = 0;
            self.text_end = written;
            match result {
                DecoderResult::Malformed(bad, after) => {
                    let offset = self.consumed.saturating_sub(u64::from(bad) + u64::from(after));
                    return Err(io::Error::other(Undecodable(offset)));
                }
                DecoderResult::InputEmpty => self.ended = last,
                DecoderResult::OutputFull => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Decode<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let count = buffer.len().min(self.text_end - self.text_start);
        buffer[..count].copy_from_slice(&self.text[self.text_start..self.text_start + count]);
        self.text_start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_across_blocks() {
        let mut text = "宁波".repeat(BLOCK / 3).into_bytes();
        assert_eq!(first_invalid_utf8(&mut text.as_slice()).unwrap(), None);
        let at = text.len() - 30;
        text[at] = 0xff;
        assert_eq!(first_invalid_utf8(&mut text.as_slice()).unwrap(), Some(at as u64));
        assert_eq!(first_invalid_utf8(&mut &"波".as_bytes()[..2]).unwrap(), Some(0));
    }

    #[test]
    fn gb18030_offsets() {
        let mut bytes = "户口,海曙区\n".repeat(40_000);
        bytes.push('𠮷');
        let mut bytes = encoding_rs::GB18030.encode(&bytes).0.into_owned();
        let mut text = String::new();
        Decode::new(bytes.as_slice(), encoding_rs::GB18030).read_to_string(&mut text).unwrap();
        assert!(text.ends_with("海曙区\n𠮷"));
        let at = bytes.len();
        bytes.extend([b'a', 0xff, b'b']);
        let error = Decode::new(bytes.as_slice(), encoding_rs::GB18030).read_to_string(&mut text).unwrap_err();
        assert_eq!(undecodable(&error), Some(at as u64 + 1));
    }
}
