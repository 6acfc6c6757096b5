//! The table of all fields: type, name in both languages; the type carries the order (see [`Value`]).

use serde::{Deserialize, Serialize};

use super::choice::*;
use super::cite::{Basis, Cited};
use super::limits::{Leakage, ProductKinds};
use super::value::*;
use crate::calendar::Limit;
use crate::text::Text;

/// A field of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field {
    /// Its key in the file.
    pub key: &'static str,
    /// Its name in English.
    pub en: &'static str,
    /// Its name in Chinese.
    pub zh: &'static str,
}

/// A field with its value in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Which field.
    pub field: &'static Field,
    /// Its value.
    pub words: Text,
    /// Why.
    pub basis: &'a Basis,
    /// Whether the value cannot be meant ([`Value::is_void`]).
    pub is_void: bool,
}

/// Two values of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    pub(super) own: Entry<'a>,
    pub(super) other: Entry<'a>,
    pub(super) is_same: bool,
    /// Whether the own value is tighter than or equal to the other.
    pub(super) is_within: bool,
    /// The reverse.
    pub(super) is_around: bool,
}

fn entry<'a, T: Value>(field: &'static Field, cited: &'a Cited<T>) -> Entry<'a> {
    Entry { field, words: cited.value.words(), basis: &cited.basis, is_void: cited.value.is_void() }
}

macro_rules! table {
    ($($(#[$doc:meta])* $key:ident: $type:ty, $en:literal, $zh:literal;)+) => {
        /// What a profile states itself; what it leaves out comes from its parent.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Stated {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $key: Option<Cited<$type>>,)+
        }

        /// All values in force: what the profile states, and what it inherits.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        pub struct Rules {
            $($(#[$doc])* pub $key: Cited<$type>,)+
        }

        /// All fields, in the order of the table.
        pub static FIELDS: &[Field] = &[$(Field { key: stringify!($key), en: $en, zh: $zh }),+];

        mod index {
            #[expect(non_camel_case_types, reason = "the keys of the table, numbered")]
            enum Place { $($key),+ }
            $(pub(super) const fn $key() -> &'static super::Field { &super::FIELDS[Place::$key as usize] })+
        }

        impl Stated {
            /// What is stated, in the order of the table.
            #[must_use]
            pub fn entries(&self) -> Vec<Entry<'_>> {
                [$(self.$key.as_ref().map(|cited| entry(index::$key(), cited))),+].into_iter().flatten().collect()
            }

            /// The values in force under `parent`; the fields that neither states.
            pub(super) fn over(&self, parent: Option<&Rules>) -> Result<Rules, Vec<&'static Field>> {
                let mut missing = Vec::new();
                $(
                    let $key = self.$key.as_ref().or_else(|| parent.map(|parent| &parent.$key)).cloned();
                    if $key.is_none() {
                        missing.push(index::$key());
                    }
                )+
                if let ($(Some($key),)+) = ($($key,)+) { Ok(Rules { $($key),+ }) } else { Err(missing) }
            }
        }

        impl Rules {
            /// All values, in the order of the table.
            #[must_use]
            pub fn entries(&self) -> Vec<Entry<'_>> {
                vec![$(entry(index::$key(), &self.$key)),+]
            }

            /// Field by field against other rules.
            pub(super) fn pairs<'a>(&'a self, other: &'a Self) -> Vec<Pair<'a>> {
                vec![$({
                    let (own, with) = (&self.$key, &other.$key);
                    Pair {
                        own: entry(index::$key(), own),
                        other: entry(index::$key(), with),
                        is_same: own.value == with.value,
                        is_within: Value::is_within(&own.value, &with.value),
                        is_around: Value::is_within(&with.value, &own.value),
                    }
                }),+]
            }
        }
    };
}

