//! The handshake: pure states, and the loop that moves their messages over the first stream of a connection.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sm2::{PublicKey, SecretKey};
use sm3::{Digest as _, Sm3};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{InnerIdentity, Keys, POINT, Side};
use crate::carrier::Connection;
use crate::identity::NodeName;
use crate::seal::sm2::{generate, kdf, product};
use crate::trust::Peer;
use crate::{Error, Result};

const TAG: &[u8] = b"yu-inner-v1\0";
/// Label of the keying material.
const EXPORTER: &[u8] = b"EXPORTER-yu-inner-v1";
const M1: usize = 1 + POINT;
const M2: usize = 1 + POINT + POINT + 64 + 32;
const M3: usize = 1 + POINT + 64 + 32;
const M4: usize = 1 + 32;

/// What both sides know before: it goes into every signature and key.
pub(super) struct Context {
    pub(super) dialling: String,
    pub(super) accepting: String,
    pub(super) exporter: [u8; 32],
}

/// Shared secret and transcript up to the accepting side's key.
struct Agreed {
    shared: Zeroizing<[u8; 32]>,
    accept: [u8; 32],
}

impl Agreed {
    fn new(context: &Context, own: &SecretKey, fresh: [&[u8; POINT]; 2], theirs: &PublicKey, accepting: &[u8; POINT]) -> Self {
        let mut hash = Sm3::new_with_prefix(TAG).chain_update(context.exporter);
        for name in [&context.dialling, &context.accepting] {
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
        }
        for point in fresh.into_iter().chain([accepting]) {
            hash.update(point);
        }
        Self { shared: product(own, theirs), accept: hash.finalize().into() }
    }

    fn dial(&self, dialling: &[u8; POINT]) -> [u8; 32] {
        Sm3::new_with_prefix(TAG).chain_update(self.accept).chain_update(dialling).finalize().into()
    }

    fn confirmation(&self, label: &[u8], transcript: &[u8; 32]) -> [u8; 32] {
        let key = kdf::<32>(&[&self.shared[..], &self.accept, label]);
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sm3>::new_from_slice(&key[..]).expect("HMAC takes keys of every length");
        mac.update(transcript);
        mac.finalize().into_bytes().into()
    }

    fn keys(&self, side: Side, transcript: &[u8; 32], peer: [u8; POINT]) -> Keys {
        Keys { side, master: kdf(&[&self.shared[..], transcript, b"yu-inner-master-v1\0"]), peer }
    }
}

/// What a side signs.
fn signed(side: Side, transcript: &[u8; 32]) -> Vec<u8> {
    [TAG, &[side.byte()], transcript].concat()
}

fn point(secret: &SecretKey) -> [u8; POINT] {
    use sm2::elliptic_curve::sec1::ToSec1Point as _;
    let mut out = [0; POINT];
    // INVARIANT: a public key is never the point at infinity, so its full form has 65 bytes
    out.copy_from_slice(secret.public_key().to_sec1_point(false).as_bytes());
    out
}

fn read_point(bytes: &[u8; POINT]) -> Option<PublicKey> {
    (bytes[0] == 4).then(|| PublicKey::from_sec1_bytes(bytes).ok()).flatten()
}

/// Takes the next `N` bytes.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(head)
}

type Refused = std::result::Result<(), String>;

/// The peer's key, signature and confirmation hold.
fn proven(
    own: &dyn InnerIdentity,
    judge: impl FnOnce(&[u8; POINT]) -> Refused,
    key: &[u8; POINT],
    message: &[u8],
    signature: &[u8; 64],
    [ours, theirs]: [&[u8; 32]; 2],
) -> Refused {
    if key == &own.public() {
        return Err("it presented our own key".into());
    }
    judge(key)?;
    if !own.verify(key, message, signature) {
        return Err("its signature does not fit this connection".into());
    }
    if bool::from(ours[..].ct_eq(&theirs[..])) { Ok(()) } else { Err("its key confirmation does not fit".into()) }
}

