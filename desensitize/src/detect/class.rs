//! What can be found, how sure one can be, and what is said about it.

use std::fmt;

use crate::error::{Lang, Text};

/// A class of identifiers. Of two classes that fit a column equally well the first is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Class {
    /// Resident identity number (公民身份号码), GB 11643: 18 characters, or 15 digits of the first generation.
    ResidentId,
    /// Unified social credit code (统一社会信用代码), GB 32100.
    CreditCode,
    /// Bank card number (银行卡号), ISO/IEC 7812.
    BankCard,
    /// Vehicle identification number (车辆识别代号), GB 16735.
    Vin,
    /// Identity of a mobile device (IMEI), 3GPP TS 23.003.
    Imei,
    /// Mobile number of the mainland (手机号码).
    Mobile,
    /// Number of a fixed line (固定电话).
    Landline,
    /// E-mail address (电子邮箱).
    Email,
    /// Address of the Internet Protocol, version 4 or 6 (IP 地址).
    IpAddress,
    /// Address of a network interface (MAC 地址).
    MacAddress,
    /// Chinese passport (护照), ordinary, official, service or diplomatic.
    Passport,
    /// Permit between the mainland and Hong Kong or Macau, either direction (港澳通行证).
    HkMacauPermit,
    /// Permit between the mainland and Taiwan, either direction (台湾居民来往大陆通行证, 台胞证).
    TaiwanPermit,
    /// Licence plate (车牌), also of new-energy vehicles.
    Plate,
    /// Name of a WeChat account (微信号).
    WeChat,
    /// Number of a QQ account (QQ 号).
    Qq,
    /// Name of a person (姓名).
    PersonName,
    /// Postal address (住址).
    Address,
}

impl Class {
    /// All classes, in their order.
    pub const ALL: [Self; 18] = [
        Self::ResidentId,
        Self::CreditCode,
        Self::BankCard,
        Self::Vin,
        Self::Imei,
        Self::Mobile,
        Self::Landline,
        Self::Email,
        Self::IpAddress,
        Self::MacAddress,
        Self::Passport,
        Self::HkMacauPermit,
        Self::TaiwanPermit,
        Self::Plate,
        Self::WeChat,
        Self::Qq,
        Self::PersonName,
        Self::Address,
    ];

    /// The name as it stands in labels and policies, for example `resident_id`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResidentId => "resident_id",
            Self::CreditCode => "credit_code",
            Self::BankCard => "bank_card",
            Self::Vin => "vin",
            Self::Imei => "imei",
            Self::Mobile => "mobile",
            Self::Landline => "landline",
            Self::Email => "email",
            Self::IpAddress => "ip_address",
            Self::MacAddress => "mac_address",
            Self::Passport => "passport",
            Self::HkMacauPermit => "hk_macau_permit",
            Self::TaiwanPermit => "taiwan_permit",
            Self::Plate => "plate",
            Self::WeChat => "wechat",
            Self::Qq => "qq",
            Self::PersonName => "person_name",
            Self::Address => "address",
        }
    }

    /// The class of a name; the opposite of [`Self::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// The name for readers.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::ResidentId => ("resident identity number", "公民身份号码"),
            Self::CreditCode => ("unified social credit code", "统一社会信用代码"),
            Self::BankCard => ("bank card number", "银行卡号"),
            Self::Vin => ("vehicle identification number", "车辆识别代号"),
            Self::Imei => ("mobile device identity", "移动设备识别码"),
            Self::Mobile => ("mobile number", "手机号码"),
            Self::Landline => ("landline number", "固定电话"),
            Self::Email => ("e-mail address", "电子邮箱"),
            Self::IpAddress => ("IP address", "IP地址"),
            Self::MacAddress => ("MAC address", "MAC地址"),
            Self::Passport => ("passport number", "护照号码"),
            Self::HkMacauPermit => ("Hong Kong/Macau permit", "港澳通行证号"),
            Self::TaiwanPermit => ("Taiwan permit", "台湾通行证号"),
            Self::Plate => ("licence plate", "车牌号"),
            Self::WeChat => ("WeChat account", "微信号"),
            Self::Qq => ("QQ account", "QQ号"),
            Self::PersonName => ("person's name", "姓名"),
            Self::Address => ("postal address", "住址"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// A suggestion for the grade (数据分级) of a column of this class among the four levels of general data.
    ///
    /// 4 for identity documents and bank accounts, which count as sensitive personal information (敏感个人信息),
    /// 3 for what leads to one person, 2 for what leads to a device or connection, 1 for public numbers of organisations.
    /// A rule of thumb of this crate and no clause of a standard: whoever is responsible for the data decides.
    #[must_use]
    pub const fn suggested_grade(self) -> &'static str {
        match self {
            Self::ResidentId | Self::BankCard | Self::Passport | Self::HkMacauPermit | Self::TaiwanPermit => "4",
            Self::Mobile
            | Self::Landline
            | Self::Email
            | Self::Plate
            | Self::Vin
            | Self::WeChat
            | Self::Qq
            | Self::PersonName
            | Self::Address => "3",
            Self::Imei | Self::IpAddress | Self::MacAddress => "2",
            Self::CreditCode => "1",
        }
    }

    /// Whether the class has a check digit, so that [`Confidence::Certain`] can be reached.
    #[must_use]
    pub const fn has_check_digit(self) -> bool {
        matches!(self, Self::ResidentId | Self::CreditCode | Self::BankCard | Self::Vin | Self::Imei)
    }
}

