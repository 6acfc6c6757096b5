//! Entries as sentences: what `yu audit show` prints.
//!
//! The sentence comes from the verb, what follows in brackets from the object. Nothing of it is stored.

use super::draft::NOTE;
use super::entry::{Entry, Verb};
use crate::id::PartyName;
use crate::text::Text;

/// Names of fields in Chinese; a name that is not listed is shown as it is.
const FIELDS: &[(&str, &str)] = &[
    ("act", "操作"),
    ("adversary", "敌手模型"),
    ("authorisation", "授权"),
    ("by", "方式"),
    ("bytes_received", "接收字节"),
    ("bytes_sent", "发送字节"),
    ("certificate", "证书"),
    ("checkpoint", "检查点"),
    ("checks", "检查项"),
    ("code", "代码"),
    ("columns", "列数"),
    ("contract", "合约"),
    ("dataset", "数据集"),
    ("bundle", "背书材料"),
    ("evidence", "证据"),
    ("fingerprint", "密钥指纹"),
    ("kind", "种类"),
    ("outcome", "裁定"),
    ("verdict", "裁定记录"),
    ("document", "文件"),
    ("decision", "决定"),
    ("failed", "未通过"),
    ("key", "公钥"),
    ("keys", "密钥数"),
    ("matched", "匹配行数"),
    ("not_after", "有效期至"),
    ("parties", "参与方数"),
    ("person", "人员"),
    ("policy", "策略"),
    ("reason", "原因"),
    ("receiver", "接收方"),
    ("removed", "剔除行数"),
    ("request", "申请"),
    ("result", "结果"),
    ("reviewer", "审核方"),
    ("root", "根哈希"),
    ("rounds", "轮数"),
    ("rows", "行数"),
    ("seconds", "秒"),
    ("shares", "份额数"),
    ("size", "条数"),
    ("step", "步骤"),
    ("until", "有效期至"),
    ("version", "版本"),
];

/// The entry in one sentence of each language.
#[must_use]
pub fn tell(entry: &Entry) -> Text {
    let node = short(&entry.node);
    let party = entry.party.as_ref().map(short);
    let (en, zh) = match Verb::parse(&entry.verb) {
        Some(verb) => sentence(verb),
        None => ("{node}: {verb}", "{node}：{verb}"),
    };
    let fill = |template: &str, unnamed: &str| {
        template.replace("{node}", &node).replace("{party}", party.as_deref().unwrap_or(unnamed)).replace("{verb}", &entry.verb)
    };
    let (mut en, mut zh) = (fill(en, "another party"), fill(zh, "另一方"));
    if let Some(job) = &entry.job {
        let job = abbreviated(&job.to_string());
        en = format!("{en}, job {job}");
        zh = format!("{zh}，任务 {job}");
    }
    // the mark of a draft says nothing to people
    let facts: Vec<_> = entry.object.iter().filter(|(name, _)| *name != NOTE).collect();
    let told = |name_of: fn(&str) -> &str, colon: &str, comma: &str| {
        let facts: Vec<_> = facts.iter().map(|(name, value)| format!("{}{colon}{}", name_of(name), abbreviated(value))).collect();
        facts.join(comma)
    };
    if !facts.is_empty() {
        en = format!("{en} ({})", told(|name| name, ": ", ", "));
        zh = format!("{zh}（{}）", told(in_chinese, "：", "，"));
    }
    Text::new(en, zh)
}

/// Organisation and node; the environment is the same in one log.
fn short(party: &PartyName) -> String {
    format!("{}/{}", party.organisation(), party.node())
}

/// Hashes and keys by their first 12 digits.
fn abbreviated(value: &str) -> String {
    match value.split_once(':') {
        Some((alg @ ("sha-256" | "sm3" | "ed25519" | "sm2"), digits)) => format!("{alg}:{}…", digits.get(..12).unwrap_or(digits)),
        _ => value.into(),
    }
}

fn in_chinese(name: &str) -> &str {
    FIELDS.iter().find(|(field, _)| *field == name).map_or(name, |(_, zh)| zh)
}