table! {
    /// A1, section 10.4. Fewer is tighter.
    modes: Allows<Mode>, "modes of authorisation", "授权模式";
    /// A4. Shorter is tighter.
    term: MaxYears, "term of an authorisation", "授权期限";
    /// A4: the text says "in general".
    term_override: TermOverride, "longer terms", "突破最长期限";
    /// A4. A smaller window is tighter.
    renewal: Renewal, "continuing after the term", "期满延续";
    /// A7. Shorter is tighter.
    lab_term: MaxMonths, "term of the data laboratory", "数据实验室期限";
    /// A7, D13. Cheaper is tighter: it binds the platform.
    lab_price: MaxFen, "price of the data laboratory", "数据实验室收费";
    /// A2, section 10.1. Somebody must; nobody is stricter than another.
    plan_owners: Appoints<Actor>, "who writes the contingency plan", "应急预案制定者";
    /// A3. More often is tighter.
    drill_interval: MaxDays, "interval between drills", "演练间隔";
    /// A3.
    overdue_drill: OverdueDrill, "an overdue drill", "演练逾期";
    /// O2, section 10.2.
    product_approver: Approver, "who approves products that leave", "产品出域审核者";
    /// O3: the second gate `filed`.
    product_filing: Gate, "filing of a product before it leaves", "产品出域前备案";
    /// O2.
    product_joint_review: JointReview, "joint review with the sector department", "会同行业主管部门评估审核";
    /// O2.
    product_experts: Experts, "experts in the review of products", "产品审核专家论证";
    /// O6. More is tighter.
    product_checks: Needs<ProductCheck>, "items of a product's review", "产品审核要点";
    /// O1, section 10.6. Fewer is tighter.
    product_kinds: ProductKinds, "kinds of products", "产品种类";
    /// O4.
    raw_export: RawExport, "export of raw data", "原始数据导出";
    /// O2. More is tighter.
    release_signatures: MinCount, "signatures on a release", "出域签字人数";
    /// Section 10.10, see [`Leakage`].
    leakage: Leakage, "limits on leakage", "泄露限值";
    /// O8.
    exchange_trade: Gate, "trade on an exchange", "场内交易";
    /// O8.
    product_registration: Gate, "registration of products", "产品登记";
    /// O11.
    supplier_free: Gate, "products free of charge for the suppliers of data", "供数单位免费使用产品";
    /// P4, section 10.3.
    import_approver: Approver, "who approves imported data", "社会数据导入审核者";
    /// C1. Shorter is tighter.
    registration_limit: Limit, "decision on a developer's registration", "数据商注册核查";
    /// C1.
    registration_start: StartEvent, "its clock starts with", "注册核查起算";
    /// C2. Shorter is tighter.
    check_limit: Limit, "compliance check of an application for data", "数据使用申请合规核查";
    /// C2.
    check_start: StartEvent, "the check's clock starts with", "合规核查起算";
    /// C3. Shorter is tighter; longer where a lapse counts as consent, which protects the subjects.
    approval_limit: Limit, "approval of an application for data, by each reviewer", "数据使用申请审核（各审核方分别计算）";
    /// C3.
    approval_start: StartEvent, "a reviewer's clock starts with", "审核起算";
    /// C4. Fewer is tighter.
    approval_extensions: MaxTimes, "formal extensions of an approval", "正式延期次数";
    /// C4. Shorter is tighter.
    extension_limit: Limit, "length of an extension", "每次延期时长";
    /// C4, section 10.5.
    deemed_consent: DeemedConsent, "silence of a reviewer", "审核逾期的后果";
    /// A9. A stage more is tighter; the order is the text's.
    stages: Sequence<Stage>, "stages of an authorisation", "授权程序";
    /// A12.
    county_filing: Appoints<CountyFiling>, "filings of counties", "县级备案";
    /// D8.
    county_domain: CountyDomain, "domains of counties", "县级授权运营域";
    /// A11. More is tighter.
    register_items: Needs<RegisterItem>, "what the public register shows", "公开内容";
    /// A11. More is tighter.
    register_moments: Needs<RegisterMoment>, "when the public register shows it", "公开时点";
    /// A24.
    stamp: Gate, "the authority's contract seal", "合同专用章";
    /// A8. More is tighter.
    dossier: Needs<Document>, "documents of the application", "申请材料";
    /// A5, A8. More is tighter.
    request_items: Needs<RequestItem>, "parts of an application for data", "数据使用申请内容";
    /// A10. More is tighter.
    review_sections: Needs<ReviewSection>, "sections of the review form", "评审内容";
    /// A13. More is tighter.
    agreement_clauses: Needs<Clause>, "clauses of the agreement", "协议内容";
    /// A23. Longer is tighter.
    incident_free: MinYears, "years without a security incident", "无安全事件年限";
    /// A23.
    incident_measure: IncidentMeasure, "incidents that count", "计入的安全事件";
    /// A16.
    sensitive_columns: Protection, "personal information and secrets need", "个人信息和商业秘密的使用条件";
    /// A15.
    subject_data: SubjectData, "data that point at a specific person need", "指向特定主体数据的使用条件";
    /// A17.
    higher_level_consent: Gate, "consent of the higher level to its data", "上级回流数据须经上级同意";
    /// P3.
    training_data: TrainingData, "training of models on", "模型训练数据";
    /// P3.
    full_training: Exception, "training on full data under a protecting technique", "以隐私计算技术使用全量数据训练";
    /// D9.
    outside_parties: Exception, "computing parties outside the domain", "域外计算方";
    /// Section 10.8.
    central_without_enclave: CentralWithoutEnclave, "centralised computing without an enclave", "无可信执行环境的集中计算";
    /// L2. Longer is tighter.
    log_retention: MinMonths, "network logs are kept after termination for", "终止后网络日志留存";
    /// C5. Shorter is tighter.
    correction_limit: Limit, "longest period of a correction", "改正期限上限";
    /// C5, L3.
    correction_access: CorrectionAccess, "access during a correction is closed", "改正期间的使用权限";
    /// L3. More is tighter.
    may_suspend: Needs<Actor>, "who may suspend", "可暂停的部门";
    /// L3.
    uncorrected: Uncorrected, "what was not corrected", "未按要求改正的";
    /// S3. A step more is tighter.
    incident_chain: Sequence<Actor>, "an incident is reported along", "安全事件报告路径";
    /// S3. Sooner is tighter.
    incident_notice: MaxHours, "time to report an incident", "安全事件报告时限";
    /// S7. Fewer is tighter.
    fails_to_termination: Fails, "failed evaluations to termination", "评估不合格终止授权";
    /// S7. More often is tighter.
    evaluation_interval: MaxMonths, "interval between evaluations", "评估间隔";
    /// S5. More often is tighter.
    report_interval: MaxMonths, "interval between operation reports", "运营报告间隔";
    /// L4. More is tighter.
    exit_triggers: Needs<ExitTrigger>, "causes that end an authorisation", "授权终止情形";
    /// H4. More is tighter.
    contacts: Needs<Contact>, "contacts that must be named", "必须指定的联系人";
    /// H1. More is tighter.
    person_evidence: Needs<Evidence>, "a person shows before access", "人员开通权限前须具备";
    /// H1. More is tighter.
    nda_terms: Needs<NdaTerm>, "a non-disclosure agreement states", "保密协议须明确";
    /// H1.
    training_by: Appoints<Actor>, "who runs the training", "岗前培训组织者";
    /// D13.
    fee_basis: FeeBasis, "fees are based on", "收费依据";
    /// D12. Higher is tighter.
    mlps_level: MinLevel, "multi-level protection scheme", "网络安全等级保护";
    /// K5. Shorter is tighter.
    quality_limit: Limit, "correction of a data quality problem", "数据质量问题处理期限";
}
