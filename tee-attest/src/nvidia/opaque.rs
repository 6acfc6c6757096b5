//! NVIDIA's own fields in a report: type u16, length u16, value, one after the other (nvtrust, `OPAQUE_FIELD_ID_*`).

use crate::claims::Claims;
use crate::cursor::Cursor;
use crate::fault::{Result, malformed};

const PLACE: &str = "opaque data of the report";

/// Types that there are. Others are refused: a new one may change what the rest means.
const KNOWN: &[u16] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 32, 33, 34, 35, 36];
const DRIVER: u16 = 3;
const GPU_INFO: u16 = 4;
const VBIOS: u16 = 6;
const VIDEO_DECODER: u16 = 11;
const COUNTS: u16 = 12;
const CHIP_SKU: u16 = 15;
const PROJECT: u16 = 17;
const PROJECT_SKU: u16 = 18;
const FIRMWARE: u16 = 20;
const PROTECTED_PCIE: u16 = 21;
const VERSION: u16 = 34;
const CHIP: u16 = 35;
const FEATURE: u16 = 36;

/// The fields, read in place.
pub(super) struct Opaque<'a> {
    fields: Vec<(u16, &'a [u8])>,
    pub(super) driver: String,
    pub(super) vbios: String,
    pub(super) firmware: &'a [u8],
    counts: Vec<String>,
    video_decoder: Option<bool>,
    protected_pcie: Option<bool>,
}

impl<'a> Opaque<'a> {
    /// Reads all fields, each once.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(PLACE, bytes);
        let mut fields: Vec<(u16, &[u8])> = Vec::new();
        while !cursor.is_empty() {
            let (kind, length) = (cursor.le16()?, cursor.le16()?);
            if !KNOWN.contains(&kind) || fields.iter().any(|(other, _)| *other == kind) {
                return Err(cursor.wrong(format!("field {kind} twice, or not known")));
            }
            fields.push((kind, cursor.take(usize::from(length))?));
        }
        let find = |kind: u16| fields.iter().find(|(other, _)| *other == kind).map(|(_, value)| *value);
        let need = |kind: u16, en: &str| find(kind).ok_or_else(|| malformed(PLACE, format!("no {en}")));
        // absent in version 0; version 1 added fields and changed none
        if find(VERSION).is_some_and(|version| !matches!(version, [0 | 1, 0])) {
            return Err(malformed(PLACE, "a version that is not known"));
        }
        let firmware = need(FIRMWARE, "firmware identity")?;
        if firmware.len() != 48 {
            return Err(malformed(PLACE, "a firmware identity that is not 48 bytes"));
        }
        let read = Self {
            driver: text(need(DRIVER, "driver version")?)?,
            vbios: vbios(need(VBIOS, "VBIOS version")?)?,
            firmware,
            counts: counts(find(COUNTS).unwrap_or_default())?,
            video_decoder: find(VIDEO_DECODER).map(on).transpose()?,
            protected_pcie: find(PROTECTED_PCIE).map(on).transpose()?,
            fields,
        };
        Ok(read)
    }

    fn find(&self, kind: u16) -> Option<&'a [u8]> {
        self.fields.iter().find(|(other, _)| *other == kind).map(|(_, value)| *value)
    }

    /// Project, variant and chip as reference values name them.
    pub(super) fn board(&self) -> Result<(String, String, String)> {
        let read = |kind| self.find(kind).map_or_else(|| Ok(String::new()), text);
        Ok((read(PROJECT)?, read(PROJECT_SKU)?, read(CHIP_SKU)?))
    }

    /// Whether block 36 (number 35 of the reference values) counts: it measures the video decoder.
    pub(super) fn has_video_decoder(&self) -> bool {
        self.video_decoder != Some(false)
    }

    /// Sets the claims.
    pub(super) fn claims(&self, claims: &mut Claims) {
        claims.set("nvidia.driver", self.driver.as_str());
        claims.set("nvidia.vbios", self.vbios.as_str());
        claims.set("nvidia.firmware", self.firmware);
        claims.set("nvidia.measurement-counts", self.counts.clone());
        for (kind, name) in
            [(PROJECT, "nvidia.project"), (PROJECT_SKU, "nvidia.project-sku"), (CHIP_SKU, "nvidia.chip-sku"), (CHIP, "nvidia.chip")]
        {
            if let Some(Ok(value)) = self.find(kind).map(text) {
                claims.set(name, value.as_str());
            }
        }
        if let Some(state) = self.video_decoder {
            claims.set("nvidia.video-decoder", state);
        }
        if let Some(state) = self.protected_pcie {
            claims.set("nvidia.protected-pcie", state);
        }
        if let Some([low, high]) = self.find(FEATURE) {
            claims.set("nvidia.feature", u64::from(u16::from_le_bytes([*low, *high])));
        }
        if let Some(info) = self.find(GPU_INFO) {
            claims.set("nvidia.gpu-info", info);
        }
    }
}

/// Printable ASCII up to zeros that fill the field.
fn text(value: &[u8]) -> Result<String> {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    let (head, tail) = value.split_at_checked(end).unwrap_or((value, &[]));
    if head.iter().all(|byte| (0x20..0x7f).contains(byte)) && tail.iter().all(|byte| *byte == 0) {
        Ok(String::from_utf8_lossy(head).into_owned())
    } else {
        Err(malformed(PLACE, "a text that is not ASCII"))
    }
}

/// `96.00.9f.00.01` from 00 9f 00 96 01: four bytes of a little-endian number, then the maker's byte.
fn vbios(value: &[u8]) -> Result<String> {
    match value {
        [d, c, b, a, e, 0, 0, 0] => Ok(format!("{a:02x}.{b:02x}.{c:02x}.{d:02x}.{e:02x}")),
        _ => Err(malformed(PLACE, "a VBIOS version that is not 5 bytes and 3 of zero")),
    }
}

fn counts(value: &[u8]) -> Result<Vec<String>> {
    let (numbers, rest) = value.as_chunks::<4>();
    if !rest.is_empty() || numbers.len() > 255 {
        return Err(malformed(PLACE, "counts that are not numbers of four bytes"));
    }
    Ok(numbers.iter().map(|number| u32::from_le_bytes(*number).to_string()).collect())
}

/// NVIDIA writes 0xaa for on and 0x55 for off, so that no single flip turns one into the other.
fn on(value: &[u8]) -> Result<bool> {
    match value {
        [0xaa] => Ok(true),
        [0x55] => Ok(false),
        _ => Err(malformed(PLACE, "a switch that is neither on nor off")),
    }
}
