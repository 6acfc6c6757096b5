//! Products, and the parts of their TCB versions.

use crate::fault::{Fault, Result};
use crate::layout::{Field, Layout};
use crate::x509::Anchor;

/// A product line: one root key each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    Milan,
    /// With Bergamo and Siena, which share its root.
    Genoa,
    Turin,
}

/// SHA-256 of the SubjectPublicKeyInfo of each product's root key (ARK), from the `cert_chain` that AMD's key server
/// publishes: `openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | sha256sum` over the last certificate.
const ROOTS: [(Product, Anchor); 3] = [
    (
        Product::Milan,
        Anchor([
            0x9f, 0x05, 0x6b, 0xee, 0x44, 0x37, 0x7e, 0x29, 0x30, 0x8c, 0xb5, 0xff, 0xa8, 0x95, 0xbd, 0xfb, 0x62, 0xd1, 0x88, 0x81, 0xfa,
            0x6b, 0xed, 0x8d, 0x6f, 0x07, 0x5b, 0x02, 0x04, 0x08, 0x9c, 0xb9,
        ]),
    ),
    (
        Product::Genoa,
        Anchor([
            0x42, 0x9a, 0x69, 0xc9, 0x42, 0x2a, 0xa2, 0x58, 0xee, 0x4d, 0x8d, 0xb5, 0xfc, 0xda, 0x9c, 0x64, 0x70, 0xef, 0x15, 0xf8, 0xcd,
            0x5a, 0x9c, 0xeb, 0xd6, 0xcb, 0xc7, 0xd9, 0x0b, 0x86, 0x38, 0x31,
        ]),
    ),
    (
        Product::Turin,
        Anchor([
            0x4f, 0x12, 0x54, 0x10, 0x56, 0x3a, 0x2a, 0xb9, 0xa5, 0x03, 0x56, 0xf9, 0x24, 0x3f, 0x6f, 0xe0, 0xb6, 0xf7, 0x3d, 0xe9, 0x86,
            0x03, 0xf5, 0x3f, 0x90, 0x33, 0x9c, 0x70, 0xe9, 0xd7, 0xad, 0x08,
        ]),
    ),
];

impl Product {
    /// The product whose root key has this hash.
    pub(super) fn of_root(key_hash: [u8; 32]) -> Option<(Self, Anchor)> {
        ROOTS.into_iter().find(|(_, anchor)| anchor.0 == key_hash)
    }

    /// The product of a processor (report version 3 and later): family and model as CPUID combines them.
    pub(super) const fn of_processor(family: u8, model: u8) -> Option<Self> {
        match (family, model) {
            (0x19, 0x00..=0x0f) => Some(Self::Milan),
            (0x19, 0x10..=0x1f | 0xa0..=0xaf) => Some(Self::Genoa),
            (0x1a, 0x00..=0x1f) => Some(Self::Turin),
            _ => None,
        }
    }

    /// Whether a certificate's product name (`Milan-B0`: line, then stepping) is of this line.
    pub(super) fn has_name(self, name: &str) -> bool {
        let line = name.split('-').next().unwrap_or_default();
        match self {
            Self::Milan => line == "Milan",
            Self::Genoa => matches!(line, "Genoa" | "Bergamo" | "Siena"),
            Self::Turin => line == "Turin",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }

    /// Length of a chip's identity; the report's field of 64 bytes is filled with zeros.
    pub(super) const fn chip_length(self) -> usize {
        match self {
            Self::Milan | Self::Genoa => 64,
            Self::Turin => 8,
        }
    }

    const fn layout(self) -> &'static Layout {
        match self {
            Self::Milan | Self::Genoa => &TCB,
            Self::Turin => &TURIN_TCB,
        }
    }
}

/// TCB_VERSION of Milan and Genoa.
const TCB: Layout = Layout {
    name: "TCB version",
    length: 8,
    fields: &[Field::new("bootloader", 0, 1), Field::new("tee", 1, 1), Field::new("reserved", 2, 4), Field::new("snp", 6, 1), UCODE],
};
const _: () = assert!(TCB.sound());

/// TCB_VERSION of Turin, which begins with the FMC (the first mutable code).
const TURIN_TCB: Layout = Layout {
    name: "TCB version",
    length: 8,
    fields: &[
        Field::new("fmc", 0, 1),
        Field::new("bootloader", 1, 1),
        Field::new("tee", 2, 1),
        Field::new("snp", 3, 1),
        Field::new("reserved", 4, 3),
        UCODE,
    ],
};
const _: () = assert!(TURIN_TCB.sound());
const UCODE: Field = Field::new("microcode", 7, 1);

/// The security versions of a platform's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tcb {
    /// Turin only.
    pub(super) fmc: Option<u8>,
    pub(super) bootloader: u8,
    pub(super) tee: u8,
    pub(super) snp: u8,
    pub(super) microcode: u8,
}

impl Tcb {
    /// Reads the eight bytes of a product.
    pub(super) fn read(product: Product, bytes: &[u8]) -> Result<Self> {
        let view = product.layout().exact(bytes)?;
        if view.number("reserved") != 0 {
            return Err(Fault::new("snp.reserved", "TCB version", "reserved bytes that are not zero", "TCB 版本的保留字节不为零"));
        }
        let [bootloader] = view.array("bootloader");
        let [tee] = view.array("tee");
        let [snp] = view.array("snp");
        let [microcode] = view.array("microcode");
        let fmc = (product == Product::Turin).then(|| {
            let [fmc] = view.array("fmc");
            fmc
        });
        Ok(Self { fmc, bootloader, tee, snp, microcode })
    }

    /// The eight bytes as a report writes them; only Turin has an FMC.
    pub(super) const fn bytes(self) -> [u8; 8] {
        match self.fmc {
            Some(fmc) => [fmc, self.bootloader, self.tee, self.snp, 0, 0, 0, self.microcode],
            None => [self.bootloader, self.tee, 0, 0, 0, 0, self.snp, self.microcode],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_written_as_they_are_read() {
        for (product, bytes) in [
            (Product::Milan, [4, 0, 0, 0, 0, 0, 24, 217]),
            (Product::Genoa, [10, 0, 0, 0, 0, 0, 23, 84]),
            (Product::Turin, [1, 2, 3, 4, 0, 0, 0, 81]),
        ] {
            let tcb = Tcb::read(product, &bytes).unwrap();
            assert_eq!(tcb.bytes(), bytes);
            assert_eq!(tcb.fmc.is_some(), product == Product::Turin);
        }
        assert!(Tcb::read(Product::Milan, &[1, 1, 1, 4, 0, 0, 0, 81]).is_err());
        assert!(Tcb::read(Product::Turin, &[4, 0, 0, 0, 0, 0, 24, 217]).is_err());
    }
}