/// The dialling side after M1.
pub(super) struct Dialling {
    secret: SecretKey,
    fresh: [u8; POINT],
}

/// The dialling side after M3.
pub(super) struct Confirming {
    agreed: Agreed,
    transcript: [u8; 32],
    peer: [u8; POINT],
}

impl Dialling {
    pub(super) fn start(secret: SecretKey) -> (Self, [u8; M1]) {
        let fresh = point(&secret);
        let mut message = [1; M1];
        message[1..].copy_from_slice(&fresh);
        (Self { secret, fresh }, message)
    }

    /// Judges M2, gives M3.
    pub(super) fn answer(
        self,
        own: &dyn InnerIdentity,
        context: &Context,
        message: &[u8; M2],
        judge: impl FnOnce(&[u8; POINT]) -> Refused,
    ) -> std::result::Result<(Confirming, [u8; M3]), String> {
        let malformed = || "its answer is malformed".to_owned();
        let mut rest = &message[..];
        if take::<1>(&mut rest) != Some(&[2]) {
            return Err(malformed());
        }
        let (fresh, peer) = (take::<POINT>(&mut rest).ok_or_else(malformed)?, take::<POINT>(&mut rest).ok_or_else(malformed)?);
        let (signature, mac) = (take::<64>(&mut rest).ok_or_else(malformed)?, take::<32>(&mut rest).ok_or_else(malformed)?);
        let theirs = read_point(fresh).filter(|_| fresh != &self.fresh).ok_or_else(malformed)?;
        let agreed = Agreed::new(context, &self.secret, [&self.fresh, fresh], &theirs, peer);
        let expected = agreed.confirmation(b"yu-inner-confirm-accept-v1\0", &agreed.accept);
        proven(own, judge, peer, &signed(Side::Accept, &agreed.accept), signature, [&expected, mac])?;
        let key = own.public();
        let transcript = agreed.dial(&key);
        let mut message = [3; M3];
        let (head, mac) = message.split_at_mut(1 + POINT + 64);
        head[1..=POINT].copy_from_slice(&key);
        head[1 + POINT..].copy_from_slice(&own.sign(&signed(Side::Dial, &transcript)));
        mac.copy_from_slice(&agreed.confirmation(b"yu-inner-confirm-dial-v1\0", &transcript));
        Ok((Confirming { agreed, transcript, peer: *peer }, message))
    }
}

impl Confirming {
    /// Judges M4.
    pub(super) fn finish(self, message: &[u8; M4]) -> std::result::Result<Keys, String> {
        let expected = self.agreed.confirmation(b"yu-inner-admit-v1\0", &self.transcript);
        let (head, mac) = message.split_at(1);
        if head == [4] && bool::from(expected[..].ct_eq(mac)) {
            Ok(self.agreed.keys(Side::Dial, &self.transcript, self.peer))
        } else {
            Err("its admission does not fit".into())
        }
    }
}

/// The accepting side after M2.
pub(super) struct Accepting(Agreed);

impl Accepting {
    /// Reads M1, gives M2.
    pub(super) fn start(
        secret: &SecretKey,
        own: &dyn InnerIdentity,
        context: &Context,
        message: &[u8; M1],
    ) -> std::result::Result<(Self, [u8; M2]), String> {
        let malformed = || "its first message is none of the inner layer".to_owned();
        let mut rest = &message[..];
        let version = take::<1>(&mut rest);
        let fresh = take::<POINT>(&mut rest).filter(|_| version == Some(&[1])).ok_or_else(malformed)?;
        let (mine, key) = (point(secret), own.public());
        let theirs = read_point(fresh).filter(|_| fresh != &mine).ok_or_else(malformed)?;
        let agreed = Agreed::new(context, secret, [fresh, &mine], &theirs, &key);
        let mac = agreed.confirmation(b"yu-inner-confirm-accept-v1\0", &agreed.accept);
        let signature = own.sign(&signed(Side::Accept, &agreed.accept));
        let mut answer = [2; M2];
        let parts: [&[u8]; 4] = [&mine, &key, &signature, &mac];
        answer[1..].iter_mut().zip(parts.concat()).for_each(|(to, from)| *to = from);
        Ok((Self(agreed), answer))
    }

