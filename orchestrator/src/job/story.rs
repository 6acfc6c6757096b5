//! A job's events as sentences in both languages.

use serde_json::Value;
use yu_governance::clock::Time;

/// `hh:mm:ss` of a unix second (UTC).
pub fn clock(at: i64) -> String {
    let text = Time::from_unix(at).to_string();
    text.get(11..19).unwrap_or_default().to_owned()
}

fn part(detail: &Value, key: &str) -> String {
    match detail.get(key) {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Sentence for an event of a job, English and Chinese.
pub fn sentence(verb: &str, detail: &Value) -> (String, String) {
    let p = |key: &str| part(detail, key);
    match verb {
        "proposed" => {
            (format!("contract compiled and signed by the proposer {}", p("party")), format!("合约已编译，由发起方 {} 签署", p("party")))
        }
        "policy-passed" => ("own policy checked: passed".into(), "本方策略检查：通过".into()),
        "signed" => (format!("{} signed the contract", p("party")), format!("{} 签署合约", p("party"))),
        "waiting" => (format!("waiting for a person of {} to sign", p("party")), format!("等待 {} 人工签署", p("party"))),
        "standing-approval" => (
            format!("{} signed by its standing approval {}", p("party"), p("approval")),
            format!("{} 依持续审核 {} 签署", p("party"), p("approval")),
        ),
        "refused" => (format!("{} refused: {}", p("party"), p("reason")), format!("{} 拒签：{}", p("party"), p("reason"))),
        "admitted" => ("every party signed: admitted, all or nothing".into(), "各方均已签署：整体准入".into()),
        "started" => ("started: opening bound sessions".into(), "开始运行：建立与合约绑定的会话".into()),
        "session" => {
            (format!("session with {} over {}", p("party"), p("carrier")), format!("与 {} 的会话已建立（{}）", p("party"), p("carrier")))
        }
        "session-cut" => (format!("connection to {} lost, resuming", p("party")), format!("与 {} 的连接中断，正在恢复", p("party"))),
        "session-resumed" => (
            format!("session with {} resumed over {}", p("party"), p("carrier")),
            format!("与 {} 的会话已恢复（{}）", p("party"), p("carrier")),
        ),
        "returned" => (
            format!("the process of {} is back: a new session, the round is repeated", p("party")),
            format!("{} 的进程已恢复：建立新会话，重做本轮", p("party")),
        ),
        "model-examined" => (
            format!("the model was attacked with own rows: {} tests, verdict {}", p("tests"), p("verdict")),
            format!("已用己方数据攻击检验模型：{} 项，结论 {}", p("tests"), p("verdict")),
        ),
        "data-opened" => (
            format!(
                "own data opened with a permit: {} rows, {} without consent filtered, {} keys failed normalisation",
                p("rows"),
                p("without_consent"),
                p("failed_keys")
            ),
            format!("凭许可打开本方数据：{} 行，过滤未同意 {} 行，键规范化失败 {} 行", p("rows"), p("without_consent"), p("failed_keys")),
        ),
        "aligned" => (format!("aligned by PSI: {} rows matched", p("matched")), format!("隐私求交完成：匹配 {} 行", p("matched"))),
        "not-releasable" => (format!("{}: {}", p("code"), p("en")), p("zh")),
        "deidentified" => (
            format!("table made by the policy, read again, verified and attacked: {} findings, none refuses", p("checks")),
            format!("已按规则制作数据，重新读取、核验并攻击检验：{} 项结论，无一拒绝", p("checks")),
        ),
        "cells-checked" => (format!("smallest group is at least {}", p("min_cell")), format!("最小分组不少于 {}", p("min_cell"))),
        "computed" => (
            format!(
                "computed on shares: {} bytes sent, {} received, {} rounds; equals the contract's formula: {}",
                p("sent"),
                p("received"),
                p("rounds"),
                p("equal")
            ),
            format!(
                "份额计算完成：发送 {} 字节，接收 {} 字节，{} 轮；与合约公式一致：{}",
                p("sent"),
                p("received"),
                p("rounds"),
                p("equal")
            ),
        ),
        "attested" => (
            format!("evidence of {} judged: {} ({}), verdict {}", p("party"), p("outcome"), p("kind"), p("verdict")),
            format!("已核验 {} 的环境证据：{}（{}），裁定记录 {}", p("party"), p("outcome"), p("kind"), p("verdict")),
        ),
        "key-released" => {
            (format!("data key released to the environment at {}", p("party")), format!("数据密钥已释放给 {} 的环境", p("party")))
        }
        "module-ran" => (format!("module {} ran inside", p("module")), format!("模块 {} 已在环境内运行", p("module"))),
        "inside" => (
            format!(
                "{} bytes sent, {} received, {} rounds; within the contract's bounds: {}",
                p("sent"),
                p("received"),
                p("rounds"),
                p("equal")
            ),
            format!("发送 {} 字节，接收 {} 字节，{} 轮；在合约上限之内：{}", p("sent"), p("received"), p("rounds"), p("equal")),
        ),
        "share-sealed" => {
            (format!("own output share sealed to the reviewer {}", p("party")), format!("本方结果份额已封装给审核方 {}", p("party")))
        }
        "share-arrived" => (format!("sealed share of {} arrived", p("party")), format!("收到 {} 的封装份额", p("party"))),
        "held" => (format!("result held; automatic checks passed: {}", p("passed")), format!("结果待审；自动检查通过：{}", p("passed"))),
        "decided" => (format!("review by {}: {}", p("reviewer"), p("verdict")), format!("{} 审核结论：{}", p("reviewer"), p("verdict"))),
        "released" => (format!("sealed to {} and to nobody else", p("party")), format!("仅封装给 {}", p("party"))),
        "undelivered" => (
            format!("{} did not take the released result in time: {}", p("party"), p("code")),
            format!("{} 未在期限内接收已放行的结果：{}", p("party"), p("code")),
        ),
        "received" => ("released result received, receipt verified".into(), "收到放行结果，回执验证通过".into()),
        "destroyed" => (
            format!("{} working objects destroyed, certificate {}", p("count"), p("certificate")),
            format!("已销毁 {} 个工作对象，证明 {}", p("count"), p("certificate")),
        ),
        "checkpointed" => (
            format!("log checkpoint of {} entries, countersigned by {} peers", p("size"), p("countersigned")),
            format!("日志检查点（{} 条），{} 个对端联署", p("size"), p("countersigned")),
        ),
        "failed" => (format!("failed: {} {}", p("code"), p("detail")), format!("失败：{} {}", p("code"), p("detail"))),
        "progress" => (p("step"), p("step")),
        other => (other.to_owned(), other.to_owned()),
    }
}
