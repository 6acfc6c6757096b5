//! The simulator: what it can do, and that it is never hardware.

use ed25519_dalek::SigningKey;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use yu_tee_attest::binding::{Role, Session};
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::release::{DataKey, Grant, SessionKey};
use yu_tee_attest::signed::Document as _;
use yu_tee_attest::simulated::{Attester, SimulatedPolicy, judge, release_to_simulated, replay};
use yu_tee_attest::{Binding, Evidence, Instant, VerifiedCollateral, ear, verify};

const CODE: [u8; 32] = [0xc0; 32];
const AT: Instant = Instant(1_790_000_000);

struct Scene {
    rng: ChaCha20Rng,
    attester: Attester,
    policy: SimulatedPolicy,
    key: SessionKey,
    session: Session,
    grant: Grant,
}

impl Scene {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let attester = Attester::generate(&mut rng);
        let policy = SimulatedPolicy { name: "test".into(), root: attester.root(), measurements: vec![hex::encode(CODE)] };
        let key = SessionKey::generate(&mut rng);
        let session = Session {
            role: Role::Responder,
            own_leaf: [1; 32],
            peer_leaf: [2; 32],
            exporter: [3; 32],
            own_nonce: [4; 32],
            peer_nonce: [5; 32],
            hpke_key: key.public(),
            job: [6; 32],
            code: [7; 32],
            policy: policy.hash().unwrap(),
        };
        let grant = Grant {
            provider: "yu://dev/health/n1".into(),
            dataset: "dev/health/visits".into(),
            job: [6; 32],
            purpose: "test".into(),
            permit: [9; 32],
            until: Instant(AT.0 + 60),
        };
        Self { rng, attester, policy, key, session, grant }
    }

    fn evidence(&self) -> Evidence {
        self.attester.evidence(CODE, self.session.report_data(), false)
    }

    fn bound(&self) -> Binding {
        Binding::Session(Box::new(self.session.clone()))
    }
}

#[test]
fn a_key_reaches_the_session_that_was_proved_and_no_other() {
    let mut scene = Scene::new();
    let (affirmed, verdict) = judge(&scene.policy, &scene.evidence(), AT, &scene.bound()).unwrap();
    let affirmed = affirmed.unwrap();
    replay(&verdict, &scene.policy, &scene.evidence()).unwrap();
    let key = DataKey::new(&[0xda; 32]).unwrap();
    let release = |session: &Session, grant: &Grant, at: Instant, rng: &mut ChaCha20Rng| {
        release_to_simulated(&affirmed, session, grant, &key, at, rng)
    };
    let sealed = release(&scene.session, &scene.grant, AT, &mut scene.rng).unwrap();
    assert_eq!(scene.key.open(&scene.session, &sealed).unwrap().expose(), [0xda; 32]);
    let mut other = scene.session.clone();
    other.exporter = [0; 32];
    assert_eq!(scene.key.open(&other, &sealed).err().unwrap().code, "release.sealed");
    let mut wider = sealed.clone();
    wider.grant.purpose = "more".into();
    assert_eq!(scene.key.open(&scene.session, &wider).err().unwrap().code, "release.sealed");
    assert!(SessionKey::generate(&mut scene.rng).open(&scene.session, &sealed).is_err());
    for byte in 0..sealed.ciphertext.len() {
        let mut flipped = sealed.clone();
        flipped.ciphertext[byte] ^= 1;
        assert!(scene.key.open(&scene.session, &flipped).is_err());
    }
    let refused =
        |session: &Session, grant: &Grant, at: i64, rng: &mut ChaCha20Rng| release(session, grant, Instant(at), rng).unwrap_err().code;
    assert_eq!(refused(&other, &scene.grant, AT.0, &mut scene.rng), "release.binding");
    assert_eq!(refused(&scene.session, &Grant { job: [1; 32], ..scene.grant.clone() }, AT.0, &mut scene.rng), "release.job");
    assert_eq!(refused(&scene.session, &scene.grant, AT.0 + 61, &mut scene.rng), "release.expired");
    let long = Grant { until: Instant(AT.0 + 9999), ..scene.grant.clone() };
    assert_eq!(refused(&scene.session, &long, AT.0 + 301, &mut scene.rng), "release.stale");
    assert_eq!(refused(&scene.session, &scene.grant, AT.0 - 1, &mut scene.rng), "release.stale");
}

#[test]
fn every_field_of_a_session_is_bound() {
    let scene = Scene::new();
    let flips: [fn(&mut Session); 10] = [
        |s| s.role = Role::Initiator,
        |s| s.own_leaf[0] ^= 1,
        |s| s.peer_leaf[0] ^= 1,
        |s| s.exporter[0] ^= 1,
        |s| s.own_nonce[0] ^= 1,
        |s| s.peer_nonce[0] ^= 1,
        |s| s.hpke_key[0] ^= 1,
        |s| s.job[0] ^= 1,
        |s| s.code[0] ^= 1,
        |s| s.policy[0] ^= 1,
    ];
    for (number, flip) in flips.iter().enumerate() {
        let mut session = scene.session.clone();
        flip(&mut session);
        let (affirmed, verdict) = judge(&scene.policy, &scene.evidence(), AT, &Binding::Session(Box::new(session))).unwrap();
        assert!(affirmed.is_none() && verdict.outcome.reason() == "binding.mismatch", "{number}");
    }
}

#[test]
fn no_policy_of_hardware_and_no_verifier_of_hardware_takes_it() {
    let scene = Scene::new();
    let none = VerifiedCollateral::new(default_provider(), &[], [0; 32]).unwrap();
    let fault = verify::verify(default_provider(), &scene.evidence(), &none, AT, &scene.bound()).unwrap_err();
    assert_eq!(fault.code, "evidence.simulated");
    for kind in yu_tee_attest::Kind::HARDWARE {
        // its body under the name of hardware is no body of hardware
        let body = scene.evidence().body().to_vec();
        assert!(verify::verify(default_provider(), &Evidence::new(kind, body), &none, AT, &scene.bound()).is_err(), "{kind:?}");
    }
}

#[test]
fn tokens_about_it_are_refused_by_readers_that_do_not_know_it() {
    let scene = Scene::new();
    let (_, verdict) = judge(&scene.policy, &scene.evidence(), AT, &scene.bound()).unwrap();
    let key = SigningKey::from_bytes(&[5; 32]);
    let token = ear::token(&verdict, None, "test", &key).unwrap();
    assert_eq!(ear::read(&token, &key.verifying_key()).unwrap_err().code, "ear.simulated");
}

#[test]
fn every_byte_of_its_evidence_counts() {
    let scene = Scene::new();
    let evidence = scene.evidence();
    let body = evidence.body();
    for at in 0..body.len() {
        let mut changed = body.to_vec();
        changed[at] ^= 1;
        let evidence = Evidence::new(evidence.kind(), changed);
        assert!(judge(&scene.policy, &evidence, AT, &scene.bound()).unwrap().0.is_none(), "{at}");
    }
    for cut in 0..body.len() {
        assert!(judge(&scene.policy, &Evidence::new(evidence.kind(), body[..cut].to_vec()), AT, &scene.bound()).unwrap().0.is_none());
    }
}
