//! Cheats with the survivor set and with the shares of the last stage.

use yu_fedlearn::Error;
use yu_fedlearn::secagg::msg::{Consent, Consents, Survivors, Unmask};
use yu_fedlearn::secagg::server::{Closing, Unmasking};
use yu_fedlearn::secagg::{Adversary, PartySet};

use super::world::{Uploaded, World, clear, culprit, inputs, params};

const N: usize = 6;

fn world(adversary: Adversary) -> World {
    World::new(params(N, 40, 16, adversary))
}

fn upload(world: &World, count: usize) -> Uploaded {
    world.upload(1, &inputs(N, 40, 16), count)
}

fn with(survivors: &Survivors, members: impl IntoIterator<Item = u32>) -> Survivors {
    Survivors { set: PartySet::of(N, members), ..survivors.clone() }
}

#[test]
fn survivor_sets_that_may_not_be_answered() {
    let world = world(Adversary::SemiHonest);
    let Uploaded { mut sent, collecting, .. } = upload(&world, N);
    let (_, survivors) = collecting.close().unwrap();
    culprit(sent[0].unmask(&with(&survivors, 1..6)), "server");
    culprit(sent[0].unmask(&Survivors { round: 1, ..survivors.clone() }), "server");
    culprit(sent[0].unmask(&Survivors { transcript: [0; 32], ..survivors.clone() }), "server");
    culprit(sent[0].unmask(&Survivors { set: PartySet::of(60, 0..6), ..survivors.clone() }), "server");
    assert!(matches!(sent[0].unmask(&with(&survivors, 0..3)), Err(Error::Quorum { present: 3, needed: 4, .. })));
    // nothing was accepted yet: an honest set still is
    let answer = sent[0].unmask(&with(&survivors, 0..5)).unwrap();
    // asked again for the same: the same answer; for another: both secrets of party 5 would be out
    assert!(sent[0].unmask(&with(&survivors, 0..5)).unwrap() == answer);
    assert!(culprit(sent[0].unmask(&survivors), "server").contains("second survivor set"));
    assert!(culprit(sent[0].unmask(&with(&survivors, 0..4)), "server").contains("second survivor set"));
}

/// A set with a party whose shares never came is refused: its vector was masked without this party.
#[test]
fn survivors_must_have_dealt() {
    for adversary in [Adversary::SemiHonest, Adversary::Malicious] {
        let world = world(adversary);
        let delivered = world.deliver(1);
        let (mut dealt, mut deliveries) = (delivered.dealt, delivered.deliveries);
        deliveries[0].dealers = PartySet::of(N, 1..5);
        deliveries[0].sealed.pop();
        let mut client = dealt.remove(0).receive(&deliveries[0], &world.keys).unwrap();
        let (mut sent, masked) = client.mask(0, &inputs(N, 40, 16)[0]).unwrap();
        let all = Survivors { transcript: masked.transcript, round: 0, set: PartySet::of(N, 0..6) };
        let what = match adversary {
            Adversary::SemiHonest => culprit(sent.unmask(&all), "server"),
            Adversary::Malicious => culprit(sent.consent(&all, &world.signers[0]), "server"),
        };
        assert!(what.contains("no shares"));
    }
}

/// The server shows one half of the parties a survivor set and the other half another one. Nobody answers.
#[test]
fn a_split_view_is_refused() {
    let world = world(Adversary::Malicious);
    let Uploaded { mut sent, collecting, .. } = upload(&world, N);
    let (_, all) = collecting.close().unwrap();
    let fewer = with(&all, 0..5);
    let consents: Vec<Consent> = (0..N)
        .map(|party| sent[party].consent(if party < 3 { &all } else { &fewer }, &world.signers[party.min(5)]).ok())
        .map(|consent| consent.unwrap_or(Consent { transcript: all.transcript, round: 0, signature: world_signature(&world) }))
        .collect();
    for signers in [vec![0, 1, 2], vec![0, 1, 2, 3, 4], vec![0, 1, 2, 3, 4, 5]] {
        let list = Consents {
            transcript: all.transcript,
            round: 0,
            signers: PartySet::of(N, signers.iter().copied()),
            signatures: signers.iter().map(|party| consents[*party as usize].signature).collect(),
        };
        for state in &mut sent[..5] {
            match state.unmask_agreed(&list, &world.keys) {
                Err(Error::Quorum { present: 3, needed: 5, .. }) => assert_eq!(signers.len(), 3),
                other => drop(culprit(other, "server")),
            }
        }
    }
    // after signing one set, a party signs no other
    assert!(culprit(sent[0].consent(&fewer, &world.signers[0]), "server").contains("second survivor set"));
}

