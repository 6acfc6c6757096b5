//! What a document says, as claims.

use super::document::Document;
use crate::claims::{ClaimType, Claims, Definition};

/// The claims of a document whose signature was checked.
pub(super) fn claims(document: &Document<'_>) -> Claims {
    let mut claims = Claims::new();
    claims.set("nitro.module-id", document.module_id);
    claims.set("nitro.timestamp", document.timestamp);
    for (name, register) in REGISTERS.into_iter().zip(document.registers) {
        if let Some(register) = register {
            claims.set(name, register);
        }
    }
    for (name, value) in
        [("nitro.public-key", document.public_key), ("nitro.user-data", document.user_data), ("nitro.nonce", document.nonce)]
    {
        if let Some(value) = value {
            claims.set(name, value);
        }
    }
    claims.set("evidence.debug", document.is_debug());
    claims.set("collateral.revocation", false);
    claims
}

/// Declares the claims of registers, and the others before them.
macro_rules! schema {
    ($($number:literal: $en:literal, $zh:literal;)*) => {
        /// Names of the registers' claims, in order.
        const REGISTERS: [&str; super::document::REGISTERS] = [$(concat!("nitro.pcr", $number)),*];

        /// Claims of documents.
        pub(crate) const SCHEMA: &[Definition] = &[
            Definition::new("nitro.module-id", ClaimType::Text, "enclave: instance and number", "飞地标识（实例与编号）"),
            Definition::new("nitro.timestamp", ClaimType::Number, "when the document was made, ms since 1970", "文档生成时刻（1970 年起毫秒数）"),
            Definition::new("nitro.public-key", ClaimType::Bytes, "key that the enclave named", "飞地给出的公钥"),
            Definition::new("nitro.user-data", ClaimType::Bytes, "data that the enclave gave, all of it", "飞地给出的全部数据"),
            Definition::new("nitro.nonce", ClaimType::Bytes, "nonce that the enclave gave", "飞地给出的随机数"),
            $(Definition::bytes(concat!("nitro.pcr", $number), 48, $en, $zh),)*
        ];
    };
}

schema! {
    0: "image of the enclave", "飞地镜像";
    1: "kernel and boot files", "内核与引导文件";
    2: "application", "应用程序";
    3: "role of the parent instance", "父实例角色";
    4: "identity of the parent instance", "父实例标识";
    5: "register 5, of the enclave's own use", "寄存器 5（飞地自用）";
    6: "register 6, of the enclave's own use", "寄存器 6（飞地自用）";
    7: "register 7, of the enclave's own use", "寄存器 7（飞地自用）";
    8: "certificate that signed the image", "签署镜像的证书";
    9: "register 9, of the enclave's own use", "寄存器 9（飞地自用）";
    10: "register 10, of the enclave's own use", "寄存器 10（飞地自用）";
    11: "register 11, of the enclave's own use", "寄存器 11（飞地自用）";
    12: "register 12, of the enclave's own use", "寄存器 12（飞地自用）";
    13: "register 13, of the enclave's own use", "寄存器 13（飞地自用）";
    14: "register 14, of the enclave's own use", "寄存器 14（飞地自用）";
    15: "register 15, of the enclave's own use", "寄存器 15（飞地自用）";
    16: "register 16, of the enclave's own use", "寄存器 16（飞地自用）";
    17: "register 17, of the enclave's own use", "寄存器 17（飞地自用）";
    18: "register 18, of the enclave's own use", "寄存器 18（飞地自用）";
    19: "register 19, of the enclave's own use", "寄存器 19（飞地自用）";
    20: "register 20, of the enclave's own use", "寄存器 20（飞地自用）";
    21: "register 21, of the enclave's own use", "寄存器 21（飞地自用）";
    22: "register 22, of the enclave's own use", "寄存器 22（飞地自用）";
    23: "register 23, of the enclave's own use", "寄存器 23（飞地自用）";
    24: "register 24, of the enclave's own use", "寄存器 24（飞地自用）";
    25: "register 25, of the enclave's own use", "寄存器 25（飞地自用）";
    26: "register 26, of the enclave's own use", "寄存器 26（飞地自用）";
    27: "register 27, of the enclave's own use", "寄存器 27（飞地自用）";
    28: "register 28, of the enclave's own use", "寄存器 28（飞地自用）";
    29: "register 29, of the enclave's own use", "寄存器 29（飞地自用）";
    30: "register 30, of the enclave's own use", "寄存器 30（飞地自用）";
    31: "register 31, of the enclave's own use", "寄存器 31（飞地自用）";
}
