//! Access is opened by the authority (H3); the credential that follows ends with the first evidence that ends (H1, H5).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::record::{PersonRecord, Post, RealNameRef};
use crate::clock::Time;
use crate::finding::{Checked, broken, refuse};
use crate::id::{PartyName, PersonId};
use crate::sign::{KeyRing, PublicKey, Signed, SignedType};

/// The authority opens access for one person in these posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// Format version, 1.
    pub v: u32,
    /// For whom.
    pub person: PersonId,
    /// Who that is: a number that is given to somebody else later does not take the access along.
    pub real_name: RealNameRef,
    /// In which posts.
    pub posts: BTreeSet<Post>,
    /// The authority's node, which signs.
    pub by: PartyName,
    /// First valid second.
    pub at: Time,
    /// First second that is no longer valid.
    pub not_after: Time,
}

impl SignedType for Activation {
    const TYPE: &'static str = "person-activation-v1";
}

impl Activation {
    /// The activation, if an authority signed it for this person, these posts and this moment.
    ///
    /// # Errors
    /// `activation.not-authority`, `activation.signature`, `activation.other-person`, `activation.posts`, `activation.term`.
    pub fn proven<'a>(
        signed: &'a Signed<Self>,
        person: &PersonRecord,
        authorities: &BTreeSet<PartyName>,
        keys: &KeyRing,
        now: Time,
    ) -> Checked<&'a Self> {
        let a = &signed.payload;
        let no = |code: &str, en: &str, zh: &str| {
            let what = (format!("the access of `{}` {en}", person.id), format!("人员 `{}` 的使用权限{zh}", person.id));
            refuse(
                code,
                &a.by,
                what,
                ("submit the information again and have the authority open access", "重新提交信息，由主管部门开通权限"),
            )
        };
        if !authorities.contains(&a.by) {
            return no("activation.not-authority", "was not opened by the authority", "未由主管部门开通");
        }
        if let Err(error) = signed.verify(keys, &[a.by.as_str()]) {
            return Err(broken("activation.signature", &a.by, &error));
        }
        if a.v != 1 || a.person != person.id || a.real_name != person.real_name {
            return no("activation.other-person", "was opened for somebody else", "系为他人开通");
        }
        if !person.posts.is_subset(&a.posts) {
            return no("activation.posts", "was opened for other posts", "系为其他岗位开通");
        }
        if now < a.at || now >= a.not_after {
            return no("activation.term", "is not open now", "当前不在有效期内");
        }
        Ok(a)
    }
}

/// What a person shows at every action (H2): the number, the posts, a key, and a term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Format version, 1.
    pub v: u32,
    /// Whose.
    pub person: PersonId,
    /// For what.
    pub posts: BTreeSet<Post>,
    /// The person's key; what it signs is the person's act.
    pub key: PublicKey,
    /// First valid second.
    pub not_before: Time,
    /// First second that is no longer valid: the earliest end of evidences, post, sponsor and activation.
    pub not_after: Time,
}

impl SignedType for Credential {
    const TYPE: &'static str = "person-credential-v1";
}
