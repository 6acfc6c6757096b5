//! As much of HTTP/1.1 as a login needs: one question over one connection, TLS 1.3 by the operator's roots, bounded in bytes and time.
//!
//! Redirects are not followed: whoever answers is whom the configuration or the service's own signed-over-TLS description names. Without TLS only the own
//! machine is spoken to.

use crate::fault::{Code, Fault, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most bytes of an answer: descriptions, key sets and tokens are a few thousand.
const MOST: usize = 1 << 20;
/// Longest address.
const LONGEST: usize = 2048;
/// Seconds for everything.
const PATIENCE: Duration = Duration::from_secs(20);
/// Roots of the system, where the operator names none.
const SYSTEM_ROOTS: [&str; 3] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// An address that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    is_tls: bool,
    host: String,
    pub(crate) port: u16,
    /// With the query.
    pub(crate) path: String,
}

fn bad(text: &str, what: &str) -> Fault {
    let shown: String = text.chars().take(100).collect();
    Fault::new(Code::Input, format!("`{}`: {what}", shown.escape_debug())).at("address of the login service")
}

fn failed(url: &Url, what: impl std::fmt::Display) -> Fault {
    Fault::new(Code::Transport, format!("login service `{}`: {what}", url.host))
}

impl Url {
    /// Reads an address: https, or http on this machine.
    ///
    /// # Errors
    /// `input.bad`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text.len() > LONGEST || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['#', '@', '\\', '"', '<', '>']) {
            return Err(bad(text, "no plain address"));
        }
        let (is_tls, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(bad(text, "https:// is expected")),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':').or(port.is_empty().then_some(""))),
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, Some("")),
            },
        };
        let port = match port {
            Some("") => Some(if is_tls { 443 } else { 80 }),
            Some(port) => port.parse().ok().filter(|port| *port != 0),
            None => None,
        };
        let port = port.ok_or_else(|| bad(text, "no port"))?;
        if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b)) {
            return Err(bad(text, "no host"));
        }
        let url = Self {
            is_tls,
            host: host.to_ascii_lowercase(),
            port,
            path: if path.starts_with('/') { path.into() } else { format!("/{path}") },
        };
        if !is_tls && !url.is_own_machine() {
            return Err(bad(text, "without TLS only this machine is asked: https:// is expected"));
        }
        Ok(url)
    }

    /// Whether it is this machine by its number: a name could mean another one.
    pub(crate) fn is_own_machine(&self) -> bool {
        ["127.0.0.1", "::1", "localhost"].contains(&self.host.as_str())
    }

    /// Whether it is encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.is_tls { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

/// What is sent along.
pub(crate) struct Form<'a> {
    /// Names and values.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// Value of the header `Authorization`.
    pub(crate) authorization: Option<zeroize::Zeroizing<String>>,
}

/// Asks for an address.
///
/// # Errors
/// `network.failed`, `input.bad`.
pub(crate) fn get(url: &str, roots: Option<&Path>) -> Result<Vec<u8>> {
    let url = Url::parse(url)?;
    let head = format!("GET {} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n", url.path, url.authority());
    let (status, body) = talk(&url, head.as_bytes(), roots)?;
    if status == 200 { Ok(body) } else { Err(failed(&url, format!("answers {status}"))) }
}

/// Sends a form; the status comes along, for an error is said in the body.
///
/// # Errors
/// `network.failed`, `input.bad`.
pub(crate) fn post(url: &str, form: &Form<'_>, roots: Option<&Path>) -> Result<(u16, Vec<u8>)> {
    let url = Url::parse(url)?;
    let body = zeroize::Zeroizing::new(encoded(form.fields));
    let mut head = zeroize::Zeroizing::new(format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
        url.path,
        url.authority(),
        body.len()
    ));
    if let Some(value) = &form.authorization {
        head.push_str(&format!("Authorization: {}\r\n", value.as_str()));
    }
    head.push_str("\r\n");
    head.push_str(&body);
    talk(&url, head.as_bytes(), roots)
}

/// Fields as `application/x-www-form-urlencoded`.
pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
}

