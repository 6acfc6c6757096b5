//! Results for somebody who does not compute: each party seals its components to the recipient.

use ndarray::Dimension;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use yu_wire::seal::{SealKey, SealPublic, Sealed, seal};
use zeroize::Zeroizing;

use super::context::{Context, PARTIES};
use super::share::{Share, same_party};
use crate::engine::Words;
use crate::ring::{Element, add_assign};
use crate::{Error, Result};

const DOMAIN: &[u8] = b"yu-mpc/output/v1";
const STEP: &str = "rep3.output";

/// One party's two components, sealed to the recipient: HPKE over `x_i || x_{i+1}`, 8 bytes per element, little endian.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedShare {
    /// Which party sealed it.
    pub party: u8,
    /// Number of elements.
    #[serde(with = "crate::text")]
    pub len: u64,
    /// The ciphertext.
    pub sealed: Sealed,
}

impl Context {
    /// Seals our components to a recipient. `info` names the purpose, `aad` binds to the job; the recipient has to give the
    /// same. No communication: the caller delivers it.
    ///
    /// # Errors
    /// [`Error::Caller`] for another party's share, [`Error::Transport`] if the key is not usable.
    pub fn seal_output<T: Element, D: Dimension>(
        &self,
        share: &Share<T, D>,
        to: &SealPublic,
        info: &[u8],
        aad: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<SealedShare> {
        same_party(self.index, share.party())?;
        self.seal_parts([share.own(), share.next()], to, info, aad, rng)
    }

    /// The same for the shares of a [`crate::secret::Secret`].
    ///
    /// # Errors
    /// [`Error::Transport`] if the key is not usable.
    pub fn seal_words(&self, words: &Words<2>, to: &SealPublic, info: &[u8], aad: &[u8], rng: &mut impl CryptoRng) -> Result<SealedShare> {
        self.seal_parts([words.part(0), words.part(1)], to, info, aad, rng)
    }

    fn seal_parts(
        &self,
        [own, next]: [&[u64]; 2],
        to: &SealPublic,
        info: &[u8],
        aad: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<SealedShare> {
        let mut plain = Zeroizing::new(Vec::with_capacity(own.len() * 16));
        for value in own.iter().chain(next) {
            plain.extend_from_slice(&value.to_le_bytes());
        }
        let (party, len) = (self.index as u8, own.len() as u64);
        let sealed = seal(to, info, &bound(party, len, aad), &plain, rng)?;
        Ok(SealedShare { party, len, sealed })
    }
}

/// Opens the three sealed shares and adds them up. `names[i]` is party `i`'s name, for errors.
///
/// Every component was delivered by two parties; if they disagree, [`Error::Inconsistent`] names those that may have
/// deviated: one name if a single party explains all contradictions.
///
/// # Errors
/// [`Error::Caller`] unless there is one share of each party; [`Error::Peer`] for a share that does not open or has a wrong
/// length; [`Error::Inconsistent`].
pub fn reconstruct(
    key: &SealKey,
    names: [&str; PARTIES],
    shares: &[SealedShare; PARTIES],
    info: &[u8],
    aad: &[u8],
) -> Result<Zeroizing<Vec<u64>>> {
    let mut components: Vec<Components> = Vec::with_capacity(PARTIES);
    for (party, name) in (0u8..).zip(names) {
        let share = shares.iter().find(|share| share.party == party);
        let share = share.ok_or_else(|| Error::caller(format!("no sealed share of party `{party}`")))?;
        components.push(open(key, name, share, info, aad)?);
    }
    let len = components.first().map_or(0, |(own, _)| own.len());
    if components.iter().any(|(own, _)| own.len() != len) {
        return Err(Error::Inconsistent { suspects: names.map(String::from).to_vec() });
    }
    // x_{i+1} comes from P_i as `next` and from P_{i+1} as `own`
    let disagree = |i: usize| components[i].1 != components[(i + 1) % PARTIES].0;
    let mut suspects: Vec<usize> = (0..PARTIES).collect();
    for i in 0..PARTIES {
        if disagree(i) {
            suspects.retain(|party| *party == i || *party == (i + 1) % PARTIES);
        }
    }
    match suspects.len() {
        PARTIES => {}
        0 => return Err(Error::Inconsistent { suspects: names.map(String::from).to_vec() }),
        _ => return Err(Error::Inconsistent { suspects: suspects.into_iter().map(|party| names[party].into()).collect() }),
    }
    let mut sum = Zeroizing::new(vec![0; len]);
    components.iter().for_each(|(own, _)| add_assign(&mut sum, own));
    Ok(sum)
}

type Components = (Zeroizing<Vec<u64>>, Zeroizing<Vec<u64>>);

fn open(key: &SealKey, name: &str, share: &SealedShare, info: &[u8], aad: &[u8]) -> Result<Components> {
    let refuse = |what: &str| Error::peer(name, STEP, what);
    let plain = key.open(info, &bound(share.party, share.len, aad), &share.sealed).map_err(|_| refuse("the sealed share does not open"))?;
    if share.len.checked_mul(16) != Some(plain.len() as u64) {
        return Err(refuse("the sealed share does not have its announced length"));
    }
    let (own, next) = plain.split_at(plain.len() / 2);
    let read = |half: &[u8]| Zeroizing::new(half.chunks_exact(8).map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes)).collect());
    Ok((read(own), read(next)))
}

/// Associated data: what the ciphertext is bound to besides the caller's job.
fn bound(party: u8, len: u64, aad: &[u8]) -> Vec<u8> {
    [DOMAIN, &[party], &len.to_le_bytes(), aad].concat()
}
