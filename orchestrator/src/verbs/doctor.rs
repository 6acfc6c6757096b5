//! Looking for what is wrong: this machine, and every hop to a peer, each named.

use super::lines;
use crate::control::{Ask, HelloAnswer, call_within};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use serde_json::{Value, json};
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yu_wire::carrier::CarrierKind;

/// One hop.
struct Hop {
    name: &'static str,
    zh: &'static str,
    outcome: std::result::Result<String, Fault>,
}

/// Checks this node, or the way to a peer.
pub(super) fn doctor(node: &Arc<Node>, peer: Option<&str>) -> Result<Value> {
    let hops = match peer {
        None => own(node),
        Some(peer) => way(node, peer)?,
    };
    let ok = hops.iter().all(|h| h.outcome.is_ok());
    let say = lines(hops.iter().map(|h| match &h.outcome {
        Ok(text) => (format!("ok    {:<10} {text}", h.name), h.zh.to_owned()),
        Err(f) => (
            format!("FAULT {:<10} {f}; remedy: {}", h.name, f.code.remedy_en()),
            format!("{}：{}；{}", h.zh, f.code.title_zh(), f.code.remedy_zh()),
        ),
    }));
    let all: Vec<Value> = hops
        .iter()
        .map(|h| json!({ "hop": h.name, "ok": h.outcome.is_ok(), "detail": h.outcome.as_ref().ok(), "fault": h.outcome.as_ref().err() }))
        .collect();
    Ok(json!({ "ok": ok, "hops": all, "say": say }))
}

fn own(node: &Node) -> Vec<Hop> {
    let listen = node.endpoint().listen_address().map_or_else(|| "dials out only".to_owned(), |a| a.to_string());
    let (receive, send) = node.endpoint().socket_buffers();
    // Loopback and short links do not need them; at 20 ms the default buffers lose a factor of five.
    let buffers = if receive < 4 << 20 {
        format!("{receive} and {send} bytes: long links want net.core.rmem_max of 8 MiB")
    } else {
        format!("{receive} and {send} bytes")
    };
    let validity = node.keys().identity.validity().map_err(Fault::from).and_then(|(_, ends)| {
        let days = (ends - now().unix()) / 86_400;
        if days > 0 {
            Ok(format!("certificate valid for {days} days"))
        } else {
            Err(Fault::new(Code::PeerIdentity, "own certificate expired").party(node.name()))
        }
    });
    [
        Hop { name: "listen", zh: "监听", outcome: Ok(listen) },
        Hop { name: "buffers", zh: "套接字缓冲区", outcome: Ok(buffers) },
        Hop { name: "identity", zh: "证书", outcome: validity },
        Hop { name: "log", zh: "日志", outcome: Ok(format!("{} entries", node.journal().size())) },
    ]
    .into_iter()
    .chain(protection())
    .collect()
}

/// Each layer that keeps programs of others, and this process, apart: there or not. What is missing is told, and is no fault of the node.
fn protection() -> Vec<Hop> {
    let machine = yu_fedlearn::external::Protection::of_this_machine();
    let own = crate::harden::state();
    let word = |is: bool, there: &str, missing: &str| Ok(if is { there.to_owned() } else { format!("MISSING: {missing}") });
    let landlock = if machine.landlock > 0 {
        Ok(format!("Landlock version {}: programs of others reach their own folder and the system's programs only", machine.landlock))
    } else {
        Ok("MISSING: no Landlock in this kernel (5.13 and later have it): programs of others can read what the node's user can".to_owned())
    };
    vec![
        Hop {
            name: "sandbox",
            zh: "程序隔离",
            outcome: word(
                machine.cut_off,
                "programs of others get own namespaces, no network, a filter of system calls, no new privileges",
                "programs of others cannot be cut off here and are not run; allow the node's user its own namespaces",
            ),
        },
        Hop { name: "files", zh: "文件隔离", outcome: landlock },
        Hop {
            name: "processes",
            zh: "进程数限制",
            outcome: word(machine.processes, "their number is limited", "not limited for the superuser; run the node as a plain user"),
        },
        Hop {
            name: "dumps",
            zh: "内存转储",
            outcome: word(own.no_dumps, "this process leaves no core dumps and cannot be traced", "this process can be dumped or traced"),
        },
        Hop {
            name: "memory",
            zh: "密钥内存",
            outcome: word(own.locked, "keys stay out of swap", "keys may be swapped out; raise `ulimit -l` or encrypt the swap"),
        },
    ]
}

fn way(node: &Arc<Node>, peer: &str) -> Result<Vec<Hop>> {
    let row = node.peer(peer)?;
    let mut hops = Vec::new();
    let Some(address) = row.address else {
        let hello = node.ask_within(peer, &Ask::Hello, Duration::from_secs(5));
        hops.push(Hop { name: "dials-us", zh: "由对端拨入", outcome: hello.map(|_| "connected".to_owned()) });
        return Ok(hops);
    };
    let resolved = address.to_socket_addrs().map(|mut a| a.next());
    let outcome = match resolved {
        Ok(Some(a)) => Ok(a.to_string()),
        _ => Err(Fault::new(Code::Unreachable, format!("`{address}` does not resolve")).party(peer)),
    };
    hops.push(Hop { name: "address", zh: "地址", outcome });
    let mut open = None;
    for (name, zh, kind) in [("udp+tls", "UDP（QUIC）与 TLS", CarrierKind::Quic), ("tcp+tls", "TCP 与 TLS", CarrierKind::Tcp)] {
        let start = Instant::now();
        match node.dial_by(&address, &peer.parse()?, kind) {
            Ok(connection) => {
                hops.push(Hop { name, zh, outcome: Ok(format!("handshake in {:.1} ms", start.elapsed().as_secs_f64() * 1e3)) });
                open.get_or_insert(connection);
            }
            Err(fault) => hops.push(Hop { name, zh, outcome: Err(fault) }),
        }
    }
    let Some(connection) = open else { return Ok(hops) };
    let start = Instant::now();
    let hello = call_within(node, &connection, &Ask::Hello, Duration::from_secs(5))
        .and_then(|v| serde_json::from_value::<HelloAnswer>(v).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).party(peer)));
    match hello {
        Err(fault) => hops.push(Hop { name: "admission", zh: "准入", outcome: Err(fault) }),
        Ok(hello) => {
            hops.push(Hop {
                name: "admission",
                zh: "准入",
                outcome: Ok(format!("answers in {:.1} ms", start.elapsed().as_secs_f64() * 1e3)),
            });
            let version = env!("CARGO_PKG_VERSION");
            let outcome = if hello.version == version {
                Ok(version.to_owned())
            } else {
                Err(Fault::new(Code::Version, format!("there {}, here {version}", hello.version)).party(peer))
            };
            hops.push(Hop { name: "version", zh: "版本", outcome });
            let skew = (hello.time - now().unix()).unsigned_abs();
            let limit = node.config().limits.max_skew_s;
            let outcome = if skew <= limit {
                Ok(format!("{skew} s apart"))
            } else {
                Err(Fault::new(Code::ClockSkew, format!("{skew} s apart, {limit} s allowed")).party(peer))
            };
            hops.push(Hop { name: "clock", zh: "时钟", outcome });
        }
    }
    connection.close();
    Ok(hops)
}
