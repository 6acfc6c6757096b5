//! Switches (分项暂停) of single data sets and products (L3; NB 17, ZJ 六(八), ZZ 30, ZW 27): the authority or the regulator closes one, a correction is ordered,
//! and it is opened again afterwards, while everything else goes on.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::{AuthorisationId, DatasetId, PartyName, ProductId};
use crate::sign::SignedType;
use crate::text::Text;

/// What is done with a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "switch", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Turn {
    /// Closed.
    Close {
        /// Why.
        reason: Text,
        /// What has to be corrected, and the first second at which it is too late; absent: nothing is ordered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<Order>,
    },
    /// Opened again.
    Open {
        /// Hash of what shows the correction.
        evidence: Hash,
    },
}

/// An ordered correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What is to be corrected.
    pub what: Text,
    /// First second at which it is too late.
    pub until: Time,
}

/// A data set is closed to all jobs, or opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetSwitch {
    /// Format version, 1.
    pub v: u32,
    /// The data set.
    pub dataset: DatasetId,
    /// The authority or the regulator; signs.
    pub by: PartyName,
    /// What is done.
    pub turn: Turn,
    /// When it was written; tells one switch from the next.
    pub at: Time,
}

impl SignedType for DatasetSwitch {
    const TYPE: &'static str = "dataset-switch-v1";
}

/// A product is closed, or opened again: it is not called, and no job makes more of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductSwitch {
    /// Format version, 1.
    pub v: u32,
    /// The product.
    pub product: ProductId,
    /// The authorisation under which jobs make it.
    pub authorisation: AuthorisationId,
    /// As what jobs make it: the kind of product of their outputs (O1).
    pub kind: String,
    /// The authority or the regulator; signs.
    pub by: PartyName,
    /// What is done.
    pub turn: Turn,
    /// When it was written; tells one switch from the next.
    pub at: Time,
}

impl SignedType for ProductSwitch {
    const TYPE: &'static str = "product-switch-v1";
}

/// A switch that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed<S> {
    /// The document that closed it.
    pub document: S,
    /// When that was filed.
    pub since: Time,
}

/// All switches of one sort that are closed, by what they switch.
#[derive(Debug, Clone)]
pub struct Switches<K, S> {
    closed: BTreeMap<K, Closed<S>>,
}

impl<K, S> Default for Switches<K, S> {
    fn default() -> Self {
        Self { closed: BTreeMap::new() }
    }
}

/// What both sorts have in common.
pub trait Switch: SignedType + Clone + DeserializeOwned {
    /// What is switched.
    type Key: Ord + Clone + std::fmt::Display;
    /// Its name.
    fn key(&self) -> Self::Key;
    /// Who signs.
    fn by(&self) -> &PartyName;
    /// What is done.
    fn turn(&self) -> &Turn;
    /// Format version.
    fn version(&self) -> u32;
}

impl Switch for DatasetSwitch {
    type Key = DatasetId;

    fn key(&self) -> DatasetId {
        self.dataset.clone()
    }

    fn by(&self) -> &PartyName {
        &self.by
    }

    fn turn(&self) -> &Turn {
        &self.turn
    }

    fn version(&self) -> u32 {
        self.v
    }
}

impl Switch for ProductSwitch {
    type Key = ProductId;

    fn key(&self) -> ProductId {
        self.product.clone()
    }

    fn by(&self) -> &PartyName {
        &self.by
    }

    fn turn(&self) -> &Turn {
        &self.turn
    }

    fn version(&self) -> u32 {
        self.v
    }
}

