//! What an ID token of an existing service must say before it opens a session (D10; OpenID Connect Core 1.0, section 3.1.3.7).
//!
//! The signature is checked before, by whoever holds the service's keys; here stands only what the words have to be.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::finding::{Checked, Finding, unless};

/// Longest subject, as the standard sets it.
const LONGEST: usize = 255;
/// A token that was made longer ago than this was not made for this login.
const OLDEST_SECONDS: i64 = 600;

/// One audience or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// Claims of an ID token; those that are not looked at are left out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The service.
    pub iss: String,
    /// Its name for the person.
    pub sub: String,
    /// For whom the token is.
    pub aud: Audience,
    /// To whom it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// First second at which it is over.
    pub exp: i64,
    /// When it was made.
    pub iat: i64,
    /// Before this second it is not valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// What this node asked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// A service's name for a person is not printed.
impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claims").field("iss", &self.iss).finish_non_exhaustive()
    }
}

/// What this node expects.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The service that is configured.
    pub issuer: &'a str,
    /// This node's name at the service.
    pub client: &'a str,
    /// What was asked with, for this one login.
    pub nonce: &'a str,
    /// By how many seconds clocks may differ.
    pub skew: i64,
}

impl Claims {
    /// Whether the token is for this node, this login and this moment.
    ///
    /// # Errors
    /// All at once: `token.issuer`, `token.audience`, `token.party`, `token.nonce`, `token.expired`, `token.time`, `token.subject`.
    pub fn check(&self, expected: &Expected<'_>, now: Time) -> Checked<()> {
        let (is_audience, is_one) = match &self.aud {
            Audience::One(one) => (one == expected.client, true),
            Audience::Many(many) => (many.iter().any(|one| one == expected.client), many.len() == 1),
        };
        let now = now.unix();
        let ahead = now.saturating_add(expected.skew);
        let is_new = self.iat <= ahead && self.iat >= now.saturating_sub(OLDEST_SECONDS).saturating_sub(expected.skew);
        let plain = |text: &str| !text.trim().is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
        let rules = [
            (self.iss == expected.issuer, "token.issuer", ("comes from another service", "签发方不符")),
            (is_audience, "token.audience", ("is for somebody else", "受众不符")),
            (
                self.azp.as_deref().map_or(is_one, |party| party == expected.client),
                "token.party",
                ("was given to somebody else", "被授权方不符"),
            ),
            (self.nonce.as_deref() == Some(expected.nonce), "token.nonce", ("does not belong to this login", "不属于本次登录")),
            (now < self.exp, "token.expired", ("is over", "已过期")),
            (
                is_new && self.nbf.is_none_or(|from| from <= ahead),
                "token.time",
                ("was made too long ago, or in the future", "签发时间不合理"),
            ),
            (plain(&self.sub), "token.subject", ("names nobody", "未指明主体")),
        ];
        let found = rules.into_iter().filter(|(holds, ..)| !holds).map(|(_, code, (en, zh))| {
            let what = (format!("the ID token {en}"), format!("身份令牌{zh}"));
            Finding::new(code, expected.issuer, what, ("log in again", "请重新登录"))
        });
        unless(found.collect(), ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;
    const EXPECTED: Expected<'_> = Expected { issuer: "https://login.example.gov", client: "yu", nonce: "n-1", skew: 60 };

    fn claims() -> Claims {
        Claims {
            iss: EXPECTED.issuer.into(),
            sub: "u-1".into(),
            aud: Audience::One("yu".into()),
            azp: None,
            exp: NOW + 300,
            iat: NOW,
            nbf: None,
            nonce: Some("n-1".into()),
        }
    }

    fn codes(claims: &Claims) -> Vec<String> {
        let found = claims.check(&EXPECTED, Time::from_unix(NOW)).err().unwrap_or_default();
        found.into_iter().map(|finding| finding.code).collect()
    }

    type Change = fn(&mut Claims);

    #[test]
    fn d10_a_token_for_another_service_node_login_or_time_opens_nothing() {
        assert!(codes(&claims()).is_empty());
        let wrong: [(&str, Change); 16] = [
            ("token.issuer", |c| c.iss = "https://login.example.gov/".into()),
            ("token.audience", |c| c.aud = Audience::One("other".into())),
            ("token.audience", |c| (c.aud, c.azp) = (Audience::Many(vec!["other".into()]), Some("yu".into()))),
            ("token.party", |c| c.aud = Audience::Many(vec!["yu".into(), "other".into()])),
            ("token.party", |c| c.azp = Some("other".into())),
            ("token.nonce", |c| c.nonce = None),
            ("token.nonce", |c| c.nonce = Some("n-2".into())),
            ("token.expired", |c| c.exp = NOW),
            ("token.expired", |c| c.exp = i64::MIN),
            ("token.time", |c| c.iat = NOW + 61),
            ("token.time", |c| c.iat = NOW - 661),
            ("token.time", |c| c.iat = i64::MIN),
            ("token.time", |c| c.nbf = Some(NOW + 61)),
            ("token.subject", |c| c.sub = " ".into()),
            ("token.subject", |c| c.sub = "a\u{7}".into()),
            ("token.subject", |c| c.sub = "a".repeat(256)),
        ];
        for (code, change) in wrong {
            let mut changed = claims();
            change(&mut changed);
            assert_eq!(codes(&changed), [code]);
        }
        let fine: [Change; 4] = [
            |c| c.aud = Audience::Many(vec!["yu".into()]),
            |c| (c.aud, c.azp) = (Audience::Many(vec!["yu".into(), "other".into()]), Some("yu".into())),
            |c| c.iat = NOW + 59,
            |c| c.exp = i64::MAX,
        ];
        for change in fine {
            let mut changed = claims();
            change(&mut changed);
            assert!(codes(&changed).is_empty(), "{:?}", codes(&changed));
        }
        assert!(!format!("{:?}", claims()).contains("u-1"));
    }
}
