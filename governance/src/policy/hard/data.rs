//! Rules about data sets, columns, approvals, consent and what the match reveals.

use super::{proven_approval, proven_authorisation, proven_entry};
use crate::catalogue::{CatalogueEntry, Kind, Origin, Subjects};
use crate::contract::{ConsentTerms, Input, LeakCode, RevealMatch, Side, StepTerms, leakage as statement};
use crate::finding::Finding;
use crate::policy::case::Case;

/// K1, A6: each input has a publishable entry, signed by the party that brings it, of exactly this version.
pub(super) fn catalogue(input: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for i in &input.contract.inputs {
        let mut add = |code: &str, en: String, zh: String, remedy: (&str, &str)| {
            found.push(Finding::new(code, &i.party, (en, zh), remedy));
        };
        let name = &i.dataset;
        if input.dossier.entry(name).is_none() {
            add(
                "catalogue.missing",
                format!("`{name}` has no catalogue entry among the documents"),
                format!("缺少 `{name}` 的目录"),
                ("add the data set with `yu dataset add`", "用 `yu dataset add` 登记数据集"),
            );
            continue;
        }
        let Some(entry) = proven_entry(input, name) else {
            add(
                "catalogue.signature",
                format!("the catalogue entry of `{name}` is not signed by its provider"),
                format!("`{name}` 的目录未经提供单位有效签署"),
                ("obtain the signed entry again", "重新获取签署的目录"),
            );
            continue;
        };
        if entry.provider != i.party {
            add(
                "dataset.provider",
                format!("`{name}` is held by `{}`, not by `{}`", entry.provider, i.party),
                format!("`{name}` 由 `{}` 持有，而非 `{}`", entry.provider, i.party),
                ("let the provider's node bring it", "由提供单位的节点提供"),
            );
        }
        if entry.version != i.version {
            add(
                "dataset.version",
                format!("`{name}` has changed: the contract names another version than the catalogue"),
                format!("`{name}` 已变更：合约所列版本与目录不同"),
                ("compile the job again with the present version", "按当前版本重新生成合约"),
            );
        }
        if i.rows > entry.rows {
            add(
                "dataset.rows",
                format!("the contract names more rows of `{name}` than the catalogue has"),
                format!("合约所列 `{name}` 的行数多于目录"),
                ("compile the job again", "重新生成合约"),
            );
        }
        found.extend(entry.check());
    }
    found
}

/// A20, P4: each input is approved by whoever may approve it, on a signed request under this authorisation, now and
/// until the contract ends.
pub(super) fn approval(input: &Case<'_>) -> Vec<Finding> {
    input.contract.inputs.iter().flat_map(|i| approval_of(input, i)).collect()
}

fn approval_of(input: &Case<'_>, i: &Input) -> Vec<Finding> {
    let c = input.contract;
    let name = &i.dataset;
    let one = |code: &str, party: &str, en: String, zh: String, remedy: (&str, &str)| vec![Finding::new(code, party, (en, zh), remedy)];
    let Some(approval) = proven_approval(input, i) else {
        return one(
            "approval.missing",
            i.party.as_str(),
            format!("no signed approval that the contract cites covers `{name}`"),
            format!("合约所引的审核中没有覆盖 `{name}` 的有效审核"),
            ("request the data and have the request approved", "提出数据申请并通过审核"),
        );
    };
    let approver = approval.approver.as_str();
    let request = input.dossier.request(&approval.request).and_then(|signed| input.verify(signed, signed.payload.requester.as_str()).ok());
    let Some((request, hash)) = request else {
        return one(
            "request.missing",
            approver,
            format!("the signed request `{}` behind the approval is not among the documents", approval.request),
            format!("缺少审核所依据的申请 `{}`", approval.request),
            ("send the request again with `yu request send`", "用 `yu request send` 重新申请"),
        );
    };
    let mut found = approval.check(request, &hash);
    let licensee = proven_authorisation(input).map(|a| a.licensee.as_str());
    if request.authorisation != c.authorisation.id
        || request.authorisation_hash != c.authorisation.hash
        || approval.authorisation != c.authorisation.id
        || Some(request.requester.organisation()) != licensee
    {
        found.extend(one(
            "request.other-authorisation",
            request.requester.as_str(),
            format!("request `{}` was not made by the licensee under the authorisation of this contract", request.id),
            format!("申请 `{}` 并非被授权单位依据本合约的授权提出", request.id),
            ("let the licensee request the data under this authorisation", "由被授权单位依据本授权申请"),
        ));
    }
    if !may_approve(input, i, approver) {
        found.extend(one(
            "approval.not-entitled",
            approver,
            format!("`{approver}` may not approve the use of `{name}`"),
            format!("`{approver}` 无权审核 `{name}` 的使用"),
            (
                "public data: the provider approves; the licensee's own: the authority",
                "公共数据由提供单位审核，被授权单位自有数据由主管部门审核",
            ),
        ));
    }
    if input.now < approval.at || input.now >= approval.not_after || approval.not_after < c.expires {
        found.extend(one(
            "approval.term",
            approver,
            format!(
                "the approval of `{}` holds from {} to {}, not now and until the contract ends",
                approval.request, approval.at, approval.not_after
            ),
            format!("对申请 `{}` 的审核有效期为 {} 至 {}，未覆盖当前至合约截止", approval.request, approval.at, approval.not_after),
            ("have the request approved for the term of the contract", "按合约期限重新审核"),
        ));
    }
    found
}

