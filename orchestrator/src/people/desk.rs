//! Sessions, challenges and failed logins of a node, in memory: a restart ends them all.

use crate::fault::{Code, Fault, Result};
use crate::keys::rng;
use rand::Rng;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use yu_governance::clock::Time;
use yu_governance::id::{PartyName, PersonId};
use yu_governance::person::directory::Session;
use yu_governance::person::login::LoginAnswer;

/// Most sessions, and most logins under way, at a time.
const MOST: usize = 256;
/// Seconds to answer a challenge.
const CHALLENGE_SECONDS: i64 = 60;
/// Failed logins of one person after which further ones wait.
const FAILURES: u32 = 5;
/// Seconds that they wait.
const LOCKED_SECONDS: i64 = 900;
/// Seconds for a login at the service.
const SERVICE_SECONDS: i64 = 600;

/// A login at the service that is under way.
pub(super) struct Pending {
    /// Must stand in the ID token.
    pub(super) nonce: String,
    /// The other half of the challenge that the service was shown (PKCE, RFC 7636).
    pub(super) verifier: String,
    ends: Time,
}

#[derive(Default)]
struct Held {
    sessions: BTreeMap<[u8; 32], Session>,
    asked: BTreeMap<String, (LoginAnswer, Time)>,
    pending: BTreeMap<String, Pending>,
    failures: BTreeMap<PersonId, (u32, Time)>,
}

/// Who is logged in at a node.
#[derive(Default)]
pub struct Desk(Mutex<Held>);