impl<S: Switch> Switches<S::Key, S> {
    /// Turns one. The authority opens whatever is closed; the regulator what it closed itself.
    ///
    /// # Errors
    /// `Refused`: `switch.version`, `switch.reason-missing`, `switch.term` for an order that is late already, `switch.closed`, `switch.open`,
    /// `switch.not-yours`.
    pub fn turn(&mut self, switch: &S, authority: &PartyName, now: Time) -> Result<()> {
        let (key, by) = (switch.key(), switch.by());
        let refuse = |code, what: String| Err(Error::Refused { code, what });
        if switch.version() != 1 {
            return refuse("switch.version", format!("a switch of `{key}` has another format than 1"));
        }
        match (self.closed.get(&key), switch.turn()) {
            (Some(closed), Turn::Close { .. }) => refuse("switch.closed", format!("`{key}` is closed since {}", closed.since)),
            (None, Turn::Open { .. }) => refuse("switch.open", format!("`{key}` is open")),
            (None, Turn::Close { reason, order }) => {
                let is_blank = |text: &Text| text.en.trim().is_empty() || text.zh.trim().is_empty();
                if is_blank(reason) || order.as_ref().is_some_and(|order| is_blank(&order.what)) {
                    return refuse("switch.reason-missing", format!("why `{key}` is closed has to stand in both languages"));
                }
                if order.as_ref().is_some_and(|order| order.until <= now) {
                    return refuse("switch.term", format!("the correction of `{key}` would be late before it is ordered"));
                }
                self.closed.insert(key, Closed { document: switch.clone(), since: now });
                Ok(())
            }
            (Some(closed), Turn::Open { .. }) => {
                if by != authority && closed.document.by() != by {
                    return refuse("switch.not-yours", format!("`{key}` was closed by `{}`, which opens it again", closed.document.by()));
                }
                self.closed.remove(&key);
                Ok(())
            }
        }
    }

    /// The switch, if it is closed.
    #[must_use]
    pub fn closed(&self, key: &S::Key) -> Option<&Closed<S>> {
        self.closed.get(key)
    }

    /// All that are closed.
    pub fn all(&self) -> impl Iterator<Item = (&S::Key, &Closed<S>)> {
        self.closed.iter()
    }
}

impl Turn {
    /// Why it was closed.
    #[must_use]
    pub const fn reason(&self) -> Option<&Text> {
        match self {
            Self::Close { reason, .. } => Some(reason),
            Self::Open { .. } => None,
        }
    }

    /// Whether an ordered correction is late.
    #[must_use]
    pub fn is_late(&self, now: Time) -> bool {
        matches!(self, Self::Close { order: Some(order), .. } if now >= order.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(org: &str) -> PartyName {
        format!("yu://dev/{org}/n1").parse().unwrap()
    }

    fn switch(by: &str, turn: Turn) -> DatasetSwitch {
        DatasetSwitch { v: 1, dataset: "dev/health/visits".parse().unwrap(), by: party(by), turn, at: Time::from_unix(10) }
    }

    fn close(order: Option<Order>) -> Turn {
        Turn::Close { reason: Text::new("wrong rows", "数据有误"), order }
    }

    #[test]
    fn l3_a_switch_is_closed_once_and_opened_by_whoever_may() {
        let mut all = Switches::<DatasetId, DatasetSwitch>::default();
        let now = Time::from_unix(100);
        let mut turn = |by: &str, turn: Turn| match all.turn(&switch(by, turn), &party("authority"), now) {
            Ok(()) => "",
            Err(Error::Refused { code, .. }) => code,
            Err(other) => panic!("{other}"),
        };
        let open = || Turn::Open { evidence: Hash::of_file(b"report") };
        assert_eq!(turn("watch", open()), "switch.open");
        assert_eq!(turn("watch", Turn::Close { reason: Text::new("", "x"), order: None }), "switch.reason-missing");
        let late = Order { what: Text::new("correct it", "整改"), until: now };
        assert_eq!(turn("watch", close(Some(late.clone()))), "switch.term");
        assert_eq!(turn("authority", close(Some(Order { until: now.plus_seconds(1), ..late }))), "");
        assert_eq!(turn("watch", close(None)), "switch.closed");
        assert_eq!(turn("watch", open()), "switch.not-yours");
        assert_eq!(turn("authority", open()), "");
        assert_eq!(turn("watch", close(None)), "");
        assert_eq!(turn("authority", open()), "");
        assert!(all.all().next().is_none());
    }
}
