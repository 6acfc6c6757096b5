//! Districts of Ningbo (宁波市) and the region codes that identity numbers begin with (GB/T 2260, 3302xx).

/// A district in which simulated residents live.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct District {
    /// Region code.
    pub code: u32,
    /// Name as it stands in the tables.
    pub name: &'static str,
    /// Name in Latin letters, for readers of English.
    pub latin: &'static str,
    /// Residents in thousands, rounded from the 2020 census: the weight with which people live here.
    pub(super) weight: u64,
    /// Level of incomes in per cent of the mean; invented.
    pub(super) income: f64,
}

/// The six districts; their names are the categories of the column `district`.
pub const DISTRICTS: [District; 6] = [
    District { code: 330_203, name: "海曙区", latin: "Haishu", weight: 1041, income: 104.0 },
    District { code: 330_205, name: "江北区", latin: "Jiangbei", weight: 488, income: 102.0 },
    District { code: 330_206, name: "北仑区", latin: "Beilun", weight: 829, income: 101.0 },
    District { code: 330_211, name: "镇海区", latin: "Zhenhai", weight: 510, income: 99.0 },
    District { code: 330_212, name: "鄞州区", latin: "Yinzhou", weight: 1609, income: 103.0 },
    District { code: 330_213, name: "奉化区", latin: "Fenghua", weight: 577, income: 88.0 },
];

/// All county-level codes of Ningbo that people may have been registered in at birth.
pub(super) const BIRTH_REGIONS: [u32; 10] = [330_203, 330_205, 330_206, 330_211, 330_212, 330_213, 330_225, 330_226, 330_281, 330_282];

/// The names of the districts, as categories.
#[must_use]
pub fn district_names() -> Vec<String> {
    DISTRICTS.iter().map(|district| district.name.to_owned()).collect()
}
