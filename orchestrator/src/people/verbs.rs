//! Logging in and out, and tying logins to people.

use super::{PersonAsk, Roll, acting, links, permitted, roll, service, told};
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::Node;
use crate::verbs::{done, lines};
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::clock::Time;
use yu_governance::finding::Finding;
use yu_governance::id::{PartyName, PersonId};
use yu_governance::person::act::Act;
use yu_governance::person::directory::Session;
use yu_governance::person::login::LoginAnswer;
use yu_governance::sign::Signed;

/// Answers one question about people.
///
/// # Errors
/// `state.wrong` while nobody is enrolled; `policy.refused`, `signature.bad` for a login that does not hold.
pub fn handle(node: &Arc<Node>, token: Option<&str>, ask: PersonAsk) -> Result<Value> {
    match ask {
        PersonAsk::Challenge { who } => {
            required(node)?;
            own(node, &who)?;
            let me: PartyName = node.name().parse()?;
            Ok(json!({ "asked": node.desk().challenge(&me, &who, now())? }))
        }
        PersonAsk::Answer { answer } => by_key(node, &answer),
        PersonAsk::Service => {
            required(node)?;
            service::begin(node)
        }
        PersonAsk::Return { state, code, issuer } => by_service(node, &state, &code, issuer.as_deref()),
        PersonAsk::Logout => logout(node, token),
        PersonAsk::WhoAmI => who_am_i(node, token),
        PersonAsk::Link { who, subject } => {
            let roll = required(node)?;
            own(node, &who)?;
            let login = links::subject(node, &service::config(node)?.issuer, &subject);
            acted(node, token, || links::link(node, roll, &who, login))?;
            Ok(done(&format!("{who} may log in through the login service"), &format!("{who} 可通过统一认证登录")))
        }
        PersonAsk::Unlink { who } => {
            acted(node, token, || links::unlink(node, &who))?;
            Ok(done(&format!("the login of {who} has ended"), &format!("{who} 的登录标识已停用")))
        }
    }
}

/// Does something that is the security administrator's.
fn acted<T>(node: &Node, token: Option<&str>, what: impl FnOnce() -> Result<T>) -> Result<T> {
    match permitted(node, token, Act::People)? {
        Some(person) => acting::as_person(&person, || {
            node.log(Event::new(Verb::PersonActed).code("act", Act::People.code()))?;
            what()
        }),
        None => what(),
    }
}

fn required(node: &Node) -> Result<Roll> {
    let none = || Fault::new(Code::State, "person.none: nobody is enrolled here; `yu docket file person-record` first").party(node.name());
    roll(node)?.ok_or_else(none)
}

/// The authority and the regulator read the records of all organisations: their nodes still are for their own people only.
fn own(node: &Node, person: &PersonId) -> Result<()> {
    let config = node.config();
    if person.organisation() == config.organisation && person.environment().as_str() == config.environment {
        return Ok(());
    }
    Err(Fault::new(Code::Refused, format!("person.other: `{person}` is not of this organisation")).party(node.name()))
}

fn refuse(node: &Node, person: Option<&PersonId>, fault: Fault) -> Fault {
    let event = Event::new(Verb::LoginRefused);
    let event = match person {
        Some(person) => event.with("person", Field::Person(person.clone())),
        None => event,
    };
    node.log(event).err().unwrap_or(fault)
}

fn found(found: &[Finding]) -> Fault {
    Fault::new(Code::Refused, told(found))
}

fn by_key(node: &Node, answer: &Signed<LoginAnswer>) -> Result<Value> {
    let roll = required(node)?;
    let at = now();
    let asked = node.desk().take_challenge(&answer.payload.challenge, at);
    let Some(asked) = asked else {
        let fault = Fault::new(Code::Refused, "login.challenge: that was not asked here, was answered before, or a minute is over");
        return Err(refuse(node, None, fault));
    };
    let person = &asked.person;
    let checked = match roll.directory.credential(person) {
        Some(credential) => LoginAnswer::check(answer, &asked, credential.key),
        None => Err(roll.directory.objections(person, &roll.rules, at)),
    };
    if let Err(all) = checked {
        node.desk().failed(person, at);
        return Err(refuse(node, Some(person), found(&all)));
    }
    match roll.directory.open_by_key(person, &roll.rules, at) {
        Ok(session) => open(node, &roll, session, "key"),
        Err(all) => Err(refuse(node, Some(person), found(&all))),
    }
}

