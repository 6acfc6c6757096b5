//! Names of communication steps: one value for the frame header, the meter, the log and domain separation.
//!
//! Every protocol owns a number in the high half and names its messages in the low half:
//!
//! ```
//! use yu_wire::step::{Step, Steps};
//!
//! #[derive(Clone, Copy)]
//! enum Greeting {
//!     Hello,
//!     Answer,
//! }
//!
//! impl Steps for Greeting {
//!     fn step(self) -> Step {
//!         Step::new(0x7f00, self as u16)
//!     }
//!     fn name(self) -> &'static str {
//!         match self {
//!             Self::Hello => "greeting.hello",
//!             Self::Answer => "greeting.answer",
//!         }
//!     }
//! }
//! assert_eq!(Greeting::Answer.step(), Step(0x7f00_0001));
//! ```

use std::fmt;

/// Number of a communication step: high 16 bits the protocol, low 16 bits the step within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Step(pub u32);

impl Step {
    /// Joins the two halves.
    #[must_use]
    pub const fn new(protocol: u16, step: u16) -> Self {
        Self(((protocol as u32) << 16) | step as u32)
    }

    /// The protocol, high 16 bits.
    #[must_use]
    pub const fn protocol(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The step within the protocol, low 16 bits.
    #[must_use]
    pub const fn number(self) -> u16 {
        (self.0 & 0xffff) as u16
    }
}

/// `7f00.0001`: protocol and step in hexadecimal.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}.{:04x}", self.protocol(), self.number())
    }
}

/// The steps of one protocol, implemented by its enum.
pub trait Steps: Copy {
    /// The number that travels.
    fn step(self) -> Step;
    /// The name that meters, logs and errors show, `protocol.step`.
    fn name(self) -> &'static str;
}

/// A bare number has no name; errors and meters show its digits.
impl Steps for Step {
    fn step(self) -> Step {
        self
    }
    fn name(self) -> &'static str {
        ""
    }
}

/// A step with the name under which it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) step: Step,
    pub(crate) name: &'static str,
}

impl Named {
    pub(crate) fn of(steps: impl Steps) -> Self {
        Self { step: steps.step(), name: steps.name() }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { self.step.fmt(f) } else { f.write_str(self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_join_and_part() {
        let step = Step::new(0xfffe, 0x0102);
        assert_eq!(step.0, 0xfffe_0102);
        assert_eq!((step.protocol(), step.number()), (0xfffe, 0x0102));
        assert_eq!(step.to_string(), "fffe.0102");
    }

    #[test]
    fn unnamed_steps_show_their_digits() {
        assert_eq!(Named::of(Step(0x0001_0002)).to_string(), "0001.0002");
        assert_eq!(Named { step: Step(1), name: "psi.hello" }.to_string(), "psi.hello");
    }
}
