//! From evidence to verified claims. Pure: no network, no clock, no file.
//!
//! [`verify()`] says that the signatures are true and what was said. It decides nothing: only
//! [`crate::policy::Policy::appraise`] turns [`Verified`] into [`crate::policy::Affirmed`], and only that opens anything.

use subtle::ConstantTimeEq as _;

use crate::binding::Binding;
use crate::claims::Claims;
use crate::collateral::VerifiedCollateral;
use crate::crypto::Provider;
use crate::evidence::{Evidence, Kind};
use crate::fault::{Fault, Result};
use crate::instant::{Instant, Span};

/// What a verifier of one kind found.
pub(crate) struct Finding {
    pub(crate) claims: Claims,
    /// The bytes in which the reporter can put data of its own: 64 in most kinds, fewer in some.
    pub(crate) report_data: Vec<u8>,
    /// Dates of everything used that is not in the collateral (certificates inside the evidence).
    pub(crate) span: Span,
    /// When the oldest dated collateral that was used was issued; `None` where nothing is dated.
    pub(crate) issued: Option<Instant>,
}

/// Where claims come from. Sealed: hardware, and (with the feature) an attester in software, which is another type.
#[expect(private_bounds, reason = "sealed: no other crate may say where claims come from")]
pub trait Origin: sealed::Sealed {}

mod sealed {
    pub(super) trait Sealed {}
    impl Sealed for super::Hardware {}
    #[cfg(feature = "danger-simulated-tee")]
    impl Sealed for crate::simulated::Simulated {}
}

/// Claims that hardware signed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Hardware;
impl Origin for Hardware {}
#[cfg(feature = "danger-simulated-tee")]
impl Origin for crate::simulated::Simulated {}

/// Signature-true claims, not appraised: nothing can be opened with them.
///
/// There is no way to make one but [`verify`]:
/// ```compile_fail
/// use yu_tee_attest::{Claims, Hardware, Verified};
/// let forged: Verified<Hardware> = Verified { claims: Claims::new() };
/// ```
#[derive(Clone, Debug)]
pub struct Verified<O: Origin> {
    pub(crate) kind: Kind,
    pub(crate) claims: Claims,
    pub(crate) binding: Binding,
    pub(crate) evidence_hash: [u8; 32],
    pub(crate) collateral_hash: [u8; 32],
    pub(crate) at: Instant,
    pub(crate) origin: std::marker::PhantomData<O>,
}

impl<O: Origin> Verified<O> {
    /// Which environment spoke.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What it said.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// Checks evidence of hardware against collateral at an instant, and its report data against a binding.
///
/// # Errors
/// A [`Fault`] that names the part which failed. Unknown kinds and versions are refused.
pub fn verify(
    provider: &dyn Provider,
    evidence: &Evidence,
    collateral: &VerifiedCollateral,
    at: Instant,
    binding: &Binding,
) -> Result<Verified<Hardware>> {
    let kind = evidence.kind();
    let finding = match kind {
        Kind::Sgx | Kind::Tdx => crate::dcap::verify(provider, evidence, collateral, at),
        Kind::Snp => crate::snp::verify(provider, evidence, collateral, at),
        Kind::Csv => crate::csv::verify(provider, evidence, collateral, at),
        Kind::Nitro => crate::nitro::verify(provider, evidence, collateral, at),
        Kind::Tpm => crate::tpm::verify(provider, evidence, collateral, at),
        Kind::Cca => crate::cca::verify(provider, evidence, collateral, at),
        Kind::Nvidia => crate::nvidia::verify(provider, evidence, collateral, at),
        #[cfg(feature = "danger-simulated-tee")]
        Kind::Simulated => Err(Fault::new(
            "evidence.simulated",
            "evidence",
            "simulated evidence where hardware is asked for",
            "要求硬件证据，但收到的是模拟证据",
        )
        .remedy("run the worker on a machine with a trusted execution environment", "请在具备可信执行环境的机器上运行")),
    }?;
    finding.span.check(at)?;
    let mut claims = finding.claims;
    compare(binding, &finding.report_data)?;
    claims.set("evidence.kind", kind.name());
    claims.set("evidence.hardware", true);
    claims.set("binding", binding.name());
    if let Some(issued) = finding.issued {
        claims.set("collateral.age-days", u64::try_from(issued.days_until(at)).unwrap_or(0));
    }
    if let Some(issued) = collateral.issued() {
        Span::new("collateral bundle", issued, Instant(i64::MAX)).check(at)?;
        claims.set("collateral.bundle-age-days", u64::try_from(issued.days_until(at)).unwrap_or(0));
    }
    let mut padded = finding.report_data;
    padded.resize(64, 0);
    claims.set("evidence.report-data", padded.as_slice());
    Ok(Verified {
        kind,
        claims,
        binding: binding.clone(),
        evidence_hash: evidence.hash(),
        collateral_hash: collateral.hash(),
        at,
        origin: std::marker::PhantomData,
    })
}

/// The report data must be what the binding says, over its whole length; what is left of a longer field must be zero.
pub(crate) fn compare(binding: &Binding, found: &[u8]) -> Result<()> {
    let Some(expected) = binding.report_data(found.len()) else { return Ok(()) };
    let fits = found
        .split_at_checked(expected.len())
        .is_some_and(|(head, tail)| bool::from(head.ct_eq(&expected)) && tail.iter().all(|byte| *byte == 0));
    if fits {
        return Ok(());
    }
    Err(Fault::new(
        "binding.mismatch",
        "report data",
        "the evidence was made for another session, job or key: it may be relayed, replayed or diverted",
        "证据不是为本会话、本任务或本密钥生成的：可能被转发、重放或转移",
    )
    .remedy("start a new session with the peer itself", "请与对端本身重新建立会话"))
}
