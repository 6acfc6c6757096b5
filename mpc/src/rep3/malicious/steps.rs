//! The messages of the checks and of verified truncation; all others are [`Rep3Step`](crate::rep3::Rep3Step)'s.

use yu_wire::step::{Step, Steps};

/// One value per kind of message. "Prover" is each party in turn, all three at once; its left verifier is its predecessor,
/// its right one its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Check {
    /// Carries of the relations over words, 26 bits each, prover to right verifier.
    Carries = 1,
    /// First half of the seed of the coefficients, 16 bytes, left verifier to prover.
    SeedLow = 2,
    /// Second half, 16 bytes, right verifier to prover.
    SeedHigh = 3,
    /// Shares of the carries of both combinations, 48 bytes, prover to right verifier.
    Total = 4,
    /// The prime, 8 bytes, right verifier to prover.
    Prime = 5,
    /// Shares of the products of all bytes of two words, 2040 bytes, prover to right verifier.
    Gram = 6,
    /// Factors of the bytes, 256 bytes, right verifier to prover.
    Factors = 7,
    /// Shares of coefficients, `16 (c - 1)` bytes for arity `c`, prover to right verifier.
    Coefficients = 8,
    /// Point, 8 bytes, right verifier to prover.
    Point = 9,
    /// Masked element and share of the claim, 16 bytes, left to right verifier.
    Fold = 10,
    /// Whether the predecessor's proof holds, 1 byte, to both others.
    Verdict = 11,
    /// Digest of the component that an opening tells the predecessor, 32 bytes, to the predecessor.
    Digest = 12,
    /// Masked planes of `x_0 + x_1 + 2^62` with carry, 8 bytes per 64 bits, P0 to P1.
    TruncPlanes = 13,
    /// Component of the carries of a truncation, 8 bytes per element, P0 to P1.
    TruncCarry = 14,
    /// Component of the top bit, `F` bits per element in words, P0 to P1.
    TruncTop = 15,
    /// Components of the product of two top bits, `F` bits per element in words, P1 to P2 and P2 to P0.
    TruncWrap = 16,
    /// Digest of the coins that it heard, 32 bytes, prover to both verifiers.
    Coins = 17,
}

impl Check {
    /// Number of the protocol in frame headers.
    pub const PROTOCOL: u16 = 4;

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Carries => "malicious.carries",
            Self::SeedLow => "malicious.seed-low",
            Self::SeedHigh => "malicious.seed-high",
            Self::Total => "malicious.total",
            Self::Prime => "malicious.prime",
            Self::Gram => "malicious.gram",
            Self::Factors => "malicious.factors",
            Self::Coefficients => "malicious.coefficients",
            Self::Point => "malicious.point",
            Self::Fold => "malicious.fold",
            Self::Verdict => "malicious.verdict",
            Self::Digest => "malicious.digest",
            Self::TruncPlanes => "malicious.trunc-planes",
            Self::TruncCarry => "malicious.trunc-carry",
            Self::TruncTop => "malicious.trunc-top",
            Self::TruncWrap => "malicious.trunc-wrap",
            Self::Coins => "malicious.coins",
        }
    }
}

impl Steps for Check {
    fn step(self) -> Step {
        Step::new(Self::PROTOCOL, self as u16)
    }

    fn name(self) -> &'static str {
        self.label()
    }
}
