//! The docket (台账): every document of the domain in one order, as the authority's node numbers it.
//!
//! ```text
//! line 0 <── line 1 <── line 2 ...      each names the one before by its hash, a document by its hash, who signed that,
//!                                       and what was in force; the authority signs the line
//! ```
//! Documents are judged in this order, so everybody who holds the same lines comes to the same state. Two lines of one place with different texts are
//! two histories: the two signatures of the authority prove it to anybody ([`Fork`], S1).

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};

/// One place in the docket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Format version, 1.
    pub v: u32,
    /// Place, from 0.
    #[serde(with = "u64_string")]
    pub sequence: u64,
    /// Hash of the line before; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// Kind of the document.
    pub kind: String,
    /// Hash of the document.
    pub document: Hash,
    /// Who signed it.
    pub signers: Vec<PartyName>,
    /// Hash of the profile that was in force, its parent included.
    pub profile: Hash,
    /// Version of the appointments that were in force, 0 for none.
    pub appointments: u32,
    /// When the authority's node took it in.
    pub at: Time,
}

impl SignedType for Line {
    const TYPE: &'static str = "docket-line-v1";
}

/// How far a docket goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Place of the last line.
    #[serde(with = "u64_string")]
    pub sequence: u64,
    /// Its hash.
    pub hash: Hash,
}

fn refuse(code: &'static str, what: String) -> Error {
    Error::Refused { code, what }
}

impl Line {
    /// Whether it is the next one behind `before`.
    ///
    /// `now` and `skew` in seconds: a line of the future is refused beyond them.
    ///
    /// # Errors
    /// `Refused`: `docket.gap` for another place, `docket.chain` for another line before, `docket.backwards` for an earlier time or earlier
    /// appointments than the line before, `docket.ahead`.
    pub fn follows(&self, before: Option<&Self>, (now, skew): (Time, i64)) -> Result<()> {
        let next = before.map_or(0, |line| line.sequence.saturating_add(1));
        if self.v != 1 || self.sequence != next {
            return Err(refuse("docket.gap", format!("line {} where {next} is next", self.sequence)));
        }
        if self.previous != before.map(document_hash).transpose()? {
            return Err(refuse("docket.chain", format!("line {next} stands on another line than the one before it here")));
        }
        if before.is_some_and(|line| line.at > self.at || line.appointments > self.appointments) {
            return Err(refuse(
                "docket.backwards",
                format!("line {next} is of an earlier time, or of earlier appointments, than the line before"),
            ));
        }
        if self.at > now.plus_seconds(skew) {
            return Err(refuse("docket.ahead", format!("line {next} is dated {}, here it is {now}; check the clocks", self.at)));
        }
        Ok(())
    }

    /// Where the docket ends with this line.
    ///
    /// # Errors
    /// `Malformed` without a canonical form.
    pub fn head(&self) -> Result<Head> {
        Ok(Head { sequence: self.sequence, hash: document_hash(self)? })
    }
}

/// Two lines of one place: the authority has told two histories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// As it is known.
    pub known: Signed<Line>,
    /// As it was told to somebody else.
    pub told: Signed<Line>,
}

impl Fork {
    /// Whether both lines are the authority's, of one place, and different.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `docket.no-fork`.
    pub fn verify(&self, authority: &PartyName, keys: &KeyRing) -> Result<()> {
        let known = self.known.verify(keys, &[authority.as_str()])?;
        let told = self.told.verify(keys, &[authority.as_str()])?;
        if known.sequence != told.sequence || known == told {
            return Err(refuse("docket.no-fork", "the lines are no two texts of one place".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::SigningKey;

    fn authority() -> PartyName {
        "yu://dev/authority/n1".parse().unwrap()
    }

    fn line(before: Option<&Line>, at: i64) -> Line {
        Line {
            v: 1,
            sequence: before.map_or(0, |l| l.sequence + 1),
            previous: before.map(|l| document_hash(l).unwrap()),
            kind: "catalogue-record".into(),
            document: Hash::of_file(b"d"),
            signers: vec![authority()],
            profile: Hash::of_file(b"p"),
            appointments: 1,
            at: Time::from_unix(at),
        }
    }

    #[test]
    fn s1_lines_follow_each_other_in_one_order() {
        let now = (Time::from_unix(100), 5);
        let first = line(None, 10);
        first.follows(None, now).unwrap();
        let second = line(Some(&first), 20);
        second.follows(Some(&first), now).unwrap();
        let code = |line: &Line, before: Option<&Line>| match line.follows(before, now) {
            Err(Error::Refused { code, .. }) => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code(&second, None), "docket.gap");
        assert_eq!(code(&first, Some(&first)), "docket.gap");
        assert_eq!(code(&Line { previous: None, ..second.clone() }, Some(&first)), "docket.chain");
        assert_eq!(code(&Line { at: Time::from_unix(9), ..second.clone() }, Some(&first)), "docket.backwards");
        assert_eq!(code(&Line { appointments: 0, ..second.clone() }, Some(&first)), "docket.backwards");
        assert_eq!(code(&Line { at: Time::from_unix(106), ..second.clone() }, Some(&first)), "docket.ahead");
        assert_eq!(second.head().unwrap(), Head { sequence: 1, hash: document_hash(&second).unwrap() });
    }

    #[test]
    fn s1_two_histories_are_proved_by_two_signatures_and_by_nothing_less() {
        let (key, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let mut ring = KeyRing::new();
        ring.insert(authority().as_str(), key.public()).unwrap();
        let sign = |line: Line, key: &SigningKey| Signed::sign(line, authority().as_str(), key).unwrap();
        let (one, two) = (line(None, 10), line(None, 11));
        let fork = Fork { known: sign(one.clone(), &key), told: sign(two.clone(), &key) };
        fork.verify(&authority(), &ring).unwrap();
        assert!(Fork { told: sign(two.clone(), &other), ..fork.clone() }.verify(&authority(), &ring).is_err(), "another key");
        assert!(Fork { told: fork.known.clone(), ..fork.clone() }.verify(&authority(), &ring).is_err(), "the same line");
        let next = line(Some(&one), 12);
        assert!(Fork { told: sign(next, &key), ..fork }.verify(&authority(), &ring).is_err(), "another place");
    }
}
