//! Evidence from the guest that this program runs in: AMD SEV-SNP and Intel TDX under Linux.
//!
//! | way | kernel's documentation | gives |
//! |---|---|---|
//! | configfs-tsm | `Documentation/ABI/testing/configfs-tsm-report` (6.7) | SNP and TDX, chosen by `provider` |
//! | `/dev/sev-guest` | `Documentation/virt/coco/sev-guest.rst`, `linux/sev-guest.h` (5.19) | SNP, on kernels without configfs-tsm |
//!
//! [`Attester::detect`] looks for them in this order and says what is missing where there is none. This is the one module of the crate
//! that touches a machine; verification needs nothing of it. There is no simulated attester here.
//!
//! Everything that comes out is what the *host* let through, and is believed by nobody before it is verified.

mod certificates;
mod device;
#[expect(unsafe_code, reason = "the ioctl of /dev/sev-guest: one call, see there")]
mod ioctl;
mod tsm;

use std::path::Path;

use crate::evidence::{Evidence, Kind, Part};
use crate::fault::{Fault, Result};

pub use device::{Answer, Device, Request};

/// How this guest gets its evidence.
pub struct Attester {
    way: Way,
}

enum Way {
    Tsm(tsm::Tsm),
    Device(Box<dyn Device>),
}

impl Attester {
    /// Looks for an interface of the running kernel.
    ///
    /// # Errors
    /// `attester.absent` where there is none, with what to do; `attester.provider` where the kernel has one that is not known.
    pub fn detect() -> Result<Self> {
        Self::detect_under(Path::new("/"))
    }

    /// The same below another directory: for tests, and for containers that mount the kernel's file systems elsewhere.
    ///
    /// # Errors
    /// As [`Self::detect`].
    pub fn detect_under(root: &Path) -> Result<Self> {
        if let Some(tsm) = tsm::Tsm::find(root) {
            return Ok(Self { way: Way::Tsm(tsm) });
        }
        if let Some(device) = ioctl::SevGuest::find(root) {
            return Ok(Self::with_device(Box::new(device)));
        }
        let is_tdx = root.join("dev/tdx_guest").exists();
        let (en, zh) = if is_tdx {
            ("a TDX guest whose kernel has no configfs-tsm", "TDX 客户机，但内核没有 configfs-tsm")
        } else {
            ("neither configfs-tsm nor /dev/sev-guest", "既没有 configfs-tsm，也没有 /dev/sev-guest")
        };
        Err(Fault::new("attester.absent", "this machine", en, zh).remedy(
            "run in an SEV-SNP or TDX guest; load the module `sev-guest` or `tdx-guest`, mount configfs at /sys/kernel/config; kernel 6.7 or newer for TDX",
            "请在 SEV-SNP 或 TDX 客户机中运行；加载 sev-guest 或 tdx-guest 模块，并将 configfs 挂载到 /sys/kernel/config；TDX 需 6.7 及以上内核",
        ))
    }

    /// An attester over the SNP device that the caller opened.
    #[must_use]
    pub fn with_device(device: Box<dyn Device>) -> Self {
        Self { way: Way::Device(device) }
    }

    /// How evidence is got, for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match &self.way {
            Way::Tsm(_) => "configfs-tsm",
            Way::Device(_) => "sev-guest",
        }
    }

    /// Evidence over 64 bytes of report data, with the certificates that the host gave to the guest and, in a TD, the event log.
    ///
    /// # Errors
    /// `attester.io`: the kernel refused; `attester.raced`: another process used the same entry; `attester.provider`: not known.
    pub fn evidence(&mut self, report_data: &[u8; 64]) -> Result<Evidence> {
        match &mut self.way {
            Way::Tsm(tsm) => tsm.evidence(report_data),
            Way::Device(device) => {
                let (report, table) = device::report(device.as_mut(), report_data)?;
                snp(report, &table)
            }
        }
    }
}

/// An SNP report with the certificate of the key that signed it, where the host gave one.
fn snp(report: Vec<u8>, table: &[u8]) -> Result<Evidence> {
    let certificate = certificates::signer(&report, table)?;
    let evidence = Evidence::new(Kind::Snp, report);
    Ok(certificate.map_or(evidence.clone(), |der| evidence.with(Part::Certificates, der)))
}

fn fault(code: &'static str, place: impl Into<String>, en: impl Into<String>, zh: impl Into<String>) -> Fault {
    Fault::new(code, place, en, zh)
        .remedy("check the kernel's log of this guest, and the permissions of this process", "请检查本客户机的内核日志与本进程权限")
}