/// Percent-encoding of everything but letters, digits and `-._~`.
pub(crate) fn escape(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The fields of a query or form; nothing for one that is not well formed.
pub(crate) fn decoded(query: &str) -> Option<Vec<(String, String)>> {
    let fields = query.split('&').filter(|field| !field.is_empty());
    fields.map(|field| field.split_once('=').unwrap_or((field, ""))).map(|(name, value)| Some((plain(name)?, plain(value)?))).collect()
}

fn plain(text: &str) -> Option<String> {
    let (mut out, mut bytes) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(b) = bytes.next() {
        out.push(match b {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?, 16).ok()?
            }
            b => b,
        });
    }
    String::from_utf8(out).ok()
}

fn talk(url: &Url, question: &[u8], roots: Option<&Path>) -> Result<(u16, Vec<u8>)> {
    let end = Instant::now() + PATIENCE;
    let stream = connect(url, end)?;
    if !url.is_tls {
        return converse(url, stream, question, end);
    }
    let name = ServerName::try_from(url.host.clone()).map_err(|_| failed(url, "is no name that a certificate could have"))?;
    let client = rustls::ClientConnection::new(tls(roots)?, name).map_err(|e| failed(url, e))?;
    converse(url, rustls::StreamOwned::new(client, stream), question, end)
}

fn connect(url: &Url, end: Instant) -> Result<TcpStream> {
    let unreachable = |what: String| Fault::new(Code::Unreachable, format!("login service `{}`: {what}", url.host));
    let addresses = (url.host.as_str(), url.port).to_socket_addrs().map_err(|e| unreachable(e.kind().to_string()))?;
    let mut last = unreachable("its name stands for no address".into());
    for address in addresses {
        // a name of the own machine that means another one would be spoken to in the clear
        if !url.is_tls && !address.ip().is_loopback() {
            continue;
        }
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                let timed = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
                timed.map_err(|e| failed(url, e.kind()))?;
                return Ok(stream);
            }
            Err(e) => last = unreachable(e.kind().to_string()),
        }
    }
    Err(last)
}

fn tls(roots: Option<&Path>) -> Result<Arc<rustls::ClientConfig>> {
    let path = match roots {
        Some(path) => path,
        None => SYSTEM_ROOTS
            .iter()
            .map(|root| Path::new(*root))
            .find(|path| path.is_file())
            .ok_or_else(|| Fault::new(Code::Input, "no roots are known on this machine: name them").at("node.toml `login.roots`"))?,
    };
    let pem = std::fs::read(path).map_err(|e| Fault::io(&e, path))?;
    let mut store = rustls::RootCertStore::empty();
    let certificates: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|_| Fault::new(Code::Input, "no certificates in PEM").at(path.display().to_string()))?;
    let (added, _) = store.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(Fault::new(Code::Input, "no certificate in it is a root").at(path.display().to_string()));
    }
    let bug = |e: rustls::Error| Fault::new(Code::Bug, e.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(bug)?;
    Ok(Arc::new(builder.with_root_certificates(store).with_no_client_auth()))
}

fn converse(url: &Url, mut stream: impl Read + Write, question: &[u8], end: Instant) -> Result<(u16, Vec<u8>)> {
    stream.write_all(question).and_then(|()| stream.flush()).map_err(|e| failed(url, e.kind()))?;
    let (mut all, mut part) = (Vec::new(), [0_u8; 8192]);
    loop {
        if let Some(answer) = whole(&all, false).map_err(|what| failed(url, what))? {
            return Ok(answer);
        }
        if Instant::now() >= end {
            return Err(failed(url, "takes too long"));
        }
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(n) => all.extend_from_slice(part.get(..n).unwrap_or_default()),
            // TLS ended without saying so: only what names its own length counts then
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Err(failed(url, "the answer was cut off")),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(url, e.kind())),
        }
        if all.len() > MOST {
            return Err(failed(url, format!("the answer is longer than {MOST} bytes")));
        }
    }
    whole(&all, true).map_err(|what| failed(url, what))?.ok_or_else(|| failed(url, "the answer was cut off"))
}

