//! The ledger of a data owner's privacy budget (隐私预算台账): debited before release, refusing beyond the budget.
//!
//! It is a **filter**: the budget is fixed beforehand and a charge that does not fit is refused, so that the bound holds for
//! charges chosen after seeing earlier results (basic composition: Rogers, Roth, Ullman & Vadhan 2016; zCDP: Feldman &
//! Zrnic 2021, Whitehouse, Ramdas, Rogers & Wu 2023).
//!
//! Order of work, for the caller that stores it: `reserve` -> store the state durably -> draw the noise -> `record_release` -> store
//! -> hand out the result. After a crash a charge is in one of two states. *Released*: the stored result is handed out again.
//! *Pending*: nobody knows whether noise was drawn and seen, so it stays debited and gives no new allowance; charge again under
//! a new id. Noise is never drawn twice for one charge.
//!
//! Every entry holds the SHA-256 of the one before it; loading a state recomputes the chain and the sums. A cut or replaced state
//! can be told only by its [`head`](Ledger::head): keep that elsewhere too. **Not protected:** releases made around the ledger,
//! one budget per ledger: tables that share people need one ledger together.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::adjacency::{Adjacency, AdjacencyKind};
use super::cost::{Allowance, Amount, Cost, Loss};
use super::refuse::refuse;
use crate::error::{Error, Result, Text};

/// What a charge is known by; chosen by the caller, once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChargeId(pub String);

/// One entry of the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A debit.
    Charge {
        /// Its id.
        id: ChargeId,
        /// What for.
        purpose: String,
        /// How much.
        loss: Loss,
    },
    /// The result that a charge paid for.
    Release {
        /// The charge.
        id: ChargeId,
        /// The result, hex.
        result: String,
    },
}

/// The state as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    version: u32,
    owner: String,
    adjacency: AdjacencyKind,
    budget: Loss,
    entries: Vec<(Entry, String)>,
}

/// What became of a reservation.
#[derive(Debug)]
pub enum Reserved<A: Adjacency> {
    /// Debited now. Store the ledger, then release.
    Granted(Allowance<A>),
    /// This charge was debited before and no result is stored: it gives nothing more.
    Pending,
    /// This charge was used: its result, to be handed out again.
    Released(Vec<u8>),
}

/// The budget of one owner against the neighbours `A`.
///
/// ```
/// use yu_desensitize::dp::ledger::{ChargeId, Ledger, Reserved};
/// use yu_desensitize::dp::{Cost, Loss, Rho, Subject};
/// let mut ledger = Ledger::<Subject>::new("health bureau", Loss::Zcdp(Rho::new(0.5)?));
/// let cost = Cost::new(Loss::Zcdp(Rho::new(0.4)?));
/// assert!(matches!(ledger.reserve(&ChargeId("2026-001".into()), "visits by district", cost)?, Reserved::Granted(_)));
/// assert!(ledger.reserve(&ChargeId("2026-002".into()), "again", cost).is_err()); // 0.8 > 0.5
/// # Ok::<(), yu_desensitize::Error>(())
/// ```
/// ```compile_fail
/// use yu_desensitize::dp::{AddRemove, Cost, Subject, ledger::{ChargeId, Ledger}};
/// fn charge(ledger: &mut Ledger<Subject>, cost: Cost<AddRemove>) { let _ = ledger.reserve(&ChargeId("1".into()), "", cost); }
/// ```
#[derive(Debug, Deserialize)]
#[serde(try_from = "State", bound = "")]
pub struct Ledger<A: Adjacency> {
    state: State,
    spent: Amount,
    charges: BTreeMap<ChargeId, Charge>,
    adjacency: PhantomData<A>,
}

#[derive(Clone, Debug)]
struct Charge {
    purpose: String,
    loss: Loss,
    result: Option<Vec<u8>>,
}

impl<A: Adjacency> Serialize for Ledger<A> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}

impl<A: Adjacency> Ledger<A> {
    /// An empty ledger of this owner.
    #[must_use]
    pub fn new(owner: &str, budget: Loss) -> Self {
        let state = State { version: 1, owner: owner.to_owned(), adjacency: A::KIND, budget, entries: Vec::new() };
        Self { state, spent: budget.budget().none(), charges: BTreeMap::new(), adjacency: PhantomData }
    }

    /// Debits a charge, or says what became of it before. The same id with the same content debits once only.
    ///
    /// # Errors
    /// `dp.budget` if it does not fit, `dp.charge_unit` for another currency, `dp.charge_id` for an id used with other content;
    /// nothing is debited then.
    pub fn reserve(&mut self, id: &ChargeId, purpose: &str, cost: Cost<A>) -> Result<Reserved<A>> {
        if let Some(charge) = self.charges.get(id) {
            if charge.purpose != purpose || charge.loss != cost.loss() {
                return Err(self.refuse("dp.charge_id", "a charge id was used before with other content", "扣减编号已用于其他内容"));
            }
            return Ok(charge.result.clone().map_or(Reserved::Pending, Reserved::Released));
        }
        self.debit(id, purpose, cost.loss())?;
        self.append(Entry::Charge { id: id.clone(), purpose: purpose.to_owned(), loss: cost.loss() });
        Ok(Reserved::Granted(Allowance::debited(cost.loss())))
    }

