//! Quotes before a run, invoices after a month: drawn from the filed counters, compared with them and with the contracts by whoever pays (D13, O9).

use super::meter::{contracts, month, payer};
use super::start;
use crate::docket::chapters::tariffs::{Ledger, counted, yuan, yuan_of_fen};
use crate::docket::kind::all_of;
use crate::fault::{Code, Fault, Result};
use crate::job::bundle::{self, Bundle};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::verbs::lines;
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::id::PartyName;
use yu_governance::metering::{Counts, Invoice, Month, Quote, Subject, Unit, is_lab};
use yu_governance::sign::{KeyRing, Signed};

/// Draws the invoices of a month for all customers and files them; this node is the platform.
///
/// # Errors
/// `invoice.no-tariff` and others by the rules; `state.wrong` before the month has ended.
pub fn draw(node: &Arc<Node>, text: &str) -> Result<Value> {
    law::required(node)?;
    let (month, me) = (month(text)?, node.name().parse::<PartyName>()?);
    if month.span().is_none_or(|(_, end)| now() < end) {
        return Err(Fault::new(Code::State, format!("{month} has not ended: later readings would be charged twice or never")));
    }
    let drawn: Vec<Invoice> = node.docket().with(node, |book| {
        let Some(billing) = book.ledger.billing(&me) else {
            return Err(Fault::new(Code::NotFound, format!("no tariff of `{me}` is filed: `yu docket template tariff`")));
        };
        let issued = book.ledger.issued.get(&me);
        let customers =
            book.ledger.customers(month).into_iter().filter(|tenant| issued.is_none_or(|known| known.get(tenant, month).is_none()));
        customers.map(|tenant| billing.draw(&tenant, month).map_err(|found| all_of(found).err().unwrap_or_else(nothing))).collect()
    })?;
    let (mut all, mut say) = (Vec::new(), Vec::new());
    for invoice in drawn {
        say.extend(told(&invoice));
        let said = start(node, "invoice", invoice)?;
        say.extend(sentences(&said));
        all.push(said);
    }
    if all.is_empty() {
        say.push((format!("nobody has anything to pay for {month}"), format!("{month} 没有待开具的账单")));
    }
    Ok(json!({ "invoices": all, "say": lines(say) }))
}

fn nothing() -> Fault {
    Fault::new(Code::Bug, "a refusal without a finding")
}

fn sentences(said: &Value) -> Vec<(String, String)> {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    said["say"].as_array().into_iter().flatten().map(|line| (text(line, "en"), text(line, "zh"))).collect()
}

/// An invoice in words.
fn told(invoice: &Invoice) -> Vec<(String, String)> {
    let (tenant, month, sum) = (&invoice.tenant, invoice.month, yuan_of_fen(invoice.fen));
    let mut say = vec![(
        format!("{month}, `{tenant}` pays {sum} yuan to {}", invoice.platform),
        format!("{month}：`{tenant}` 应付 {} {sum} 元", invoice.platform),
    )];
    say.extend(invoice.lines.iter().map(|line| {
        use yu_governance::workflow::Word as _;
        let free = if line.tariff.is_none() { (", laboratory: free", "（实验室免费）") } else { ("", "") };
        (
            format!("  {} {} {}: {} yuan{}", line.class, line.unit, line.amount, yuan(line.micro), free.0),
            format!("  {}，{} {}：{} 元{}", line.class.zh(), line.unit.zh(), line.amount, yuan(line.micro), free.1),
        )
    }));
    say
}

