//! `yu login`, `yu logout`, `yu person`.

use super::Output;
use super::args::{LoginArgs, PersonCommand};
use crate::admin::{AdminAsk, ask, session_file};
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use crate::keys::rng;
use crate::people::PersonAsk;
use crate::people::http::{Url, decoded};
use rand::Rng;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use yu_governance::id::PersonId;
use yu_governance::person::login::LoginAnswer;
use yu_governance::person::record::RealNameRef;
use yu_governance::sign::{Signed, SigningKey};
use zeroize::Zeroizing;

/// Longest name with its identity number, and longest subject.
const LONGEST: u64 = 1024;
/// Longest request line and headers of a browser that comes back.
const REQUEST: usize = 16 << 10;
/// As long as the node waits.
const PATIENCE: Duration = Duration::from_secs(600);

/// `person`.
pub(super) fn run(command: PersonCommand, home: &Home, out: &Output) -> Result<()> {
    match command {
        PersonCommand::Key { file } => key(&file, out),
        PersonCommand::Reference => reference(home, out),
        PersonCommand::Link { person } => tell(home, PersonAsk::Link { who: person, subject: input()?.trim().to_owned() }, out),
        PersonCommand::Unlink { person } => tell(home, PersonAsk::Unlink { who: person }, out),
    }
}

fn tell(home: &Home, question: PersonAsk, out: &Output) -> Result<()> {
    let question = AdminAsk::Person(question);
    let value = ask(home, &question)?;
    out.answer(&question, &value);
    Ok(())
}

/// What is too personal for a command line, which every user of the machine can read.
fn input() -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let bad = |what: &str| Fault::new(Code::Input, what.to_owned()).at("standard input");
    std::io::stdin().take(LONGEST + 1).read_to_string(&mut text).map_err(|_| bad("not UTF-8"))?;
    if text.trim().is_empty() || text.len() as u64 > LONGEST {
        return Err(bad(&format!("1 to {LONGEST} bytes are expected")));
    }
    Ok(text)
}

fn key(file: &Path, out: &Output) -> Result<()> {
    if file.exists() {
        return Err(Fault::new(Code::Exists, "a key is never written over").at(file.display().to_string()));
    }
    let key = SigningKey::generate(&mut rng());
    let text = Zeroizing::new(format!("{}\n", hex::encode(&key.to_bytes()[..])));
    write_atomic(file, text.as_bytes(), 0o600)?;
    let public = key.public();
    out.say(
        &format!("{} holds the key; for the credential: {public}", file.display()),
        &format!("密钥已写入 {}；凭证所载公钥：{public}", file.display()),
    );
    out.document(&json!({ "file": file.display().to_string(), "key": public }));
    Ok(())
}

fn reference(home: &Home, out: &Output) -> Result<()> {
    home.config()?;
    let path = home.path("keys/registrar.salt");
    if !path.exists() {
        let mut salt = Zeroizing::new([0_u8; 32]);
        rng().fill_bytes(&mut salt[..]);
        write_atomic(&path, &salt[..], 0o600)?;
    }
    let salt = Zeroizing::new(std::fs::read(&path).map_err(|e| Fault::io(&e, &path))?);
    let salt: &[u8; 32] =
        salt.as_slice().try_into().map_err(|_| Fault::new(Code::Damaged, "32 bytes are expected").at(path.display().to_string()))?;
    let reference = crate::verbs::to_value(&RealNameRef::new(salt, input()?.trim()))?;
    let shown = reference.as_str().unwrap_or_default();
    out.say(shown, shown);
    out.document(&json!({ "real_name": reference }));
    Ok(())
}

/// `login`.
pub(super) fn login(args: &LoginArgs, home: &Home, out: &Output) -> Result<()> {
    let value = match (&args.person, &args.key) {
        (Some(person), Some(key)) => by_key(home, person, key)?,
        _ => by_service(home, out)?,
    };
    let token = value["token"].as_str().ok_or_else(|| Fault::new(Code::Bug, "the node gave no token"))?;
    write_atomic(&session_file(home), token.as_bytes(), 0o600)?;
    let mut shown = value.clone();
    if let Some(fields) = shown.as_object_mut() {
        // it lies in its file; a terminal's memory is no place for it
        fields.remove("token");
    }
    out.answer(&AdminAsk::Person(PersonAsk::WhoAmI), &shown);
    Ok(())
}