fn by_service(node: &Node, state: &str, code: &str, issuer: Option<&str>) -> Result<Value> {
    let roll = required(node)?;
    let who = service::finish(node, state, code, issuer).map_err(|fault| refuse(node, None, fault))?;
    let login = links::subject(node, &service::config(node)?.issuer, &who.subject);
    let session = roll.directory.open(&login, &roll.rules, now()).map_err(|all| refuse(node, None, found(&all)))?;
    own(node, &session.person)?;
    // whoever is disabled at the service has no session here beyond the last token
    let expires = session.expires.min(who.until);
    open(node, &roll, Session { expires, ..session }, "service")
}

fn open(node: &Node, roll: &Roll, session: Session, by: &'static str) -> Result<Value> {
    let event = Event::new(Verb::PersonLoggedIn).code("by", by).with("until", Field::Time(session.expires));
    node.log(event.with("person", Field::Person(session.person.clone())))?;
    let mut told = shown(node, roll, &session)?;
    let token = node.desk().open(session, now())?;
    if let Some(fields) = told.as_object_mut() {
        fields.insert("token".into(), token.into());
    }
    Ok(told)
}

/// Alarms go to the contacts of the organisation (H4): they see them as soon as they come.
fn alarms(node: &Node, roll: &Roll, person: &PersonId) -> Result<Vec<(String, String)>> {
    let is_contact = roll.directory.contacts(&node.config().organisation).is_some_and(|all| all.alarmed().any(|who| who == person));
    if !is_contact {
        return Ok(Vec::new());
    }
    let mut all = crate::docket::show::alarms(node)?;
    all.extend(
        node.desk()
            .locked(now())
            .into_iter()
            .map(|who| (format!("ALARM: several logins of {who} have failed; they wait"), format!("告警：{who} 多次登录失败，已暂停登录"))),
    );
    Ok(all)
}

fn shown(node: &Node, roll: &Roll, session: &Session) -> Result<Value> {
    let posts: Vec<&str> =
        roll.directory.credential(&session.person).map(|held| held.posts.iter().map(|post| post.as_str()).collect()).unwrap_or_default();
    let (person, until): (&PersonId, Time) = (&session.person, session.expires);
    let all = posts.join(", ");
    let alarms = alarms(node, roll, person)?;
    let first = (format!("{person} ({all}), until {until}"), format!("{person}（{all}），有效期至 {until}"));
    Ok(
        json!({ "person": person, "posts": posts, "until": until, "alarms": alarms.len(), "say": lines(std::iter::once(first).chain(alarms)) }),
    )
}

fn who_am_i(node: &Node, token: Option<&str>) -> Result<Value> {
    let nobody = || Fault::new(Code::NotFound, "person.nobody: nobody is logged in; `yu login`").party(node.name());
    let roll = required(node)?;
    let token = token.ok_or_else(nobody)?;
    let session = node.desk().session(token, now()).ok_or_else(nobody)?;
    if let Err(all) = roll.directory.session_valid_at(&session, &roll.rules, now()) {
        node.desk().end(token);
        return Err(found(&all));
    }
    shown(node, &roll, &session)
}

fn logout(node: &Node, token: Option<&str>) -> Result<Value> {
    if let Some(session) = token.and_then(|token| node.desk().end(token)) {
        node.log(Event::new(Verb::PersonLoggedOut).with("person", Field::Person(session.person)))?;
    }
    Ok(done("logged out", "已退出登录"))
}
