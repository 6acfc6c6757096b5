//! The five profiles that ship: proposals, in force only once they are signed.

use super::{Effective, Profile};
use crate::canonical::from_readable;
use crate::error::{Error, Result};

/// A profile that ships with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shipped {
    /// Zhejiang (浙江): the province over Ningbo and Taizhou.
    Zhejiang,
    /// Ningbo (宁波).
    Ningbo,
    /// Taizhou (台州).
    Taizhou,
    /// Zhenjiang (镇江): in another province, on its own.
    Zhenjiang,
    /// Zhongwei (中卫): in another region, on its own.
    Zhongwei,
}

impl Shipped {
    /// All five, parents first.
    pub const ALL: [Self; 5] = [Self::Zhejiang, Self::Ningbo, Self::Taizhou, Self::Zhenjiang, Self::Zhongwei];

    /// The file's text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Zhejiang => include_str!("../../profiles/zhejiang.json"),
            Self::Ningbo => include_str!("../../profiles/ningbo.json"),
            Self::Taizhou => include_str!("../../profiles/taizhou.json"),
            Self::Zhenjiang => include_str!("../../profiles/zhenjiang.json"),
            Self::Zhongwei => include_str!("../../profiles/zhongwei.json"),
        }
    }

    /// The profile as stated.
    ///
    /// # Errors
    /// Never for the files as shipped; a test reads them.
    pub fn profile(self) -> Result<Profile> {
        from_readable("profile", self.text())
    }

    /// The profile over its parent.
    ///
    /// # Errors
    /// Never for the files as shipped; a test reads them.
    pub fn effective(self) -> Result<Effective> {
        let parent = match self {
            Self::Ningbo | Self::Taizhou => Some(Self::Zhejiang.effective()?),
            Self::Zhejiang | Self::Zhenjiang | Self::Zhongwei => None,
        };
        Effective::new(self.profile()?, parent.as_ref())
            .map_err(|found| Error::Refused { code: "profile.refused", what: found.first().map_or_else(String::new, ToString::to_string) })
    }
}
