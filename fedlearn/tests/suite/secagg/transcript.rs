//! Pins every message under fixed seeds: a change of these bytes is a change of the protocol, and needs another version in the
//! domain tags.

use sha2::{Digest, Sha256};
use yu_fedlearn::secagg::msg::encode;
use yu_fedlearn::secagg::{Adversary, PartySet};

use super::world::{Delivered, Enrolled, Uploaded, World, inputs, params};

#[test]
fn bytes_of_every_message() {
    let mut params = params(4, 70, 16, Adversary::Malicious);
    params.rounds = 2;
    let world = World::new(params);
    let Enrolled { adverts, rosters, .. } = world.enrol(5);
    let Delivered { shares, deliveries, .. } = world.deliver(5);
    let Uploaded { mut sent, masked, collecting } = world.upload(5, &inputs(4, 70, 16), 3);
    let (mut closing, survivors) = collecting.close().unwrap();
    assert_eq!(survivors.set, PartySet::of(4, 0..3));
    let consents: Vec<_> = sent.iter_mut().zip(&world.signers).map(|(state, signer)| state.consent(&survivors, signer).unwrap()).collect();
    for (party, consent) in (0..).zip(&consents) {
        closing.accept(party, consent, &world.keys).unwrap();
    }
    let (_, list) = closing.agree().unwrap();
    let answer = sent[1].unmask_agreed(&list, &world.keys).unwrap();
    let hash = |bytes: Vec<u8>| hex::encode(&Sha256::digest(bytes)[..8]);
    let found = [
        ("advert", hash(encode(&adverts[1]))),
        ("roster", hash(encode(&rosters[1]))),
        ("shares", hash(encode(&shares[1]))),
        ("delivery", hash(encode(&deliveries[1]))),
        ("masked", hash(masked[1].encode())),
        ("survivors", hash(encode(&survivors))),
        ("consent", hash(encode(&consents[1]))),
        ("consents", hash(encode(&list))),
        ("unmask", hash(encode(&answer))),
    ];
    let pinned = [
        ("advert", "4d79098da154b450"),
        ("roster", "957871e042cff6f4"),
        ("shares", "e36da4b8a29f3d4c"),
        ("delivery", "656f999aa886349f"),
        ("masked", "6d89cb67bae9d31c"),
        ("survivors", "d41a33c56ea49eba"),
        ("consent", "c19a039cd6b4cce0"),
        ("consents", "94a0d16160cb9993"),
        ("unmask", "ea8dd590d501f5bf"),
    ];
    assert_eq!(found.each_ref().map(|(name, hash)| (*name, hash.as_str())), pinned);
}
