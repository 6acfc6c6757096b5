//! Putting a session onto a connection: hello, binding signatures, and where each channel goes on.
//!
//! | direction | control stream, in order |
//! |---|---|
//! | dialling side | [`MAGIC`], session id (32), then frames `Hello`, `Resume`, `Bind` |
//! | accepting side | frames `Hello`, `Resume`, `Bind`; or `Fail` with a reason |
//!
//! `Resume` lists (channel 4, next wanted frame 8), little endian; `Bind` is the signature.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::bind::{self, Hello, Instance, Side};
use super::hub::SessionOffer;
use super::line::{FrameReader, LineError};
use super::shared::{End, Shared};
use crate::Error;
use crate::carrier::{Connection, RecvHalf, SendHalf};
use crate::frame::{FrameHeader, FrameKind, payload_len};

/// First bytes of a session connection.
pub(crate) const MAGIC: [u8; 8] = *b"YUSES1\0\0";
/// The peer's process does not know the session.
pub(crate) const RESTARTED: &str = "session unknown: the process was restarted";
/// Our end was graceful.
pub(crate) const CLOSED: &str = "session closed";
/// Longest reason that is read.
const MAX_CODE: usize = 256;

/// A connection that carries the session.
pub(crate) struct Link {
    pub(crate) conn: Connection,
    pub(crate) control: Control,
    /// From where on the peer wants each channel.
    pub(crate) wanted: BTreeMap<u32, u64>,
    /// The peer's process.
    pub(crate) peer_instance: Instance,
}

/// The control stream.
pub(crate) struct Control {
    pub(crate) send: SendHalf,
    recv: RecvHalf,
    reader: FrameReader,
}

/// Why a connection did not become a link.
pub(crate) enum Refused {
    /// Another attempt may succeed.
    Again(Error),
    /// The session is over.
    End(End),
}

impl Control {
    pub(crate) fn new(send: SendHalf, recv: RecvHalf) -> Self {
        send.set_priority(1); // before bulk
        Self { send, recv, reader: FrameReader::default() }
    }

    /// The next frame; may be cancelled at any time.
    pub(crate) async fn next(&mut self) -> std::result::Result<(FrameHeader, Bytes), LineError> {
        self.reader.next(&mut self.recv).await
    }

    pub(crate) async fn write(&mut self, kind: FrameKind, channel: u32, seq: u64, payload: Vec<u8>) -> std::io::Result<()> {
        let len = payload_len(payload.len()).map_err(std::io::Error::other)?;
        let header = FrameHeader::control(kind, channel, seq, len);
        self.send.write_frame(&header.encode(), payload.into()).await
    }

    /// Says why we stop, and that nothing follows; gives the bytes a moment to leave.
    pub(crate) async fn fail(&mut self, code: &str, conn: &Connection) {
        let tell = async {
            if self.write(FrameKind::Fail, 0, 0, clean(code.as_bytes()).into_bytes()).await.is_ok() && self.send.finish().await.is_ok() {
                conn.closed().await; // the peer closes when it has read the reason
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), tell).await;
        conn.close();
    }

    async fn expect(&mut self, kind: FrameKind, party: &str) -> std::result::Result<Bytes, Refused> {
        match self.next().await {
            Ok((header, payload)) if header.kind == kind => Ok(payload),
            Ok((header, payload)) if header.kind == FrameKind::Fail => Err(Refused::End(reason(&payload))),
            Ok((header, _)) => Err(Refused::End(End::Broke(format!("`{:?}` where `{kind:?}` was expected", header.kind)))),
            Err(LineError::Io(source)) => Err(Refused::Again(Error::Transport { what: format!("session with `{party}`"), source })),
            Err(LineError::Fault(fault)) => Err(Refused::End(End::Broke(fault.to_string()))),
        }
    }
}

/// What a received `Fail` means.
pub(crate) fn reason(payload: &[u8]) -> End {
    match clean(payload) {
        code if code == RESTARTED => End::Restarted,
        code if code == CLOSED => End::Closed,
        code => End::Failed(code),
    }
}