/// Whether an input is the licensee's own: then it is an import, whatever its entry says. Who is licensee stands in the
/// authorisation; without one nothing may run, and the entry's own word only decides which findings are shown.
fn is_licensees_own(input: &Case<'_>, entry: &CatalogueEntry) -> bool {
    match proven_authorisation(input) {
        Some(authorisation) => {
            entry.provider.organisation() == authorisation.licensee || entry.dataset.organisation() == authorisation.licensee
        }
        None => matches!(entry.origin, Origin::Imported { .. }),
    }
}

/// The authority for the licensee's own data, the provider's organisation for public data. Without a proven entry nobody.
fn may_approve(input: &Case<'_>, i: &Input, approver: &str) -> bool {
    proven_entry(input, &i.dataset).is_some_and(|entry| {
        if is_licensees_own(input, entry) {
            proven_authorisation(input).is_some_and(|a| a.authority.as_str() == approver)
        } else {
            proven_approval(input, i).is_some_and(|a| a.approver.organisation() == entry.provider.organisation())
        }
    })
}

/// P4: the licensee's own data are an import and say so; a provider's data are none, so that their owner is asked.
pub(super) fn origin(input: &Case<'_>) -> Vec<Finding> {
    if proven_authorisation(input).is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for i in &input.contract.inputs {
        let name = &i.dataset;
        let Some(entry) = proven_entry(input, name) else { continue };
        let (code, en, zh, remedy) = match (is_licensees_own(input, entry), &entry.origin) {
            (true, Origin::Public) => (
                "origin.import-undeclared",
                format!("`{name}` is the licensee's own, but its catalogue entry does not say that it is an import"),
                format!("`{name}` 为被授权单位自有数据，但目录未声明为引入数据"),
                (
                    "add it again with `--import-source`, and have the authority approve it",
                    "用 `--import-source` 重新登记，并由主管部门审批",
                ),
            ),
            (false, Origin::Imported { .. }) => (
                "origin.not-an-import",
                format!("`{name}` is a provider's, but its catalogue entry says that it is an import of the licensee"),
                format!("`{name}` 为数据提供单位的数据，但目录声明为被授权单位引入"),
                ("add it again without `--import-source`: its provider decides", "去除 `--import-source` 重新登记，由提供单位审核"),
            ),
            _ => continue,
        };
        found.push(Finding::new(code, &i.party, (en, zh), remedy));
    }
    found
}

