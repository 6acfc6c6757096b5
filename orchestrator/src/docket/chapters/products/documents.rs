//! Who signs a document about a product, and what keeps it out of the book.

use super::super::super::book::Book;
use super::super::super::kind::{Document, Moment, all_of, refuse};
use crate::docket::line::STEP;
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeSet;
use yu_governance::canonical::Hash;
use yu_governance::catalogue::licence::Licence;
use yu_governance::catalogue::offer::{ProductDelisting, ProductListing, ProductReview, ProductVersion, ResultFiling};
use yu_governance::catalogue::product::{Delisting, ProductKind};
use yu_governance::catalogue::shelf::Supply;
use yu_governance::clock::Time;
use yu_governance::id::{PartyName, document_hash};
use yu_governance::register::RegistrationDossier;
use yu_governance::sign::Signed;
use yu_governance::workflow::product::{Case, Event, State};
use yu_governance::workflow::{Machine as _, Replayed, Role};

/// What is dated is neither of the future nor much older than its filing.
fn dated(at: Time, moment: Moment<'_>) -> Result<()> {
    const OLDEST_DAYS: i64 = 30;
    if at > moment.at || at < moment.at.plus_days(-OLDEST_DAYS) {
        return Err(refuse("product.date", format!("dated {at}, filed {}: at most {OLDEST_DAYS} days before", moment.at)));
    }
    Ok(())
}

fn makes_products(law: &Law, who: &PartyName) -> bool {
    [Role::Licensee, Role::Developer].into_iter().any(|role| law.holders(role).contains(who))
}

fn version<'a>(book: &'a Book, hash: &Hash) -> Result<&'a ProductVersion> {
    let known = book.products.versions.get(hash).map(|(version, _)| version);
    known.ok_or_else(|| refuse("product.unknown", format!("no version {hash} of a product is filed")))
}

impl Document for ProductVersion {
    const KIND: &'static str = "product-version";
    const TITLE: (&'static str, &'static str) = ("version of a product", "数据产品版本");
    const EXAMPLE: &'static str = include_str!("version.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.owner.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let offered = &signed.payload;
        if !makes_products(moment.law, &offered.owner) {
            return Err(refuse("product.owner", format!("`{}` is appointed neither as licensee nor as developer", offered.owner)));
        }
        let before = book.products.latest(&offered.product).map(|(_, version)| version);
        offered.check(before, &moment.law.rules().product_kinds.value).or_else(all_of)?;
        // an old version under a new number would be one product with two reviews
        if book.products.versions.values().any(|(known, _)| known.product == offered.product && known.contents == offered.contents) {
            return Err(refuse("product.no-change", "an earlier version has the same model, code, sources and purpose"));
        }
        for source in &offered.sources {
            match (book.catalogue.0.record(source), book.catalogue.0.supply(source)) {
                (None, _) => return Err(refuse("product.source-unknown", format!("`{source}` has no record in the catalogue"))),
                (Some(_), Some(Supply::Withdrawn { .. })) => {
                    return Err(refuse("product.source-withdrawn", format!("supply of `{source}` is withdrawn")));
                }
                _ => {}
            }
        }
        let hash = document_hash(offered)?;
        book.products.last.insert(offered.product.clone(), hash);
        book.products.versions.insert(hash, (offered.clone(), moment.at));
        Ok(())
    }
}

impl Document for ProductReview {
    const KIND: &'static str = "product-review";
    const TITLE: (&'static str, &'static str) = ("review of a product, item by item", "数据产品审核要点");
    const EXAMPLE: &'static str = include_str!("review.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.checker.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (review, rules) = (&signed.payload, moment.law.rules());
        let checker = rules.product().checked_by;
        if !moment.law.holders(checker).contains(&review.checker) {
            return Err(refuse("product.checker", format!("`{}` is not appointed as {checker}", review.checker)));
        }
        dated(review.at, moment)?;
        review.check(version(book, &review.version)?, &rules.product_checks.value.0).or_else(all_of)?;
        book.products.reviews.insert(document_hash(review)?, review.clone());
        Ok(())
    }
}

