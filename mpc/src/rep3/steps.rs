//! The messages of replicated sharing.

use yu_wire::step::{Step, Steps};

/// One value per kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Rep3Step {
    /// Seed of a PRG key, 32 bytes, to the predecessor.
    Key = 1,
    /// Masked input, 8 bytes per element, owner to its successor.
    Input = 2,
    /// Component of an element-wise product, 8 bytes per element, to the predecessor.
    Multiply = 3,
    /// Component of a matrix product, 8 bytes per element, to the predecessor.
    MatrixMultiply = 4,
    /// Additive share to truncate, 8 bytes per element, between P0 and P1.
    TruncOpen = 5,
    /// Component `s_2`, 8 bytes per element, P2 to P1.
    TruncShift = 6,
    /// Component `t_2`, `F` bits per element, P2 to P1.
    TruncWrap = 7,
    /// Corrections `v_0` and `v_2`, `F` bits per element, P0 and P1 to P2.
    TruncCorrect = 8,
    /// Component of an opened value, 8 bytes per element, to the successor.
    Open = 9,
    /// Component of a conjunction of bits, 8 bytes per 64 bits, to the predecessor.
    And = 10,
    /// Masked planes of `x_0 + x_1`, 8 bytes per 64 bits, P0 to P1.
    Addend = 11,
    /// Component `x_1` of the first two bits, 8 bytes per bit, P0 to P1.
    LiftInput = 12,
    /// Component of the product with the third bit, 8 bytes per bit, P1 to P2.
    LiftLow = 13,
    /// The other component, 8 bytes per bit, P2 to P0.
    LiftHigh = 14,
    /// Masked permuted part, 8 bytes per element, between the two parties of a pass.
    Shuffle = 15,
    /// Component of opened bits, 8 bytes per 64 bits, to the successor.
    OpenBits = 16,
    /// Masked input bits, 8 bytes per 64 bits, owner to its successor.
    InputBits = 17,
    /// Part of a known matrix, 4 bytes per element, owner to its successor.
    Known = 18,
    /// Component of products modulo 2^32, 4 bytes per element, to the predecessor.
    Halves = 19,
}

impl Rep3Step {
    /// Number of the protocol in frame headers.
    pub const PROTOCOL: u16 = 2;

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Key => "rep3.key",
            Self::Input => "rep3.input",
            Self::Multiply => "rep3.multiply",
            Self::MatrixMultiply => "rep3.matrix-multiply",
            Self::TruncOpen => "rep3.trunc-open",
            Self::TruncShift => "rep3.trunc-shift",
            Self::TruncWrap => "rep3.trunc-wrap",
            Self::TruncCorrect => "rep3.trunc-correct",
            Self::Open => "rep3.open",
            Self::And => "rep3.and",
            Self::Addend => "rep3.addend",
            Self::LiftInput => "rep3.lift-input",
            Self::LiftLow => "rep3.lift-low",
            Self::LiftHigh => "rep3.lift-high",
            Self::Shuffle => "rep3.shuffle",
            Self::OpenBits => "rep3.open-bits",
            Self::InputBits => "rep3.input-bits",
            Self::Known => "rep3.known",
            Self::Halves => "rep3.halves",
        }
    }
}

impl Steps for Rep3Step {
    fn step(self) -> Step {
        Step::new(Self::PROTOCOL, self as u16)
    }

    fn name(self) -> &'static str {
        self.label()
    }
}