/// The server asks one party for its vector and the others for zeros, over one survivor set. Nobody unmasks.
#[test]
fn answers_to_two_questions_are_not_summed() {
    let world = world(Adversary::Malicious);
    let Uploaded { sent, collecting, .. } = upload(&world, N);
    let mut sent: Vec<_> = (0..).zip(sent).map(|(party, state)| state.about([u8::from(party == 0); 32])).collect();
    let (_, all) = collecting.close().unwrap();
    let consents: Vec<Consent> = sent.iter_mut().zip(&world.signers).map(|(state, signer)| state.consent(&all, signer).unwrap()).collect();
    let list = Consents {
        transcript: all.transcript,
        round: 0,
        signers: PartySet::of(N, 0..N as u32),
        signatures: consents.iter().map(|consent| consent.signature).collect(),
    };
    for state in &mut sent {
        drop(culprit(state.unmask_agreed(&list, &world.keys), "server"));
    }
}

fn world_signature(world: &World) -> yu_fedlearn::secagg::identity::Signature {
    use yu_fedlearn::secagg::identity::Signer as _;
    world.signers[5].sign(b"something else")
}

#[test]
fn consents_are_checked_on_both_sides() {
    let world = world(Adversary::Malicious);
    let Uploaded { mut sent, collecting, .. } = upload(&world, N);
    assert!(matches!(sent[0].unmask_agreed(&some_consents(), &world.keys), Err(Error::Caller(_))));
    let (mut closing, survivors) = collecting.close().unwrap();
    // the way of the semi-honest server is closed
    assert!(matches!(sent[0].unmask(&survivors), Err(Error::Caller(_))));
    for (party, state) in (0..5).zip(&mut sent) {
        let consent = state.consent(&survivors, &world.signers[party as usize]).unwrap();
        culprit(closing.accept(party, &Consent { round: 1, ..consent.clone() }, &world.keys), &format!("party-{party}"));
        culprit(closing.accept(5, &consent, &world.keys), "party-5");
        closing.accept(party, &consent, &world.keys).unwrap();
        culprit(closing.accept(party, &consent, &world.keys), &format!("party-{party}"));
    }
    let (_, consents) = closing.agree().unwrap();
    let mut refused = |who: &str, change: &dyn Fn(&mut Consents)| {
        let mut consents = consents.clone();
        change(&mut consents);
        culprit(sent[0].unmask_agreed(&consents, &world.keys), who)
    };
    refused("server", &|consents| consents.signatures[1].0[0] ^= 1);
    refused("server", &|consents| consents.signatures.swap(0, 1));
    refused("server", &|consents| {
        consents.signatures.pop();
    });
    refused("server", &|consents| consents.round = 1);
    refused("server", &|consents| consents.signers = PartySet::of(N, 1..6));
    let mut few = consents.clone();
    few.signers = PartySet::of(N, 0..4);
    few.signatures.pop();
    assert!(matches!(sent[0].unmask_agreed(&few, &world.keys), Err(Error::Quorum { present: 4, needed: 5, .. })));
    assert!(sent[0].unmask_agreed(&consents, &world.keys).is_ok());
}

fn some_consents() -> Consents {
    Consents { transcript: [0; 32], round: 0, signers: PartySet::of(N, []), signatures: Vec::new() }
}

