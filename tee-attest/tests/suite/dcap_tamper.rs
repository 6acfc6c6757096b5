//! SGX and TDX: whatever is changed in a genuine quote or in its collateral is refused, and nothing panics.
//!
//! What may change without a change of the verdict is listed where it is tested: zeros behind the quote, text around the PEM
//! blocks, the case of hexadecimal digits. None of it is signed, and none of it is read.

use std::hash::{BuildHasher as _, Hasher as _};

use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::{Claims, Entry, VerifiedCollateral, dcap};

use crate::dcap::{Case, again, cases, run};

/// SplitMix64, seeded anew for each run; `YU_TAMPER_SEED` repeats one.
struct Random(u64);

impl Random {
    fn new(test: &str) -> Self {
        let seed = std::env::var("YU_TAMPER_SEED").ok().map(|text| text.parse().unwrap());
        let seed = seed.unwrap_or_else(|| std::collections::hash_map::RandomState::new().build_hasher().finish());
        println!("{test}: YU_TAMPER_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }
}

/// A genuine vector: what it says, and its collateral, which knows its platform already.
struct Genuine {
    case: Case,
    claims: Claims,
    collateral: VerifiedCollateral,
}

fn genuine() -> Vec<Genuine> {
    let mut all = Vec::new();
    for case in cases() {
        let Ok(claims) = case.verify() else { continue };
        let collateral = VerifiedCollateral::new(default_provider(), &[Entry::Intel(Box::new(case.entry()))], [7; 32]).unwrap();
        again(case.kind, &case.quote, &collateral, case.at).unwrap();
        all.push(Genuine { case, claims, collateral });
    }
    all
}

/// Where the parts of a quote are: end of what the attestation key signed, the chain, the end.
struct Parts {
    signed: usize,
    chain: std::ops::Range<usize>,
}

fn parts(quote: &[u8]) -> Parts {
    let number = |at: usize| usize::try_from(u32::from_le_bytes(quote[at..at + 4].try_into().unwrap())).unwrap();
    let (signed, nested) = match quote[0] {
        3 => (48 + 384, 0),
        4 => (48 + 584, 6),
        _ => (48 + 6 + number(50), 6),
    };
    let authentication = signed + 4 + 128 + nested + 448;
    let certification = authentication + 2 + usize::from(u16::from_le_bytes([quote[authentication], quote[authentication + 1]]));
    let chain = certification + 6;
    Parts { signed, chain: chain..chain + number(certification + 2) }
}

/// Which bytes of a text lie inside a PEM block, its marks included.
fn inside_pem(text: &[u8]) -> Vec<bool> {
    let (begin, end) = (b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----");
    let mut inside = vec![false; text.len()];
    let mut at = 0;
    while let Some(start) = text[at..].windows(begin.len()).position(|window| window == begin).map(|found| at + found) {
        let stop = start + text[start..].windows(end.len()).position(|window| window == end).unwrap() + end.len();
        inside[start..stop].fill(true);
        at = stop;
    }
    inside
}

#[test]
fn every_byte_of_a_quote_counts() {
    let mut random = Random::new("every_byte_of_a_quote_counts");
    let (mut refused, mut framing) = (0_u32, 0_u32);
    for (index, Genuine { case, claims, collateral }) in genuine().into_iter().enumerate() {
        let parts = parts(&case.quote);
        let inside = inside_pem(&case.quote[parts.chain.clone()]);
        for at in 0..parts.chain.end {
            // all eight bits of what is signed for the first vectors of each kind of body, one bit elsewhere
            let bits = if at < parts.chain.start && matches!(index, 0 | 3) {
                0..8
            } else {
                let bit = random.below(8);
                bit..bit + 1
            };
            for bit in bits {
                let mut quote = case.quote.clone();
                quote[at] ^= 1 << bit;
                let result = again(case.kind, &quote, &collateral, case.at);
                // text around the blocks of the chain, and the byte of zero that ends it: unsigned, unread
                if at >= parts.chain.start && !inside[at - parts.chain.start] {
                    assert!(result.is_err() || result == Ok(claims.clone()), "{}: byte {at}", case.id);
                    framing += 1;
                } else {
                    assert!(result.is_err(), "{}: byte {at} bit {bit} of {} (signed: {})", case.id, quote.len(), parts.signed);
                    refused += 1;
                }
            }
        }
    }
    println!("{refused} flips refused, {framing} in unsigned framing without effect");
}

#[test]
fn no_quote_is_longer_or_shorter() {
    for Genuine { case, claims, collateral } in genuine() {
        let end = parts(&case.quote).chain.end;
        for length in 0..end {
            assert!(again(case.kind, &case.quote[..length], &collateral, case.at).is_err(), "{}: {length} bytes", case.id);
        }
        let whole = &case.quote[..end];
        assert_eq!(again(case.kind, whole, &collateral, case.at).unwrap(), claims, "{}", case.id);
        for tail in [&[1][..], b"\0\0\x01", whole] {
            assert!(again(case.kind, &[whole, tail].concat(), &collateral, case.at).is_err(), "{}", case.id);
        }
        // the buffer of the host that a guest hands out whole
        assert_eq!(again(case.kind, &[whole, &[0; 3_065]].concat(), &collateral, case.at).unwrap(), claims, "{}", case.id);
    }
}

/// A quote with another chain of certificates.
fn with_chain(quote: &[u8], pem: &[u8]) -> Vec<u8> {
    let parts = parts(quote);
    let mut out = quote[..parts.chain.start].to_vec();
    out.extend_from_slice(pem);
    let (old, new) = (parts.chain.len(), pem.len());
    let mut lengths = vec![parts.signed, parts.chain.start - 4];
    if quote[0] != 3 {
        lengths.push(parts.signed + 4 + 128 + 2);
    }
    for at in lengths {
        let length = u32::from_le_bytes(out[at..at + 4].try_into().unwrap());
        let length = u64::from(length) + u64::try_from(new).unwrap() - u64::try_from(old).unwrap();
        out[at..at + 4].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
    }
    out
}

fn blocks(pem: &str) -> Vec<String> {
    let end = "-----END CERTIFICATE-----\n";
    pem.split_inclusive(end).filter(|block| block.contains("BEGIN")).map(str::to_owned).collect()
}

#[test]
fn certificates_are_not_swapped_dropped_or_of_another_platform() {
    let all = genuine();
    for Genuine { case, claims, collateral } in &all {
        let chain = String::from_utf8(case.quote[parts(&case.quote).chain].to_vec()).unwrap();
        let own = blocks(&chain);
        assert_eq!(own.len(), 3, "{}", case.id);
        let refuse = |order: &[&String]| {
            let pem: String = order.iter().map(|block| block.as_str()).collect();
            // with a platform that is known, and with new collateral
            let quote = with_chain(&case.quote, pem.as_bytes());
            assert!(again(case.kind, &quote, collateral, case.at).is_err(), "{}", case.id);
            assert!(run(case.kind, &quote, &case.entry(), case.at).is_err(), "{}", case.id);
        };
        assert_eq!(again(case.kind, &with_chain(&case.quote, own.concat().as_bytes()), collateral, case.at).unwrap(), *claims);
        let [leaf, authority, root] = [&own[0], &own[1], &own[2]];
        for order in [
            vec![leaf, root, authority],
            vec![authority, leaf, root],
            vec![authority, root, leaf],
            vec![root, leaf, authority],
            vec![root, authority, leaf],
            vec![leaf, authority],
            vec![leaf, root],
            vec![authority, root],
            vec![leaf],
            vec![],
            vec![leaf, leaf, root],
            vec![leaf, authority, authority],
            vec![leaf, authority, root, root],
            vec![leaf, leaf, authority, root],
            vec![authority, authority, root],
        ] {
            refuse(&order);
        }
        for other in &all {
            let chain = String::from_utf8(other.case.quote[parts(&other.case.quote).chain].to_vec()).unwrap();
            let theirs = blocks(&chain);
            if theirs[0] != own[0] {
                refuse(&[&theirs[0], authority, root]);
                refuse(&[&theirs[0], &theirs[1], &theirs[2]]);
            }
            if theirs[1] != own[1] {
                refuse(&[leaf, &theirs[1], root]);
            }
        }
    }
}

/// Parts of one quote in another: no signature of one platform or key serves another.
#[test]
fn parts_of_two_quotes_do_not_mix() {
    let all = genuine();
    for one in &all {
        for other in &all {
            if one.case.quote == other.case.quote {
                continue;
            }
            let (a, b) = (parts(&one.case.quote), parts(&other.case.quote));
            // the measured part of one with the signatures of the other
            let mixed = [&one.case.quote[..a.signed], &other.case.quote[b.signed..]].concat();
            for collateral in [&one.collateral, &other.collateral] {
                assert!(again(one.case.kind, &mixed, collateral, one.case.at).is_err(), "{} {}", one.case.id, other.case.id);
            }
        }
    }
}

/// The fields of an entry, by name.
fn fields(entry: &mut dcap::Entry) -> [(&'static str, &mut String); 9] {
    [
        ("pck_crl_issuer_chain", &mut entry.pck_crl_issuer_chain),
        ("root_ca_crl", &mut entry.root_ca_crl),
        ("pck_crl", &mut entry.pck_crl),
        ("tcb_info_issuer_chain", &mut entry.tcb_info_issuer_chain),
        ("tcb_info", &mut entry.tcb_info),
        ("tcb_info_signature", &mut entry.tcb_info_signature),
        ("qe_identity_issuer_chain", &mut entry.qe_identity_issuer_chain),
        ("qe_identity", &mut entry.qe_identity),
        ("qe_identity_signature", &mut entry.qe_identity_signature),
    ]
}

/// Flips per field and vector.
const SAMPLE: usize = 60;

#[test]
fn every_byte_of_collateral_counts() {
    let mut random = Random::new("every_byte_of_collateral_counts");
    let (mut refused, mut framing) = (0_u32, 0_u32);
    for Genuine { case, claims, .. } in genuine() {
        let good = case.entry();
        for index in 0..9 {
            for _ in 0..SAMPLE {
                let mut entry = good.clone();
                let (name, field) = &mut fields(&mut entry)[index];
                let mut bytes = field.clone().into_bytes();
                let at = random.below(bytes.len());
                let before = bytes[at];
                // seven bits: an entry is text
                bytes[at] ^= 1 << random.below(7);
                let is_framing =
                    if name.ends_with("chain") { !inside_pem(field.as_bytes())[at] } else { before.eq_ignore_ascii_case(&bytes[at]) };
                let is_hex = name.ends_with("crl") || name.ends_with("signature");
                **field = String::from_utf8(bytes).unwrap();
                let result = run(case.kind, &case.quote, &entry, case.at);
                if is_framing && (is_hex || name.ends_with("chain")) {
                    assert!(result.is_err() || result == Ok(claims.clone()), "{}: {name} byte {at}", case.id);
                    framing += 1;
                } else {
                    assert!(result.is_err(), "{}: {name} byte {at}, {before:#04x}", case.id);
                    refused += 1;
                }
            }
        }
    }
    println!("{refused} flips refused, {framing} in unsigned framing without effect");
}

#[test]
fn no_field_of_collateral_is_cut_dropped_or_of_another_entry() {
    let mut random = Random::new("no_field_of_collateral_is_cut_dropped_or_of_another_entry");
    let all = genuine();
    for Genuine { case, claims, .. } in &all {
        let good = case.entry();
        for index in 0..9 {
            let refuse = |text: String| {
                let mut entry = good.clone();
                let (name, field) = &mut fields(&mut entry)[index];
                **field = text;
                assert!(run(case.kind, &case.quote, &entry, case.at).is_err(), "{}: {name}", case.id);
            };
            let mut own = good.clone();
            let (name, field) = &fields(&mut own)[index];
            let end = field.trim_end().len();
            for length in [0, 1, end / 2, end - 1, end - 2].into_iter().chain((0..20).map(|_| random.below(end))) {
                refuse(field[..length].to_owned());
            }
            refuse(format!("{field}{}", if name.ends_with("chain") { "-----BEGIN CERTIFICATE-----" } else { "00" }));
            refuse(format!("{field}{field}"));
            if name.ends_with("chain") {
                let blocks = blocks(&format!("{}\n", field.trim_end()));
                refuse(format!("{}{}", blocks[1], blocks[0]));
                refuse(blocks[0].clone());
                refuse(blocks[1].clone());
            }
            for other in &all {
                let mut theirs = other.case.entry();
                let text = fields(&mut theirs)[index].1.clone();
                let mut entry = good.clone();
                *fields(&mut entry)[index].1 = text;
                // revocation lists and chains of the same issuer may serve, if they are in their dates; no document may
                match run(case.kind, &case.quote, &entry, case.at) {
                    Ok(found) => {
                        let is_document = matches!(*name, "tcb_info" | "tcb_info_signature" | "qe_identity" | "qe_identity_signature");
                        assert!(!is_document || good == entry, "{}: {name} of {}", case.id, other.case.id);
                        assert_eq!(found.get("tcb.status"), claims.get("tcb.status"), "{}: {name}", case.id);
                    }
                    Err(fault) => assert!(good != entry, "{}: {name} of {}: {fault}", case.id, other.case.id),
                }
            }
        }
    }
}