impl Document for ProductListing {
    const KIND: &'static str = "product-listing";
    const TITLE: (&'static str, &'static str) = ("listing of a product", "数据产品上架");
    const EXAMPLE: &'static str = include_str!("listing.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.lister.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (listing, law) = (&signed.payload, moment.law);
        let lister = law.rules().product().listed_by;
        if listing.v != 1 || !law.holders(lister).contains(&listing.lister) {
            return Err(refuse("product.lister", format!("`{}` is not appointed as {lister}", listing.lister)));
        }
        dated(listing.at, moment)?;
        let offered = version(book, &listing.version)?.clone();
        if book.products.last.get(&offered.product) != Some(&listing.version) {
            return Err(refuse("product.version", format!("a later version of `{}` is offered", offered.product)));
        }
        let decision = decided(listing, &offered, book, law)?;
        let kinds: BTreeSet<ProductKind> = [offered.form.kind()].into();
        let entry = offered.entry(decision, listing.registrations.clone());
        // a kind that the profile does not know was not filed as a version; the profile may have changed since
        offered.check(previous(book, &offered), &law.rules().product_kinds.value).or_else(all_of)?;
        book.products.catalogue.list_later(entry, &decision, &kinds, moment.at).map(drop).or_else(all_of)?;
        book.products.listed.insert(offered.product, listing.version);
        Ok(())
    }
}

fn previous<'a>(book: &'a Book, offered: &ProductVersion) -> Option<&'a ProductVersion> {
    offered.previous.and_then(|hash| book.products.versions.get(&hash)).map(|(version, _)| version)
}

/// The decision on exactly this version: its procedure, step by step as the authority took it in, over a review in which every item holds.
fn decided(listing: &ProductListing, offered: &ProductVersion, book: &Book, law: &Law) -> Result<Hash> {
    let contents = document_hash(&offered.contents)?;
    let (mut decision, mut review) = (None, None);
    for step in &listing.steps {
        let hash = document_hash(&step.payload)?;
        if book.documents.get(&hash).is_none_or(|(kind, _)| *kind != STEP) {
            let what = format!("step {} of `{}` was not taken in by the authority", step.payload.sequence, step.payload.object);
            return Err(refuse("product.step-unknown", what));
        }
        match &step.payload.event {
            Event::Draft { contents: drafted, replaces, .. } => {
                let before = previous(book, offered).map(|before| document_hash(&before.contents)).transpose()?;
                if *drafted != contents || *replaces != before {
                    return Err(refuse("product.other-version", "the procedure is about other contents, or replaces other ones"));
                }
            }
            Event::Check { .. } => review = Some(step.payload.evidence),
            Event::Decide { .. } => decision = Some(hash),
            _ => {}
        }
    }
    let rules = law.rules().product();
    let here = Replayed::<Case>::replay(&offered.object(), &listing.steps, &rules, &law.roster, &law.ring)?;
    let state = here.case().state_at(listing.at);
    let is_ready = state == State::Listed || state == State::Filed || (state == State::Decided && rules.filed_with.is_none());
    let Some(decision) = decision.filter(|_| is_ready) else {
        let code = if state == State::Decided { "product.not-filed" } else { "product.not-decided" };
        return Err(refuse(code, format!("the procedure of `{}` stands at `{state}`", offered.object())));
    };
    let owner = [Role::Licensee, Role::Developer].into_iter().any(|role| here.tenant(role) == Some(offered.owner.organisation()));
    if !owner {
        return Err(refuse("product.owner", format!("the procedure of `{}` was not begun by its owner", offered.object())));
    }
    let review = review.and_then(|hash| book.products.reviews.get(&hash)).filter(|review| review.version == listing.version);
    match review.map(|review| review.failed().next()) {
        Some(None) => Ok(decision),
        Some(Some(item)) => {
            let name = yu_governance::profile::Named::name(item);
            Err(refuse("product.item-failed", format!("the review found that this does not hold: {} ({})", name.en, name.zh)))
        }
        None => Err(refuse("product.not-reviewed", "the check does not rest on a filed review of this version: give its hash as evidence")),
    }
}

