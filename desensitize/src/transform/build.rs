//! From an operator as data to one that works.

use arrow::array::{Array, ArrayRef, StringArray, new_null_array};
use arrow::compute::cast;
use rand_chacha::ChaCha20Rng;
use std::sync::Arc;

use super::cells::{At, Cells, Rows};
use super::date::{Coarser, DateShift};
use super::digest::{Hash, Hmac};
use super::ff1::{Direction, TextFf1, check_alphabet};
use super::hierarchy::Generalise;
use super::identity::{IdCipher, IdSpec, MobileCipher};
use super::key::{Keys, TransformKey};
use super::mask::Mask;
use super::mdav::Microaggregate;
use super::number::{Bins, Grid, Limit, Noise, Round};
use super::operator::{KeyUse, Operator};
use super::permute::{RankSwap, Shuffle};
use super::pram::{Invariant, Pram};
use super::pseudonym::Pseudonyms;
use super::refuse;
use super::rows::{Draw, Drop, DropRare, Sample, When, check_rate};
use super::token::{Open, Tokens};
use super::whole::Whole;
use crate::error::{Error, Result};

/// An operator that works.
pub(super) enum Work {
    Cells(Box<dyn Cells>),
    Rows(Box<dyn Rows>),
    Whole(Box<dyn Whole>),
}

fn cells(cells: impl Cells + 'static) -> Work {
    Work::Cells(Box::new(cells))
}

fn whole(whole: impl Whole + 'static) -> Work {
    Work::Whole(Box::new(whole))
}

impl Operator {
    /// Refuses parameters that no table could make work: all that can be said without keys and data.
    ///
    /// # Errors
    /// Refused, with the parameter and the remedy.
    pub fn check(&self) -> Result<()> {
        if let Some(usage) = self.key_use("column") {
            check_use(usage)?;
        }
        match self {
            Self::Ff1 { alphabet, .. } => check_alphabet(alphabet),
            Self::ResidentId { .. } => self.id_spec().map(|_| ()),
            Self::DateShift { days, .. } => check_days(*days),
            Self::Hmac { bits, .. } => digest_bytes(*bits).map(|_| ()),
            Self::Sample { rate, .. } => check_rate(*rate),
            Self::Token { .. } | Self::Mobile { .. } => Ok(()),
            // the rest has no key
            _ => self.plain(seedless()).map(|_| ()),
        }
    }

    /// The operator under its key. INVARIANT: `rng` is fresh if [`Self::is_random`].
    pub(super) fn forward(&self, column: &str, keys: &Keys, rng: ChaCha20Rng) -> Result<Work> {
        self.check()?;
        match self.key_use(column) {
            Some(usage) => self.keyed(usage, keys.get(usage.key)?, Direction::Encrypt),
            None => self.plain(rng),
        }
    }

    /// The way back.
    pub(super) fn backward(&self, column: &str, keys: &Keys) -> Result<Work> {
        self.check()?;
        match self.key_use(column).filter(|_| self.is_reversible()) {
            Some(usage) => self.keyed(usage, keys.get(usage.key)?, Direction::Decrypt),
            None => Err(refuse::parameter(
                "transform.irreversible",
                ("the operator cannot be turned back", "该操作不可还原"),
                ("go back to the source, if a permit allows it", "如授权允许，请回到数据源"),
            )),
        }
    }

    fn keyed(&self, usage: KeyUse<'_>, key: &TransformKey, direction: Direction) -> Result<Work> {
        let KeyUse { purpose, domain, .. } = usage;
        let derive = |label: &str| key.derive(label, purpose, domain);
        Ok(match self {
            Self::Hmac { hash, encoding, bits, .. } => {
                let label = if *hash == Hash::Sm3 { "hmac.sm3" } else { "hmac.sha256" };
                cells(Pseudonyms::new(Hmac::new(*hash, derive(label).as_slice()), *encoding, digest_bytes(*bits)?))
            }
            Self::Token { cipher, encoding, .. } => {
                let tokens = Tokens::new(key, *cipher, purpose, domain, *encoding);
                if direction == Direction::Encrypt { cells(tokens) } else { cells(Open(tokens)) }
            }
            Self::Ff1 { alphabet, others, .. } => {
                // SP 800-38G asks for a tweak that varies where it can: here by what the column stands for
                let tweak = derive("ff1.tweak");
                cells(TextFf1::new(derive("ff1").as_slice(), &tweak[..8], alphabet, *others, direction)?)
            }
            Self::ResidentId { .. } => cells(IdCipher::new(derive("resident_id").as_slice(), self.id_spec()?, direction)?),
            Self::Mobile { .. } => cells(MobileCipher::new(derive("mobile").as_slice(), direction)?),
            Self::DateShift { days, .. } => {
                cells(DateShift { hmac: Hmac::new(Hash::Sha256, derive("date_shift").as_slice()), days: *days, direction })
            }
            Self::Sample { rate, .. } => {
                Work::Rows(Box::new(Sample::new(*rate, Draw::Subject(Hmac::new(Hash::Sm3, derive("sample").as_slice())))?))
            }
            _ => return self.plain(seedless()),
        })
    }