/// A5, A6: contract within approval, approval within authorisation, authorisation within catalogue; nothing prohibited.
pub(super) fn columns(input: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for i in &input.contract.inputs {
        let name = &i.dataset;
        let mut beyond = |code: &str, columns: Vec<&str>, en: &str, zh: &str, remedy: (&str, &str)| {
            for column in columns {
                found.push(Finding::new(
                    code,
                    &i.party,
                    (format!("column `{column}` of `{name}` {en}"), format!("`{name}` 的列“{column}”{zh}")),
                    remedy,
                ));
            }
        };
        if let Some(approval) = proven_approval(input, i) {
            beyond(
                "columns.beyond-approval",
                i.columns.beyond(&approval.granted()),
                "is beyond the approved request",
                "超出已审核的申请",
                ("leave the column out, or request it", "去除该列，或另行申请"),
            );
        }
        if let Some(authorisation) = proven_authorisation(input) {
            let granted = authorisation.grant(name).cloned().unwrap_or_default();
            let approved = proven_approval(input, i).map(crate::request::Approval::granted).unwrap_or_default();
            let mut columns = i.columns.beyond(&granted);
            columns.extend(approved.beyond(&granted));
            columns.sort_unstable();
            columns.dedup();
            beyond(
                "columns.beyond-authorisation",
                columns,
                "is beyond the authorisation",
                "超出授权范围",
                ("leave the column out, or have it authorised", "去除该列，或就该列取得授权"),
            );
        }
        if let Some(entry) = proven_entry(input, name) {
            beyond(
                "columns.beyond-catalogue",
                i.columns.iter().filter(|c| entry.column(c).is_none()).collect(),
                "is not in the catalogue",
                "不在目录中",
                ("compare the name with `yu dataset list`", "与 `yu dataset list` 核对列名"),
            );
            beyond(
                "columns.prohibited",
                i.columns.iter().filter(|c| entry.is_prohibited(c)).collect(),
                "is closed to opening and may never be used",
                "属于禁止开放的数据，不得使用",
                ("leave the column out", "去除该列"),
            );
        }
    }
    found
}

/// Keys are keys, statistics are over numbers, groups are the published categories.
pub(super) fn kinds(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    let mut found = Vec::new();
    for i in &c.inputs {
        let Some(entry) = proven_entry(input, &i.dataset) else { continue };
        let mut wrong: Vec<(&str, &str, &str)> = Vec::new();
        for key in &i.key.columns {
            if entry.column(key).is_some_and(|c| c.kind != Kind::Key) {
                wrong.push((key, "is no key in the catalogue", "在目录中不是主键"));
            }
        }
        for side in c.joint().into_iter().flat_map(|j| [&j.statistics.left, &j.statistics.right]).filter(|side| side.party == i.party) {
            for column in &side.columns {
                if entry.column(column).is_some_and(|c| c.kind != Kind::Numeric) {
                    wrong.push((column, "is no number in the catalogue", "在目录中不是数值"));
                }
            }
        }
        for column in c.training().into_iter().flat_map(|t| t.features.iter().chain([&t.target])) {
            if entry.column(column).is_some_and(|c| c.kind != Kind::Numeric) {
                wrong.push((column, "is no number in the catalogue", "在目录中不是数值"));
            }
        }
        let groupings = c.steps().iter().flat_map(StepTerms::categories);
        for g in groupings.filter(|g| c.side_of(&i.party) == Some(g.side)) {
            let same = |entry: &CatalogueEntry| {
                entry.column(&g.column).is_none_or(|c| matches!(&c.kind, Kind::Categorical { categories } if *categories == g.categories))
            };
            if !same(entry) {
                wrong.push((&g.column, "does not have these categories in the catalogue", "在目录中的类别与合约不同"));
            }
        }
        for (column, en, zh) in wrong {
            found.push(Finding::new(
                "columns.kind",
                &i.party,
                (format!("column `{column}` of `{}` {en}", i.dataset), format!("`{}` 的列“{column}”{zh}", i.dataset)),
                ("correct the job, or the catalogue entry with `yu dataset add`", "修改任务，或用 `yu dataset add` 修改目录"),
            ));
        }
    }
    found
}

/// Whether the rows of an input point at somebody; without a proven entry they do.
fn points_at_somebody(input: &Case<'_>, i: &Input) -> bool {
    proven_entry(input, &i.dataset).is_none_or(|e| e.subjects != Subjects::None)
}