impl Document for ProductDelisting {
    const KIND: &'static str = "product-delisting";
    const TITLE: (&'static str, &'static str) = ("de-listing of a product", "数据产品下架");
    const EXAMPLE: &'static str = include_str!("delisting.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (order, law) = (&signed.payload, moment.law);
        dated(order.at, moment)?;
        if order.v != 1 || order.why.is_blank() {
            return Err(refuse("product.reason-missing", "say why, in English and in Chinese"));
        }
        let is_owner = order.by.organisation() == order.product.organisation() && order.by.environment() == order.product.environment();
        let may = law.rules().product().delisted_by.into_iter().any(|role| match role {
            Role::Licensee | Role::Developer => is_owner && makes_products(law, &order.by),
            other => law.holders(other).contains(&order.by),
        });
        let fits = match order.reason {
            Delisting::Owner => is_owner,
            Delisting::Order | Delisting::AuthorisationEnded => order.by == law.authority,
            Delisting::SourceWithdrawn => {
                let listed = book.products.catalogue.listed(&order.product, moment.at);
                listed.is_some_and(|entry| super::withdrawn(entry, book).next().is_some())
            }
            // a newer version does that by itself
            Delisting::Replaced => false,
        };
        if !may || !fits {
            return Err(refuse("product.delister", format!("`{}` does not take `{}` down for this reason", order.by, order.product)));
        }
        match book.products.catalogue.listed(&order.product, moment.at) {
            Some(entry) if entry.number != order.number => {
                return Err(refuse("product.other-version", format!("version {} is listed, not {}", entry.number, order.number)));
            }
            _ => {}
        }
        book.products.catalogue.delist(&order.product, order.reason, moment.at).map(drop).or_else(all_of)
    }
}

impl Document for Licence {
    const KIND: &'static str = "product-licence";
    const TITLE: (&'static str, &'static str) = ("licence of a product", "数据产品许可");
    const EXAMPLE: &'static str = include_str!("licence.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.owner.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let licence = &signed.payload;
        let Some((entry, _)) = book.products.on_shelf(&licence.product, moment.at) else {
            return Err(refuse("product.not-listed", format!("`{}` is not listed", licence.product)));
        };
        Self::verify(signed, entry, moment.law.rules().supplier_free.value, &moment.law.ring).map(drop).or_else(all_of)?;
        if book.products.licences.contains_key(&licence.entry) {
            return Err(refuse("licence.twice", format!("this version of `{}` has its licence", licence.product)));
        }
        book.products.licences.insert(licence.entry, licence.clone());
        Ok(())
    }
}

impl Document for RegistrationDossier {
    const KIND: &'static str = "product-dossier";
    const TITLE: (&'static str, &'static str) = ("dossier for the registration of a product", "数据产品登记材料");
    const EXAMPLE: &'static str = include_str!("dossier.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.owner.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let dossier = &signed.payload;
        dated(dossier.at, moment)?;
        let Some((entry, offered)) = book.products.on_shelf(&dossier.product, moment.at) else {
            return Err(refuse("dossier.not-listed", format!("`{}` is not listed", dossier.product)));
        };
        // the lineage is compared by whoever has the records: `yu product registered`
        let fits = dossier.v == 1
            && dossier.owner.organisation() == dossier.product.organisation()
            && dossier.owner.environment() == dossier.product.environment()
            && (dossier.number, &dossier.name, dossier.kind) == (entry.number, &entry.name, entry.kind)
            && (&dossier.sources, dossier.decision) == (&entry.sources, entry.decision)
            && dossier.contents == document_hash(&offered.contents)?;
        if !fits {
            return Err(refuse("dossier.contents", format!("the dossier is not about what is listed as `{}`", dossier.product)));
        }
        book.products.dossiers.insert((dossier.product.clone(), dossier.number), dossier.clone());
        Ok(())
    }
}

impl Document for ResultFiling {
    const KIND: &'static str = "result-filing";
    const TITLE: (&'static str, &'static str) = ("filing of a result before it leaves", "结果出域前备案");
    const EXAMPLE: &'static str = include_str!("filing.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.reviewer.clone(), self.filed_with.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let filing = &signed.payload;
        dated(filing.at, moment)?;
        let Some(with) = moment.law.rules().product().filed_with else {
            return Err(refuse("product.no-filing", "the profile asks for no filing"));
        };
        if !moment.law.holders(with).contains(&filing.filed_with) {
            return Err(refuse("product.filed-with", format!("`{}` is not appointed as {with}", filing.filed_with)));
        }
        if filing.v != 1 || filing.number.trim().is_empty() {
            return Err(refuse("product.filing-number", "the filing has no number"));
        }
        book.products.filed.entry(filing.job.0).or_default().push(filing.clone());
        Ok(())
    }
}
