//! What a profile can choose between. `ranked` choices run from loosest to tightest.

use super::value::choices;

choices! {
    /// How authorisations are given (A1, section 10.4).
    equal Mode {
        PerScenario "one scenario, one authorisation" "依场景授权",
        ByField "by field" "分领域授权",
        Whole "whole" "整体授权",
        FirstLevelOperator "whole city to a first-level operator" "授权一级运营主体承担全市运营",
    }
    /// Whether a term may be longer than the maximum ("in general", 一般).
    ranked TermOverride {
        AuthorityDecision "by a recorded decision of the authority" "经主管部门决定并记录",
        Never "never" "不得突破",
    }
    /// Who acts.
    equal Actor {
        Authority "authority" "公共数据主管部门",
        ProvincialAuthority "provincial authority" "省公共数据主管部门",
        Government "government" "本级政府",
        Cyberspace "cyberspace administration" "网信部门",
        Police "police" "公安部门",
        Security "state security" "国家安全部门",
        Cryptography "cryptography administration" "密码管理部门",
        Secrecy "secrecy administration" "保密行政管理部门",
        Sector "sector department" "行业主管部门",
        Platform "platform" "平台运营机构",
        FirstLevel "first-level operator" "一级运营主体",
        Licensee "licensee" "授权运营单位",
        Developer "developer" "二级开发主体",
    }
    /// Who decides on what enters or leaves the domain. The authority is tightest: it has no share in the business.
    ranked Approver {
        PlatformRules "nobody in person: the platform's rules" "按平台规范",
        Platform "platform" "平台运营机构",
        FirstLevel "first-level operator" "一级运营主体",
        Authority "authority" "公共数据主管部门",
    }
    /// Whether a gate stands.
    ranked Gate {
        NotRequired "not required" "不要求",
        Required "required" "必须",
    }
    /// Review by authority and sector department together, for personal information, public interest or regulated sectors.
    ranked JointReview {
        No "no" "无",
        May "where the authority asks for it" "主管部门可会同评估审核",
        Must "always" "必须",
    }
    /// Experts in the review of products.
    ranked Experts {
        IfNeeded "if needed" "必要时",
        Always "always" "应组织",
    }
    /// Kinds of products (O1).
    equal ProductKind {
        DataPackage "data package" "数据包",
        Model "model" "数据模型",
        Interface "interface" "数据接口",
        Service "service" "数据服务",
        Report "report" "数据报告",
        BusinessService "business service" "业务服务",
    }
    /// Items of a product's review (O6).
    equal ProductCheck {
        Purpose "matches purpose and scope" "符合申请用途和使用范围",
        Sources "names its sources" "注明数据来源",
        RawExposure "exposes no raw or sensitive data" "无原始数据、敏感数据直接暴露",
        Leak "leaks no personal information or secret" "无个人信息和商业秘密泄露、滥用",
        OtherRisk "no other risk to security, compliance or the sector's rules" "无其他安全、合规与行业法规风险",
        Reversible "cannot be turned back into the raw data" "不可还原出原始数据",
    }
    /// Whether raw data may leave at all (O4).
    ranked RawExport {
        PublicExempt "never, except data that are lawfully public" "不得导出，从公开途径合法获取或者法律法规授权公开的除外",
        Never "never" "不得导出",
    }
    /// What starts a review clock. None is tighter: the texts differ or are silent (section 10.9).
    equal StartEvent {
        Submission "submission" "提交申请",
        Acceptance "acceptance" "受理",
        Delivery "proven delivery to the reviewer" "送达审核方（有送达证明）",
    }
    /// Whether silence counts as consent (C4, 默示同意).
    ranked DeemedConsent {
        On "a lapse counts as consent" "逾期视为同意",
        Off "a lapse is reported and is no consent" "逾期通报，不视为同意",
    }
    /// Stages of an authorisation (A9), each named after what completes it.
    equal Stage {
        Announcement "announcement" "发布公告",
        ImplementationPlan "implementation plan adopted" "实施方案审议通过",
        Selection "fair selection" "公平竞争选择",
        Laboratory "test in the laboratory" "测试验证",
        PreliminaryReview "preliminary review" "资格初审",
        ExpertReview "expert review" "专家评审",
        Meeting "meeting" "会议审议",
        Decision "decision" "审定",
        Publication "publication" "向社会公布",
        Filing "filing with the province" "报省备案",
        Agreement "agreement" "签订协议",
        Stamp "contract seal" "加盖合同专用章",
    }
    /// How a county's filings travel (A12).
    equal CountyFiling {
        Direct "directly" "直接报送",
        ThroughCity "through the city" "通过市级统一报送",
    }
    /// Whether a county may have a domain of its own (D8).
    ranked CountyDomain {
        OwnWhereNecessary "city domain, own one where really necessary" "依托市级授权运营域，确有必要可单独建设",
        CityOnly "city domain only" "统一使用市级授权运营域",
    }
    /// What the public register shows (A11).
    equal RegisterItem {
        Operator "operator" "授权运营单位",
        Scenario "scenario or field" "应用场景（领域）",
        Term "term" "授权期限",
    }
    /// When the public register shows it.
    equal RegisterMoment {
        Proposed "proposed list" "拟授权名单",
        Decided "after the decision" "确定后",
        Active "while in force" "生效期间",
    }
    /// Documents of the application (A8).
    equal Document {
        ApplicationForm "application form" "授权运营申请表",
        AuditReport "audit report of the last year by a third party" "最近1年第三方审计报告",
        FinanceReport "financial report of the last year" "最近1年财务会计报告",
        SecurityCommitment "security commitment" "数据安全承诺书",
        RiskSelfAssessment "security risk self-assessment" "安全风险自评报告",
        TestReport "technical report of the laboratory" "数据测试验证技术评估报告",
        Qualification "evidence of the admission conditions" "准入条件证明材料",
        SelectionRecord "record of the selection" "选择运营机构的记录",
    }
    /// Parts of an application for the use of data.
    equal RequestItem {
        Scenario "scenario" "应用场景",
        Scope "scope" "使用范围",
        Manner "manner" "使用方式",
        Term "term" "使用期限",
        Protection "protection" "安全防护措施",
    }
    /// Sections of the review form (A10).
    equal ReviewSection {
        Applicant "applicant" "申请单位主体情况",
        Market "market use and compliance" "市场化应用可行性及合规性",
        Security "data security and protection of personal information" "数据安全及个人信息保护措施",
        Plan "contingency plan" "应急预案",
        Technique "technique" "技术",
        Business "business" "业务",
    }
    /// Clauses of the agreement (A13).
    equal Clause {
        RightsAndDuties "rights and duties" "双方权利义务",
        Scope "scope" "授权运营范围",
        Term "term" "运营期限",
        Revenue "method of the revenue" "合理收益的测算方法",
        Fees "fees" "服务费用",
        Security "data security" "数据安全要求",
        AssetDisposal "disposal of assets at the end" "期限届满后资产处置",
        Exit "exit" "退出机制",
        Liability "liability" "违约责任",
        Forbidden "what is forbidden" "禁止条款",
        Credit "credit commitment" "信用承诺",
        Scenario "scenario" "应用场景",
        Conditions "conditions of use" "开发利用条件",
        Exchange "conditions of trade on an exchange" "进入数据交易场所交易条件",
        Termination "causes of termination" "终止情形",
    }
    /// Which security incidents of the past bar an applicant (A23).
    ranked IncidentMeasure {
        PubliclyReported "publicly reported incidents" "被公开通报的事件",
        Any "any incident" "任何网络安全或数据安全事件",
    }
    /// What a column of personal information or secrets needs (A16).
    ranked Protection {
        DesensitisedOrConsent "desensitisation or consent" "脱敏、脱密或经授权同意",
        Consent "consent, always" "一律须经授权同意",
        DesensitisedAndConsent "desensitisation and consent" "脱敏、脱密并经授权同意",
    }
    /// What data that point at a specific person need (A15, NB 21).
    ranked SubjectData {
        AsSensitive "what a sensitive column needs" "与敏感列要求相同",
        Consent "consent of that person, always" "一律须经该主体授权同意",
    }
    /// What models may be trained on (P3).
    ranked TrainingData {
        Unset "no rule of its own" "未作规定",
        SampledAndDesensitised "sampled and desensitised data only" "仅限经抽样、脱敏后的数据",
    }
    /// Whether something may be allowed in a single case.
    ranked Exception {
        AuthorityDecision "only by a signed decision of the authority" "仅凭主管部门签署的决定",
        Never "never" "不允许",
    }
    /// Centralised computing without an enclave (section 10.8).
    ranked CentralWithoutEnclave {
        Stated "allowed, and the contract says that the platform's administrators could see raw data" "允许，合约须写明平台管理员可能接触原始数据",
        Forbidden "forbidden" "不允许",
    }
    /// What an overdue drill does (A3).
    ranked OverdueDrill {
        Alarm "raises an alarm" "告警",
        BlocksNewJobs "raises an alarm and blocks new jobs" "告警并阻止新任务",
    }
    /// When access is closed for a correction (C5, L3).
    ranked CorrectionAccess {
        WhenOverdue "when the period has passed" "逾期未改正时关闭",
        AtOnce "at once, until it is reopened" "立即暂时关闭，改正后恢复",
    }
    /// What follows if nothing was corrected.
    ranked Uncorrected {
        MayTerminate "may be terminated" "可终止授权",
        Terminates "is terminated" "终止授权",
    }
    /// Contacts that an organisation must name (H4).
    equal Contact {
        Principal "principal, first responsible" "主要负责人（第一责任人）",
        SecurityOfficer "security officer" "数据安全负责人",
        SecurityDepartment "security department" "数据安全管理部门",
        Duty "duty post for incidents" "事件值守",
    }
    /// What a person shows before access (H1).
    equal Evidence {
        Training "training before post" "岗前培训",
        RealName "real name" "实名认证",
        Vetting "filing and vetting" "备案与审查",
        NonDisclosure "non-disclosure agreement" "保密协议",
    }
    /// What the non-disclosure agreement states.
    equal NdaTerm {
        Term "its term" "保密期限",
        Liability "liability" "违约责任",
    }
    /// On what fees are based (D13).
    ranked FeeBasis {
        CostReferenced "with reference to cost" "参考成本",
        CostAndSmallMargin "cost and a small margin" "保本微利",
        Cost "cost" "承担相应成本",
    }
    /// Why an authorisation ends (L4).
    equal ExitTrigger {
        Expiry "end of the term" "期满",
        OwnRequest "own request" "自身申请",
        Breach "breach" "违反协议",
        PoorEvaluation "poor evaluation" "评估不合格",
        LawChanged "change of law" "法规政策变化",
        Unlawful "violation of law" "违反法律法规",
    }
}
