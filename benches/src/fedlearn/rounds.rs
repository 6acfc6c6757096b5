//! Rounds of federated averaging over QUIC: 10 parties, softmax regression of 650 weights on the digits.

use std::time::Instant;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_fedlearn::data::{Dataset, split};
use yu_fedlearn::model::Spec;
use yu_fedlearn::secagg::identity::{Signature, Signer, Verifier};
use yu_fedlearn::simulate::sets::Set;
use yu_fedlearn::strategy::{Correction, Local, Server, Strategy, Weighting};
use yu_fedlearn::train::{Aggregation, Coordinator, Party, Plan, Settings, Trained, coordinate, take_part};

use super::lines::Lines;
use super::{FedlearnArgs, less, median};
use crate::Result;
use crate::desensitize::Row;

const PARTIES: usize = 10;
const ROUNDS: u32 = 40;

/// A party's long-term key.
pub(super) struct Key(SigningKey);

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

/// Everybody's public keys.
pub(super) struct Ring(Vec<VerifyingKey>);

impl Verifier for Ring {
    fn verify(&self, party: u32, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.get(party as usize).is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

/// Keys of so many parties.
pub(super) fn keys(parties: usize) -> (Vec<Key>, Ring) {
    let keys: Vec<Key> = (0..parties).map(|party| Key(SigningKey::from_bytes(&[(party + 1) as u8; 32]))).collect();
    let ring = Ring(keys.iter().map(|key| key.0.verifying_key()).collect());
    (keys, ring)
}

fn plan(aggregation: Aggregation) -> Plan {
    let local =
        Local { epochs: 1, batch: 32, learning_rate: 0.1, momentum: 0.0, proximal: 0.0, correction: Correction::None, private: None };
    Plan {
        job: [1; 32],
        coordinator: "platform".into(),
        parties: (0..PARTIES).map(|party| format!("party{party}")).collect(),
        features: (0..64).map(|pixel| format!("pixel{pixel}")).collect(),
        target: "digit".into(),
        settings: Settings {
            model: Spec::Softmax { classes: 10, l2: 0.0 },
            strategy: Strategy { local, server: Server::default(), weighting: Weighting::default() },
            rounds: ROUNDS,
            aggregation,
            privacy: None,
            quorum: PARTIES as u32,
            deadline_s: 60,
            holdout: 5,
            standardise: true,
        },
    }
}

/// Seconds of each round after the first, and the model.
fn train(plan: &Plan, rows: &[Dataset]) -> Result<(Vec<f64>, Trained)> {
    let mut joined = Lines::new(&plan.coordinator, &plan.parties)?;
    let (ours, theirs) = joined.take();
    let (keys, ring) = keys(PARTIES);
    std::thread::scope(|scope| {
        let threads: Vec<_> = theirs
            .into_iter()
            .zip(rows)
            .zip(&keys)
            .zip(0u32..)
            .map(|(((mut line, rows), key), index)| {
                let ring = &ring;
                scope.spawn(move || {
                    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(index));
                    let with = Party {
                        index,
                        rows: rows.clone(),
                        signer: key,
                        verifier: ring,
                        resume: None,
                        keep: &mut |_| Ok(()),
                        told: &mut |_| {},
                    };
                    take_part(plan, &mut line, with, &mut rng).map(|(_, bytes)| (bytes, line))
                })
            })
            .collect();
        let mut times = Vec::new();
        let with = Coordinator {
            verifier: &ring,
            resume: None,
            keep: &mut |_| Ok(()),
            arrived: &mut Vec::new,
            told: &mut |_| times.push(Instant::now()),
            pause: &mut |_| {},
        };
        let done = coordinate(plan, ours, with)?;
        for thread in threads {
            let (last, _line) = thread.join().map_err(|_| "a party panicked")??;
            if last != done.bytes {
                return Err("a party heard another last word".into());
            }
        }
        let between = times.windows(2).filter_map(|pair| if let [a, b] = pair { Some((*b - *a).as_secs_f64()) } else { None });
        Ok((between.collect(), done.trained))
    })
}

/// Median round in the clear and under secure aggregation.
pub(super) fn rows(args: &FedlearnArgs) -> Result<Vec<Row>> {
    let subject = "rounds";
    let cases = [
        ("FedAvg, 10 parties, 650 weights, QUIC", Aggregation::Clear, Some(10.0), Some(5.0)),
        ("the same under secure aggregation, 16 bits", Aggregation::Secure { bits: 16, bound: 1.0, malicious: false }, None, Some(10.0)),
        ("the same against a coordinator that may deviate", Aggregation::Secure { bits: 16, bound: 1.0, malicious: true }, None, None),
    ];
    let mut found = Vec::new();
    if !cases.iter().any(|(name, ..)| args.wants(subject, name)) {
        return Ok(found);
    }
    let (train_rows, test) = Set::Digits.load(&args.data()?)?;
    let parts = split::iid(train_rows.rows(), PARTIES, &mut ChaCha20Rng::seed_from_u64(1))?;
    let parties = parts.iter().map(|part| train_rows.take(part)).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    for (name, aggregation, limit, aim) in cases {
        if !args.wants(subject, name) {
            continue;
        }
        let (times, trained) = train(&plan(aggregation), &parties)?;
        found.push(less(subject, name, 1e3 * median(times), "ms", limit, aim));
        let scores = trained.predict(&test.features().to_owned())?;
        let right = scores.rows().into_iter().zip(test.targets()).filter(|(row, class)| {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at as f64);
            best == Some(**class)
        });
        let accuracy = right.count() as f64 / test.rows() as f64;
        found.push(super::more(subject, format!("{name}: accuracy on test rows (Flower 0.9389)"), accuracy, "", Some(0.9389), None));
    }
    Ok(found)
}