/// Six parties, five vectors; the answers of those five.
fn answers(world: &World) -> (Unmasking, Vec<Unmask>) {
    let Uploaded { mut sent, collecting, .. } = upload(world, 5);
    let (closing, survivors): (Closing, Survivors) = collecting.close().unwrap();
    let answers = sent.iter_mut().map(|state| state.unmask(&survivors).unwrap()).collect();
    (closing.unmask().unwrap(), answers)
}

/// Of survivor 1 and of party 5, which dropped out: whose share is forged is named, and the sum is made without it.
#[test]
fn forged_shares_name_their_culprit() {
    let world = world(Adversary::SemiHonest);
    for target in [1, 5] {
        let (mut unmasking, mut answers) = answers(&world);
        // a share that is a scalar, but another one
        answers[2].shares[target] = answers[3].shares[target];
        for (party, answer) in (0..).zip(&answers) {
            unmasking.accept(party, answer).unwrap();
        }
        assert!(culprit(unmasking.finish(), "party-2").contains("commitments"));
        culprit(unmasking.accept(2, &answers[0]), "party-2");
        let sum = unmasking.finish().unwrap();
        assert_eq!(sum.weights, clear(&inputs(N, 40, 16), 0..5));
        // nothing was used up
        assert_eq!(unmasking.finish().unwrap(), sum);
    }
    let (mut unmasking, mut answers) = answers(&world);
    for party in [1, 3] {
        answers[party].shares[0] = answers[party].shares[1];
    }
    for (party, answer) in (0..).zip(&answers) {
        unmasking.accept(party, answer).unwrap();
    }
    culprit(unmasking.finish(), "party-1, party-3");
    assert!(matches!(unmasking.finish(), Err(Error::Quorum { present: 3, needed: 4, .. })));
}

#[test]
fn answers_are_checked() {
    let world = world(Adversary::SemiHonest);
    let (mut unmasking, answers) = answers(&world);
    let mut refused = |from: u32, change: &dyn Fn(&mut Unmask)| {
        let mut answer = answers[0].clone();
        change(&mut answer);
        culprit(unmasking.accept(from, &answer), &format!("party-{from}"));
    };
    refused(0, &|answer| {
        answer.shares.pop();
    });
    refused(0, &|answer| answer.shares.push([0; 32]));
    refused(0, &|answer| answer.shares[0] = [0xff; 32]);
    refused(0, &|answer| answer.round = 1);
    refused(0, &|answer| answer.transcript[9] ^= 1);
    refused(5, &|_| ());
    assert!(matches!(unmasking.finish(), Err(Error::Quorum { present: 0, .. })));
}

/// A party that masks wrongly or sends what is out of range spoils the sum; it is found out, but not who.
#[test]
fn a_spoilt_sum_is_not_passed_on() {
    let world = world(Adversary::SemiHonest);
    let (mut clients, mut server) = world.ready(1);
    let inputs = inputs(N, 40, 16);
    let (mut sent, mut masked): (Vec<_>, Vec<_>) =
        clients.iter_mut().zip(&inputs).map(|(client, input)| client.mask(0, input).unwrap()).unzip();
    // the first weight of party 3 becomes one more than all six together may have
    let mut carry = 393_211 - clear(&inputs, 0..6)[0];
    for word in &mut masked[3].words {
        let (sum, over) = word.overflowing_add(carry);
        (*word, carry) = (sum, u64::from(over));
    }
    let mut collecting = server.round(0).unwrap();
    for (party, masked) in (0..).zip(&masked) {
        collecting.accept(party, masked).unwrap();
    }
    let (closing, survivors) = collecting.close().unwrap();
    let mut unmasking = closing.unmask().unwrap();
    for (party, state) in (0..).zip(&mut sent) {
        unmasking.accept(party, &state.unmask(&survivors).unwrap()).unwrap();
    }
    match unmasking.finish() {
        Err(Error::Peer { culprit, what, .. }) => {
            assert_eq!(culprit, "party-0, party-1, party-2, party-3, party-4, party-5");
            assert!(what.contains("exceeds `393210`"));
        }
        other => panic!("{other:?}"),
    }
}
