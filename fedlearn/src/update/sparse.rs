//! Some values of an update, the rest kept for later rounds: top-k with error feedback (稀疏化与误差反馈).
//!
//! A party adds what earlier rounds left out, sends the values at `keep` places and keeps the rest (Stich, Cordonnier & Jaggi, NeurIPS
//! 2018; Karimireddy et al., ICML 2019). Under secure aggregation all parties must send the same places: a random set from the round's
//! public seed, or the largest values of the last round's public mean with some random places, so that others get their turn. A party's
//! own largest places would tell the server where its data point and are for clear updates only.

use serde::{Deserialize, Serialize};

use crate::data::split::shuffled;
use crate::robust::Visibility;
use crate::strategy::generator;
use crate::{Error, Result};

/// Which places are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// A party's own largest values: clear updates only.
    Own,
    /// Random places, the same for all parties.
    Random,
    /// Half of them the largest of the last public mean, half at random; all random in the first round. Only what was sent can be
    /// large in that mean, so the same places come again and again: better than [`Choice::Random`] only where few values matter (on
    /// digits, 65 of 650 values, 40 rounds, it reaches 0.925 and random places 0.950).
    Public,
}

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopK {
    /// Values a round.
    pub keep: u32,
    /// Which.
    pub choice: Choice,
}

/// Values at some places.
#[derive(Clone, PartialEq)]
pub struct Sparse {
    /// Ascending places.
    pub places: Vec<u32>,
    /// Their values.
    pub values: Vec<f64>,
}

impl TopK {
    /// Places that all parties send in a round, ascending. `seed` is public and belongs to the job; `last` is the last round's mean.
    ///
    /// # Errors
    /// `Caller` for [`Choice::Own`], a `keep` of 0 or above the length.
    pub fn common(&self, seed: &[u8; 32], round: u64, length: usize, last: Option<&[f64]>) -> Result<Vec<u32>> {
        let keep = self.check(length)?;
        let mut rng = generator(seed, "top-k", round, 0);
        let order = shuffled(length, &mut rng);
        let mut places = match (self.choice, last) {
            (Choice::Own, _) => return Err(Error::caller("a party's own places are not common to all")),
            (Choice::Public, Some(last)) if last.len() == length => {
                let mut chosen = largest(last, keep / 2);
                let mut taken = vec![false; length];
                chosen.iter().for_each(|place| taken[*place] = true);
                let rest = keep - chosen.len();
                chosen.extend(order.into_iter().filter(|place| !taken[*place]).take(rest));
                chosen
            }
            _ => order.into_iter().take(keep).collect(),
        };
        places.sort_unstable();
        Ok(places.into_iter().map(|place| place as u32).collect())
    }

    /// A party's own largest places of update plus feedback, ascending.
    ///
    /// # Errors
    /// `Unsafe` under secure aggregation; `Caller` for a `keep` of 0 or above the length.
    pub fn own(&self, update: &[f64], feedback: &[f64], visibility: Visibility) -> Result<Vec<u32>> {
        if visibility == Visibility::SecureAggregation {
            return Err(Error::Unsafe {
                setting: "top_k.choice = own".into(),
                reason: "the places of a party's largest values would be seen by the server beside the masks".into(),
                remedy: "choose `random` or `public`, which are the same for all parties".into(),
            });
        }
        let keep = self.check(update.len())?;
        let mut places = largest(&with_feedback(update, feedback)?, keep);
        places.sort_unstable();
        Ok(places.into_iter().map(|place| place as u32).collect())
    }

    fn check(&self, length: usize) -> Result<usize> {
        let keep = self.keep as usize;
        if keep == 0 || keep > length || u32::try_from(length).is_err() {
            return Err(Error::caller(format!("`top_k.keep` is {keep} for updates of {length} values: give 1 to {length}")));
        }
        Ok(keep)
    }
}