fn hashed(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// 32 random bytes in lower-case hex.
pub(super) fn drawn() -> String {
    let mut bytes = [0_u8; 32];
    rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

fn full(what: &str) -> Fault {
    Fault::new(Code::Refused, format!("login.busy: {MOST} {what} at a time; try again in a minute"))
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The session of a token, unless its term is over.
    #[must_use]
    pub fn session(&self, token: &str, now: Time) -> Option<Session> {
        self.lock().sessions.get(&hashed(token)).filter(|session| now < session.expires).cloned()
    }

    /// Keeps a session and gives the token that stands for it; the node itself keeps a hash only.
    ///
    /// # Errors
    /// `policy.refused` when too many are open.
    pub fn open(&self, session: Session, now: Time) -> Result<String> {
        let mut held = self.lock();
        held.sessions.retain(|_, session| now < session.expires);
        if held.sessions.len() >= MOST {
            return Err(full("sessions"));
        }
        held.failures.remove(&session.person);
        let token = drawn();
        held.sessions.insert(hashed(&token), session);
        Ok(token)
    }

    /// Ends a session; gives it if there was one.
    pub fn end(&self, token: &str) -> Option<Session> {
        self.lock().sessions.remove(&hashed(token))
    }

    /// What a person is asked.
    ///
    /// # Errors
    /// `policy.refused` when too many logins are under way, or too many of this person have failed.
    pub fn challenge(&self, node: &PartyName, person: &PersonId, now: Time) -> Result<LoginAnswer> {
        let mut held = self.lock();
        held.failures.retain(|_, (_, last)| now < last.plus_seconds(LOCKED_SECONDS));
        if held.failures.get(person).is_some_and(|(times, _)| *times >= FAILURES) {
            return Err(Fault::new(
                Code::Refused,
                format!("login.locked: {FAILURES} logins of `{person}` have failed; wait a quarter of an hour"),
            ));
        }
        held.asked.retain(|_, (_, ends)| now < *ends);
        if held.asked.len() >= MOST {
            return Err(full("logins"));
        }
        let asked = LoginAnswer { v: 1, node: node.clone(), person: person.clone(), challenge: drawn() };
        held.asked.insert(asked.challenge.clone(), (asked.clone(), now.plus_seconds(CHALLENGE_SECONDS)));
        Ok(asked)
    }

    /// What was asked with this number, once.
    #[must_use]
    pub fn take_challenge(&self, challenge: &str, now: Time) -> Option<LoginAnswer> {
        let (asked, ends) = self.lock().asked.remove(challenge)?;
        (now < ends).then_some(asked)
    }

    /// A login of this person has failed.
    pub fn failed(&self, person: &PersonId, now: Time) {
        let mut held = self.lock();
        // whoever makes up numbers does not fill the memory
        if held.failures.len() < MOST || held.failures.contains_key(person) {
            let (times, last) = held.failures.entry(person.clone()).or_insert((0, now));
            *times = times.saturating_add(1);
            *last = now;
        }
    }

    /// Whose logins wait because too many have failed.
    #[must_use]
    pub fn locked(&self, now: Time) -> Vec<PersonId> {
        let held = self.lock();
        let is_locked = |(times, last): &(u32, Time)| *times >= FAILURES && now < last.plus_seconds(LOCKED_SECONDS);
        held.failures.iter().filter(|(_, failed)| is_locked(failed)).map(|(person, _)| person.clone()).collect()
    }

    /// Begins a login at the service: its state, and what belongs to it.
    ///
    /// # Errors
    /// `policy.refused` when too many are under way.
    pub(super) fn begin(&self, now: Time) -> Result<(String, String, String)> {
        let mut held = self.lock();
        held.pending.retain(|_, pending| now < pending.ends);
        if held.pending.len() >= MOST {
            return Err(full("logins"));
        }
        let (state, nonce, verifier) = (drawn(), drawn(), drawn());
        let pending = Pending { nonce: nonce.clone(), verifier: verifier.clone(), ends: now.plus_seconds(SERVICE_SECONDS) };
        held.pending.insert(state.clone(), pending);
        Ok((state, nonce, verifier))
    }

    /// A login that was begun, once.
    pub(super) fn take(&self, state: &str, now: Time) -> Option<Pending> {
        self.lock().pending.remove(state).filter(|pending| now < pending.ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yu_governance::canonical::Hash;
    use yu_governance::person::directory::Login;

    fn at(seconds: i64) -> Time {
        Time::from_unix(1_790_000_000 + seconds)
    }

    fn who(n: usize) -> PersonId {
        PersonId::new(format!("dev/bank/p-{n}")).unwrap()
    }

    fn session(expires: i64) -> Session {
        Session { person: who(1), login: Login::Key, credential: Hash::of_file(b"c"), opened: at(0), expires: at(expires) }
    }

    #[test]
    fn h2_a_token_opens_until_its_end_and_no_longer() {
        let desk = Desk::default();
        let token = desk.open(session(10), at(0)).unwrap();
        assert_eq!(token.len(), 64);
        assert_eq!(desk.session(&token, at(9)).unwrap().person, who(1));
        assert!(desk.session(&token, at(10)).is_none());
        assert!(desk.session(&token[..63], at(0)).is_none() && desk.session("", at(0)).is_none());
        // what the node keeps is no token
        assert!(desk.session(&hex::encode(hashed(&token)), at(0)).is_none());
        assert!(desk.end(&token).is_some() && desk.end(&token).is_none());
        assert!(desk.session(&token, at(1)).is_none());
    }

    #[test]
    fn h2_d12_challenges_are_answered_once_and_in_time_and_failures_lock() {
        let (desk, node) = (Desk::default(), PartyName::new("yu://dev/bank/n1").unwrap());
        let asked = desk.challenge(&node, &who(1), at(0)).unwrap();
        assert_ne!(asked.challenge, desk.challenge(&node, &who(1), at(0)).unwrap().challenge);
        assert_eq!(desk.take_challenge(&asked.challenge, at(59)), Some(asked.clone()));
        assert_eq!(desk.take_challenge(&asked.challenge, at(59)), None, "replayed");
        let late = desk.challenge(&node, &who(1), at(0)).unwrap();
        assert_eq!(desk.take_challenge(&late.challenge, at(60)), None, "late");
        (0..5).for_each(|n| desk.failed(&who(1), at(n)));
        assert!(desk.challenge(&node, &who(1), at(10)).unwrap_err().detail.starts_with("login.locked"));
        desk.challenge(&node, &who(2), at(10)).unwrap();
        assert_eq!(desk.locked(at(10)), [who(1)]);
        assert!(desk.locked(at(904)).is_empty());
        desk.challenge(&node, &who(1), at(4 + 900)).unwrap();
        (0..4).for_each(|n| desk.failed(&who(3), at(1000 + n)));
        desk.open(Session { person: who(3), ..session(2000) }, at(1010)).unwrap();
        desk.failed(&who(3), at(1011));
        desk.challenge(&node, &who(3), at(1012)).unwrap();
    }

    #[test]
    fn h2_nobody_fills_the_memory() {
        let (desk, node) = (Desk::default(), PartyName::new("yu://dev/bank/n1").unwrap());
        for n in 0..MOST {
            desk.open(session(10), at(0)).unwrap();
            desk.challenge(&node, &who(n), at(0)).unwrap();
            desk.begin(at(0)).unwrap();
            desk.failed(&who(n), at(0));
        }
        desk.failed(&who(MOST), at(0));
        assert_eq!(desk.lock().failures.len(), MOST);
        assert!(desk.open(session(10), at(1)).is_err() && desk.challenge(&node, &who(1), at(1)).is_err() && desk.begin(at(1)).is_err());
        let (state, nonce, _) = {
            desk.open(session(2000), at(1000)).unwrap();
            desk.challenge(&node, &who(1), at(1000)).unwrap();
            desk.begin(at(1000)).unwrap()
        };
        assert_eq!(desk.take(&state, at(1001)).unwrap().nonce, nonce);
        assert!(desk.take(&state, at(1001)).is_none(), "replayed");
        let (late, ..) = desk.begin(at(1000)).unwrap();
        assert!(desk.take(&late, at(1600)).is_none());
    }
}