/// A reason fit to be printed: bounded, no control characters.
fn clean(code: &[u8]) -> String {
    let text = String::from_utf8_lossy(code.get(..MAX_CODE).unwrap_or(code));
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The dialling side's half of the hand-over.
pub(crate) async fn greet(shared: &Shared, conn: Connection, counter: u64, known: Option<Instance>) -> std::result::Result<Link, Refused> {
    let config = &shared.config;
    let lost = |source| Refused::Again(Error::Transport { what: format!("session with `{}`", shared.party), source });
    let hello =
        Hello { instance: shared.instance, peer_instance: known, counter, role: config.role.clone(), peer_role: config.peer_role.clone() };
    let (send, recv) = conn.open_bi().await.map_err(Refused::Again)?;
    let mut control = Control::new(send, recv);
    let mut first = MAGIC.to_vec();
    first.extend_from_slice(&config.session_id);
    control.send.write_all(&first).await.map_err(lost)?;
    write_greeting(shared, &mut control, &conn, Side::Dial, &hello).await.map_err(lost)?;

    let theirs = control.expect(FrameKind::Hello, &shared.party).await?;
    let theirs_decoded = Hello::decode(&theirs, &shared.party).map_err(|e| Refused::End(End::Broke(e.to_string())))?;
    if theirs_decoded.counter != counter || theirs_decoded.peer_instance != Some(shared.instance) {
        return Err(Refused::End(End::Broke("hello answers another hello".into())));
    }
    if known.is_some_and(|known| known != theirs_decoded.instance) {
        return Err(Refused::End(End::Restarted));
    }
    let wanted = read_wanted(&mut control, &shared.party).await?;
    check_bind(shared, &mut control, &conn, Side::Accept, &theirs, &theirs_decoded).await?;
    Ok(Link { conn, control, wanted, peer_instance: theirs_decoded.instance })
}

/// The accepting side's half, on a connection whose hello has been read. `last` is the highest counter so far.
pub(crate) async fn answer(
    shared: &Shared,
    offer: SessionOffer,
    last: Option<u64>,
    known: Option<Instance>,
) -> std::result::Result<(Link, u64), Refused> {
    let SessionOffer { conn, mut control, hello: theirs_bytes, decoded: theirs, .. } = offer;
    let work = async {
        let wanted = read_wanted(&mut control, &shared.party).await?;
        check_bind(shared, &mut control, &conn, Side::Dial, &theirs_bytes, &theirs).await?;
        // from here on the hello is known to be the peer's own
        if theirs.peer_instance.is_some_and(|meant| meant != shared.instance) {
            return Err(Refused::Again(Error::PeerRestarted { party: shared.party.clone() }));
        }
        if known.is_some_and(|known| known != theirs.instance) {
            return Err(Refused::End(End::Restarted));
        }
        if last.is_some_and(|last| theirs.counter <= last) {
            return Err(Refused::Again(Error::peer(&shared.party, "session resume", "stale counter")));
        }
        Ok(wanted)
    };
    let wanted = match tokio::time::timeout(shared.config.dead_after, work).await {
        Ok(Ok(wanted)) => wanted,
        Ok(Err(refused)) => {
            let code = match &refused {
                Refused::End(End::Restarted) | Refused::Again(Error::PeerRestarted { .. }) => RESTARTED,
                _ => "session binding refused",
            };
            control.fail(code, &conn).await;
            return Err(refused);
        }
        Err(_) => return Err(late(shared)),
    };
    let counter = theirs.counter;
    let hello = Hello {
        instance: shared.instance,
        peer_instance: Some(theirs.instance),
        counter,
        role: shared.config.role.clone(),
        peer_role: shared.config.peer_role.clone(),
    };
    let written = write_greeting(shared, &mut control, &conn, Side::Accept, &hello).await;
    written.map_err(|source| Refused::Again(Error::Transport { what: format!("session with `{}`", shared.party), source }))?;
    Ok((Link { conn, control, wanted, peer_instance: theirs.instance }, counter))
}

fn late(shared: &Shared) -> Refused {
    let source = std::io::ErrorKind::TimedOut.into();
    Refused::Again(Error::Transport { what: format!("session with `{}`", shared.party), source })
}

async fn write_greeting(shared: &Shared, control: &mut Control, conn: &Connection, side: Side, hello: &Hello) -> std::io::Result<()> {
    let hello = hello.encode();
    let signature = shared.config.signer.sign(&bind::message(side, &shared.config.session_id, &hello, conn));
    let mut wanted = Vec::new();
    for lane in shared.lanes() {
        wanted.extend_from_slice(&lane.id.to_le_bytes());
        wanted.extend_from_slice(&lane.next_recv().to_le_bytes());
    }
    control.write(FrameKind::Hello, 0, 0, hello).await?;
    control.write(FrameKind::Resume, 0, 0, wanted).await?;
    control.write(FrameKind::Bind, 0, 0, signature).await
}

/// Reads a list of channels; more than a session may have does not fit a frame.
async fn read_wanted(control: &mut Control, party: &str) -> std::result::Result<BTreeMap<u32, u64>, Refused> {
    let bytes = control.expect(FrameKind::Resume, party).await?;
    parse_list(&bytes).ok_or_else(|| Refused::End(End::Broke("list of channels is malformed".into())))
}

/// Pairs (channel, number) without repetition.
pub(crate) fn parse_list(bytes: &[u8]) -> Option<BTreeMap<u32, u64>> {
    let mut list = BTreeMap::new();
    let (entries, rest) = bytes.as_chunks::<12>();
    if !rest.is_empty() {
        return None;
    }
    for entry in entries {
        let [a, b, c, d, seq @ ..] = *entry;
        if list.insert(u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(seq)).is_some() {
            return None;
        }
    }
    Some(list)
}

async fn check_bind(
    shared: &Shared,
    control: &mut Control,
    conn: &Connection,
    side: Side,
    hello: &[u8],
    decoded: &Hello,
) -> std::result::Result<(), Refused> {
    let signature = control.expect(FrameKind::Bind, &shared.party).await?;
    let config = &shared.config;
    if decoded.role != config.peer_role || decoded.peer_role != config.role {
        return Err(Refused::End(End::Broke("the roles are not those of the contract".into())));
    }
    let message = bind::message(side, &config.session_id, hello, conn);
    if config.verifier.verify(&decoded.role, &message, &signature) {
        Ok(())
    } else {
        Err(Refused::End(End::Broke("the binding signature is not by the key that the contract names".into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_checked() {
        let entry = |id: u32, seq: u64| [id.to_le_bytes().as_slice(), &seq.to_le_bytes()].concat();
        let two = [entry(1, 5), entry(2, u64::MAX)].concat();
        assert_eq!(parse_list(&two).unwrap(), BTreeMap::from([(1, 5), (2, u64::MAX)]));
        assert_eq!(parse_list(&[]).unwrap().len(), 0);
        assert!(parse_list(&two[..23]).is_none());
        assert!(parse_list(&[entry(1, 5), entry(1, 6)].concat()).is_none(), "the same channel twice");
    }

    #[test]
    fn reasons_are_fit_to_be_printed() {
        assert_eq!(reason(b"psi.too_small"), End::Failed("psi.too_small".into()));
        assert_eq!(reason(CLOSED.as_bytes()), End::Closed);
        assert_eq!(reason(RESTARTED.as_bytes()), End::Restarted);
        assert_eq!(reason(b"a\x1b[2Jb\xff"), End::Failed("a [2Jb\u{fffd}".into()));
        assert!(matches!(reason(&[b'x'; 5000]), End::Failed(code) if code.len() == MAX_CODE));
    }
}
