//! Cheats before the vectors are sent: one test per check, with the culprit.

use std::cell::RefCell;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};
use yu_fedlearn::secagg::client::Offered;
use yu_fedlearn::secagg::identity::{Signature, Signer};
use yu_fedlearn::secagg::msg::{self, Advert, Delivery, Masked, Roster, Shares, decode, encode};
use yu_fedlearn::secagg::server::Enrolling;
use yu_fedlearn::secagg::{Adversary, Params};

use super::world::{Delivered, Enrolled, World, culprit, inputs, params};

fn world() -> World {
    World::new(params(5, 40, 16, Adversary::Malicious))
}

fn enrolled_refuses(world: &World, from: u32, advert: Advert) -> String {
    culprit(Enrolling::new(world.config.clone()).accept(from, advert, &world.keys), &format!("party-{from}"))
}

#[test]
fn keys_are_bound_to_owner_job_round_and_parameters() {
    let world = world();
    let (_, advert) = world.offer(2, 1);
    let mut other = advert.clone();
    other.channel[3] ^= 1;
    assert!(enrolled_refuses(&world, 2, other).contains("does not verify"));
    let mut other = advert.clone();
    other.rounds[0].mask.swap(1, 2);
    assert!(enrolled_refuses(&world, 2, other).contains("does not verify"));
    let mut other = advert.clone();
    other.rounds[0].own.pop();
    assert!(enrolled_refuses(&world, 2, other).contains("commitments"));
    let mut other = advert.clone();
    other.signature.0[0] ^= 1;
    enrolled_refuses(&world, 2, other);
    // sent by somebody else, or sent twice
    enrolled_refuses(&world, 3, advert.clone());
    let mut enrolling = Enrolling::new(world.config.clone());
    enrolling.accept(2, advert.clone(), &world.keys).unwrap();
    culprit(enrolling.accept(2, advert.clone(), &world.keys), "party-2");
    // replayed from another job, round, size, name, threshold
    let base = || params(5, 40, 16, Adversary::Malicious);
    let mut renamed = base();
    renamed.parties[4] = "somebody".into();
    for other in [
        Params { job: [8; 32], ..base() },
        Params { first_round: 41, ..base() },
        Params { len: 41, ..base() },
        Params { bits: 15, ..base() },
        Params { server: "other".into(), ..base() },
        renamed,
    ] {
        let (_, replayed) = World::new(other).offer(2, 1);
        assert!(enrolled_refuses(&world, 2, replayed).contains("does not verify"));
    }
}

#[test]
fn low_order_keys_are_refused() {
    let world = world();
    // points of order 2, 4 (on curve and twist) and 8 on Curve25519
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut one = [0; 32];
    one[0] = 1;
    let eighth = hex::decode("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800").unwrap().try_into().unwrap();
    for point in [[0; 32], one, minus_one, eighth] {
        let Enrolled { offered, mut rosters, adverts, .. } = world.enrol(1);
        let mut low = adverts[2].clone();
        low.channel = point;
        resign(&world, &mut low);
        assert!(enrolled_refuses(&world, 2, low.clone()).contains("low order"));
        // a server that did not look
        rosters[0].adverts[1] = low;
        let refused = world.share(0, offered.into_iter().next().unwrap(), &rosters[0]);
        assert!(culprit(refused, "party-2").contains("low order"));
    }
    // the identity as a mask key
    let (_, mut advert) = world.offer(2, 1);
    advert.rounds[0].mask[0] = [0; 32];
    resign(&world, &mut advert);
    assert!(enrolled_refuses(&world, 2, advert).contains("low order"));
}

/// Shows what is signed.
struct Recorder(RefCell<Vec<u8>>);

impl Signer for Recorder {
    fn sign(&self, message: &[u8]) -> Signature {
        *self.0.borrow_mut() = message.to_vec();
        Signature([0; 64])
    }
}

/// Signs an advert anew; the bytes are those that `Advert` documents.
fn resign(world: &World, advert: &mut Advert) {
    let recorder = Recorder(RefCell::default());
    Offered::new(world.config.clone(), advert.party, &recorder, &mut ChaCha20Rng::seed_from_u64(0)).unwrap();
    let context = &recorder.0.borrow()[28..60];
    let mut hash = Sha256::new().chain_update(advert.channel).chain_update((advert.rounds.len() as u64).to_le_bytes());
    for keys in &advert.rounds {
        for list in [&keys.mask, &keys.own] {
            hash.update((list.len() as u64).to_le_bytes());
            list.iter().for_each(|point| hash.update(point));
        }
    }
    let body = hash.finalize();
    let message = [&b"yu-fedlearn/secagg/advert/v1"[..], context, &advert.party.to_le_bytes(), &body].concat();
    advert.signature = world.signers[advert.party as usize].sign(&message);
}

