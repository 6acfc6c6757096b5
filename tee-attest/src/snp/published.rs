//! Certificates that AMD publishes, whose signatures were checked when this table was made.
//!
//! Whether a root's signature over these bytes verifies never changes, so bytes that are in the table need no second check:
//! two RSA signatures of 4096 bits less for new collateral. Names, constraints, dates and revocation lists are looked at as
//! for every other certificate. A certificate that is not here (a reissued one) is checked in full.

use super::tcb::Product;
use crate::crypto::sha256;

/// SHA-256 of certificates in the `cert_chain` that AMD's key server gives for each product (VCEK and VLEK):
/// `openssl x509 -outform der | sha256sum` over each. Of every product ARK, ASK, and for Milan the ASVK.
const TABLE: [(Product, [u8; 32]); 7] = [
    (
        Product::Milan,
        [
            0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a, 0x2e, 0x94, 0xe1, 0xf4, 0x21, 0x0d, 0xe4, 0x9e, 0xf5, 0x55, 0x30, 0x82, 0x87,
            0xd4, 0xc1, 0x74, 0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd,
        ],
    ),
    (
        Product::Milan,
        [
            0x67, 0xd3, 0x03, 0xbd, 0x39, 0x05, 0xfd, 0x38, 0xdb, 0x8b, 0x20, 0xe0, 0x79, 0x36, 0x99, 0x87, 0x0e, 0x7f, 0xa6, 0x12, 0xea,
            0xad, 0x5d, 0xec, 0x35, 0x82, 0x93, 0xfd, 0x8c, 0x0b, 0xac, 0x1b,
        ],
    ),
    (
        Product::Milan,
        [
            0xc5, 0xe0, 0x81, 0xf5, 0x9b, 0x7e, 0xfa, 0xb1, 0xfe, 0x2f, 0x8b, 0x50, 0x5e, 0x15, 0x97, 0x04, 0xe7, 0x2f, 0x29, 0xca, 0xb7,
            0xef, 0x7c, 0xf6, 0x28, 0xa0, 0x5a, 0x42, 0x43, 0x90, 0x82, 0xf5,
        ],
    ),
    (
        Product::Genoa,
        [
            0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c, 0x5d, 0xfd, 0x4a, 0x7d, 0x33, 0x5f, 0x67, 0x4e, 0x5b, 0xfe, 0x1d, 0x8f, 0x80,
            0x0c, 0xea, 0x2c, 0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1,
        ],
    ),
    (
        Product::Genoa,
        [
            0x54, 0x64, 0x73, 0x8c, 0x15, 0x46, 0xae, 0xd5, 0xf2, 0xce, 0xcf, 0x1d, 0xc9, 0x8c, 0x5c, 0x96, 0x0a, 0x92, 0xe8, 0x91, 0x32,
            0x38, 0xa6, 0x17, 0x11, 0xbc, 0x90, 0xec, 0x6e, 0x82, 0x85, 0x21,
        ],
    ),
    (
        Product::Turin,
        [
            0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9, 0x37, 0x78, 0xa9, 0x04, 0x87, 0x7d, 0x48, 0x19, 0xca, 0xfa, 0x5d, 0x05, 0xef,
            0x41, 0x93, 0xb2, 0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a,
        ],
    ),
    (
        Product::Turin,
        [
            0x5b, 0x77, 0xef, 0x5f, 0xe7, 0xa7, 0xa0, 0x04, 0xfd, 0x90, 0x32, 0x66, 0x8f, 0xba, 0x9d, 0x0f, 0xda, 0x22, 0xf8, 0x8c, 0x44,
            0x42, 0x06, 0x9a, 0x47, 0x96, 0x36, 0xa6, 0xae, 0x3b, 0x31, 0x85,
        ],
    ),
];

/// Whether these bytes are a certificate that the product's root signed (or the root itself, which signed itself).
pub(super) fn is_published(product: Product, der: &[u8]) -> bool {
    let hash = sha256(&[der]);
    TABLE.iter().any(|(of, published)| *of == product && *published == hash)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::crypto::default_provider;
    use crate::der::pem;
    use crate::x509::Certificate;

    /// Every certificate of the table is among the published vectors, and the product's root signed it.
    #[test]
    fn every_signature_that_is_not_checked_again_is_true() {
        let root = std::env::var_os("YU_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), Into::into);
        let Ok(files) = std::fs::read_dir(root.join("vectors/tee/snp")) else {
            println!("skipped: vectors/tee/snp is not in the shared folder; set YU_SHARED to the folder that holds `vectors`");
            return;
        };
        let mut seen = BTreeSet::new();
        for file in files.map(|file| file.unwrap().path()).filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with("ca-")) {
            let ders = pem("chain", "CERTIFICATE", &std::fs::read_to_string(file).unwrap()).unwrap();
            let all: Vec<_> = ders.iter().map(|der| Certificate::read("chain", der).unwrap()).collect();
            let root = all.iter().find(|one| one.issuer == one.subject).unwrap();
            let (product, _) = Product::of_root(root.key_hash()).unwrap();
            for one in &all {
                assert!(one.signed_by(default_provider(), &root.key) && one.unknown_critical(&[]).is_none());
                assert!(is_published(product, one.der));
                assert!(
                    ![Product::Milan, Product::Genoa, Product::Turin]
                        .iter()
                        .any(|other| *other != product && is_published(*other, one.der))
                );
                seen.insert(sha256(&[one.der]));
            }
        }
        assert_eq!(seen, TABLE.iter().map(|(_, hash)| *hash).collect());
    }
}