impl Sparse {
    /// What is sent at these places, and the feedback for the next round: update plus feedback, less what is sent. Keep the feedback
    /// only if the round counts.
    ///
    /// # Errors
    /// `Caller` for lengths or places that do not fit.
    pub fn of(update: &[f64], feedback: &[f64], places: Vec<u32>) -> Result<(Self, Vec<f64>)> {
        let mut rest = with_feedback(update, feedback)?;
        let mut values = Vec::with_capacity(places.len());
        for place in &places {
            let value = rest.get_mut(*place as usize).ok_or_else(|| Error::caller(format!("place {place} of {} values", update.len())))?;
            values.push(std::mem::take(value));
        }
        Ok((Self { places, values }, rest))
    }

    /// The whole vector, zeros elsewhere.
    ///
    /// # Errors
    /// `Caller` for a place beyond the length, or not above the one before it.
    pub fn expand(&self, length: usize) -> Result<Vec<f64>> {
        let ascending = self.places.iter().zip(self.places.iter().skip(1)).all(|(a, b)| a < b);
        if !ascending || self.places.len() != self.values.len() {
            return Err(Error::caller("the places of a sparse vector must ascend, one for each value"));
        }
        let mut whole = vec![0.0; length];
        for (place, value) in self.places.iter().zip(&self.values) {
            *whole.get_mut(*place as usize).ok_or_else(|| Error::caller(format!("place {place} of {length} values")))? = *value;
        }
        Ok(whole)
    }
}

fn with_feedback(update: &[f64], feedback: &[f64]) -> Result<Vec<f64>> {
    if !(feedback.is_empty() || feedback.len() == update.len()) {
        return Err(Error::caller("the feedback belongs to another model"));
    }
    let mut whole = update.to_vec();
    whole.iter_mut().zip(feedback).for_each(|(value, more)| *value += more);
    Ok(whole)
}

/// Places of the largest magnitudes; equal ones by place.
fn largest(values: &[f64], keep: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    let order = |a: &usize, b: &usize| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b));
    if keep < places.len() {
        places.select_nth_unstable_by(keep, order);
        places.truncate(keep);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost() {
        let update = [0.1, -5.0, 0.0, 3.0, 0.2];
        let top = TopK { keep: 2, choice: Choice::Own };
        let places = top.own(&update, &[], Visibility::Clear).unwrap();
        assert_eq!(places, [1, 3]);
        let (sent, rest) = Sparse::of(&update, &[], places).unwrap();
        assert_eq!((sent.expand(5).unwrap(), rest.clone()), (vec![0.0, -5.0, 0.0, 3.0, 0.0], vec![0.1, 0.0, 0.0, 0.0, 0.2]));
        // what was left out comes later
        assert_eq!(top.own(&[0.0; 5], &rest, Visibility::Clear).unwrap(), [0, 4]);
        assert!(matches!(top.own(&update, &[], Visibility::SecureAggregation), Err(Error::Unsafe { .. })));
        assert!(Sparse { places: vec![3, 1], values: vec![0.0; 2] }.expand(5).is_err());
        assert!(Sparse { places: vec![9], values: vec![0.0] }.expand(5).is_err());
    }

    #[test]
    fn common_places_are_common() {
        let last: Vec<f64> = (0..100).map(f64::from).collect();
        for choice in [Choice::Random, Choice::Public] {
            let top = TopK { keep: 20, choice };
            let places = top.common(&[1; 32], 3, 100, Some(&last)).unwrap();
            assert_eq!(places, top.common(&[1; 32], 3, 100, Some(&last)).unwrap());
            assert!(places.len() == 20 && places.windows(2).all(|pair| pair[0] < pair[1]));
            assert_ne!(places, top.common(&[1; 32], 4, 100, Some(&last)).unwrap());
            if choice == Choice::Public {
                assert!((90..100).all(|place| places.contains(&place)));
            }
        }
        assert!(TopK { keep: 0, choice: Choice::Random }.common(&[1; 32], 0, 5, None).is_err());
        assert!(TopK { keep: 2, choice: Choice::Own }.common(&[1; 32], 0, 5, None).is_err());
    }
}