fn roster_refused(change: impl Fn(&mut Roster, &[Advert])) -> String {
    let world = world();
    let Enrolled { mut offered, adverts, mut rosters, .. } = world.enrol(1);
    change(&mut rosters[0], &adverts);
    match world.share(0, offered.remove(0), &rosters[0]) {
        Err(yu_fedlearn::Error::Peer { culprit, .. }) => culprit,
        other => panic!("expected a refusal, got {:?}", other.map(drop)),
    }
}

#[test]
fn rosters_are_checked() {
    let of_server = |change: &dyn Fn(&mut Roster, &[Advert])| assert_eq!(roster_refused(change), "server");
    of_server(&|roster, _| {
        roster.adverts.pop();
    });
    of_server(&|roster, _| roster.adverts.swap(0, 1));
    of_server(&|roster, adverts| roster.adverts[0] = adverts[2].clone());
    of_server(&|roster, adverts| roster.adverts[0] = adverts[0].clone());
    of_server(&|roster, _| roster.others.push([0; 32]));
    of_server(&|roster, _| roster.present = yu_fedlearn::secagg::PartySet::of(5, 1..5));
    of_server(&|roster, _| roster.present = yu_fedlearn::secagg::PartySet::of(50, 0..5));
    // keys that their owner did not sign
    of_server(&|roster, _| roster.adverts[1].channel[0] ^= 1);
    of_server(&|roster, _| {
        roster.adverts[1].rounds.pop();
    });
    // a hash in place of a neighbour's keys leaves another graph or no keys
    of_server(&|roster, _| {
        roster.adverts.remove(0);
        roster.others.push([1; 32]);
    });
}

/// Two parties that were told of different keys cannot open each other's shares, and the server takes none of them.
#[test]
fn different_rosters_do_not_mix() {
    let world = world();
    let first = world.enrol(1);
    let Enrolled { mut offered, mut rosters, mut sharing, .. } = world.enrol(1);
    // party 4 made other keys for the second half of the parties: signed, so only the transcript shows it
    let (_, other) = world.offer(4, 2);
    *rosters[0].adverts.last_mut().unwrap() = other;
    let (_, shares) = world.share(0, offered.remove(0), &rosters[0]).unwrap();
    assert!(culprit(sharing.accept(0, shares.clone(), &world.keys), "party-0").contains("another set-up"));
    let mut states = first.offered.into_iter().zip(&first.rosters).skip(1);
    let (offered, roster) = states.next().unwrap();
    let (dealt, _) = world.share(1, offered, roster).unwrap();
    let dealers = yu_fedlearn::secagg::PartySet::of(5, [0]);
    let mixed = Delivery { transcript: shares.transcript, dealers, sealed: vec![shares.sealed[0].clone()] };
    culprit(dealt.receive(&mixed, &world.keys), "server");
}

#[test]
fn dealt_shares_are_checked() {
    let world = world();
    let refused = |change: &dyn Fn(&mut Shares)| {
        let Enrolled { mut offered, rosters, mut sharing, .. } = world.enrol(1);
        let (_, mut shares) = world.share(0, offered.remove(0), &rosters[0]).unwrap();
        change(&mut shares);
        culprit(sharing.accept(0, shares, &world.keys), "party-0")
    };
    refused(&|shares| {
        shares.sealed.pop();
    });
    refused(&|shares| shares.sealed.swap(0, 1));
    refused(&|shares| {
        shares.sealed[2].cipher.pop();
    });
    refused(&|shares| shares.sealed[2].cipher.push(0));
    refused(&|shares| shares.sealed[1].tag[0] ^= 1);
    refused(&|shares| shares.transcript[0] ^= 1);
    let Enrolled { mut offered, rosters, mut sharing, .. } = world.enrol(1);
    let (_, shares) = world.share(0, offered.remove(0), &rosters[0]).unwrap();
    sharing.accept(0, shares.clone(), &world.keys).unwrap();
    culprit(sharing.accept(0, shares.clone(), &world.keys), "party-0");
    culprit(sharing.accept(1, shares, &world.keys), "party-1");
}

