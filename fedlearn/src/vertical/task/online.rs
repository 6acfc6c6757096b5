//! Online prediction (在线预测): parties that hold a split model load it once and answer single requests, one after the other.
//!
//! 1. [`Online::open`]: all say a digest of model, settings and terms, and how many calls went before; another digest ends it, of the counts the
//!    largest holds for all. Two rounds.
//! 2. [`Online::reserve`]: the next call counts from here on, by itself; whoever stores the count before it goes on never has a call that is not counted.
//! 3. [`Online::predict`]: each says its count of calls and for how many rows it is ready (two rounds); owners share the features of these rows, all
//!    compute as [`predict`](super::predict) does, and the result is opened to the receiver alone ([`crate::reveal`]: two rounds).
//!
//! **Who learns what.** All: how many rows each call has, and who was not ready. The receiver: what [`Predictions`] says. Nobody: features of others,
//! anything of the model. **What the receiver can find out** by choosing its own features grows with the calls, whatever protocol answers them: so their
//! number and that of rows of a call are agreed upon, and every party counts by itself (A18). A call counts once it is reserved, also if somebody
//! was not ready: to ask for nothing is not free either.
//!
//! **Calls that fail.** A party whose request is not usable (missing values, another number of rows or columns) says so instead of staying away, every
//! other one learns which party it was, and the session goes on with the next call. Calls that are counted differently, and an error while
//! computing, end it: shares may be out of step, and every later call says why.
//!
//! **What the caller does.** It stores what [`Online::reserve`] gives before it predicts, opens one session of a licence at a time, names in the licence
//! who may receive, and gives its hash in the terms: sessions side by side have the whole number each. Results have 16 binary places
//! here; those of a job are cut to three digits.
//!
//! The adversary is the engine's. **Rounds and bytes** of a call do not depend on the data: [`yu_mpc::dry::Dry`] gives them.

use ndarray::ArrayView2;
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use yu_mpc::engine::{Engine, Input};
use yu_mpc::rep3::Context;

use super::data::{Data, check_finite, parts};
use super::{Kept, Model, Own, Plan, Predictions, Preparation};
use crate::{Error, Result, reveal};

/// Computing parties.
const PARTIES: usize = 3;
/// Most calls of a session.
const MOST_CALLS: u64 = 1 << 31;
/// Most rows of a call.
const MOST_ROWS: u32 = 4096;
/// Words that a session is opened with: a digest, and the number of earlier calls.
const OPENING: usize = DIGEST + 1;
/// Those of the digest.
const DIGEST: usize = 4;

/// What all parties agree upon, in the licence of the product for instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Party that learns the results.
    pub receiver: usize,
    /// Most calls, those of earlier sessions under the same licence included.
    pub calls: u64,
    /// Most rows of a call.
    pub rows: u32,
    /// Hash of the document in which that is agreed upon.
    pub licence: [u8; 32],
}

/// A loaded model. It does not print.
pub struct Online<E: Engine> {
    plan: Plan,
    model: Model<E>,
    preparations: [Option<Preparation>; 2],
    terms: Terms,
    used: u64,
    is_reserved: bool,
    ended: Option<String>,
}

impl<E: Engine> Online<E> {
    /// Opens a session after `used` calls of earlier ones; a party that knows of more is believed. Which party we are, `None` where one process plays all
    /// of them.
    ///
    /// # Errors
    /// [`Error::Caller`] for terms that do not fit, and naming a party whose plan or terms differ; the engine's.
    pub fn open(
        engine: &mut E,
        me: Option<usize>,
        plan: Plan,
        model: Model<E>,
        preparations: [Option<Preparation>; 2],
        terms: Terms,
        used: u64,
    ) -> Result<Self> {
        plan.check()?;
        terms.check()?;
        if yu_mpc::engine::Vector::len(&model.words()) != Model::<E>::len(&plan)? {
            return Err(Error::caller("a model of another plan"));
        }
        let own = opening(&plan, &terms, used)?;
        let said = say(engine, me, &own)?;
        if let Some(other) = said.iter().position(|said| E::OPENS && said.get(..DIGEST) != own.get(..DIGEST)) {
            return Err(Error::caller(format!("party `{other}` opens another session: model, settings or terms differ")));
        }
        // whoever lost its count, or gives a smaller one, gains no calls
        let used = said.iter().filter_map(|said| said.get(DIGEST)).fold(used, |most, said| most.max(*said));
        Ok(Self { plan, model, preparations, terms, used, is_reserved: false, ended: None })
    }

