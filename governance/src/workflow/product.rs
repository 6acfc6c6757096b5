//! A version of a product (数据产品), from draft to de-listing (O1-O3, O8, ZW 23).
//!
//! What a version is made of is fixed when it is drafted; every later step cites that hash. Any change of model, code, sources
//! or purpose is another version with a review and a filing of its own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::role::{Need, Role, each};
use super::word::words;
use super::{Machine, need_reason, no_arrow, refuse};
use crate::canonical::Hash;
use crate::clock::Time;
use crate::error::Result;
use crate::id::{Purpose, document_hash};
use crate::sign::SignedType;
use crate::text::Text;

words! {
    /// Where a version stands.
    State {
        New = "new", "未起草", "Nothing yet.";
        Drafted = "drafted", "已起草", "Its contents are fixed.";
        Checked = "checked", "核查通过", "Passed the compliance check.";
        Decided = "decided", "审核通过", "Approved by the deciders.";
        Filed = "filed", "已备案", "Filed with the authority.";
        Listed = "listed", "已上架", "May be called.";
        DeListed = "de-listed", "已下架", "May not be called any more.";
        Refused = "refused", "未通过", "Not approved.";
    }
}

/// What a version is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the model or other artefact.
    pub model: Hash,
    /// Hash of the code that serves it.
    pub code: Hash,
    /// Versions of the data sets that it was made from; empty for a product of own sources (O10).
    pub sources: BTreeSet<Hash>,
    /// The one purpose.
    pub purpose: Purpose,
}

impl SignedType for Contents {
    const TYPE: &'static str = "product-contents-v1";
}

/// What a profile says about products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Who checks.
    pub checked_by: Role,
    /// Who decides: one signature each; a role named twice needs two people.
    pub decided_by: Vec<Role>,
    /// Who signs in addition where persons, public interest or a sector are concerned (ZZ 21).
    pub sensitive_by: Vec<Role>,
    /// Who acknowledges the filing before listing, if the profile has that second gate (O3).
    pub filed_with: Option<Role>,
    /// Who lists.
    pub listed_by: Role,
    /// Any of these de-lists.
    pub delisted_by: Vec<Role>,
}

impl Rules {
    /// Whether the rules can be followed at all.
    ///
    /// # Errors
    /// `Refused` with `rules.product`: nobody would decide, or nobody could de-list.
    pub fn check(&self) -> Result<()> {
        if self.decided_by.is_empty() || self.delisted_by.is_empty() {
            return Err(refuse("rules.product", "deciding and de-listing need a role each"));
        }
        Ok(())
    }
}

/// What happens to a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The contents are fixed.
    Draft {
        /// Hash of the contents.
        contents: Hash,
        /// Hash of the contents of the version before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<Hash>,
        /// Whether persons, public interest or a sector are concerned.
        sensitive: bool,
    },
    /// The check passed; the evidence is the report.
    Check {
        /// What was checked.
        contents: Hash,
    },
    /// The deciders approve.
    Decide {
        /// What was decided on.
        contents: Hash,
    },
    /// The check failed, or the deciders refuse.
    Refuse {
        /// Why.
        reason: Text,
    },
    /// The filing is acknowledged; the evidence is the receipt.
    File {
        /// What was filed.
        contents: Hash,
    },
    /// It becomes callable.
    List {
        /// What is listed.
        contents: Hash,
    },
    /// It is no longer callable.
    DeList {
        /// Why.
        reason: Text,
    },
}

/// One version with what later steps depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    state: State,
    contents: Option<Hash>,
    sensitive: bool,
}

impl Case {
    /// Whether this very product may be called: listed, and unchanged since it was decided on.
    ///
    /// # Errors
    /// `Refused`: `product.not-listed`, or `product.other-version` if model, code, sources or purpose differ.
    pub fn may_serve(&self, contents: &Contents) -> Result<()> {
        if self.state != State::Listed {
            return Err(refuse("product.not-listed", format!("the version is `{}`", self.state)));
        }
        self.same(&document_hash(contents)?)
    }

    fn same(&self, cited: &Hash) -> Result<()> {
        if self.contents.as_ref() == Some(cited) {
            Ok(())
        } else {
            Err(refuse("product.other-version", "model, code, sources or purpose differ: draft a new version"))
        }
    }
}

impl Machine for Case {
    type State = State;
    type Event = Event;
    type Rules = Rules;
    const ARROW: &'static str = "arrow-product-v1";

    fn begin() -> Self {
        Self { state: State::New, contents: None, sensitive: false }
    }

    fn state_at(&self, _: Time) -> State {
        self.state
    }

    fn next(&self, event: &Event, _: Time, rules: &Rules) -> Result<Self> {
        rules.check()?;
        let mut next = self.clone();
        next.state = match (self.state, event) {
            (State::New, Event::Draft { contents, replaces, sensitive }) => {
                if replaces.as_ref() == Some(contents) {
                    return Err(refuse("product.no-change", "nothing differs from the version before"));
                }
                next.contents = Some(*contents);
                next.sensitive = *sensitive;
                State::Drafted
            }
            (State::Drafted, Event::Check { contents }) => self.same(contents).map(|()| State::Checked)?,
            (State::Drafted, Event::Decide { .. }) => return Err(refuse("product.not-checked", "the check comes first")),
            (State::Checked, Event::Decide { contents }) => self.same(contents).map(|()| State::Decided)?,
            (State::Drafted | State::Checked | State::Decided, Event::Refuse { reason }) => {
                need_reason(reason)?;
                State::Refused
            }
            (State::Decided, Event::File { .. }) if rules.filed_with.is_none() => {
                return Err(refuse("product.no-filing", "the profile asks for no filing"));
            }
            (State::Decided, Event::File { contents }) => self.same(contents).map(|()| State::Filed)?,
            (State::Drafted | State::Checked, Event::List { .. }) => {
                return Err(refuse("product.not-decided", "nothing is listed without a decision"));
            }
            (State::Decided, Event::List { .. }) if rules.filed_with.is_some() => {
                return Err(refuse("product.not-filed", "the profile asks for filing before a product leaves"));
            }
            (State::Decided | State::Filed, Event::List { contents }) => self.same(contents).map(|()| State::Listed)?,
            (State::Listed, Event::DeList { reason }) => {
                need_reason(reason)?;
                State::DeListed
            }
            (here, _) => return Err(no_arrow(here, event)),
        };
        Ok(next)
    }

    fn needs(&self, event: &Event, rules: &Rules) -> Vec<Need> {
        let deciders = if self.sensitive { [rules.decided_by.as_slice(), &rules.sensitive_by].concat() } else { rules.decided_by.clone() };
        match event {
            // whether it is sensitive decides on who signs later: its maker alone does not say so
            Event::Draft { .. } => vec![Need::any(&[Role::Licensee, Role::Developer]), Need::any(&[rules.checked_by, Role::Authority])],
            Event::Check { .. } => vec![Need::role(rules.checked_by)],
            Event::Decide { .. } => each(&deciders),
            Event::Refuse { .. } if self.state == State::Drafted => vec![Need::role(rules.checked_by)],
            Event::Refuse { .. } => vec![Need::any(&deciders)],
            Event::File { .. } => vec![Need::role(rules.filed_with.unwrap_or(Role::Authority))],
            Event::List { .. } => vec![Need::role(rules.listed_by)],
            Event::DeList { .. } => vec![Need::any(&rules.delisted_by)],
        }
    }
}
