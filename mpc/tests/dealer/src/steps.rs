//! The messages of the protocol.

use yu_wire::step::{Step, Steps};

/// One value per kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum DealerStep {
    /// Seed of a PRG key, 32 bytes, to the next party.
    Key = 1,
    /// Masked input of the dealer, 8 bytes per element, to P1.
    Input = 2,
    /// The same for bits, 8 bytes per 64 bits.
    InputBits = 3,
    /// Masked operands, 8 bytes per element, between P0 and P1.
    Multiply = 4,
    /// Component `c_1` of the products of masks, 8 bytes per element of the result, dealer to P1.
    MultiplyDeal = 5,
    /// Masked value to truncate, 8 bytes per element, between P0 and P1.
    Trunc = 6,
    /// Component `s_1` of the shifted mask, 8 bytes per element, dealer to P1.
    TruncShift = 7,
    /// Component `t_1` of the mask's top bit, `F` bit planes, dealer to P1.
    TruncWrap = 8,
    /// Masked operands of a conjunction, 16 bytes per 64 bits, between P0 and P1.
    And = 9,
    /// Component `c_1` of the conjunction of masks, 8 bytes per 64 bits, dealer to P1.
    AndDeal = 10,
    /// Masked bits, 8 bytes per 64 bits, between P0 and P1.
    Lift = 11,
    /// Component of the mask as ring elements, 8 bytes per bit, dealer to P1.
    LiftDeal = 12,
    /// Masked bits and values, 8 bytes per 64 bits and 8 per value, between P0 and P1.
    Inject = 13,
    /// Components of the bit mask and of its product with the value mask, 16 bytes per value, dealer to P1.
    InjectDeal = 14,
    /// Masked share to permute, 8 bytes per element, to the party that knows the permutation.
    Shuffle = 15,
    /// Difference of the masks before and after, 8 bytes per element, dealer to the party that knows the permutation.
    ShuffleDeal = 16,
    /// Share of an opened value, 8 bytes per element, P0 and P1 to each other and to the dealer.
    Open = 17,
    /// Share of opened bits, 8 bytes per 64 bits, P0 and P1 to each other and to the dealer.
    OpenBits = 18,
}

impl DealerStep {
    /// Number of the protocol in frame headers: protocols outside `yu-mpc` count from `0x8000`.
    pub const PROTOCOL: u16 = 0x8001;

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Key => "dealer.key",
            Self::Input => "dealer.input",
            Self::InputBits => "dealer.input-bits",
            Self::Multiply => "dealer.multiply",
            Self::MultiplyDeal => "dealer.multiply-deal",
            Self::Trunc => "dealer.trunc",
            Self::TruncShift => "dealer.trunc-shift",
            Self::TruncWrap => "dealer.trunc-wrap",
            Self::And => "dealer.and",
            Self::AndDeal => "dealer.and-deal",
            Self::Lift => "dealer.lift",
            Self::LiftDeal => "dealer.lift-deal",
            Self::Inject => "dealer.inject",
            Self::InjectDeal => "dealer.inject-deal",
            Self::Shuffle => "dealer.shuffle",
            Self::ShuffleDeal => "dealer.shuffle-deal",
            Self::Open => "dealer.open",
            Self::OpenBits => "dealer.open-bits",
        }
    }
}

impl Steps for DealerStep {
    fn step(self) -> Step {
        Step::new(Self::PROTOCOL, self as u16)
    }

    fn name(self) -> &'static str {
        self.label()
    }
}
