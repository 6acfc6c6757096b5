//! Logins of an existing authentication service (D10): one external subject is one local person, and one person one external subject.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::finding::{Checked, refuse};
use crate::id::PersonId;

/// Most bytes of an issuer or a subject.
const LONGEST: usize = 256;

/// A login as the service names it; compared byte by byte, as OpenID Connect Core section 2 demands of `iss` and `sub`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalSubject {
    /// The service.
    pub issuer: String,
    /// Its name for the person; never reassigned by a service that keeps to its standard, and never here.
    pub subject: String,
}

impl ExternalSubject {
    fn is_well_formed(&self) -> bool {
        let fine =
            |text: &str| !text.trim().is_empty() && text.trim() == text && text.len() <= LONGEST && !text.chars().any(char::is_control);
        fine(&self.issuer) && fine(&self.subject)
    }
}

/// A service's name for a person is often an address or a telephone number: it is not printed.
impl fmt::Debug for ExternalSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalSubject").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone)]
struct Link {
    person: PersonId,
    from: Time,
    disabled_at: Option<Time>,
}

/// Which login is which person.
#[derive(Debug, Clone, Default)]
pub struct SubjectMap(BTreeMap<ExternalSubject, Link>);

impl SubjectMap {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Ties a login to a person. After a login was disabled the person may get another one; the disabled login stays dead.
    ///
    /// # Errors
    /// `mapping.malformed`; `mapping.subject-taken` if the login is somebody's, also a disabled one; `mapping.person-taken` if the
    /// person has a login in force.
    pub fn link(&mut self, subject: ExternalSubject, person: &PersonId, from: Time) -> Checked<()> {
        let no = |code: &str, en: &str, zh: &str, remedy: (&str, &str)| {
            let what = (format!("the login for `{person}` {en}"), format!("人员 `{person}` 的登录标识{zh}"));
            refuse(code, person, what, remedy)
        };
        if !subject.is_well_formed() {
            let remedy = ("copy issuer and subject as the service writes them", "按认证服务的写法填写");
            return no("mapping.malformed", "is blank, too long or holds control characters", "为空、过长或含控制字符", remedy);
        }
        if self.0.contains_key(&subject) {
            let remedy = ("use another login; a disabled one is never given on", "使用其他登录标识；已停用的不得转用");
            return no("mapping.subject-taken", "is taken, or was", "已被占用或曾被使用", remedy);
        }
        if self.0.values().any(|link| link.person == *person && link.disabled_at.is_none()) {
            let remedy = ("disable the present login first", "先停用现有登录标识");
            return no("mapping.person-taken", "would be a second one", "已有一个", remedy);
        }
        self.0.insert(subject, Link { person: person.clone(), from, disabled_at: None });
        Ok(())
    }

    /// Ends a login, from `at` on and for good; of two ends the earlier counts.
    ///
    /// # Errors
    /// `mapping.missing`.
    pub fn disable(&mut self, subject: &ExternalSubject, at: Time) -> Checked<()> {
        let Some(link) = self.0.get_mut(subject) else {
            let what = ("this login is nobody's", "该登录标识未对应任何人员");
            return refuse("mapping.missing", &subject.issuer, what, ("check issuer and subject", "核对认证服务与标识"));
        };
        link.disabled_at = Some(link.disabled_at.map_or(at, |before| before.min(at)));
        Ok(())
    }

    /// Whose login it is at `now`; `None` for an unknown or disabled one.
    #[must_use]
    pub fn person_of(&self, subject: &ExternalSubject, now: Time) -> Option<&PersonId> {
        let link = self.0.get(subject)?;
        (link.from <= now && link.disabled_at.is_none_or(|at| now < at)).then_some(&link.person)
    }
}
