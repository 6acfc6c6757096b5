//! The one file that names the serialiser: bincode 2.0.1, fixed-size integers, little endian.
//!
//! For small structured messages and stored records. Ring vectors bypass it ([`crate::channel::Channel::send_slice_u64`]);
//! signed objects are canonical JSON. The bytes are pinned by a golden test; a successor must write the same.
//!
//! Decoding allocates in proportion to the bytes that are there, never to a length that they claim.

use bincode::config::{self, Configuration, Fixint, Limit, LittleEndian};
use bincode::error::DecodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

const fn layout() -> Configuration<LittleEndian, Fixint> {
    config::standard().with_fixed_int_encoding()
}

/// The bytes of a value.
///
/// # Panics
/// For a type that bincode cannot write (`serde(flatten)`, sequences of unknown length, a failing `Serialize`): a
/// mistake in the type, which the first test of the message shows.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, layout()).expect("messages derive Serialize and have sequences of known length")
}

/// Reads a value from exactly `bytes`, of which there may be at most `limit`.
///
/// # Errors
/// [`Error::Decode`] for too many bytes, too few, leftovers, or a field that is not what its type allows; the message
/// never quotes the bytes. [`Error::blame`] adds the party that sent them.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T> {
    if bytes.len() > limit {
        return Err(Error::Decode(format!("`{}` bytes, at most `{limit}` allowed", bytes.len())));
    }
    // bincode's limit is a constant of the type: take the smallest that lets all of `bytes` be read. A claimed
    // length above it is refused before anything is reserved.
    match bytes.len() {
        0..=0x400 => decode_within::<T, 0x400>(bytes),
        0x401..=0x1000 => decode_within::<T, 0x1000>(bytes),
        0x1001..=0x1_0000 => decode_within::<T, 0x1_0000>(bytes),
        0x1_0001..=0x10_0000 => decode_within::<T, 0x10_0000>(bytes),
        0x10_0001..=0x100_0000 => decode_within::<T, 0x100_0000>(bytes),
        0x100_0001..=0x1000_0000 => decode_within::<T, 0x1000_0000>(bytes),
        _ => Err(Error::Decode("more than 256 MiB in one value".into())),
    }
}

fn decode_within<T: DeserializeOwned, const LIMIT: usize>(bytes: &[u8]) -> Result<T> {
    let config: Configuration<LittleEndian, Fixint, Limit<LIMIT>> = layout().with_limit::<LIMIT>();
    let (value, used) = bincode::serde::decode_from_slice(bytes, config).map_err(|fault| Error::Decode(describe(&fault).into()))?;
    match bytes.len() - used {
        0 => Ok(value),
        rest => Err(Error::Decode(format!("`{rest}` bytes left over"))),
    }
}

/// Without the values that bincode's own messages quote.
const fn describe(fault: &DecodeError) -> &'static str {
    match fault {
        DecodeError::UnexpectedEnd { .. } => "ends too early",
        DecodeError::LimitExceeded => "a length exceeds the message",
        DecodeError::UnexpectedVariant { .. } => "unknown variant",
        DecodeError::InvalidBooleanValue(_) => "a truth value is neither 0 nor 1",
        DecodeError::Utf8 { .. } | DecodeError::InvalidCharEncoding(_) => "text is not UTF-8",
        DecodeError::NonZeroTypeIsZero { .. } => "zero where zero is not allowed",
        DecodeError::OutsideUsizeRange(_) => "a length does not fit this machine",
        _ => "a field is not what its type allows",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Small,
        Large { rows: u64 },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Message {
        version: u16,
        kind: Kind,
        name: String,
        sizes: Vec<u32>,
        limit: Option<i64>,
        final_one: bool,
        tag: [u8; 3],
    }

    fn sample() -> Message {
        Message {
            version: 1,
            kind: Kind::Large { rows: 258 },
            name: "yu".into(),
            sizes: vec![1, 2],
            limit: Some(-1),
            final_one: true,
            tag: [7, 8, 9],
        }
    }

    /// Little endian, fixed size; enums as u32, lengths as u64, options as one byte. Pinned: a successor writes the same.
    #[test]
    fn golden_bytes() {
        let parts = [
            "0100",
            "01000000",
            "0201000000000000",
            "0200000000000000",
            "7975",
            "0200000000000000",
            "01000000",
            "02000000",
            "01",
            "ffffffffffffffff",
            "01",
            "070809",
        ];
        assert_eq!(hex::encode(encode(&sample())), parts.concat());
        assert_eq!(decode::<Message>(&encode(&sample()), 1000).unwrap(), sample());
        assert_eq!(hex::encode(encode(&Kind::Small)), "00000000");
    }

    fn refusal<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> String {
        match decode::<T>(bytes, limit) {
            Err(Error::Decode(what)) => what,
            other => panic!("expected a refusal, got {:?}", other.map(drop)),
        }
    }

    #[test]
    fn refusals_name_the_reason_and_no_value() {
        let bytes = encode(&sample());
        assert_eq!(refusal::<Message>(&bytes, bytes.len() - 1), format!("`{}` bytes, at most `{}` allowed", bytes.len(), bytes.len() - 1));
        let longer = [&bytes[..], &[0, 0]].concat();
        assert_eq!(refusal::<Message>(&longer, 1000), "`2` bytes left over");
        assert_eq!(refusal::<Kind>(&[9, 0, 0, 0], 4), "a field is not what its type allows");
        assert_eq!(refusal::<bool>(&[2], 1), "a truth value is neither 0 nor 1");
        assert_eq!(refusal::<String>(&[1, 0, 0, 0, 0, 0, 0, 0, 0xff], 9), "text is not UTF-8");
        for len in 0..bytes.len() {
            assert!(decode::<Message>(&bytes[..len], 1000).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn claimed_lengths_reserve_nothing() {
        for claim in [1u64 << 12, 1 << 40, u64::MAX] {
            assert!(decode::<String>(&claim.to_le_bytes(), 8).is_err());
            assert!(decode::<Vec<u64>>(&claim.to_le_bytes(), 8).is_err());
            assert!(decode::<Vec<Vec<u8>>>(&claim.to_le_bytes(), 8).is_err());
        }
    }

    #[test]
    fn every_size_class_decodes() {
        for len in [0, 0x3f8, 0x3f9, 0xff8, 0xff9, 0xfff8, 0xfff9, 0xf_fff8, 0xf_fff9] {
            let value = "y".repeat(len);
            assert_eq!(decode::<String>(&encode(&value), usize::MAX).unwrap(), value);
        }
    }

    #[test]
    fn the_sender_takes_the_blame() {
        let error = Error::Decode("ends too early".into()).blame("bank", "psi.hello");
        assert_eq!(error.to_string(), "party `bank` broke the protocol at psi.hello: message does not decode: ends too early");
        assert!(matches!(Error::Closed.blame("bank", "psi.hello"), Error::Closed));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_no_harm(bytes: Vec<u8>) {
            if let Ok(message) = decode::<Message>(&bytes, 10_000) {
                prop_assert_eq!(encode(&message), bytes);
            }
        }

        #[test]
        fn values_survive(name: String, sizes: Vec<u32>, limit: Option<i64>, final_one: bool, tag: [u8; 3]) {
            let message = Message { name, sizes, limit, final_one, tag, ..sample() };
            prop_assert_eq!(decode::<Message>(&encode(&message), usize::MAX).unwrap(), message);
        }
    }
}
