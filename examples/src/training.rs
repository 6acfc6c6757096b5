//! A training of several parties on threads, with keys made on the spot.

use std::error::Error;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::secagg::identity::{Signature, Signer, Verifier};
use yu_fedlearn::train::{Coordinator, Figures, Party, Plan, Trained, coordinate, take_part};

struct Key(SigningKey);

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

struct Ring(Vec<VerifyingKey>);

impl Verifier for Ring {
    fn verify(&self, party: u32, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.get(party as usize).is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

/// Trains by a plan: each party on a thread of its own with its rows, the coordinator here. `told` hears of each round.
///
/// # Errors
/// The first party's that fails, or the coordinator's.
pub fn train(plan: &Plan, rows: &[Dataset], mut told: impl FnMut(&Figures)) -> Result<Trained, Box<dyn Error>> {
    let mut rng = UnwrapErr(SysRng);
    let keys: Vec<Key> = rows
        .iter()
        .map(|_| {
            let mut secret = [0; 32];
            rand::Rng::fill_bytes(&mut rng, &mut secret);
            Key(SigningKey::from_bytes(&secret))
        })
        .collect();
    let ring = Ring(keys.iter().map(|key| key.0.verifying_key()).collect());
    let (ours, theirs): (Vec<_>, Vec<_>) = plan.parties.iter().map(|name| yu_wire::memory::pair(&plan.coordinator, name)).unzip();
    std::thread::scope(|scope| {
        let parties: Vec<_> = (0..)
            .zip(theirs.into_iter().zip(rows.iter().zip(&keys)))
            .map(|(index, (mut line, (rows, signer)))| {
                let verifier = &ring;
                scope.spawn(move || {
                    // a real party stores its state on disk in `keep`
                    let (keep, told) = (&mut |_: &[u8]| Ok(()), &mut |_: &Figures| {});
                    let with = Party { index, rows: rows.clone(), signer, verifier, resume: None, keep, told };
                    take_part(plan, &mut line, with, &mut UnwrapErr(SysRng)).map(drop)
                })
            })
            .collect();
        let with = Coordinator {
            verifier: &ring,
            resume: None,
            keep: &mut |_| Ok(()),
            arrived: &mut Vec::new,
            told: &mut told,
            pause: &mut |_| {},
        };
        let done = coordinate(plan, ours, with);
        let ended = parties.into_iter().map(|party| party.join().map_err(|_| "a party's thread stopped")).collect::<Vec<_>>();
        let done = done?;
        for party in ended {
            party??;
        }
        Ok(done.trained)
    })
}