    fn plain(&self, rng: ChaCha20Rng) -> Result<Work> {
        Ok(match self {
            Self::Keep { first, last, mask, length } => {
                cells(Mask { first: *first as usize, last: *last as usize, with: *mask, length: length.map(check_mask).transpose()? })
            }
            Self::Replace { with } => cells(Replace(check_text(with)?.to_owned())),
            Self::Null {} => cells(Null),
            Self::DropRows { when: When::RarerThan(count) } => {
                Drop::new(&When::RarerThan(*count))?;
                whole(DropRare(*count))
            }
            Self::DropRows { when } => Work::Rows(Box::new(Drop::new(when)?)),
            Self::GeneraliseDate { to } => cells(Coarser(*to)),
            Self::Generalise { hierarchy, level, unknown } => cells(Generalise::new(hierarchy, *level, *unknown)?),
            Self::Bin { edges } => cells(Bins::new(edges)?),
            Self::Round { to } => cells(Round(Grid::new(*to)?)),
            Self::Limit { bottom, top } => cells(limit(*bottom, *top)?),
            Self::Noise { grid, steps } => cells(Noise { grid: Grid::new(*grid)?, steps: check_steps(*steps)?, rng }),
            Self::RankSwap { percent } => whole(RankSwap { share: check_percent(*percent)? / 100.0, rng }),
            Self::Shuffle {} => whole(Shuffle(rng)),
            Self::Microaggregate { k, with } => whole(Microaggregate { k: check_k(*k)?, with: with.clone() }),
            Self::Pram { categories, matrix, keep, invariant } => {
                let pram = Pram::new(categories, matrix.as_ref(), *keep, rng)?;
                if *invariant { whole(Invariant(pram)) } else { cells(pram) }
            }
            Self::Sample { rate, .. } => Work::Rows(Box::new(Sample::new(*rate, Draw::Random(Box::new(rng)))?)),
            Self::Hmac { .. }
            | Self::Token { .. }
            | Self::Ff1 { .. }
            | Self::ResidentId { .. }
            | Self::Mobile { .. }
            | Self::DateShift { .. } => {
                return Err(no_purpose());
            }
        })
    }

    fn id_spec(&self) -> Result<IdSpec> {
        let Self::ResidentId { region, birth, sex, regions, years, .. } = self else {
            return Err(no_purpose());
        };
        let mut spec = IdSpec { region: *region, birth: *birth, sex: *sex, regions: regions.clone(), years: *years };
        spec.check()?;
        Ok(spec)
    }
}

/// Texts that are written into cells are short.
fn check_text(text: &str) -> Result<&str> {
    if text.len() <= refuse::MOST_TEXT {
        return Ok(text);
    }
    Err(refuse::parameter(
        "transform.text_length",
        ("the constant has more than 1024 bytes", "替换文本超过1024字节"),
        ("write a shorter one", "请填写较短的文本"),
    ))
}

/// Longest fixed mask.
const MOST_MASK: u32 = 256;

fn check_mask(length: u32) -> Result<usize> {
    if (1..=MOST_MASK).contains(&length) {
        return Ok(length as usize);
    }
    Err(refuse::parameter(
        "transform.mask_length",
        ("the mask has no characters or more than 256", "掩码长度为零或超过256"),
        ("write a length from 1 to 256, or none to keep the number of characters", "填写1至256的长度；不填则保持字符数"),
    ))
}