/// A set of classes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClassSet(u32);

impl ClassSet {
    /// Every class.
    pub const ALL: Self = Self((1 << Class::ALL.len()) - 1);
    /// No class.
    pub const NONE: Self = Self(0);

    /// Whether the class is in it.
    #[must_use]
    pub const fn has(self, class: Class) -> bool {
        self.0 & (1 << class as u32) != 0
    }

    /// With one more class.
    #[must_use]
    pub const fn with(self, class: Class) -> Self {
        Self(self.0 | 1 << class as u32)
    }

    /// Without a class.
    #[must_use]
    pub const fn without(self, class: Class) -> Self {
        Self(self.0 & !(1 << class as u32))
    }
}

impl FromIterator<Class> for ClassSet {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> Self {
        classes.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for ClassSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Class::ALL.into_iter().filter(|class| self.has(*class))).finish()
    }
}

/// How sure a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// The shape fits, and other things have it as well; or a check digit does not fit (a typing error?).
    Possible,
    /// The shape fits and so does something beside it: a context word, a valid segment, a grammar that little else has.
    Likely,
    /// A check digit was verified, and everything else that the standard says of the number.
    Certain,
}

impl Confidence {
    /// The word for readers.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Possible, Lang::En) => "possible",
            (Self::Possible, Lang::Zh) => "可能",
            (Self::Likely, Lang::En) => "likely",
            (Self::Likely, Lang::Zh) => "很可能",
            (Self::Certain, Lang::En) => "certain",
            (Self::Certain, Lang::Zh) => "确定",
        }
    }
}

/// Why a hit is one. No value of the text is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Resident number: check digit, date and county are right.
    IdVerified,
    /// Resident number: check digit and date are right; the county is not in the current table.
    IdOldRegion,
    /// Resident number of 15 digits: date and region are right; there is no check digit.
    IdFifteen,
    /// Check digit, or one of several, does not fit: perhaps a typing error.
    CheckDigitWrong,
    /// Luhn digit and issuer number of a card are right.
    CardVerified,
    /// The Luhn digit is right; the issuer is unknown or the number has another reading.
    CardLuhnOnly,
    /// Credit code: MOD 31 digit, authority and region are right.
    CreditVerified,
    /// Vehicle number: the check digit is right.
    VinVerified,
    /// Vehicle number without a valid check digit, as European makers write it.
    VinUnchecked,
    /// Device identity: Luhn digit and reporting body are right.
    ImeiVerified,
    /// A number range that is in use.
    Segment,
    /// The shape, and a word before it that names the class.
    ShapeAndContext,
    /// The shape alone.
    Shape,
    /// The whole grammar of the class.
    Grammar,
    /// A surname, usual characters of given names, and a word beside it.
    NameAndContext,
    /// A surname and usual characters of given names, standing alone.
    NameAlone,
    /// A title and capitalised words.
    TitleAndName,
    /// A division of the gazetteer, followed by road, number or house.
    DivisionAndRoad,
    /// A road and a number without a division.
    RoadAndNumber,
    /// The header names the class.
    Header,
    /// The header names the class and the cells fit.
    HeaderAndCells,
    /// The cells fit.
    Cells,
    /// Identifiers within longer text.
    FreeText,
}

