//! TCP through an HTTP proxy: `CONNECT host:port`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::config::ProxyConfig;
use super::io_error;
use crate::{Error, Result};

/// Longest answer head that is read: proxies add headers, but not this many.
const MAX_HEAD: usize = 8192;

/// Connects to `target` (`host:port`, resolved by the proxy) through `proxy`.
pub(crate) async fn connect(proxy: &ProxyConfig, target: &str) -> Result<TcpStream> {
    let failed = |e| io_error(&format!("proxy `{}`", proxy.address), e);
    if target.bytes().any(|b| b.is_ascii_control() || b == b' ') {
        return Err(Error::Caller("address must be `host:port`".into()));
    }
    let mut stream = TcpStream::connect(&proxy.address).await.map_err(failed)?;
    let mut request = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
    if let Some(credentials) = &proxy.credentials {
        let encoded = Zeroizing::new(STANDARD.encode(credentials.as_bytes()));
        request.push_str("Proxy-Authorization: Basic ");
        request.push_str(&encoded);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let head = read_head(&mut stream).await.map_err(failed)?;
    match status(&head) {
        Some(200..=299) => Ok(stream),
        Some(code) => Err(failed(std::io::Error::other(format!("refused CONNECT to `{target}` with status {code}")))),
        None => Err(failed(std::io::Error::other("answered CONNECT with something that is not HTTP"))),
    }
}

/// Reads to the empty line and not a byte further: the next one belongs to TLS.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(std::io::Error::other("endless answer to CONNECT"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|b| *b == b'\r').next()?).ok()?;
    line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407 x\r\n\r\n"), Some(407));
        assert_eq!(status(b"SSH-2.0-x\r\n\r\n"), None);
        assert_eq!(status(b""), None);
    }
}
