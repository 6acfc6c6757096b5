//! What the hardware measured: the report of an SGX enclave, and the reports of trust domains in three sizes.

use crate::fault::{Result, malformed};
use crate::layout::{Field, Layout, View};

/// Report of an enclave (Intel SDM volume 3D, table 40-23 "REPORT", without its MAC): 384 bytes.
pub(super) static ENCLAVE: Layout = Layout {
    name: "enclave report",
    length: 384,
    fields: &[
        Field::new("cpu-svn", 0, 16),
        Field::new("misc-select", 16, 4),
        Field::new("reserved1", 20, 12),
        Field::new("isv-ext-prod-id", 32, 16),
        Field::new("attributes", 48, 16),
        Field::new("mr-enclave", 64, 32),
        Field::new("reserved2", 96, 32),
        Field::new("mr-signer", 128, 32),
        Field::new("reserved3", 160, 32),
        Field::new("config-id", 192, 64),
        Field::new("isv-prod-id", 256, 2),
        Field::new("isv-svn", 258, 2),
        Field::new("config-svn", 260, 2),
        Field::new("reserved4", 262, 42),
        Field::new("isv-family-id", 304, 16),
        Field::new("report-data", 320, 64),
    ],
};
const _: () = assert!(ENCLAVE.sound());

/// Report of a domain, TDX 1.0 (TDX DCAP Quoting Library API, A.3.2): 584 bytes.
static DOMAIN: Layout = Layout {
    name: "td report",
    length: 584,
    fields: &[
        Field::new("tee-tcb-svn", 0, 16),
        Field::new("mr-seam", 16, 48),
        Field::new("mr-signer-seam", 64, 48),
        Field::new("seam-attributes", 112, 8),
        Field::new("td-attributes", 120, 8),
        Field::new("xfam", 128, 8),
        Field::new("mr-td", 136, 48),
        Field::new("mr-config-id", 184, 48),
        Field::new("mr-owner", 232, 48),
        Field::new("mr-owner-config", 280, 48),
        Field::new("rtmr0", 328, 48),
        Field::new("rtmr1", 376, 48),
        Field::new("rtmr2", 424, 48),
        Field::new("rtmr3", 472, 48),
        Field::new("report-data", 520, 64),
    ],
};
const _: () = assert!(DOMAIN.sound());

/// What TDX 1.5 puts behind it: 64 bytes.
static FIFTEEN: Layout =
    Layout { name: "td report 1.5", length: 64, fields: &[Field::new("tee-tcb-svn2", 0, 16), Field::new("mr-service-td", 16, 48)] };
const _: () = assert!(FIFTEEN.sound());

/// What the extended TDX 1.5 report puts behind that (`sgx_report2_body_v1_5_ex_t` in Intel's `sgx_quote_5.h`): 237 bytes.
static EXTENDED: Layout = Layout {
    name: "td report 1.5ex",
    length: 237,
    fields: &[
        Field::new("vmid", 0, 1),
        Field::new("td-id", 1, 32),
        Field::new("device-info", 33, 48),
        Field::new("initial-service-td-hash", 81, 48),
        Field::new("initial-service-td-attributes", 129, 8),
        Field::new("initial-cpu-svn", 137, 16),
        Field::new("initial-tee-tcb-svn", 153, 16),
        Field::new("initial-fmspc", 169, 12),
        Field::new("current-service-td-hash", 181, 48),
        Field::new("current-service-td-attributes", 229, 8),
    ],
};
const _: () = assert!(EXTENDED.sound());

/// Bits of TD_ATTRIBUTES that must be zero (Intel TDX Module ABI 348551-008US, table 3.23): 1-3, 7-15, 23-26, 32-61.
/// A verifier must refuse them: what they will mean is not known.
const RESERVED_ATTRIBUTES: u64 = 0x3fff_ffff_0780_ff8e;

