//! What the nodes sent and received, as it was before transport encryption (yu-wire's feature `danger-tap`).

use serde_json::Value;
use std::path::Path;
use yu_wire::frame::{CHUNK, FrameHeader, FrameKind, HEADER_LEN};

/// One direction of one stream of one node.
pub(crate) struct Stream {
    pub(crate) is_sent: bool,
    pub(crate) bytes: Vec<u8>,
}

/// Everything that one node sent and received.
pub(crate) struct Taps(pub(crate) Vec<Stream>);

impl Taps {
    pub(crate) fn read(dir: &Path) -> Self {
        let streams = std::fs::read_dir(dir).unwrap().map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            Stream { is_sent: name.ends_with("-sent"), bytes: std::fs::read(entry.path()).unwrap() }
        });
        Self(streams.collect())
    }

    /// Requests that came in, or went out.
    pub(crate) fn requests(&self, is_sent: bool) -> Vec<Value> {
        let bodies = self.0.iter().filter(|s| s.is_sent == is_sent).filter_map(|s| s.bytes.strip_prefix(&yu_wire::rpc::MAGIC));
        bodies.filter_map(|b| serde_json::from_slice(b.get(4..)?).ok()).collect()
    }

    /// Requests of one kind.
    pub(crate) fn asks(&self, is_sent: bool, kind: &str) -> Vec<Value> {
        self.requests(is_sent).into_iter().filter(|r| r["ask"] == kind).collect()
    }

    /// Bytes of the protocols' frames with their headers: what the meter counts.
    pub(crate) fn data_bytes(&self, is_sent: bool) -> u64 {
        self.0.iter().filter(|s| s.is_sent == is_sent).map(|s| data_bytes(&s.bytes)).sum()
    }
}

/// Frames begin at once, behind a channel's announcement, or behind a session's.
fn data_bytes(stream: &[u8]) -> u64 {
    let head = |at: usize| FrameHeader::decode(stream.get(at..)?.first_chunk::<HEADER_LEN>()?).ok();
    let Some(mut at) = [0, 8, 40].into_iter().find(|at| head(*at).is_some()) else { return 0 };
    let mut total = 0;
    while let Some(header) = head(at) {
        let whole = HEADER_LEN + header.len as usize;
        if header.kind == FrameKind::Data {
            total += whole as u64;
        }
        at += whole;
    }
    // a partly received frame may be the last
    assert!(at <= stream.len() + CHUNK, "frames and nothing else");
    total
}
