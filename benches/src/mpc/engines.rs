//! The engines that the runner knows. A new one implements [`Subject`] and gets a line in `protocols!` below; the command
//! line, the suite, calibration and estimates follow.

use std::fmt;

use clap::ValueEnum;
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};
use yu_mpc::SessionId;
use yu_mpc::engine::Priced;
use yu_mpc::rep3::{Context, Malicious};
use yu_wire::channel::Channel;

use crate::Result;
use crate::phase::NAMES;
use crate::support::parties::ring;

/// An engine that can be set up between parties.
pub trait Subject: Priced + Sized {
    /// Names of its parties in order: a part of [`NAMES`].
    const NAMES: &'static [&'static str];

    /// Joins as party `index`; `channels[j]` leads to party `j`.
    ///
    /// # Errors
    /// The engine's.
    fn join(index: usize, session: &SessionId, channels: Vec<Option<Channel>>, rng: &mut ChaCha20Rng) -> Result<Self>;
}

impl Subject for Context {
    const NAMES: &'static [&'static str] = &NAMES;

    fn join(index: usize, session: &SessionId, mut channels: Vec<Option<Channel>>, rng: &mut ChaCha20Rng) -> Result<Self> {
        let (prev, next) = ring(index, &mut channels)?;
        Ok(Self::new(index, session, prev, next, rng)?)
    }
}

impl Subject for Malicious {
    const NAMES: &'static [&'static str] = &NAMES;

    fn join(index: usize, session: &SessionId, mut channels: Vec<Option<Channel>>, rng: &mut ChaCha20Rng) -> Result<Self> {
        let (prev, next) = ring(index, &mut channels)?;
        Ok(Self::new(index, session, prev, next, rng)?)
    }
}

/// Does something with an engine that was chosen by name.
pub trait Visitor {
    /// What comes out.
    type Out;

    /// Called with the engine.
    fn visit<S: Subject>(self) -> Self::Out;
}

macro_rules! protocols {
    ($($(#[$doc:meta])* $variant:ident = $label:literal: $engine:ty,)*) => {
        /// Engines by their names on the command line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
        pub enum Protocol {
            $($(#[$doc])* #[value(name = $label)] #[serde(rename = $label)] $variant,)*
        }

        impl Protocol {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }

            /// Hands the engine to the visitor.
            pub fn with<V: Visitor>(self, visitor: V) -> V::Out {
                match self {
                    $(Self::$variant => visitor.visit::<$engine>(),)*
                }
            }
        }
    };
}

protocols! {
    /// Three parties, semi-honest, one corruption
    Rep3 = "rep3": Context,
    /// Three parties, one of them malicious, with abort
    Rep3Malicious = "rep3-malicious": Malicious,
}

impl Protocol {
    /// How many take part.
    #[must_use]
    pub fn parties(self) -> usize {
        struct Count;
        impl Visitor for Count {
            type Out = usize;

            fn visit<S: Subject>(self) -> usize {
                S::NAMES.len()
            }
        }
        self.with(Count)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