    /// Stores the result that a pending charge paid for.
    ///
    /// # Errors
    /// `dp.charge_id` if there is no such charge or it has another result.
    pub fn record_release(&mut self, id: &ChargeId, result: &[u8]) -> Result<()> {
        if self.charges.get(id).is_some_and(|charge| charge.result.as_deref() == Some(result)) {
            return Ok(());
        }
        self.keep(id, result)?;
        self.append(Entry::Release { id: id.clone(), result: hex::encode(result) });
        Ok(())
    }

    /// What is left: (epsilon or rho, delta).
    #[must_use]
    pub fn left(&self) -> (f64, f64) {
        let budget = self.state.budget.budget();
        budget.minus(self.spent).unwrap_or_else(|| budget.none()).to_f64()
    }

    /// What was debited: (epsilon or rho, delta).
    #[must_use]
    pub fn spent(&self) -> (f64, f64) {
        self.spent.to_f64()
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> Loss {
        self.state.budget
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.state.owner
    }

    /// The entries in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.state.entries.iter().map(|(entry, _)| entry)
    }

    /// SHA-256 of the last entry, hex: keep it elsewhere, and compare after loading.
    #[must_use]
    pub fn head(&self) -> String {
        self.state.entries.last().map_or_else(|| self.state.origin(), |(_, hash)| hash.clone())
    }

    fn debit(&mut self, id: &ChargeId, purpose: &str, loss: Loss) -> Result<()> {
        let (budget, charge) = (self.state.budget.budget(), loss.charge());
        if !budget.is_same_currency(charge) {
            return Err(self.refuse("dp.charge_unit", "the charge is in another unit than the budget", "扣减单位与预算单位不同"));
        }
        let spent = self.spent.plus(charge).filter(|spent| budget.minus(*spent).is_some());
        self.spent = spent.ok_or_else(|| self.refuse("dp.budget", "the privacy budget does not suffice", "隐私预算不足"))?;
        self.charges.insert(id.clone(), Charge { purpose: purpose.to_owned(), loss, result: None });
        Ok(())
    }

    fn keep(&mut self, id: &ChargeId, result: &[u8]) -> Result<()> {
        match self.charges.get_mut(id) {
            Some(charge) if charge.result.is_none() => {
                charge.result = Some(result.to_vec());
                Ok(())
            }
            _ => Err(self.refuse("dp.charge_id", "no pending charge of this id", "没有该编号的待发布扣减")),
        }
    }

    fn append(&mut self, entry: Entry) {
        let hash = chain(&self.head(), &entry);
        self.state.entries.push((entry, hash));
    }

    fn refuse(&self, code: &'static str, en: &str, zh: &str) -> Error {
        let (main, delta) = self.left();
        let owner = &self.state.owner;
        let (remedy_en, remedy_zh) = match code {
            "dp.budget" => {
                ("ask for less precision, or let the owner decide on a new budget", "请降低精度要求，或由数据所有者决定新的预算")
            }
            "dp.charge_unit" => ("convert the cost into the unit of the budget", "请先将成本换算为预算单位"),
            _ => ("use a new charge id for a new release", "新的发布请使用新的扣减编号"),
        };
        refuse(
            code,
            Text::new(en, zh),
            Text::new(
                format!("ledger of `{owner}`, left {main:.6}, delta {delta:.3e}"),
                format!("“{owner}”的台账，剩余 {main:.6}，delta {delta:.3e}"),
            ),
            Text::new(remedy_en, remedy_zh),
        )
    }
}

impl State {
    /// The link before the first: owner, adjacency and budget are bound too.
    fn origin(&self) -> String {
        let head = serde_json::json!(["yu privacy ledger", self.version, self.owner, self.adjacency, self.budget]);
        hex::encode(Sha256::digest(head.to_string()))
    }
}

/// Floating-point numbers are written in their shortest exact form: the text is the same wherever it is made.
fn chain(before: &str, entry: &Entry) -> String {
    let entry = serde_json::to_string(entry).unwrap_or_default();
    hex::encode(Sha256::new().chain_update(before).chain_update(entry).finalize())
}

impl<A: Adjacency> TryFrom<State> for Ledger<A> {
    type Error = Error;

    fn try_from(state: State) -> Result<Self> {
        let mut ledger = Self::new(&state.owner, state.budget);
        let broken = |ledger: &Self| ledger.refuse("dp.ledger", "the stored ledger is damaged or was changed", "台账存储已损坏或被改动");
        if state.version != 1 || state.adjacency != A::KIND {
            return Err(broken(&ledger));
        }
        for (entry, hash) in state.entries {
            match &entry {
                Entry::Charge { id, purpose, loss } if !ledger.charges.contains_key(id) => ledger.debit(id, purpose, *loss)?,
                Entry::Release { id, result } => {
                    let result = hex::decode(result).map_err(|_| broken(&ledger))?;
                    ledger.keep(id, &result)?;
                }
                Entry::Charge { .. } => return Err(broken(&ledger)),
            }
            ledger.append(entry);
            if ledger.head() != hash {
                return Err(broken(&ledger));
            }
        }
        Ok(ledger)
    }
}