    /// The next call counts from now on: gives the count, to be stored before [`Online::predict`].
    ///
    /// # Errors
    /// [`Error::Unsafe`] when all calls are used; [`Error::Caller`] when the session has ended, or a call is reserved already.
    pub fn reserve(&mut self) -> Result<u64> {
        self.check_open()?;
        if self.is_reserved {
            return Err(Error::caller("a call is reserved already"));
        }
        if self.used >= self.terms.calls {
            return Err(Error::Unsafe {
                setting: "calls".into(),
                reason: format!("all {} calls that were agreed upon are used, and every party counts", self.terms.calls),
                remedy: "agree upon more in a new licence".into(),
            });
        }
        self.used += 1;
        self.is_reserved = true;
        Ok(self.used)
    }

    fn check_open(&self) -> Result<()> {
        self.ended.as_ref().map_or(Ok(()), |why| Err(Error::caller(format!("the session has ended: {why}"))))
    }

    /// Answers a request of some rows, whose features each owner passes. What it tells is at the receiver, which passes randomness; the others get `None`.
    ///
    /// # Errors
    /// [`Error::Caller`] when the session has ended, or no call is reserved; [`Error::Peer`] naming a party that was not ready, and our own error
    /// if it was us: the session goes on after both; the engine's, which end it.
    pub fn predict<R: CryptoRng>(
        &mut self,
        engine: &mut E,
        me: Option<usize>,
        rows: usize,
        features: [Option<ArrayView2<'_, f64>>; 2],
        randomness: Option<&mut R>,
    ) -> Result<Option<Predictions>> {
        self.check_open()?;
        if !std::mem::take(&mut self.is_reserved) {
            return Err(Error::caller("no call is reserved"));
        }
        let ready = self.ready(me, rows, features);
        let said = say(engine, me, &[self.used, if ready.is_ok() { rows as u64 } else { 0 }]).map_err(|error| self.end("calls", error))?;
        let counted = self.used;
        // counts first: a party that was not ready must not wait in a session that the others have ended
        if let Some(other) = said.iter().position(|said| E::OPENS && said.first() != Some(&counted)) {
            let error = Error::caller(format!("party `{other}` has counted other calls"));
            return Err(self.end("calls", error));
        }
        let request = ready?;
        if let Some(other) = said.iter().position(|said| E::OPENS && said.get(1) != Some(&(rows as u64))) {
            let what = format!("it was not ready for a call of {rows} rows: the call is refused, the session goes on");
            return Err(Error::Peer { culprit: other.to_string(), step: "online prediction", what });
        }
        let words = self.compute(engine, rows, &request, randomness).map_err(|error| self.end("prediction", error))?;
        words.map(|words| Predictions::read(&self.plan.settings, &words)).transpose()
    }

    /// Calls that are used, earlier sessions included: to be kept for the next one.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Calls that are left.
    #[must_use]
    pub const fn left(&self) -> u64 {
        if self.ended.is_some() { 0 } else { self.terms.calls.saturating_sub(self.used) }
    }

    /// Own rows of a request, if it fits.
    fn ready(&self, me: Option<usize>, rows: usize, features: [Option<ArrayView2<'_, f64>>; 2]) -> Result<Request> {
        if rows == 0 || rows > self.terms.rows as usize {
            return Err(Error::caller(format!("a call of `{rows}` rows, expected 1 to {}", self.terms.rows)));
        }
        let missing = |owner: usize| features[owner].is_none() && E::OPENS && me.is_none_or(|me| me == owner);
        if let Some(owner) = (0..2).find(|owner| missing(*owner)) {
            return Err(Error::caller(format!("a call without the features of party `{owner}`, which we are")));
        }
        if features.iter().flatten().any(|features| features.nrows() != rows) {
            return Err(Error::caller(format!("features of another number of rows than {rows}")));
        }
        let own = features.map(|features| features.map(|features| Own { features, labels: None }));
        let request = parts(&self.plan, &(0..rows).collect::<Vec<_>>(), own)?;
        // trees take missing values
        if !matches!(self.plan.settings.model, super::Learner::BoostedTrees { .. }) {
            request.iter().flatten().try_for_each(check_finite)?;
        }
        let prepared = |owner: usize| request[owner].is_none() || self.preparations[owner].is_some();
        if !(prepared(0) && prepared(1)) {
            return Err(Error::caller("features without the preparation of their training"));
        }
        Ok(request)
    }

    fn compute<R: CryptoRng>(
        &self,
        engine: &mut E,
        rows: usize,
        request: &Request,
        randomness: Option<&mut R>,
    ) -> Result<Option<Vec<u64>>> {
        let known = self.preparations.each_ref().map(Option::as_ref);
        let data = Data::share(engine, &self.plan, rows, request, known)?;
        let words = self.model.tell(engine, &self.plan, &data)?;
        reveal::to_one(engine, self.terms.receiver, randomness, &words)
    }

    fn end(&mut self, step: &str, error: Error) -> Error {
        self.ended = Some(format!("{step} failed: {error}"));
        error
    }
}

type Request = [Option<super::data::Part>; 2];

impl Online<Context> {
    /// Opens a session with what a party of the replicated engine keeps.
    ///
    /// # Errors
    /// As [`Online::open`]; [`Error::Data`] for a kept model that is not one.
    pub fn load(engine: &mut Context, kept: &Kept, terms: Terms, used: u64) -> Result<Self> {
        let plan = kept.plan()?;
        let model = Model::from_words(&plan, &kept.share())?;
        let me = engine.index();
        let own = |owner: usize| kept.head.preparation.clone().filter(|_| owner == me);
        Self::open(engine, Some(me), plan, model, [own(0), own(1)], terms, used)
    }
}

impl Terms {
    fn check(&self) -> Result<()> {
        let fits = self.receiver < PARTIES && (1..=MOST_CALLS).contains(&self.calls) && (1..=MOST_ROWS).contains(&self.rows);
        fits.then_some(()).ok_or_else(|| {
            Error::caller(format!(
                "receiver `{}`, `{}` calls of `{}` rows; expected a party below {PARTIES}, 1 to {MOST_CALLS} calls, 1 to {MOST_ROWS} rows",
                self.receiver, self.calls, self.rows
            ))
        })
    }
}

/// Four words of a digest and the number of earlier calls.
fn opening(plan: &Plan, terms: &Terms, used: u64) -> Result<[u64; OPENING]> {
    let settings = serde_json::to_vec(&plan.settings).map_err(|error| Error::caller(format!("settings: {error}")))?;
    let numbers = [plan.columns[0] as u64, plan.columns[1] as u64, plan.labels as u64, plan.least, terms.receiver as u64, terms.calls];
    let mut digest = Sha256::new().chain_update(b"yu-vertical-online-v1").chain_update(plan.job);
    numbers.iter().for_each(|number| digest.update(number.to_le_bytes()));
    digest.update(terms.rows.to_le_bytes());
    digest.update(terms.licence);
    digest.update(&settings);
    let digest: [u8; 32] = digest.finalize().into();
    let mut words = [used; OPENING];
    for (word, bytes) in words.iter_mut().zip(digest.chunks_exact(8)) {
        *word = bytes.try_into().map_or(0, u64::from_le_bytes);
    }
    Ok(words)
}

/// Every party says some words; what each of them said. Two rounds.
fn say<E: Engine>(engine: &mut E, me: Option<usize>, own: &[u64]) -> Result<Vec<Vec<u64>>> {
    let values = |party: usize| (E::OPENS && me.is_none_or(|me| me == party)).then_some(own);
    let inputs: Vec<_> = (0..PARTIES).map(|owner| Input { owner, len: own.len(), values: values(owner) }).collect();
    let shared = engine.input(&inputs)?;
    Ok(engine.open(&shared.iter().collect::<Vec<_>>())?)
}