    /// Judges M3, gives M4 and the keys.
    pub(super) fn finish(
        self,
        own: &dyn InnerIdentity,
        message: &[u8; M3],
        judge: impl FnOnce(&[u8; POINT]) -> Refused,
    ) -> std::result::Result<(Keys, [u8; M4]), String> {
        let malformed = || "its proof is malformed".to_owned();
        let mut rest = &message[..];
        if take::<1>(&mut rest) != Some(&[3]) {
            return Err(malformed());
        }
        let peer = take::<POINT>(&mut rest).ok_or_else(malformed)?;
        let (signature, mac) = (take::<64>(&mut rest).ok_or_else(malformed)?, take::<32>(&mut rest).ok_or_else(malformed)?);
        let transcript = self.0.dial(peer);
        let expected = self.0.confirmation(b"yu-inner-confirm-dial-v1\0", &transcript);
        proven(own, judge, peer, &signed(Side::Dial, &transcript), signature, [&expected, mac])?;
        let mut answer = [4; M4];
        answer[1..].copy_from_slice(&self.0.confirmation(b"yu-inner-admit-v1\0", &transcript));
        Ok((self.0.keys(Side::Accept, &transcript, *peer), answer))
    }
}

fn refused(peer: &Peer, reason: &str) -> Error {
    Error::Identity { party: peer.name().to_string(), reason: format!("inner layer: {reason}") }
}

fn gone(peer: &Peer, source: std::io::Error) -> Error {
    Error::Transport { what: format!("inner layer with `{}`", peer.name()), source }
}

fn context(connection: &Connection, own: &NodeName, side: Side) -> Context {
    let (own, peer) = (own.to_string(), connection.peer().name().to_string());
    let (dialling, accepting) = if side == Side::Dial { (own, peer) } else { (peer, own) };
    Context { dialling, accepting, exporter: connection.export_keying_material(EXPORTER, b"") }
}

fn fresh() -> SecretKey {
    generate(&mut rand::rand_core::UnwrapErr(rand::rngs::SysRng))
}

/// The dialling side's handshake on a new connection, before any other stream.
///
/// # Errors
/// [`Error::Identity`] with the reason of a refusal; [`Error::Transport`].
pub(crate) async fn dial(connection: &Connection, own: &NodeName, identity: &dyn InnerIdentity) -> Result<Keys> {
    let peer = connection.peer();
    let context = context(connection, own, Side::Dial);
    let (mut send, mut recv) = connection.open_bi().await?;
    let (state, message) = Dialling::start(fresh());
    send.write_all(&message).await.map_err(|e| gone(peer, e))?;
    let answer = recv.read_array().await.map_err(|e| gone(peer, e))?;
    let judge = |key: &[u8; POINT]| identity.judge(peer, key);
    let (state, message) = state.answer(identity, &context, &answer, judge).map_err(|reason| refused(peer, &reason))?;
    send.write_all(&message).await.map_err(|e| gone(peer, e))?;
    let answer = recv.read_array().await.map_err(|_| refused(peer, "it refused our key"))?;
    let keys = state.finish(&answer).map_err(|reason| refused(peer, &reason))?;
    send.finish().await.map_err(|e| gone(peer, e))?;
    Ok(keys)
}

