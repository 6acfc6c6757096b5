//! Systematic tampering: every byte of something genuine is changed, cut, appended to; nothing of it may be accepted.

use std::hash::{BuildHasher as _, RandomState};

use yu_tee_attest::crypto::default_provider;

/// Numbers for the masks of flipped bits: xorshift64*, from a random seed that is printed, or from `YU_TAMPER_SEED`.
pub(crate) struct Masks(u64);

impl Masks {
    pub(crate) fn new(what: &str) -> Self {
        let seed =
            std::env::var("YU_TAMPER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| RandomState::new().hash_one(what));
        println!("{what}: YU_TAMPER_SEED={seed}");
        Self(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A mask that changes a byte.
    fn mask(&mut self) -> u8 {
        u8::try_from(self.next() >> 56).unwrap() | 1 << (self.next() >> 61)
    }
}

/// How many bytes of a signed region are changed one at a time: all with the fast provider, one in 16 with the slow one.
fn step() -> usize {
    if default_provider().name() == "aws-lc" { 1 } else { 16 }
}

/// Changes one byte after the other and returns the places at which `accepts` still says yes.
pub(crate) fn flips(masks: &mut Masks, genuine: &[u8], mut accepts: impl FnMut(&[u8]) -> bool) -> Vec<usize> {
    assert!(accepts(genuine), "what is not tampered with must be accepted");
    let step = step();
    let start = usize::try_from(masks.next() % 16).unwrap() % step;
    let mut bytes = genuine.to_vec();
    let mut accepted = Vec::new();
    for at in (start..genuine.len()).step_by(step) {
        bytes[at] ^= masks.mask();
        if accepts(&bytes) {
            accepted.push(at);
        }
        bytes[at] = genuine[at];
    }
    accepted
}

/// Cuts the end off at every length, and appends a zero, a one, and the whole again; none may be accepted.
pub(crate) fn lengths(genuine: &[u8], mut accepts: impl FnMut(&[u8]) -> bool) {
    for length in 0..genuine.len() {
        assert!(!accepts(&genuine[..length]), "cut to {length} bytes");
    }
    for tail in [&[0][..], &[1], genuine] {
        assert!(!accepts(&[genuine, tail].concat()), "{} bytes appended", tail.len());
    }
}

/// PEM of certificates.
pub(crate) fn pem(ders: &[Vec<u8>]) -> String {
    use base64::Engine as _;
    let block = |der: &Vec<u8>| {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64::engine::general_purpose::STANDARD.encode(der))
    };
    ders.iter().map(block).collect()
}

/// The certificates of a PEM file, or the one of a DER file.
pub(crate) fn ders(bytes: &[u8]) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    if bytes.first() == Some(&0x30) {
        return vec![bytes.to_vec()];
    }
    let text = std::str::from_utf8(bytes).unwrap();
    let bodies = text.split("-----BEGIN CERTIFICATE-----").skip(1).map(|part| part.split("-----END").next().unwrap());
    let compact = |body: &str| body.split_whitespace().collect::<String>();
    bodies.map(|body| base64::engine::general_purpose::STANDARD.decode(compact(body)).unwrap()).collect()
}