impl Reason {
    /// The reason as a sentence.
    #[must_use]
    pub fn text(self) -> Text {
        let (en, zh) = self.words();
        Text::new(en, zh)
    }

    /// The reason in one language.
    #[must_use]
    pub const fn get(self, lang: Lang) -> &'static str {
        let (en, zh) = self.words();
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::IdVerified => {
                ("check digit (MOD 11-2), date and region code are right", "校验码（MOD 11-2）、出生日期和行政区划代码均正确")
            }
            Self::IdOldRegion => {
                ("check digit and date are right, the county code is not a current one", "校验码和出生日期正确，县级代码不在现行代码表中")
            }
            Self::IdFifteen => {
                ("15 digits with a right date and region code, without check digit", "15位号码，日期和区划代码正确，无校验码")
            }
            Self::CheckDigitWrong => {
                ("right shape, but the check digit does not fit: a typing error?", "格式相符，但校验码不符，可能有误写")
            }
            Self::CardVerified => ("Luhn digit, length and issuer number are right", "Luhn 校验码、长度和发卡行标识均正确"),
            Self::CardLuhnOnly => ("Luhn digit is right, issuer or reading is not sure", "Luhn 校验码正确，发卡行或含义不能确定"),
            Self::CreditVerified => ("check digit (MOD 31), authority and region are right", "校验码（MOD 31）、登记管理部门和区划均正确"),
            Self::VinVerified => ("check digit by weights is right", "加权校验位正确"),
            Self::VinUnchecked => ("17 characters without a valid check digit", "17位代号，校验位不成立"),
            Self::ImeiVerified => ("Luhn digit and reporting body are right", "Luhn 校验码和核发机构标识正确"),
            Self::Segment => ("length and number range are right", "长度和号段相符"),
            Self::ShapeAndContext => ("right shape after a word that names it", "格式相符，且前有提示词"),
            Self::Shape => ("right shape, no further evidence", "仅格式相符"),
            Self::Grammar => ("the whole grammar fits", "完全符合语法规则"),
            Self::NameAndContext => ("surname and given name beside a word that announces a person", "姓氏与名字用字相符，且有提示词"),
            Self::NameAlone => ("surname and given name standing alone", "姓氏与名字用字相符，独立成词"),
            Self::TitleAndName => ("a title before capitalised words", "称谓后接首字母大写的词"),
            Self::DivisionAndRoad => ("an administrative division followed by road, number or house", "行政区划后接道路、门牌或楼室"),
            Self::RoadAndNumber => ("a road and a house number", "道路名和门牌号"),
            Self::Header => ("the header names it; the cells were not decisive", "列名指明，内容未能印证"),
            Self::HeaderAndCells => ("the header names it and the cells fit", "列名指明，且内容相符"),
            Self::Cells => ("the cells fit, whatever the header says", "内容相符，列名未指明"),
            Self::FreeText => ("identifiers stand within longer text", "较长文本中含有标识信息"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for class in Class::ALL {
            assert_eq!(Class::from_name(class.name()), Some(class));
            assert!(ClassSet::ALL.has(class) && !ClassSet::ALL.without(class).has(class) && !ClassSet::NONE.has(class));
            assert!(!class.title(Lang::Zh).is_ascii() && class.title(Lang::En).is_ascii());
        }
        assert_eq!(Class::from_name("x"), None);
        let set: ClassSet = [Class::Qq, Class::Vin].into_iter().collect();
        assert_eq!(format!("{set:?}"), "{Vin, Qq}");
        assert!(Confidence::Certain > Confidence::Likely && Confidence::Likely > Confidence::Possible);
    }
}
