//! Values of `F` bits, one after the other from the lowest bit on: what truncation sends.

use super::kernel;

/// Values worked on at once: a multiple of 64, so that a piece ends with a whole word whatever `F` is.
pub(super) const PIECE: usize = 1024;

/// Bytes of `len` values; `None` if the number is too large.
pub(super) const fn packed_len(len: usize, bits: u32) -> Option<usize> {
    match len.checked_mul(bits as usize) {
        Some(all) => Some(all.div_ceil(8)),
        None => None,
    }
}

/// Appends the values, each below `2^bits`; the last byte is filled up with zeros. All calls for one message but the last
/// have a multiple of [`PIECE`] values.
pub(super) fn pack(values: &[u64], bits: u32, out: &mut Vec<u8>) {
    let mut merged = [0; PIECE / 2];
    for piece in values.chunks(PIECE) {
        if 2 * bits <= 64 && piece.len().is_multiple_of(2) {
            // half as many steps of the serial loop
            let merged = &mut merged[..piece.len() / 2];
            kernel::merge(merged, piece, bits);
            pack_serially(merged, 2 * bits, out);
        } else {
            pack_serially(piece, bits, out);
        }
    }
    crate::engine::wipe(&mut merged);
}

fn pack_serially(values: &[u64], bits: u32, out: &mut Vec<u8>) {
    let (mut buffer, mut filled) = (0u64, 0);
    for value in values {
        buffer |= value << filled;
        filled += bits;
        if filled >= 64 {
            out.extend_from_slice(&buffer.to_le_bytes());
            filled -= 64;
            // what did not fit; nothing if the value ended with the word
            buffer = if filled == 0 { 0 } else { value >> (bits - filled) };
        }
    }
    out.extend_from_slice(&buffer.to_le_bytes()[..filled.div_ceil(8) as usize]);
}

/// Reads what [`pack`] wrote, piece by piece.
pub(super) struct Unpacking<'a> {
    packed: &'a [u8],
    bits: u32,
}

impl<'a> Unpacking<'a> {
    /// The reverse of packing `len` values; `None` if the length is wrong or the filling is not zero.
    pub(super) fn new(packed: &'a [u8], len: usize, bits: u32) -> Option<Self> {
        if packed_len(len, bits) != Some(packed.len()) {
            return None;
        }
        let used = len * bits as usize % 8;
        let is_clean = used == 0 || packed.last().is_none_or(|last| last >> used == 0);
        is_clean.then_some(Self { packed, bits })
    }

    /// The next values; every piece but the last has a multiple of [`PIECE`] values. Zeros behind the end.
    pub(super) fn fill(&mut self, out: &mut [u64]) {
        let mut merged = [0; PIECE / 2];
        for piece in out.chunks_mut(PIECE) {
            let bytes = packed_len(piece.len(), self.bits).map_or(0, |len| len.min(self.packed.len()));
            let (packed, rest) = self.packed.split_at(bytes);
            self.packed = rest;
            if 2 * self.bits <= 64 && piece.len().is_multiple_of(2) {
                let merged = &mut merged[..piece.len() / 2];
                unpack_serially(packed, 2 * self.bits, merged);
                kernel::part(piece, merged, self.bits);
            } else {
                unpack_serially(packed, self.bits, piece);
            }
        }
        crate::engine::wipe(&mut merged);
    }
}

fn unpack_serially(packed: &[u8], bits: u32, out: &mut [u64]) {
    let mask = u64::MAX >> (64 - bits);
    let width = bits as usize;
    for (at, slot) in out.iter_mut().enumerate() {
        let (byte, shift) = (at * width / 8, at * width % 8);
        let mut wide = [0u8; 16];
        if let Some(whole) = packed.get(byte..byte + 16) {
            wide.copy_from_slice(whole);
        } else {
            let rest = packed.get(byte..).unwrap_or_default();
            wide[..rest.len()].copy_from_slice(rest);
        }
        *slot = (u128::from_le_bytes(wide) >> shift) as u64 & mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bit by bit.
    fn plainly(values: &[u64], bits: u32) -> Vec<u8> {
        let width = bits as usize;
        let mut out = vec![0u8; (values.len() * width).div_ceil(8)];
        for at in 0..values.len() * width {
            out[at / 8] |= ((values[at / width] >> (at % width) & 1) as u8) << (at % 8);
        }
        out
    }

    proptest! {
        #[test]
        fn packing_round_trips(mut values in proptest::collection::vec(any::<u64>(), 0..200), bits in 1u32..=62, is_long: bool) {
            if is_long {
                values.resize(2 * PIECE + values.len(), 0x1234_5678_9abc_def1);
            }
            values.iter_mut().for_each(|value| *value &= u64::MAX >> (64 - bits));
            let mut packed = Vec::new();
            pack(&values, bits, &mut packed);
            prop_assert_eq!(&packed, &plainly(&values, bits));
            let mut unpacking = Unpacking::new(&packed, values.len(), bits).unwrap();
            let mut got = vec![0; values.len()];
            for piece in got.chunks_mut(PIECE) {
                unpacking.fill(piece);
            }
            prop_assert_eq!(got, values);
        }
    }

    #[test]
    fn dirty_filling_is_refused() {
        let mut packed = Vec::new();
        pack(&[1, 2, 3], 3, &mut packed);
        assert_eq!(packed.len(), 2);
        assert!(Unpacking::new(&packed, 3, 3).is_some());
        packed[1] |= 0x80;
        assert!(Unpacking::new(&packed, 3, 3).is_none());
        assert!(Unpacking::new(&packed[..1], 3, 3).is_none());
    }
}