#[test]
fn deliveries_are_checked_and_the_right_one_is_named() {
    let world = world();
    let refused = |who: &str, change: &dyn Fn(&mut Delivery, &[Shares])| {
        let Delivered { mut dealt, shares, mut deliveries, .. } = world.deliver(1);
        change(&mut deliveries[0], &shares);
        culprit(dealt.remove(0).receive(&deliveries[0], &world.keys), who)
    };
    // changed or exchanged on the way: the dealer did not sign it
    refused("server", &|delivery, _| delivery.sealed[1].cipher[0] ^= 1);
    refused("server", &|delivery, _| delivery.sealed[1].tag[0] ^= 1);
    refused("server", &|delivery, _| delivery.sealed.swap(0, 1));
    refused("server", &|delivery, shares| delivery.sealed[0] = shares[1].sealed[2].clone());
    refused("server", &|delivery, _| {
        delivery.sealed.pop();
    });
    refused("server", &|delivery, _| delivery.transcript[0] ^= 1);
    refused("server", &|delivery, _| delivery.dealers = yu_fedlearn::secagg::PartySet::of(5, 0..4));
    // the dealer signed rubbish
    let what = refused("party-2", &|delivery, _| {
        let sealed = &mut delivery.sealed[1];
        sealed.cipher[0] ^= 1;
        let body = Sha256::new().chain_update(&sealed.cipher).chain_update(sealed.tag).finalize();
        let message =
            [&b"yu-fedlearn/secagg/shares/v1"[..], &delivery.transcript, &2u32.to_le_bytes(), &0u32.to_le_bytes(), &body].concat();
        sealed.signature = world.signers[2].sign(&message);
    });
    assert!(what.contains("do not decrypt"));
    // too few dealers
    let Delivered { mut dealt, mut deliveries, .. } = world.deliver(1);
    deliveries[0].dealers = yu_fedlearn::secagg::PartySet::of(5, [1, 2]);
    deliveries[0].sealed.truncate(2);
    assert!(matches!(dealt.remove(0).receive(&deliveries[0], &world.keys), Err(yu_fedlearn::Error::Quorum { present: 3, needed: 4, .. })));
}

#[test]
fn vectors_are_checked() {
    let world = world();
    let inputs = inputs(5, 40, 16);
    let (mut clients, mut server) = world.ready(1);
    let (_, masked) = clients[0].mask(0, &inputs[0]).unwrap();
    let mut collecting = server.round(0).unwrap();
    let mut refused = |from: u32, masked: &Masked| culprit(collecting.accept(from, masked), &format!("party-{from}"));
    refused(0, &Masked { round: 1, ..masked.clone() });
    refused(0, &Masked { transcript: [0; 32], ..masked.clone() });
    refused(0, &Masked { words: masked.words[1..].to_vec(), ..masked.clone() });
    collecting.accept(0, &masked).unwrap();
    culprit(collecting.accept(0, &masked), "party-0");
}

#[test]
fn hostile_bytes_are_refused() {
    let world = world();
    let config = &world.config;
    let Enrolled { adverts, .. } = world.enrol(1);
    let bytes = encode(&adverts[0]);
    assert!(decode::<Advert>(&bytes, config, "party-0").unwrap() == adverts[0]);
    for len in 0..bytes.len() {
        culprit(decode::<Advert>(&bytes[..len], config, "party-0"), "party-0");
    }
    culprit(decode::<Advert>(&[&bytes[..], &[0]].concat(), config, "party-0"), "party-0");
    culprit(decode::<msg::Unmask>(&vec![0xff; 1 << 20], config, "party-1"), "party-1");
    let (mut clients, _) = world.ready(1);
    let (_, masked) = clients[0].mask(0, &inputs(5, 40, 16)[0]).unwrap();
    let bytes = masked.encode();
    assert_eq!(bytes.len(), Masked::size(config));
    assert!(Masked::decode(&bytes, config, "party-0").unwrap() == masked);
    for wrong in [&bytes[1..], &bytes[..bytes.len() - 1], &[], &[&bytes[..], &[0; 8]].concat()] {
        culprit(Masked::decode(wrong, config, "party-0"), "party-0");
    }
}