/// What is wrong with an invoice by the counters, by the quotes, and by the contracts that this node knows. A reading of a job that this node pays for
/// and does not know is wrong as well.
fn findings(ledger: &Ledger, signed: &Signed<Invoice>, contracts: &[Contract], own: &str, ring: &KeyRing) -> Vec<Finding> {
    let invoice = &signed.payload;
    let Some(billing) = ledger.billing(&invoice.platform) else { return Vec::new() };
    let mut found = billing.reconcile(signed, ring).err().unwrap_or_default();
    let cited = |job: &yu_governance::id::JobId| {
        ledger.readings.iter().any(|(hash, reading)| invoice.readings.contains(&hash) && reading.subject == Subject::Job { job: *job })
    };
    let quotes: Vec<_> = ledger.quotes.iter().filter(|(job, _)| cited(job)).map(|(_, quote)| quote.clone()).collect();
    found.extend(billing.within_quotes(&quotes, ring).err().unwrap_or_default());
    let known: Vec<(&Contract, yu_governance::id::JobId)> = contracts.iter().filter_map(|c| Some((c, c.id().ok()?))).collect();
    found.extend(known.iter().filter(|(_, job)| cited(job)).flat_map(|(contract, _)| ledger.readings.against(contract)));
    if invoice.tenant == own {
        for (hash, reading) in ledger.readings.iter().filter(|(hash, _)| invoice.readings.contains(hash)) {
            if let Subject::Job { job } = reading.subject
                && !known.iter().any(|(_, id)| *id == job)
            {
                let what = (
                    format!("reading {hash} is of job {job}, which is not known here"),
                    format!("读数 {hash} 所属任务 {job} 在本节点无记录"),
                );
                found.push(Finding::new(
                    "invoice.job-unknown",
                    &reading.node,
                    what,
                    ("do not sign it; ask this node", "不予签署，并向该节点核实"),
                ));
            }
        }
    }
    found
}

/// Invoices that are filed or wait for a signature here, each with what is wrong with it.
///
/// # Errors
/// `storage.damaged`.
pub fn show(node: &Node, text: Option<&str>) -> Result<Value> {
    let (only, law, contracts) = (text.map(month).transpose()?, law::required(node)?, contracts(node)?);
    let own = crate::verbs::organisation(node.name()).to_owned();
    let waits = |month: Month| only.is_none_or(|only| only == month);
    let waiting: Vec<(String, Signed<Invoice>)> =
        crate::docket::draft::waiting_of::<Invoice>(node)?.into_iter().filter(|(_, signed)| waits(signed.payload.month)).collect();
    node.docket().with(node, |book| {
        let (mut all, mut say) = (Vec::new(), Vec::new());
        for invoice in book.ledger.invoices().filter(|invoice| waits(invoice.month)) {
            say.extend(told(invoice));
            all.push(json!({ "state": "filed", "invoice": invoice }));
        }
        for (hash, signed) in &waiting {
            let found = findings(&book.ledger, signed, &contracts, &own, &law.ring);
            say.extend(told(&signed.payload));
            let short: String = hash.chars().take(16).collect();
            say.push(if found.is_empty() {
                (format!("  {short}: follows from counters, tariff and contracts"), format!("  {short}：与计量、价目和合约一致"))
            } else {
                (format!("  {short}: {} DIFFERENCES", found.len()), format!("  {short}：有 {} 处不符", found.len()))
            });
            say.extend(
                found
                    .iter()
                    .map(|found| (format!("  [{}] {} ({})", found.code, found.what.en, found.party), format!("  {}", found.what.zh))),
            );
            all.push(json!({ "state": "waits", "hash": hash, "invoice": signed.payload, "findings": found }));
        }
        if all.is_empty() {
            say.push(("no invoices".into(), "没有账单".into()));
        }
        Ok(json!({ "invoices": all, "say": lines(say) }))
    })
}

/// The cost sheet of a month: what each job, product and inventory cost at the costs of the tariff (O9).
///
/// # Errors
/// `not-found` without a tariff; by the rules.
pub fn costs(node: &Node, text: &str) -> Result<Value> {
    let month = month(text)?;
    node.docket().with(node, |book| {
        let (mut all, mut say, mut sum) = (Vec::new(), Vec::new(), 0_u64);
        for platform in book.ledger.tariffs.keys() {
            let Some(billing) = book.ledger.billing(platform) else { continue };
            let sheet = billing.cost_sheet(month).map_err(|found| all_of(found).err().unwrap_or_else(nothing))?;
            for (subject, micro) in sheet {
                let name = match &subject {
                    Subject::Job { job } => (format!("job {job}"), format!("任务 {job}")),
                    Subject::Product { product, .. } => (format!("product {product}"), format!("产品 {product}")),
                    Subject::Storage { inventory } => (format!("storage {inventory}"), format!("存储 {inventory}")),
                };
                say.push((format!("{}: {} yuan", name.0, yuan(micro)), format!("{}：{} 元", name.1, yuan(micro))));
                sum = sum.saturating_add(micro);
                all.push(json!({ "subject": subject, "micro": micro.to_string() }));
            }
        }
        say.push((format!("{month}: {} yuan in all", yuan(sum)), format!("{month} 合计成本 {} 元", yuan(sum))));
        Ok(json!({ "costs": all, "micro": sum.to_string(), "say": lines(say) }))
    })
}

