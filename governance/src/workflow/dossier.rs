//! What an application is judged by: the announcement that it cites, the review form, the experts' opinions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::refuse;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::error::Result;
use crate::id::{AuthorisationId, PartyName, document_hash};
use crate::sign::SignedType;
use crate::text::Text;

/// Announcement (公告) that invites applications (A22); published as it is, with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    /// Format version, 1.
    pub v: u32,
    /// Its name, by the authority.
    pub id: AuthorisationId,
    /// The authority that signs.
    pub authority: PartyName,
    /// Fields with priority, at least one.
    pub fields: Vec<Text>,
    /// Conditions for applicants.
    pub conditions: Text,
    /// How applications are judged.
    pub review_rules: Text,
    /// First second at which applications are taken.
    pub opens: Time,
    /// First second at which they are no longer taken.
    pub closes: Time,
}

impl SignedType for Announcement {
    const TYPE: &'static str = "announcement-v1";
}

impl Announcement {
    /// The event by which an application's file is opened under this announcement.
    ///
    /// # Errors
    /// `Refused` with `announcement.incomplete` for one without fields, conditions, rules or window.
    pub fn event(&self) -> Result<super::authorisation::Event> {
        let texts = self.fields.iter().chain([&self.conditions, &self.review_rules]);
        if self.v != 1 || self.fields.is_empty() || texts.into_iter().any(Text::is_blank) || self.opens >= self.closes {
            let what = format!("`{}` needs format 1, fields, conditions, review rules and a window", self.id);
            return Err(refuse("announcement.incomplete", what));
        }
        Ok(super::authorisation::Event::Announce { announcement: document_hash(self)?, opens: self.opens, closes: self.closes })
    }
}

/// Points for one section of the review form, with a remark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// 0 to 100.
    pub points: u32,
    /// Why.
    pub remark: Text,
}

/// Review form with its four sections (A10, NB 14).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewForm {
    /// The applicant itself (申请单位主体情况).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applicant: Option<Score>,
    /// Use on the market, and whether that is lawful.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market: Option<Score>,
    /// Data security and protection of personal information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<Score>,
    /// The contingency plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Score>,
}

impl ReviewForm {
    /// Sections without points from 0 to 100 or without a remark.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let absent = |score: &Option<Score>| score.as_ref().is_none_or(|s| s.points > 100 || s.remark.is_blank());
        let sections = [("applicant", &self.applicant), ("market", &self.market), ("security", &self.security), ("plan", &self.plan)];
        sections.into_iter().filter_map(|(name, score)| absent(score).then_some(name)).collect()
    }

    /// Whether the form can be closed.
    ///
    /// # Errors
    /// `Refused` with `review.form-incomplete` and every open section.
    pub fn close(&self) -> Result<()> {
        let missing = self.missing();
        if missing.is_empty() { Ok(()) } else { Err(refuse("review.form-incomplete", format!("open sections: {}", missing.join(", ")))) }
    }
}

/// One expert's opinion (评审意见); the expert signs the arrow that carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opinion {
    /// Who.
    pub expert: PartyName,
    /// Any interest of the expert in the matter; such an opinion is kept and does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_of_interest: Option<Text>,
    /// Whether the expert is in favour. An opinion, no decision.
    pub favours: bool,
    /// Hash of the written opinion.
    pub text: Hash,
}

/// Checks that enough different experts without an interest of their own gave an opinion (A25).
///
/// # Errors
/// `Refused`: `opinion.twice`, `opinion.conflict` if only opinions with an interest are left over, `opinion.too-few`.
pub fn count_opinions(opinions: &[Opinion], least: usize) -> Result<()> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = opinions.iter().find(|o| !seen.insert(&o.expert)) {
        return Err(refuse("opinion.twice", format!("`{}` gives two opinions", twice.expert)));
    }
    let free = opinions.iter().filter(|o| o.conflict_of_interest.is_none()).count();
    if free >= least {
        return Ok(());
    }
    let code = if opinions.len() >= least { "opinion.conflict" } else { "opinion.too-few" };
    Err(refuse(code, format!("{free} opinions without conflict of interest, {least} are needed")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::digest;

    fn opinion(name: &str, conflict: bool) -> Opinion {
        Opinion {
            expert: PartyName::from_parts(crate::id::Environment::Dev, "experts", name).unwrap(),
            conflict_of_interest: conflict.then(|| Text::new("holds shares", "持有股份")),
            favours: true,
            text: digest("yu-test-v1", name.as_bytes()),
        }
    }

    fn code(opinions: &[Opinion]) -> String {
        count_opinions(opinions, 2).map_or_else(|e| e.to_string(), |()| "fine".into())
    }

    #[test]
    fn a25_an_interest_of_ones_own_does_not_count() {
        assert_eq!(code(&[opinion("a", false), opinion("b", false), opinion("c", true)]), "fine");
        assert!(code(&[opinion("a", false), opinion("b", true)]).starts_with("opinion.conflict"));
        assert!(code(&[opinion("a", false)]).starts_with("opinion.too-few"));
        assert!(code(&[opinion("a", false), opinion("a", false)]).starts_with("opinion.twice"));
    }

    #[test]
    fn a10_an_incomplete_form_cannot_be_closed() {
        let score = |points| Some(Score { points, remark: Text::new("good", "好") });
        let mut form = ReviewForm { applicant: score(80), market: score(70), security: score(101), plan: None };
        assert_eq!(form.missing(), ["security", "plan"]);
        assert!(form.close().unwrap_err().to_string().contains("security, plan"));
        (form.security, form.plan) = (score(100), score(0));
        form.close().unwrap();
    }
}