const fn sentence(verb: Verb) -> (&'static str, &'static str) {
    match verb {
        Verb::LogOpened => ("{node} opened its audit log", "{node} 开启审计日志"),
        Verb::NodeStarted => ("{node} started", "{node} 启动"),
        Verb::NodeStopped => ("{node} stopped", "{node} 停止"),
        Verb::PeerJoined => ("{node} recorded {party} with its signing key", "{node} 登记 {party} 及其签名公钥"),
        Verb::PeerRemoved => ("{node} no longer serves {party}", "{node} 不再服务 {party}"),
        Verb::PeerInvited => ("{node} invited a peer", "{node} 邀请新节点"),
        Verb::PolicyChanged => ("{node} replaced its policy", "{node} 更换本方策略"),
        Verb::DatasetAdded => ("{node} entered a data set in the catalogue", "{node} 将数据集登记入目录"),
        Verb::ImportQuarantined => ("{node} put outside data into quarantine", "{node} 将外部数据置入隔离区"),
        Verb::ImportDestroyed => ("{node} destroyed outside data in quarantine", "{node} 销毁隔离区外部数据"),
        Verb::ImportApproved => ("{node} approved the import of an outside data set", "{node} 批准外部数据集引入"),
        Verb::AuthorisationSigned => ("{node} signed an authorisation", "{node} 签发授权"),
        Verb::AuthorisationReceived => ("{node} received an authorisation from {party}", "{node} 收到 {party} 签发的授权"),
        Verb::AuthorisationRevoked => ("{node} recorded that an authorisation was revoked", "{node} 记录授权被撤销"),
        Verb::RequestSent => ("{node} sent a data request to {party}", "{node} 向 {party} 提交数据申请"),
        Verb::RequestReceived => ("{node} received a data request from {party}", "{node} 收到 {party} 的数据申请"),
        Verb::RequestApproved => ("{node} approved a data request column by column", "{node} 逐列审核通过数据申请"),
        Verb::RequestRefused => ("{node} refused a data request", "{node} 驳回数据申请"),
        Verb::OfferStated => ("{node} stated to {party} how many rows would take part", "{node} 向 {party} 告知可参与的行数"),
        Verb::OfferRefused => ("{node} did not tell {party} how many rows would take part", "{node} 未向 {party} 告知可参与的行数"),
        Verb::ConsentFiltered => ("{node} left out the rows of subjects without consent", "{node} 剔除未授权同意的主体的行"),
        Verb::ProcedureStepped => ("{node} recorded a step of a procedure", "{node} 记录一项程序步骤"),
        Verb::DocumentFiled => ("{node} recorded a filed document of the docket", "{node} 记录一份已备案的台账文件"),
        Verb::DocumentRefused => ("{node} found that a filed document does not hold", "{node} 发现一份已备案的文件不成立"),
        Verb::DocketForked => ("{node} found that the authority has told two histories", "{node} 发现主管部门给出两种历史"),
        Verb::AttemptRefused => ("{node} refused what was asked of it", "{node} 拒绝一项请求"),
        Verb::PersonLoggedIn => ("{node}: a person logged in", "{node}：人员登录"),
        Verb::PersonLoggedOut => ("{node}: a person logged out", "{node}：人员退出登录"),
        Verb::PersonActed => ("{node}: a person acted", "{node}：人员执行操作"),
        Verb::PersonRefused => ("{node} refused a person's act", "{node} 拒绝人员操作"),
        Verb::LoginRefused => ("{node} refused a login", "{node} 拒绝登录"),
        Verb::LoginLinked => ("{node} tied a login of an outside service to a person", "{node} 将外部登录标识对应到人员"),
        Verb::LoginEnded => ("{node} ended the login of a person", "{node} 停用人员的登录标识"),
        Verb::JobProposed => ("{node} recorded a proposed contract", "{node} 记录提出的任务合约"),
        Verb::JobChecked => ("{node} checked the contract by its own rules", "{node} 按本方规则核查任务合约"),
        Verb::JobSigned => ("{node} signed the contract", "{node} 签署任务合约"),
        Verb::JobRefused => ("{node} refused the contract", "{node} 拒绝任务合约"),
        Verb::JobAdmitted => ("{node} admitted the job: all parties signed", "{node} 受理任务：各方均已签署"),
        Verb::PermitIssued => ("{node} issued a permit to read one data set", "{node} 发出读取一个数据集的许可凭证"),
        Verb::DataOpened => ("{node} opened raw rows under a permit", "{node} 凭许可凭证打开原始数据"),
        Verb::KeyMade => ("{node} made a key for pseudonyms", "{node} 生成假名化密钥"),
        Verb::KeyDestroyed => ("{node} destroyed a key for pseudonyms", "{node} 销毁假名化密钥"),
        Verb::EvidenceJudged => ("{node} judged evidence of the environment at {party}", "{node} 核验 {party} 处环境的证据"),
        Verb::KeyReleased => ("{node} released a data key to the environment at {party}", "{node} 向 {party} 处环境释放数据密钥"),
        Verb::KeyWithheld => ("{node} released no data key to {party}", "{node} 未向 {party} 释放数据密钥"),
        Verb::JobStarted => ("{node} started the job", "{node} 开始任务"),
        Verb::SessionOpened => ("{node} opened a session with {party}", "{node} 与 {party} 建立会话"),
        Verb::SessionCut => ("{node} lost the connection to {party}", "{node} 与 {party} 的连接中断"),
        Verb::SessionResumed => ("{node} resumed the session with {party}", "{node} 恢复与 {party} 的会话"),
        Verb::SessionClosed => ("{node} closed the session with {party}", "{node} 结束与 {party} 的会话"),
        Verb::StepStarted => ("{node} began a protocol step", "{node} 开始协议步骤"),
        Verb::StepFinished => ("{node} finished a protocol step", "{node} 完成协议步骤"),
        Verb::ResultSealed => ("{node} sealed its output share to {party}", "{node} 将输出份额加密给 {party}"),
        Verb::ResultHeld => ("{node} holds a result that waits for its decision", "{node} 持有待审结果"),
        Verb::ResultChecked => ("{node} ran the automatic checks on the held result", "{node} 对待审结果执行自动检查"),
        Verb::ReviewDecided => ("{node} decided on the held result", "{node} 对待审结果作出决定"),
        Verb::ResultReleased => ("{node} released the result to {party}", "{node} 将结果出域给 {party}"),
        Verb::ResultReceived => ("{node} received the result from {party}", "{node} 从 {party} 收到结果"),
        Verb::JobFinished => ("{node} finished the job", "{node} 完成任务"),
        Verb::JobFailed => ("{node} recorded that the job failed", "{node} 记录任务失败"),
        Verb::WorkingDestroyed => ("{node} destroyed working copies, shares and keys", "{node} 销毁工作副本、份额与密钥"),
        Verb::CatalogueWithdrawn => ("{node} withdrew a catalogue entry", "{node} 撤回目录条目"),
        Verb::DatasetDestroyed => ("{node} destroyed a data set", "{node} 销毁数据集"),
        Verb::CertificateSigned => ("{node} signed a destruction certificate", "{node} 签发销毁证书"),
        Verb::CertificateReceived => ("{node} received the destruction certificate of {party}", "{node} 收到 {party} 的销毁证书"),
        Verb::CheckpointCountersigned => ("{node} countersigned a checkpoint of {party}", "{node} 副署 {party} 的检查点"),
        Verb::BackupMade => ("{node} made an encrypted backup", "{node} 制作加密备份"),
        Verb::BackupRestored => ("{node} came out of a backup and goes on", "{node} 由备份恢复并继续运行"),
        Verb::ConsentRecorded => ("{node} recorded a consent", "{node} 登记授权同意"),
        Verb::ConsentRevoked => ("{node} recorded that a consent was taken back", "{node} 登记授权同意的撤回"),
        Verb::AuthorisationCleared => ("{node} cleared what it held of an authorisation", "{node} 清理其持有的授权项下资产"),
        Verb::CheckpointRefused => ("{node} refused to countersign a checkpoint of {party}", "{node} 拒绝副署 {party} 的检查点"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Event, Field};
    use super::super::merkle::Digest;
    use super::*;
    use crate::canonical::Hash;
    use crate::clock::Time;
    use crate::id::JobId;

    fn told(event: Event) -> Text {
        let node = PartyName::new("yu://dev/health/node1").unwrap();
        tell(&Entry::new(event, &node, 0, Digest::ZERO, Time::from_unix(0)).unwrap())
    }

    #[test]
    fn a_sentence_with_its_facts() {
        let event = Event::new(Verb::ResultReleased)
            .party(PartyName::new("yu://dev/bank/node1").unwrap())
            .job(JobId(Hash::from_bytes([0xab; 32])))
            .with("rows", Field::Count(12))
            .with("result", Field::Hash(Hash::from_bytes([1; 32])));
        let text = told(event);
        assert_eq!(
            text.en,
            "health/node1 released the result to bank/node1, job sha-256:abababababab… (result: sha-256:010101010101…, rows: 12)"
        );
        assert_eq!(text.zh, "health/node1 将结果出域给 bank/node1，任务 sha-256:abababababab…（结果：sha-256:010101010101…，行数：12）");
    }

    #[test]
    fn every_verb_is_told_in_both_languages() {
        for verb in Verb::ALL {
            let text = told(Event::new(*verb));
            assert!(!text.en.contains('{') && !text.zh.contains('{'), "{}", verb.name());
            assert!(!text.is_blank(), "{}", verb.name());
        }
    }

    #[test]
    fn a_verb_of_a_later_version_is_shown_as_it_is() {
        let node = PartyName::new("yu://dev/health/node1").unwrap();
        let mut entry = Entry::new(Event::new(Verb::NodeStarted), &node, 0, Digest::ZERO, Time::from_unix(0)).unwrap();
        entry.verb = "model.exported".into();
        assert_eq!(tell(&entry).en, "health/node1: model.exported");
    }
}