/// A15, A16: where rows point at somebody, rows without consent are filtered out at the provider, by the subject that the catalogue
/// names: another column would let one person consent for another.
pub(super) fn consent(input: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for i in &input.contract.inputs {
        let ConsentTerms::Filter { subject_column, .. } = &i.consent else {
            if points_at_somebody(input, i) {
                found.push(Finding::new(
                    "consent.filter-missing",
                    &i.party,
                    (
                        format!("rows of `{}` point at subjects, but the contract applies no consent filter", i.dataset),
                        format!("`{}` 的数据指向特定主体，但合约未设授权同意过滤", i.dataset),
                    ),
                    ("add consent = { subject_column = ... } to the input", "为该输入设置 consent"),
                ));
            }
            continue;
        };
        if proven_entry(input, &i.dataset).is_some_and(|e| e.subject_column.as_ref() != Some(subject_column)) {
            found.push(Finding::new(
                "consent.subject",
                &i.party,
                (
                    format!("consent is asked of `{subject_column}`, which the catalogue does not name as the subject of `{}`", i.dataset),
                    format!("授权同意按列“{subject_column}”过滤，但目录未将其列为 `{}` 的主体列", i.dataset),
                ),
                ("compile the job again: the subject follows from the catalogue", "重新生成合约：主体列由目录导出"),
            ));
        }
    }
    found
}

/// Which rows matched is told only where the protocol cannot but tell it, the subjects consented, and the leakage
/// statement says so. The match tells one side about subjects of the *other* side's data, so both need the filter.
pub(super) fn matching(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    let mut found = Vec::new();
    let Some(joint) = c.joint() else { return found };
    let kind = joint.psi.kind;
    if c.reveal_match != kind.reveals() {
        let (protocol, reveals, promised) = (kind.as_str(), kind.reveals().as_str(), c.reveal_match.as_str());
        found.push(Finding::new(
            "match.protocol",
            "contract",
            (
                format!("`{protocol}` reveals the match to `{reveals}`; reveal_match = \"{promised}\" says something else"),
                format!("{protocol} 的匹配揭示对象为 {reveals}，与 reveal_match = \"{promised}\" 不符"),
            ),
            (
                "choose reveal_match = \"both\" with ecdh-ristretto255, \"none\" with shared-join-80 and enclave-join",
                "ecdh-ristretto255 配 reveal_match = \"both\"，shared-join-80 与 enclave-join 配 \"none\"",
            ),
        ));
    }
    if c.reveal_match == RevealMatch::None {
        return found;
    }
    for i in &c.inputs {
        if points_at_somebody(input, i) && matches!(i.consent, ConsentTerms::NotNeeded) {
            found.push(Finding::new(
                "match.consent",
                &i.party,
                (
                    format!("matching would tell the other side about subjects of `{}` who were not asked", i.dataset),
                    format!("求交会使对方得知 `{}` 中未经同意的主体", i.dataset),
                ),
                ("filter by consent first", "先按授权同意过滤"),
            ));
        }
    }
    for (side, terms) in [(Side::Left, &joint.statistics.left), (Side::Right, &joint.statistics.right)] {
        let said = c.leakage.iter().any(|l| l.party == terms.party && l.code == LeakCode::MatchedRows);
        if c.reveal_match.includes(side) && !said {
            found.push(Finding::new(
                "match.leakage",
                &terms.party,
                (
                    format!("the leakage statement does not say that `{}` learns which of its rows match", terms.party),
                    format!("泄露声明未写明 `{}` 将得知己方哪些行匹配", terms.party),
                ),
                ("compile the job again: the statement is derived", "重新生成合约：该声明由程序导出"),
            ));
        }
    }
    found
}

/// The statement says at least what the protocols reveal, in the standard sentences.
pub(super) fn leakage(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    statement::required(c)
        .into_iter()
        .filter(|line| !c.leakage.contains(line))
        .map(|line| {
            Finding::new(
                "leakage.understated",
                &line.party,
                (
                    format!("the leakage statement does not say that `{}` {}", line.party, line.what.en),
                    format!("泄露声明未写明：`{}` {}", line.party, line.what.zh),
                ),
                ("compile the job again: the statement is derived", "重新生成合约：该声明由程序导出"),
            )
        })
        .collect()
}
