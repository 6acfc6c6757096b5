//! The published vectors, and small codings that seeds are put together with.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::Result;

/// The folder of vectors.
#[derive(Clone, Debug)]
pub struct Vectors(PathBuf);

impl Vectors {
    /// In `shared`, or in `$YU_SHARED`, or in `../shared`.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn new(shared: Option<PathBuf>) -> Result<Self> {
        let shared = shared.or_else(|| std::env::var_os("YU_SHARED").map(PathBuf::from)).unwrap_or_else(|| "../shared".into());
        let folder = shared.join("vectors/tee");
        if folder.is_dir() {
            return Ok(Self(folder));
        }
        Err(format!("`{}` is no folder; name the folder that holds `vectors` with --shared", folder.display()).into())
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>> {
        let file = self.0.join(name);
        std::fs::read(&file).map_err(|e| format!("`{}`: {e}", file.display()).into())
    }

    pub(super) fn text(&self, name: &str) -> Result<String> {
        Ok(String::from_utf8(self.read(name)?)?)
    }

    pub(super) fn json(&self, name: &str) -> Result<Json> {
        Ok(serde_json::from_slice(&self.read(name)?)?)
    }

    /// The rows of a folder's table.
    pub(super) fn rows(&self, folder: &str) -> Result<Vec<Json>> {
        Ok(serde_json::from_slice(&self.read(&format!("{folder}/vectors.json"))?)?)
    }
}

/// A text field of a row.
pub(super) fn field<'a>(row: &'a Json, name: &str) -> Result<&'a str> {
    row.get(name).and_then(Json::as_str).ok_or_else(|| format!("a vector without `{name}`").into())
}

pub(super) fn hex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|one| !one.is_whitespace())
        .map(|one| one.to_digit(16).ok_or("not hexadecimal"))
        .collect::<std::result::Result<_, _>>()?;
    Ok(digits.chunks(2).map(|pair| pair.iter().fold(0_u8, |byte, digit| byte << 4 | u8::try_from(*digit).unwrap_or(0))).collect())
}

/// Lower-case hexadecimal.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(value + if value < 10 { b'0' } else { b'a' - 10 });
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// The certificates of a PEM file, or the one of a DER file.
pub(super) fn ders(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    if bytes.first() == Some(&0x30) {
        return Ok(vec![bytes.to_vec()]);
    }
    let text = String::from_utf8_lossy(bytes);
    let bodies = text.split("-----BEGIN CERTIFICATE-----").skip(1).map(|part| part.split("-----END").next().unwrap_or_default());
    bodies.map(|body| Ok(STANDARD.decode(body.split_whitespace().collect::<String>())?)).collect()
}

pub(super) fn pem(ders: &[&[u8]]) -> String {
    let block = |der: &&[u8]| format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der));
    ders.iter().map(block).collect()
}
