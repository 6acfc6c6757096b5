//! What the two say to each other.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use yu_wire::channel::{Channel, Expect};
use yu_wire::step::{Step, Steps};

use crate::trees::Boosting;
use crate::{Error, Result};

/// Messages of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum PairStep {
    Hello = 1,
    Gradients = 2,
    Sums = 3,
    Choice = 4,
    Sides = 5,
}

impl PairStep {
    /// Number of the protocol in frame headers.
    const PROTOCOL: u16 = 7;
}

impl Steps for PairStep {
    fn step(self) -> Step {
        Step::new(Self::PROTOCOL, self as u16)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Hello => "pair.hello",
            Self::Gradients => "pair.gradients",
            Self::Sums => "pair.sums",
            Self::Choice => "pair.choice",
            Self::Sides => "pair.sides",
        }
    }
}

/// What both must have in common.
pub(super) fn agreement(settings: &Boosting, rows: usize) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(b"yu-fedlearn/pair/v1").chain_update((rows as u64).to_le_bytes());
    for number in [settings.trees, settings.depth, settings.min_rows] {
        hash.update((number as u64).to_le_bytes());
    }
    for number in [settings.rate, settings.lambda, settings.gamma, settings.min_child_weight, settings.max_leaf] {
        hash.update(number.to_le_bytes());
    }
    hash.finalize().into()
}

pub(super) fn send(line: &mut Channel, step: PairStep, bytes: Vec<u8>) -> Result<()> {
    Ok(line.send(step, Bytes::from(bytes))?)
}

pub(super) fn recv(line: &mut Channel, step: PairStep, expect: Expect) -> Result<Bytes> {
    Ok(line.recv(step, expect)?)
}

pub(super) fn wrong(line: &Channel, step: PairStep, what: &str) -> Error {
    Error::Peer { culprit: line.peer().to_owned(), step: step.name(), what: what.to_owned() }
}

/// One bit for each, in whole bytes.
pub(super) fn pack(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|chunk| chunk.iter().zip(0..).fold(0, |byte, (bit, at)| byte | u8::from(*bit) << at)).collect()
}

/// Reads so many bits; none for another length, or a bit beyond.
pub(super) fn unpack(bytes: &[u8], count: usize) -> Option<Vec<bool>> {
    let fits = bytes.len() == count.div_ceil(8) && (count.is_multiple_of(8) || bytes.last().is_none_or(|last| last >> (count % 8) == 0));
    fits.then(|| (0..count).map(|at| bytes[at / 8] >> (at % 8) & 1 == 1).collect())
}

/// The rows of each node, ascending.
pub(super) fn members(nodes: &[u32], width: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new(); width];
    nodes.iter().enumerate().for_each(|(row, node)| all[*node as usize].push(row));
    all
}

/// Moves rows to the children of their nodes.
pub(super) fn moved(nodes: &mut [u32], members: &[Vec<usize>], right: &[Option<Vec<bool>>]) {
    nodes.iter_mut().for_each(|node| *node *= 2);
    for (rows, right) in members.iter().zip(right) {
        for (row, right) in rows.iter().zip(right.iter().flatten()) {
            nodes[*row] += u32::from(*right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_back_and_no_others() {
        for count in [0, 1, 7, 8, 9, 30] {
            let bits: Vec<bool> = (0..count).map(|at| at % 3 == 0).collect();
            assert_eq!(unpack(&pack(&bits), count), Some(bits));
        }
        assert!(unpack(&[0xff], 7).is_none() && unpack(&[1, 0], 8).is_none() && unpack(&[], 1).is_none());
    }

    #[test]
    fn rows_move_to_children() {
        let mut nodes = vec![0, 1, 0, 1];
        let all = members(&nodes, 2);
        moved(&mut nodes, &all, &[Some(vec![true, false]), None]);
        assert_eq!(nodes, [1, 2, 0, 2]);
    }
}