/// A generator for operators that draw nothing, or are only checked.
pub(super) fn seedless() -> ChaCha20Rng {
    use rand_chacha::rand_core::SeedableRng;
    ChaCha20Rng::from_seed([0; 32])
}

/// One constant in the type of the column.
struct Replace(String);

impl Cells for Replace {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        let constants: StringArray = (0..array.len()).map(|row| array.is_valid(row).then_some(self.0.as_str())).collect();
        let constants: ArrayRef = Arc::new(constants);
        let cast = cast(&constants, array.data_type()).ok().filter(|cast| cast.null_count() == constants.null_count());
        cast.ok_or_else(|| {
            refuse::cell(
                "transform.constant_type",
                refuse::at(at.file, at.column, None),
                ("the constant does not fit into the column's type", "常量与该列类型不符"),
                ("write a constant of that type, or null the column out", "填写该类型的常量，或将该列置空"),
            )
        })
    }
}

struct Null;

impl Cells for Null {
    fn cells(&mut self, array: &ArrayRef, _: &At<'_>) -> Result<ArrayRef> {
        Ok(new_null_array(array.data_type(), array.len()))
    }
}

fn limit(bottom: Option<f64>, top: Option<f64>) -> Result<Limit> {
    let is_finite = bottom.into_iter().chain(top).all(f64::is_finite);
    let is_order = bottom.zip(top).is_none_or(|(bottom, top)| bottom < top);
    if is_finite && is_order && (bottom.is_some() || top.is_some()) {
        return Ok(Limit { bottom, top });
    }
    Err(refuse::parameter(
        "transform.limit",
        ("top and bottom coding needs a bottom, a top, or a bottom below the top", "上下限编码需给出下限、上限，或下限小于上限"),
        ("write `bottom`, `top`, or both in this order", "填写 bottom、top，或按此顺序填写两者"),
    ))
}

fn check_use(usage: KeyUse<'_>) -> Result<()> {
    if !usage.purpose.trim().is_empty() && !usage.domain.is_empty() {
        return Ok(());
    }
    Err(no_purpose())
}

fn no_purpose() -> Error {
    refuse::parameter(
        "transform.purpose",
        ("a keyed operator has an empty purpose or domain", "带密钥的操作缺少目的或域"),
        ("write what the result is for: it becomes part of the key", "写明结果的用途，它将成为密钥的一部分"),
    )
}

fn digest_bytes(bits: u32) -> Result<usize> {
    if (128..=256).contains(&bits) && bits.is_multiple_of(8) {
        return Ok(bits as usize / 8);
    }
    Err(refuse::parameter(
        "transform.digest_bits",
        ("a digest has fewer than 128 bits, more than 256, or no whole bytes", "杂凑长度少于128位、多于256位或不是整字节"),
        (
            "write 128 to 256 in steps of 8: below 128 bits different people would collide",
            "填写128至256之间8的倍数：不足128位时不同主体可能碰撞",
        ),
    ))
}

fn check_days(days: u32) -> Result<()> {
    if (1..=36_525).contains(&days) {
        return Ok(());
    }
    Err(refuse::parameter(
        "transform.days",
        ("the window of a date shift is no number of days from 1 to 36525", "日期偏移窗口不在1至36525天之间"),
        ("write for example 180", "例如填写180"),
    ))
}

fn check_steps(steps: u32) -> Result<u32> {
    if (1..=4096).contains(&steps) {
        return Ok(steps);
    }
    Err(refuse::parameter(
        "transform.noise",
        ("the noise has no steps or more than 4096", "噪声步数为零或超过4096"),
        ("choose a grid on which the noise needs 1 to 4096 steps", "选择合适的网格，使步数在1至4096之间"),
    ))
}

fn check_percent(percent: f64) -> Result<f64> {
    if percent > 0.0 && percent <= 100.0 {
        return Ok(percent);
    }
    Err(refuse::parameter(
        "transform.percent",
        ("the window of a rank swap lies outside 0 to 100 per cent", "秩交换窗口不在0至100%之间"),
        ("write for example 5", "例如填写5"),
    ))
}

fn check_k(k: u32) -> Result<u32> {
    if (2..=1_000_000).contains(&k) {
        return Ok(k);
    }
    Err(refuse::parameter(
        "transform.k",
        ("groups need a size from 2 to 1000000", "分组大小需在2至1000000之间"),
        ("write for example k = 5", "例如填写 k = 5"),
    ))
}
