//! People at a node: who is logged in, what the post allows, and the number of the person in every entry of the log that an act leaves (H2, D10, D12).
//!
//! Until an organisation has filed a record of a person (see [`crate::docket::chapters::people`]) whoever may speak to the socket acts for it. From
//! then on every verb that signs, decides or destroys needs a session of a person whose post allows it:
//!
//! ```text
//! yu login --person P --key FILE     a challenge of the node, signed by the key of the credential
//! yu login --service                 OpenID Connect, authorization code with PKCE at the service that node.toml names
//!    └─> token in DIR/session (or YU_SESSION), shown with every question; in the node only its hash, in memory
//! ```
//! A session is judged anew at every use, by what is filed then: it ends with the credential, an evidence, the post, the sponsor, the login, the person,
//! and with the ID token that opened it. While nobody acts as security administrator (at the beginning, or when the last one's credential ended) the
//! documents about people alone may be filed by whoever speaks to the socket: access itself is opened by the authority only.
//!
//! | to see | open |
//! |---|---|
//! | which verb is which act | [`act`] |
//! | whose act it is, for the log | [`acting`] |
//! | sessions, challenges, failed logins | [`desk`] |
//! | logins of an outside service, one to one with people | [`links`] |
//! | the service: discovery, code, tokens | `people/service.rs`, `people/token.rs`, `people/http.rs` |
//! | verbs | [`verbs`] |

pub mod act;
pub mod acting;
pub mod desk;
pub(crate) mod http;
pub mod links;
pub mod service;
pub mod token;
pub mod verbs;

use crate::admin::AdminAsk;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law::{self, Law};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::finding::Finding;
use yu_governance::id::PersonId;
use yu_governance::person::act::Act;
use yu_governance::person::directory::Directory;
use yu_governance::person::login::LoginAnswer;
use yu_governance::person::record::{PersonRules, Post};
use yu_governance::sign::Signed;

/// What the command line asks about people.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "person", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PersonAsk {
    /// Ask this person something that only the key can answer.
    Challenge {
        /// Who.
        who: PersonId,
    },
    /// The answer.
    Answer {
        /// Signed by the person's key.
        answer: Box<Signed<LoginAnswer>>,
    },
    /// Begin a login at the service.
    Service,
    /// What the service sent back through the browser.
    Return {
        /// Which login.
        state: String,
        /// The authorization code.
        code: String,
        /// Who says so (RFC 9207).
        issuer: Option<String>,
    },
    /// End the session.
    Logout,
    /// Whose session it is.
    WhoAmI,
    /// Tie a login of the service to a person.
    Link {
        /// Who.
        who: PersonId,
        /// The service's name for the person.
        subject: String,
    },
    /// End a person's login at the service.
    Unlink {
        /// Who.
        who: PersonId,
    },
}

/// Answers one question of the command line, if whoever asks may.
///
/// # Errors
/// `policy.refused` with `person.login-needed`, `person.post`, or why the session does not hold; those of the verb.
pub fn answer(node: &Arc<Node>, token: Option<&str>, mut ask: AdminAsk) -> Result<Value> {
    if let AdminAsk::Person(ask) = ask {
        return verbs::handle(node, token, ask);
    }
    let Some(act) = act::of(node, &ask) else { return crate::verbs::handle(node, ask) };
    let Some(person) = permitted(node, token, act)? else { return crate::verbs::handle(node, ask) };
    if let AdminAsk::ReviewDecide { reviewer, .. } = &mut ask {
        // whoever decides is who is logged in, whatever name was given
        *reviewer = person.to_string();
    }
    acting::as_person(&person, || {
        node.log(Event::new(Verb::PersonActed).code("act", act.code()))?;
        crate::verbs::handle(node, ask)
    })
}

/// What is filed of this organisation's people, with the logins that are known here.
pub(crate) struct Roll {
    /// Everybody.
    pub(crate) directory: Directory,
    /// What the law demands.
    pub(crate) rules: PersonRules,
    /// Whether a security administrator is there.
    pub(crate) is_kept: bool,
}

/// People of this node's organisation, once it has filed any.
///
/// # Errors
/// `storage.damaged`.
pub(crate) fn roll(node: &Node) -> Result<Option<Roll>> {
    let Some(law) = law::in_force(node)? else { return Ok(None) };
    let organisation = node.config().organisation.clone();
    let roll = node.docket().with(node, |book| Ok(of_book(&book.people, &organisation, &law)))?;
    roll.map(|roll| links::known(node, roll)).transpose()
}

fn of_book(people: &crate::docket::chapters::people::People, organisation: &str, law: &Law) -> Option<Roll> {
    if !people.directory.has_people(organisation) {
        return None;
    }
    let rules = crate::docket::chapters::people::rules(law);
    let is_kept = people.is_held(organisation, Post::SecurityAdministrator, &rules, now());
    Some(Roll { directory: people.directory.clone(), rules, is_kept })
}

/// Whether this organisation acts through people: then nothing is signed without one.
///
/// # Errors
/// `storage.damaged`.
pub fn decide(node: &Node) -> Result<bool> {
    Ok(roll(node)?.is_some())
}

/// Who is logged in and may do this; nobody where the organisation has no people yet.
fn permitted(node: &Node, token: Option<&str>, act: Act) -> Result<Option<PersonId>> {
    let Some(roll) = roll(node)? else { return Ok(None) };
    let Some(token) = token else {
        if !roll.is_kept && matches!(act, Act::People | Act::Activate) {
            return Ok(None);
        }
        return Err(refused(node, act, None, "person.login-needed: this organisation acts through its people; `yu login` first".into()));
    };
    let session = node.desk().session(token, now());
    let Some(session) = session else {
        return Err(refused(node, act, None, "person.login-needed: the session is not known here or over; `yu login` again".into()));
    };
    if let Err(found) = roll.directory.session_valid_at(&session, &roll.rules, now()) {
        node.desk().end(token);
        return Err(refused(node, act, Some(&session.person), told(&found)));
    }
    let held = roll.directory.credential(&session.person).map(|credential| credential.posts.clone()).unwrap_or_default();
    if !act.is_open_to(&held) {
        let posts = act.posts().iter().map(|post| post.as_str()).collect::<Vec<_>>().join(", ");
        let what = format!("person.post: `{}` may not do that (`{}`); it takes one of {posts}", session.person, act.code());
        return Err(refused(node, act, Some(&session.person), what));
    }
    Ok(Some(session.person))
}

/// All findings in one line, each with its code.
pub(crate) fn told(found: &[Finding]) -> String {
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn refused(node: &Node, act: Act, person: Option<&PersonId>, what: String) -> Fault {
    let event = Event::new(Verb::PersonRefused).code("act", act.code());
    let event = match person {
        Some(person) => event.with("person", Field::Person(person.clone())),
        None => event,
    };
    match node.log(event) {
        Ok(()) => Fault::new(Code::Refused, what).party(node.name()),
        Err(fault) => fault,
    }
}