/// The most that a job costs by the tariff of now; nothing without one.
fn price(ledger: &Ledger, bundle: &Bundle, beside: &Counts, at: Time) -> Result<Option<Quote>> {
    let (Some(tariff), Some(tenant)) = (ledger.tariff(at), payer(bundle)) else { return Ok(None) };
    let made = Quote::make(&bundle.contract.payload, tenant, beside, tariff, &ledger.classes, &ledger.labs, at);
    made.map(Some).map_err(|found| all_of(found).err().unwrap_or_else(nothing))
}

/// A job's price in words, for whoever is about to sign it: what was quoted, else what the tariff of now gives at most.
///
/// # Errors
/// `storage.damaged`.
pub fn explained(node: &Node, bundle: &Bundle) -> Result<Vec<(String, String)>> {
    let job = bundle.contract.payload.id()?;
    node.docket().with(node, |book| {
        let quoted = book.ledger.quotes.get(&job).map(|signed| signed.payload.clone());
        let of = if quoted.is_some() { ("quoted", "报价") } else { ("by the tariff of now", "按现行价目") };
        let Some(quote) = quoted.map_or_else(|| price(&book.ledger, bundle, &Counts::default(), now()), |quote| Ok(Some(quote)))? else {
            return Ok(Vec::new());
        };
        let free = is_lab(&book.ledger.labs, &bundle.contract.payload.authorisation.id, quote.at);
        Ok(vec![if free || quote.tariff.is_none() {
            ("price: free, it is a job of the laboratory".into(), "价格：实验室任务免费".into())
        } else {
            use yu_governance::workflow::Word as _;
            (
                format!(
                    "price: at most {} yuan for `{}` ({}), {}, processor time aside unless quoted",
                    yuan(quote.micro),
                    quote.tenant,
                    quote.class,
                    of.0
                ),
                format!(
                    "价格：`{}`（{}）至多 {} 元，{}；处理器时间除已报价外另计",
                    quote.tenant,
                    quote.class.zh(),
                    yuan(quote.micro),
                    of.1
                ),
            )
        }])
    })
}

/// Signs and files the price of a job that is known here and has not run; this node is the platform.
///
/// # Errors
/// `not-found` for the job or without a tariff; by the rules.
pub fn quote(node: &Arc<Node>, job: &str, cpu_ms: u64) -> Result<Value> {
    law::required(node)?;
    let row = bundle::find(node, job)?;
    let bundle = Bundle::of(&row)?;
    let beside = Counts::of(&[(Unit::CpuMs, cpu_ms)]);
    let made = node.docket().with(node, |book| price(&book.ledger, &bundle, &beside, now()))?;
    let quote = made.ok_or_else(|| Fault::new(Code::NotFound, "no tariff holds now: `yu docket template tariff`"))?;
    let (en, zh) = counted(&quote.most);
    let mut say = vec![(
        format!("at most {} yuan for `{}`: {en}", yuan(quote.micro), quote.tenant),
        format!("`{}` 至多 {} 元：{zh}", quote.tenant, yuan(quote.micro)),
    )];
    let micro = quote.micro;
    let said = start(node, "quote", quote)?;
    say.extend(sentences(&said));
    Ok(json!({ "quote": said, "micro": micro.to_string(), "say": lines(say) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_to_the_last_digit() {
        let cases = [(0, "0"), (1, "0.000001"), (300, "0.0003"), (1_000_000, "1"), (12_340_000, "12.34")];
        cases.into_iter().for_each(|(micro, text)| assert_eq!(yuan(micro), text));
        assert_eq!(yuan_of_fen(1205), "12.05");
        assert!(month("2026-05").is_ok() && month("2026-13").is_err() && month("May").is_err() && month("2026-5").is_err());
    }
}
