//! The table of faults: stable name, exit status, title and remedy in both languages.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $exit:literal, $en:literal, $zh:literal, $fix_en:literal, $fix_zh:literal;)*) => {
        /// Stable name of a fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $(#[doc = $en] $name,)* }

        impl Code {
            /// All codes, for the documentation and its test.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// The stable name.
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }
            /// Exit status of the command line.
            pub fn exit(self) -> u8 { match self { $(Self::$name => $exit,)* } }
            /// English title.
            pub fn title_en(self) -> &'static str { match self { $(Self::$name => $en,)* } }
            /// Chinese title.
            pub fn title_zh(self) -> &'static str { match self { $(Self::$name => $zh,)* } }
            /// English remedy.
            pub fn remedy_en(self) -> &'static str { match self { $(Self::$name => $fix_en,)* } }
            /// Chinese remedy.
            pub fn remedy_zh(self) -> &'static str { match self { $(Self::$name => $fix_zh,)* } }
            /// The code with this name; a name from a newer peer reads as [`Code::Other`].
            pub fn parse(text: &str) -> Self { match text { $($text => Self::$name,)* _ => Self::Other } }
        }
    };
}

codes! {
    // 3: input
    Input = "input.bad", 3, "input not usable", "输入不可用", "correct the named field and try again", "请更正所指字段后重试";
    FileMissing = "file.missing", 3, "file not found", "找不到文件", "check the path", "请检查路径";
    FileRead = "file.unreadable", 3, "file cannot be read", "文件无法读取", "check the named place in the file and its permissions", "请检查文件的所指位置及其权限";
    EmptyFile = "file.empty", 3, "file holds no rows", "文件没有数据行", "give a file with a header and at least one row", "请提供带表头且至少一行数据的文件";
    Ragged = "file.ragged-row", 3, "row has another number of fields than the header", "该行字段数与表头不一致", "correct the named line", "请更正所指行";
    Encoding = "file.encoding", 3, "bytes are not text in the expected encoding", "字节不符合预期编码", "save as UTF-8 or GB18030, or name it with --encoding", "请另存为 UTF-8 或 GB18030，或用 --encoding 指明";
    ColumnMissing = "column.missing", 3, "column not found", "找不到列", "correct the column name; near names are listed", "请更正列名，相近列名已列出";
    ColumnDuplicate = "column.duplicate", 3, "column name occurs twice", "列名重复", "rename one of the columns", "请重命名其中一列";
    NotNumeric = "cell.not-numeric", 3, "cell is not a finite number", "单元格不是有限数值", "correct the named row, or declare the column as categorical", "请更正所指行，或将该列声明为分类列";
    Category = "cell.unknown-category", 3, "cell holds an undeclared category", "单元格的类别未声明", "declare the category in the catalogue entry, or correct the row", "请在目录条目中声明该类别，或更正该行";
    KeyFormat = "key.format", 3, "key column is not usable as text", "键列不能作为文本使用", "format the column as text and export again", "请把该列设为文本格式后重新导出";
    KeyDuplicate = "key.duplicate", 3, "key occurs more than once", "键重复", "keep one row per key", "每个键只保留一行";
    // 4: rules and policy
    Refused = "policy.refused", 4, "policy refuses", "策略拒绝", "see the named rule; ask the party that set it", "请查看所指规则，并联系制定方";
    AuthExpired = "authorisation.expired", 4, "authorisation has expired", "授权已到期", "apply for renewal", "请申请续期";
    AuthNotYet = "authorisation.not-yet-valid", 4, "authorisation is not yet valid", "授权尚未生效", "wait for the start of its term", "请等待授权期限开始";
    AuthMissing = "authorisation.missing", 4, "authorisation is not known here", "本节点没有该授权", "ask the authority to sign and deliver it", "请主管部门签署并送达";
    PlanMissing = "plan.missing", 4, "contingency plan is missing or incomplete", "缺少应急预案或预案不完整", "add scope, contacts, steps and drill interval (A2)", "请补充范围、联系人、步骤和演练周期（A2）";
    ColumnBeyond = "column.beyond-approval", 4, "column was not approved", "该列未获批准", "request the column, or take it out of the job", "请申请该列，或从任务中删除";
    Purpose = "purpose.mismatch", 4, "purpose differs from the authorisation", "用途与授权不符", "use the purpose of the authorisation; another purpose needs another authorisation (A1)", "请使用授权所载用途；其他用途须另行授权（A1）";
    NotApproved = "request.not-approved", 4, "data request is not approved", "数据申请未获批准", "wait for the provider's decision", "请等待数据提供单位的决定";
    TooFewRows = "rows.too-few", 4, "set is smaller than the policy allows", "集合小于策略允许的下限", "use a larger set: small sets reveal who is in them", "请使用更大的集合：小集合会暴露成员";
    Ratio = "rows.ratio", 4, "sizes of the two sets differ too much", "两方集合大小相差过大", "use sets of comparable size", "请使用大小相当的集合";
    TooFewMatched = "rows.too-few-matched", 4, "too few rows matched", "匹配行数过少", "widen the population; nothing was computed or released", "请扩大人群；未进行计算，也未发布任何内容";
    SmallCell = "cell.too-small", 4, "a group is smaller than the minimum cell size", "分组小于最小单元格", "merge categories in the catalogue entry", "请在目录条目中合并类别";
    RunsPerDay = "runs.exceeded", 4, "this pair of inputs was used too often today", "该输入组合今日使用次数已达上限", "wait until tomorrow, or ask the provider to raise the limit", "请明日再试，或请提供单位提高上限";
    ContractExpired = "contract.expired", 4, "contract has expired", "合约已过期", "compile and submit the job again", "请重新编译并提交任务";
    ContractRule = "contract.rule", 4, "contract breaks a rule", "合约违反规则", "see the named rule", "请查看所指规则";
    PartyRefused = "party.refused", 4, "a party refused the contract", "有参与方拒绝合约", "see its reason; nothing was computed", "请查看其理由；未进行任何计算";
    DataChanged = "dataset.changed", 4, "data changed after the contract was signed", "合约签署后数据发生变化", "add the new version and submit the job again", "请登记新版本并重新提交任务";
    Review = "review.refused", 4, "review refused the result", "审核未通过", "see the reason of the review; nothing was released", "请查看审核理由；未发布任何内容";
    ReleaseRefused = "release.refused", 4, "release was refused", "发布未通过", "see the findings of the report; no file was written", "请查看报告中的结论；未写出任何文件";
    AttestRefused = "attest.refused", 4, "evidence of the environment was refused", "环境证据未通过核验", "see the named rule; `yu attest show` at the provider has the verdict", "请查看所指规则；提供方可用 yu attest show 查看裁定";
    AttestUnavailable = "attest.unavailable", 4, "no evidence or no means to judge it", "没有环境证据或缺少核验条件", "supply what is named", "请补齐所指内容";
    EnvMismatch = "env.mismatch", 4, "development and production do not mix", "开发环境与生产环境不得混用", "use nodes of one environment", "请使用同一环境的节点";
    Suite = "suite.mismatch", 4, "a domain is of one suite of algorithms", "一个域只用一种密码套件", "make the node again with the domain's suite: `yu init --crypto standard` or `--crypto gm`", "请按本域的套件重新创建节点：yu init --crypto standard 或 --crypto gm";
    // 4: an algorithm as a WebAssembly module (`wasm`); what the words mean to its author: docs/wasm.md
    WasmHash = "wasm.hash", 4, "module is not the one that the contract names", "模块与合约所载不符", "get the module from its author again and compare its SHA-256 with the contract", "请向模块作者重新索取，并将其 SHA-256 与合约核对";
    WasmSize = "wasm.size", 4, "module is too large", "模块过大", "split the named part of the module, or compile it for size", "请拆分模块的所指部分，或按体积优化后重新编译";
    WasmInvalid = "wasm.invalid", 4, "module is not valid", "模块无效", "compile it for wasm32 without threads, SIMD, exceptions or tail calls", "请以 wasm32 为目标重新编译，不使用线程、SIMD、异常或尾调用";
    WasmImport = "wasm.import", 4, "module imports what it may not have", "模块导入了不允许的功能", "use the functions of docs/wasm.md only; there are no files, clocks or networks", "只能使用 docs/wasm.md 所列函数；不提供文件、时钟或网络";
    WasmExport = "wasm.export", 4, "module lacks an export", "模块缺少导出项", "export the named item with the named type", "请按所示类型导出所指项";
    WasmFuel = "wasm.fuel", 4, "module burned its fuel", "模块耗尽计算额度", "check it for endless loops, or agree on more fuel in the contract", "请检查是否有死循环，或在合约中约定更多计算额度";
    WasmMemory = "wasm.memory", 4, "module wants more memory than it may have", "模块所需内存超出上限", "let it work in smaller pieces, or agree on more memory in the contract", "请让模块分块处理，或在合约中约定更多内存";
    WasmTable = "wasm.table", 4, "module wants larger tables of functions than it may have", "模块的函数表超出上限", "use fewer function pointers, or agree on more elements in the contract", "请减少函数指针，或在合约中约定更多表项";
    WasmTime = "wasm.time", 4, "module ran too long", "模块运行超时", "run it on a faster or less busy machine, or agree on more time in the contract", "请换用更快或更空闲的机器，或在合约中约定更长时间";
    WasmStack = "wasm.stack", 4, "module nests its calls too deep", "模块调用嵌套过深", "replace recursion by a loop, and large local arrays by memory", "请以循环代替递归，大数组改放内存";
    WasmOutput = "wasm.output", 4, "module gave more output than it may", "模块输出超出上限", "let it give a smaller table, or agree on more output in the contract", "请缩小结果表，或在合约中约定更大输出";
    WasmTrap = "wasm.trap", 4, "module trapped", "模块运行中断", "its author has to correct it: the trap is named", "请模块作者修正：中断类型已列出";
    WasmCall = "wasm.call", 4, "module called the node with arguments that cannot be served", "模块调用节点函数的参数不可用", "its author has to correct the call of the named function", "请模块作者更正对所指函数的调用";
    WasmResult = "wasm.result", 4, "module gave back no usable table", "模块未返回可用的表", "its author has to correct what it writes, as docs/wasm.md says", "请模块作者按 docs/wasm.md 更正其输出";
    WasmRefused = "wasm.refused", 4, "module refuses its input", "模块拒绝其输入", "look the code up in the module's documentation", "请在模块文档中查阅该代码";
    // 5: a peer
    PeerUnknown = "peer.unknown", 5, "peer is not known here", "未登记的对端", "exchange a ticket: `yu peer invite`, `yu peer accept`", "请交换入网票据：yu peer invite、yu peer accept";
    PeerIdentity = "peer.identity", 5, "identity of the peer was refused", "对端身份被拒绝", "check organisation, environment and dates of its certificate with `yu doctor --peer`", "请用 yu doctor --peer 检查其证书的机构、环境和有效期";
    PeerProtocol = "peer.protocol", 5, "peer broke the protocol", "对端违反协议", "both sides should run the same version; report it if they do", "请确认双方版本一致；若一致请报告";
    PeerFailed = "peer.failed", 5, "peer stopped", "对端停止", "see the reason at that party with `yu job why`", "请在该方用 yu job why 查看原因";
    Undelivered = "result.undelivered", 5, "the receiver did not take the released result", "接收方未接收已放行的结果", "see the reason at the receiver, repair its node, then run the job again: what the reviewer kept is destroyed", "请查看接收方的原因并修复其节点，然后重新运行任务：审核方所存内容已销毁";
    PeerLost = "peer.lost", 5, "peer was not reachable within the limit", "对端在限定时间内不可达", "check its node and the network, then run the job again", "请检查其节点和网络，然后重新运行";
    PeerRestarted = "peer.restarted", 5, "peer was restarted and lost the session", "对端已重启，会话丢失", "run the job again", "请重新运行任务";
    Tampered = "contract.altered", 5, "contract differs between the parties", "各方合约不一致", "compare the contract hashes; submit again", "请核对合约哈希并重新提交";
    Signature = "signature.bad", 5, "signature does not verify", "签名验证失败", "ask the signer to send the object again", "请签署方重新发送";
    Version = "version.mismatch", 5, "versions do not fit", "版本不匹配", "run the same version on both sides", "请双方使用同一版本";
    ClockSkew = "clock.skew", 5, "clocks differ too much", "时钟偏差过大", "set the clock by NTP", "请用 NTP 校准时钟";
    TicketBad = "ticket.bad", 5, "ticket cannot be used", "票据不可用", "ask for a new ticket", "请索取新票据";
    Standing = "peer.standing", 5, "newcomer is not what the invitation names", "加入方与邀请所列不符", "correct name, role, controller or zone in node.toml, or ask the inviter for a ticket that names them; `yu peer card` shows them", "请更正 node.toml 中的名称、角色、控制人或区域，或请邀请方出具与之相符的票据；可用 yu peer card 查看";
    AttestCut = "attest.cut", 6, "connection was replaced during attestation", "远程证明过程中连接被更换", "run the job again on a steadier network", "请在更稳定的网络上重新运行任务";
    // 6: network
    PortInUse = "node.port-in-use", 6, "port is in use", "端口被占用", "stop the other program or choose another port in node.toml", "请停止占用程序，或在 node.toml 中更换端口";
    Unreachable = "network.unreachable", 6, "peer cannot be reached", "无法连接对端", "`yu doctor --peer` names the failing hop", "请用 yu doctor --peer 查看哪一段失败";
    Transport = "network.failed", 6, "network failed", "网络故障", "try again; `yu doctor` helps", "请重试；可用 yu doctor 排查";
    // 7, 8: node state
    NotFound = "not-found", 7, "not found", "未找到", "list what exists with the `list` verb", "请用 list 查看现有对象";
    NotRunning = "node.not-running", 7, "node is not running", "节点未运行", "start it with `yu up --dir DIR`", "请用 yu up --dir DIR 启动";
    Exists = "exists", 8, "exists already", "已存在", "choose another name", "请使用其他名称";
    State = "state.wrong", 8, "not possible in this state", "当前状态不允许此操作", "see `yu job watch` for the state", "请用 yu job watch 查看状态";
    Restarted = "node.restarted", 8, "this node was restarted while the job ran", "任务运行时本节点重启", "run the job again; nothing was released", "请重新运行任务；未发布任何内容";
    Halted = "job.halted", 8, "job was stopped by a person", "任务被人工停止", "ask the named party", "请联系所指参与方";
    // 9: storage
    DiskFull = "disk.full", 9, "no space left to write", "磁盘空间不足", "free space, then start the node again: nothing that was confirmed is lost", "请释放空间后重启节点：已确认的内容不会丢失";
    Storage = "storage.failed", 9, "store failed", "存储故障", "check the disk and permissions of the node's directory", "请检查磁盘和节点目录权限";
    Damaged = "storage.damaged", 9, "stored object is damaged or its key is gone", "存储对象损坏或密钥已销毁", "restore it from its owner; destroyed keys cannot come back", "请由其所有者重新提供；已销毁的密钥无法恢复";
    WasmHost = "wasm.host", 9, "machine could not run the module", "本机无法运行模块", "free memory and threads, then run the job again", "请释放内存和线程后重新运行任务";
    // 10: verification
    Verify = "verify.failed", 10, "verification failed", "验证未通过", "see the named entries", "请查看所指条目";
    // 70: bug
    Bug = "internal", 70, "internal error", "内部错误", "please report it with the code and the version", "请附代码和版本报告此问题";
    Other = "other", 70, "fault of a newer version", "较新版本的故障", "update this node", "请升级本节点";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(d)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_round_trip() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            assert_eq!(Code::parse(code.as_str()), *code);
            assert!(code.exit() >= 3);
        }
        assert_eq!(Code::parse("from.the-future"), Code::Other);
    }
}