/// A report of one kind.
#[derive(Clone, Copy)]
pub(super) enum Report<'a> {
    Enclave(View<'a>),
    Domain(Domain<'a>),
}

/// A report of a trust domain.
#[derive(Clone, Copy)]
pub(super) struct Domain<'a> {
    pub(super) base: View<'a>,
    pub(super) fifteen: Option<View<'a>>,
    pub(super) extended: Option<View<'a>>,
}

/// Which of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Enclave,
    Domain,
    Fifteen,
    Extended,
}

impl Body {
    /// Length in bytes, as a body descriptor of quote version 5 states it.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Enclave => 384,
            Self::Domain => 584,
            Self::Fifteen => 648,
            Self::Extended => 885,
        }
    }

    /// Reads exactly these bytes.
    pub(super) fn read(self, bytes: &[u8]) -> Result<Report<'_>> {
        if self == Self::Enclave {
            return enclave(bytes).map(Report::Enclave);
        }
        let (base, rest) = DOMAIN.read(bytes)?;
        let (fifteen, rest) =
            if self == Self::Domain { (None, rest) } else { FIFTEEN.read(rest).map(|(view, rest)| (Some(view), rest))? };
        let (extended, rest) =
            if self == Self::Extended { EXTENDED.read(rest).map(|(view, rest)| (Some(view), rest))? } else { (None, rest) };
        if !rest.is_empty() {
            return Err(malformed("td report", format!("{} bytes after the end", rest.len())));
        }
        if base.number("td-attributes") & RESERVED_ATTRIBUTES != 0 {
            return Err(malformed("td attributes", "reserved bits are set, which a verifier must refuse"));
        }
        Ok(Report::Domain(Domain { base, fifteen, extended }))
    }
}

/// Reads an enclave's report: the body of an SGX quote, or that of the quoting enclave.
pub(super) fn enclave(bytes: &[u8]) -> Result<View<'_>> {
    let view = ENCLAVE.exact(bytes)?;
    if ["reserved1", "reserved2", "reserved3", "reserved4"].iter().any(|name| !is_zero(view.field(name))) {
        return Err(malformed("enclave report", "reserved bytes that are not zero"));
    }
    Ok(view)
}

/// ATTRIBUTES.DEBUG of an enclave (Intel SDM volume 3D, 35.7.1): bit 1.
pub(super) fn is_debug_enclave(view: &View<'_>) -> bool {
    view.field("attributes").first().is_some_and(|flags| flags & 2 != 0)
}

/// Without an early end: many bytes at a time.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |sum, byte| sum | byte) == 0
}

impl Domain<'_> {
    fn attribute(&self, bit: u32) -> bool {
        self.base.number("td-attributes").checked_shr(bit).is_some_and(|bits| bits & 1 != 0)
    }

    /// The number of the format in a body descriptor of quote version 5.
    pub(super) const fn body_type(&self) -> u64 {
        match (self.fifteen, self.extended) {
            (None, _) => 2,
            (Some(_), None) => 3,
            (Some(_), Some(_)) => 4,
        }
    }

    /// Any bit of the group "TD under debug" (0-7): debug, or one of the ways to profile it from outside.
    pub(super) fn is_debug(&self) -> bool {
        self.base.number("td-attributes") & 0xff != 0
    }

    pub(super) fn sept_ve_disable(&self) -> bool {
        self.attribute(28)
    }

    pub(super) fn migratable(&self) -> bool {
        self.attribute(29)
    }

    pub(super) fn perfmon(&self) -> bool {
        self.attribute(63)
    }

    /// Whether another domain has a say over this one. A report of TDX 1.0 has no MR_SERVICETD (Intel's quoting enclave never
    /// makes one for a domain with service domains); its attributes still say MIGRATABLE and SERVTD_EXT (bit 17).
    pub(super) fn service_td(&self) -> bool {
        let hash = |view: Option<View<'_>>, name| view.is_some_and(|view| !is_zero(view.field(name)));
        self.migratable()
            || self.attribute(17)
            || hash(self.fifteen, "mr-service-td")
            || hash(self.extended, "initial-service-td-hash")
            || hash(self.extended, "current-service-td-hash")
    }
}