fn by_key(home: &Home, person: &PersonId, path: &Path) -> Result<Value> {
    let text = Zeroizing::new(super::verbs::text(path)?);
    let mut seed = Zeroizing::new([0_u8; 32]);
    let bad = |_| Fault::new(Code::Input, "64 hex digits are expected").at(path.display().to_string());
    hex::decode_to_slice(text.trim(), &mut seed[..]).map_err(bad)?;
    let asked = ask(home, &AdminAsk::Person(PersonAsk::Challenge { who: person.clone() }))?;
    let asked: LoginAnswer = serde_json::from_value(asked["asked"].clone()).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let answer = Box::new(Signed::sign(asked, person.as_str(), &SigningKey::of_suite(crate::suite::current(), &seed)?)?);
    ask(home, &AdminAsk::Person(PersonAsk::Answer { answer }))
}

fn by_service(home: &Home, out: &Output) -> Result<Value> {
    let begun = ask(home, &AdminAsk::Person(PersonAsk::Service))?;
    let text = |name: &str| begun[name].as_str().unwrap_or_default();
    let redirect = Url::parse(text("redirect"))?;
    let listener = TcpListener::bind(("127.0.0.1", redirect.port))
        .map_err(|e| Fault::new(Code::PortInUse, format!("127.0.0.1:{}: {}", redirect.port, e.kind())).at("node.toml `login.redirect`"))?;
    out.say(&format!("open in a browser on this machine: {}", text("url")), &format!("请在本机浏览器中打开：{}", text("url")));
    out.document(&json!({ "url": text("url") }));
    let (code, issuer) = returned(&listener, &redirect.path, text("state"))?;
    ask(home, &AdminAsk::Person(PersonAsk::Return { state: text("state").to_owned(), code, issuer }))
}

/// Waits until the browser comes back with what the service gave it.
fn returned(listener: &TcpListener, path: &str, state: &str) -> Result<(String, Option<String>)> {
    let failed = |what: String| Fault::new(Code::Transport, what).at("login service");
    listener.set_nonblocking(true).map_err(|e| failed(e.kind().to_string()))?;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let Ok((mut stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let Some(query) = asked(&mut stream, path) else {
            reply(&mut stream, "404 Not Found", "nothing is here");
            continue;
        };
        let field = |name: &str| {
            let mut of = query.iter().filter(|(field, _)| field == name);
            // of two values none counts
            of.next().map(|(_, value)| value.clone()).filter(|_| of.next().is_none())
        };
        if field("state").as_deref() != Some(state) {
            reply(&mut stream, "400 Bad Request", "this is no answer to the login that waits here");
            continue;
        }
        if let Some(code) = field("code") {
            reply(&mut stream, "200 OK", "Yu: you may close this window. 可以关闭此窗口。");
            return Ok((code, field("iss")));
        }
        reply(&mut stream, "200 OK", "Yu: the login service refused. 登录服务拒绝登录。");
        let word: String = field("error").unwrap_or_default().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
        return Err(Fault::new(Code::Refused, format!("login.refused: the login service says `{word}`")));
    }
    Err(failed("nobody came back from the login service".into()))
}

/// The fields of the query, if it is a question for this path.
fn asked(stream: &mut TcpStream, path: &str) -> Option<Vec<(String, String)>> {
    stream.set_nonblocking(false).and_then(|()| stream.set_read_timeout(Some(Duration::from_secs(5)))).ok()?;
    let (mut all, mut part) = (Vec::new(), [0_u8; 2048]);
    while !all.windows(4).any(|w| w == b"\r\n\r\n") {
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        all.extend_from_slice(part.get(..n)?);
        if all.len() > REQUEST {
            return None;
        }
    }
    let line = std::str::from_utf8(all.split(|b| *b == b'\r').next()?).ok()?;
    let target = line.strip_prefix("GET ")?.split(' ').next()?;
    let (asked, query) = target.split_once('?')?;
    if asked == path { decoded(query) } else { None }
}

fn reply(stream: &mut TcpStream, status: &str, text: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
        text.len()
    );
    // a browser that went away needs no answer
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes())).and_then(|()| stream.flush());
}

/// `logout`.
pub(super) fn logout(home: &Home, out: &Output) -> Result<()> {
    let question = AdminAsk::Person(PersonAsk::Logout);
    let value = ask(home, &question);
    let path = session_file(home);
    if path.exists() {
        std::fs::remove_file(&path).map_err(|e| Fault::io(&e, &path))?;
    }
    out.answer(&question, &value?);
    Ok(())
}
