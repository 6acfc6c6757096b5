//! How a round trains: what a party does with its rows, and what the server does with the sum (联邦策略).
//!
//! | to see | open |
//! |---|---|
//! | a party's part of a round | [`Local`], another way to make it: [`Step`] |
//! | the server's part | [`Server`] |
//! | what a party sends, and its weight | [`Weighting`], [`Layout`] |
//! | generators that a resumed run finds again | [`generator`] |
//!
//! Both parts are pure functions from a state to the next one. The server works from a **sum** of contributions, so that secure
//! aggregation can give it: a contribution is the party's update times its weight, then SCAFFOLD's control update, then the weight
//! itself, and the server divides sum by sum. Nobody but the party knows its weight under secure aggregation.
//!
//! | strategy | local | server | paper |
//! |---|---|---|---|
//! | FedAvg | epochs of SGD | mean | McMahan et al., AISTATS 2017 |
//! | FedProx | plus `proximal` times the distance from the round's start | mean | Li et al., MLSys 2020 |
//! | SCAFFOLD | gradients corrected by control variates (option II) | mean, and mean of control updates | Karimireddy et al., ICML 2020 |
//! | FedAvgM | as FedAvg | momentum | Hsu, Qi & Brown 2019, arXiv 1909.06335 |
//! | FedAdam, FedYogi, FedAdagrad | as FedAvg | adaptive steps | Reddi et al., ICLR 2021, Algorithm 2 |

mod contribution;
mod local;
mod seed;
mod server;

pub use contribution::{Layout, Sum, Weighting};
pub use local::{ClientState, Correction, Local, LocalMetrics, Step, Update};
pub use seed::generator;
pub use server::{Adaptive, Server, ServerState};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A whole strategy, as in a job file. Parts that do not fit are refused by [`Strategy::check`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strategy {
    /// A party's part.
    pub local: Local,
    /// The server's part.
    #[serde(default)]
    pub server: Server,
    /// How parties are weighted.
    #[serde(default)]
    pub weighting: Weighting,
}

impl Strategy {
    /// Whether the settings fit together.
    ///
    /// # Errors
    /// `Caller` naming the setting.
    pub fn check(&self) -> Result<()> {
        self.local.check()?;
        self.server.check()?;
        self.weighting.check()?;
        let corrects = self.local.correction == Correction::Scaffold;
        if corrects != matches!(self.server, Server::Scaffold { .. }) {
            return Err(Error::caller("SCAFFOLD needs both `local.correction = \"scaffold\"` and the server `scaffold`"));
        }
        if corrects && self.weighting != Weighting::Uniform {
            // control variates are a plain mean: a weighted step would end where the plain sum of gradients is zero
            return Err(Error::caller("SCAFFOLD counts every party the same: leave `weighting` out"));
        }
        Ok(())
    }

    /// What a contribution holds.
    #[must_use]
    pub fn layout(&self, parameters: usize) -> Layout {
        Layout::new(parameters, self.local.correction, self.weighting)
    }
}