/// Status and body, once the answer is whole.
fn whole(all: &[u8], is_over: bool) -> std::result::Result<Option<(u16, Vec<u8>)>, &'static str> {
    let Some(split) = all.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(None) };
    let (head, body) = all.split_at(split);
    let body = body.get(4..).unwrap_or_default();
    let head = std::str::from_utf8(head).map_err(|_| "the answer is no HTTP")?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (version, status) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let status = status.parse::<u16>().ok().filter(|_| version.starts_with("HTTP/1.")).ok_or("the answer is no HTTP")?;
    let (mut length, mut is_chunked) = (None, false);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("the answer is no HTTP")?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let told = value.parse::<usize>().map_err(|_| "the answer is no HTTP")?;
            if length.replace(told).is_some_and(|before| before != told) {
                return Err("the answer has two lengths");
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err("the answer is encoded in an unknown way");
            }
            is_chunked = true;
        }
    }
    if is_chunked {
        return Ok(chunks(body)?.map(|body| (status, body)));
    }
    match length {
        Some(length) if length > MOST => Err("the answer is too long"),
        Some(length) => Ok(body.get(..length).map(|body| (status, body.to_vec()))),
        None => Ok(is_over.then(|| (status, body.to_vec()))),
    }
}

/// The chunks of a body, once the last is there.
fn chunks(mut rest: &[u8]) -> std::result::Result<Option<Vec<u8>>, &'static str> {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|w| w == b"\r\n") else { return Ok(None) };
        let (line, behind) = rest.split_at(end);
        let size = std::str::from_utf8(line).ok().and_then(|line| line.split(';').next()).map(str::trim).unwrap_or_default();
        let size = usize::from_str_radix(size, 16).ok().filter(|size| *size <= MOST).ok_or("the answer has no size where one belongs")?;
        let behind = behind.get(2..).unwrap_or_default();
        if size == 0 {
            return Ok(Some(body));
        }
        let Some(chunk) = behind.get(..size) else { return Ok(None) };
        body.extend_from_slice(chunk);
        rest = match behind.get(size..) {
            Some([b'\r', b'\n', rest @ ..]) => rest,
            Some([] | [b'\r']) => return Ok(None),
            _ => return Err("the answer has no end of a part where one belongs"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d10_only_https_or_this_machine_is_asked() {
        let url = Url::parse("https://Login.example.gov/realms/a?x=1").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.path.as_str(), url.is_tls()), ("login.example.gov", 443, "/realms/a?x=1", true));
        assert_eq!(Url::parse("http://127.0.0.1:7000").unwrap().path, "/");
        assert_eq!(Url::parse("http://[::1]:7000/a").unwrap().authority(), "[::1]:7000");
        assert_eq!(Url::parse("https://a.b?c").unwrap().path, "/?c");
        for refused in [
            "http://login.example.gov/",
            "http://127.0.0.1.example.gov/",
            "ftp://a/",
            "https://",
            "https://a:0/",
            "https://a:99999/",
            "https://u@a/",
            "https://a/\r\nX: y",
            "https://a/ b",
            "https://a#b",
            "https:///a",
            "https://a]b",
            "https://[::1/",
            "https://[::1]x/",
        ] {
            assert!(Url::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn d10_answers_are_whole_or_refused() {
        let ok = |text: &str, body: &str| assert_eq!(whole(text.as_bytes(), false).unwrap().unwrap(), (200, body.as_bytes().to_vec()));
        ok("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}");
        ok("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n1\r\n \r\n0\r\n\r\n", "{} ");
        let all = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        for end in 0..all.len() - 2 {
            assert!(whole(&all.as_bytes()[..end], true).is_ok_and(|found| found.is_none()), "{end}");
        }
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\n\r\n{}", true).unwrap().unwrap().1, b"{}");
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n{}", false).unwrap().is_none());
        for refused in [
            "SMTP 200\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Length: 99999999\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
            "HTTP/1.1 200\r\nbroken\r\n\r\n",
        ] {
            assert!(whole(refused.as_bytes(), true).is_err(), "{refused}");
        }
    }

    #[test]
    fn d10_forms_round_trip() {
        let fields = [("a b", "ü&="), ("code", "x+y%")];
        let text = encoded(&fields);
        assert_eq!(text, "a%20b=%C3%BC%26%3D&code=x%2By%25");
        let back = decoded(&text).unwrap();
        assert_eq!(back, fields.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(decoded("a=%zz"), None);
        assert_eq!(decoded("a=%f"), None);
        assert_eq!(decoded("a=%ff"), None);
        assert_eq!(decoded("a=%+1"), None);
        assert_eq!(decoded("a").unwrap(), [("a".to_owned(), String::new())]);
    }
}
