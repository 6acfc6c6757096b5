//! The terms of an attested worker.

use crate::attest::appraiser::policy_hash;
use crate::fault::{Code, Fault, Result};
use crate::job::enclave;
use crate::job::file::EnclaveFile;
use yu_governance::contract::EnclaveTerms;
use yu_governance::text::Text;

/// The terms that follow from the job file.
///
/// # Errors
/// `input.bad` with what is wrong in the policy; `attest.unavailable` for a simulated worker in a build without simulator.
pub(super) fn terms(file: &EnclaveFile) -> Result<EnclaveTerms> {
    let policy =
        file.policy_text.clone().ok_or_else(|| Fault::new(Code::Input, "the text of the policy").at("job.toml `enclave.policy`"))?;
    let module = enclave::module(&file.module)?;
    let hash =
        |text: &String| text.parse().map_err(|_| Fault::new(Code::Input, format!("`{text}` is no hash")).at("job.toml `enclave.bundle`"));
    Ok(EnclaveTerms {
        module,
        code: enclave::code(&module)?,
        policy_hash: policy_hash(&policy, file.danger_simulated)?,
        policy,
        bundle: file.bundle.as_ref().map(hash).transpose()?,
        simulated: file.danger_simulated,
    })
}

/// Whom and what the parties have to believe.
pub(super) fn assumptions(terms: &EnclaveTerms) -> Text {
    if terms.simulated {
        return Text::new(
            "SIMULATED environment, for demonstrations only: no hardware protects the rows; whoever operates the worker is believed not to look",
            "模拟环境，仅供演示：无硬件保护；须信任计算方的运营者不查看数据",
        );
    }
    Text::new(
        "the operator of the worker may deviate in any way; the maker of its hardware, its root keys and the patches that the policy asks for hold what they promise; physical attacks on the memory are not considered",
        "计算方的运营者可任意偏离；硬件厂商、其根密钥以及策略要求的补丁如所承诺；不考虑针对内存的物理攻击",
    )
}