/// The accepting side's.
///
/// # Errors
/// As [`dial`].
pub(crate) async fn accept(connection: &Connection, own: &NodeName, identity: &dyn InnerIdentity) -> Result<Keys> {
    let peer = connection.peer();
    let context = context(connection, own, Side::Accept);
    let (mut send, mut recv) = connection.accept_bi().await?;
    let message = recv.read_array().await.map_err(|e| gone(peer, e))?;
    let (state, answer) = Accepting::start(&fresh(), identity, &context, &message).map_err(|reason| refused(peer, &reason))?;
    send.write_all(&answer).await.map_err(|e| gone(peer, e))?;
    let message = recv.read_array().await.map_err(|e| gone(peer, e))?;
    let judge = |key: &[u8; POINT]| identity.judge(peer, key);
    let (keys, answer) = state.finish(identity, &message, judge).map_err(|reason| refused(peer, &reason))?;
    send.write_all(&answer).await.map_err(|e| gone(peer, e))?;
    send.finish().await.map_err(|e| gone(peer, e))?;
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sm2::dsa::signature::{Signer as _, Verifier as _};
    use sm2::dsa::{Signature, SigningKey, VerifyingKey};

    const ID: &str = "1234567812345678";

    struct Node(SigningKey);

    impl InnerIdentity for Node {
        fn public(&self) -> [u8; POINT] {
            use sm2::elliptic_curve::sec1::ToSec1Point as _;
            self.0.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap()
        }

        fn sign(&self, message: &[u8]) -> [u8; 64] {
            self.0.sign(message).to_bytes().into()
        }

        fn verify(&self, key: &[u8; POINT], message: &[u8], signature: &[u8; 64]) -> bool {
            let (Ok(key), Ok(signature)) = (VerifyingKey::from_sec1_bytes(ID, key), Signature::from_slice(signature)) else { return false };
            key.verify(message, &signature).is_ok()
        }

        fn judge(&self, _: &Peer, _: &[u8; POINT]) -> Refused {
            Ok(())
        }
    }

    fn node(n: u8) -> Node {
        Node(SigningKey::from_slice(ID, &[n; 32]).unwrap())
    }

    fn secret(n: u8) -> SecretKey {
        SecretKey::from_slice(&[n; 32]).unwrap()
    }

    fn context() -> Context {
        Context { dialling: "yu://dev/bank/n1".into(), accepting: "yu://dev/health/n1".into(), exporter: [9; 32] }
    }

    /// Which message a test changes, and how.
    type Change<'a> = (usize, &'a dyn Fn(&mut [u8]));

    /// A handshake of nodes 1 and 2 whose messages may be changed on their way, each side with its own view of the connection.
    fn run(contexts: [&Context; 2], change: Option<Change<'_>>) -> std::result::Result<[Keys; 2], String> {
        let (dialler, acceptor) = (node(1), node(2));
        let changed = |number: usize, message: &mut [u8]| {
            if let Some((which, change)) = change
                && which == number
            {
                change(message);
            }
        };
        let expect = |of: Node| move |key: &[u8; POINT]| if *key == of.public() { Ok(()) } else { Err("another key".to_owned()) };
        let (state, mut m1) = Dialling::start(secret(3));
        changed(1, &mut m1);
        let (answering, mut m2) = Accepting::start(&secret(4), &acceptor, contexts[1], &m1)?;
        changed(2, &mut m2);
        let (state, mut m3) = state.answer(&dialler, contexts[0], &m2, expect(node(2)))?;
        changed(3, &mut m3);
        let (theirs, mut m4) = answering.finish(&acceptor, &m3, expect(node(1)))?;
        changed(4, &mut m4);
        Ok([state.finish(&m4)?, theirs])
    }

    #[test]
    fn d12_both_sides_get_the_same_keys_apart_by_stream_and_direction() {
        let [dialling, accepting] = run([&context(), &context()], None).unwrap();
        assert_eq!(dialling.master, accepting.master);
        assert_eq!((dialling.peer(), accepting.peer()), (&node(2).public(), &node(1).public()));
        let ((mut to, mut own), (mut back, mut from)) = (dialling.stream(4), accepting.stream(4));
        let carried = |bytes: &[u8], opener: &mut super::super::Opener| {
            opener.raw().extend_from_slice(bytes);
            opener.open().map(|()| opener.plain().split().to_vec()).ok()
        };
        let sent = to.seal(&[b"there"]).unwrap();
        // reflected to its sender, given to another stream, then delivered
        assert_eq!(carried(&sent, &mut own), None);
        assert_eq!(carried(&sent, &mut accepting.stream(8).1), None);
        assert_eq!(carried(&sent, &mut from).unwrap(), b"there");
        assert_eq!(carried(&back.seal(&[b"back"]).unwrap(), &mut dialling.stream(4).1).unwrap(), b"back");
        // another connection of the same nodes has other keys
        let other = Context { exporter: [8; 32], ..context() };
        let [again, _] = run([&other, &other], None).unwrap();
        assert_ne!(again.master, dialling.master);
        assert_eq!(carried(&sent, &mut again.stream(4).1), None);
    }

    #[test]
    fn d12_no_bit_of_the_handshake_may_change() {
        for (number, len) in [(1, M1), (2, M2), (3, M3), (4, M4)] {
            // every byte of the heads, and one bit of every eighth byte of the rest: signatures are slow in tests
            for at in (0..len).filter(|at| *at < 3 || at % 8 == 0 || at + 1 == len) {
                let flip = |message: &mut [u8]| message[at] ^= 1 << (at % 8);
                assert!(run([&context(), &context()], Some((number, &flip))).is_err(), "message {number} byte {at}");
            }
            let zero = |message: &mut [u8]| message[1..].fill(0);
            assert!(run([&context(), &context()], Some((number, &zero))).is_err(), "message {number} zeroed");
        }
    }

    #[test]
    fn d12_another_connection_or_another_name_on_one_side_is_refused() {
        let good = context();
        for other in [
            Context { exporter: [8; 32], ..context() },
            Context { dialling: "yu://dev/bank/n2".into(), ..context() },
            Context { accepting: "yu://dev/bank/n1".into(), ..context() },
            // the border between the names moved
            Context { dialling: "yu://dev/bank/n1y".into(), accepting: "u://dev/health/n1".into(), ..context() },
        ] {
            assert!(run([&good, &other], None).is_err());
            assert!(run([&other, &good], None).is_err());
        }
    }

    #[test]
    fn d12_reflected_replayed_and_stolen_messages_are_refused() {
        let (dialler, acceptor, thief) = (node(1), node(2), node(5));
        let any = |_: &[u8; POINT]| Ok(());
        // M1 sent back: its sender would agree with itself
        let (_, m1) = Dialling::start(secret(3));
        assert!(Accepting::start(&secret(3), &dialler, &context(), &m1).is_err());
        // a node that answers with the dialling side's own key
        let (state, m1) = Dialling::start(secret(3));
        let (_, m2) = Accepting::start(&secret(4), &dialler, &context(), &m1).unwrap();
        assert!(state.answer(&dialler, &context(), &m2, any).err().unwrap().contains("own key"));
        // a thief between both puts its own key, with its own signature, under the other's handshake
        let (state, m1) = Dialling::start(secret(3));
        let (_, m2) = Accepting::start(&secret(6), &thief, &context(), &m1).unwrap();
        let known = |key: &[u8; POINT]| if *key == acceptor.public() { Ok(()) } else { Err("another key".to_owned()) };
        assert_eq!(state.answer(&dialler, &context(), &m2, known).err().unwrap(), "another key");
        // M2 and M3 of an earlier handshake do not fit a new one
        let (state, m1) = Dialling::start(secret(3));
        let (answering, m2) = Accepting::start(&secret(4), &acceptor, &context(), &m1).unwrap();
        let (_, m3) = state.answer(&dialler, &context(), &m2, any).unwrap();
        let (fresh, new_m1) = Dialling::start(secret(7));
        assert!(fresh.answer(&dialler, &context(), &m2, any).is_err());
        let (new_answering, _) = Accepting::start(&secret(8), &acceptor, &context(), &new_m1).unwrap();
        assert!(new_answering.finish(&acceptor, &m3, any).is_err());
        // the thief's key under the dialling side's signature
        let mut stolen = m3;
        stolen[1..=POINT].copy_from_slice(&thief.public());
        assert!(answering.finish(&acceptor, &stolen, any).is_err());
    }
}
