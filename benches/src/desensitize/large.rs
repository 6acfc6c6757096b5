//! A file larger than the memory that is allowed: generated, its columns classified, masked by a policy, read again and searched.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use yu_desensitize::detect::{Class, Detector};
use yu_desensitize::key::resident_id::check_digit;
use yu_desensitize::policy::Policy;
use yu_desensitize::read::{ReadOptions, read_batches};
use yu_desensitize::report::Verdict;
use yu_desensitize::transform::{KeyId, Keys, TransformKey};

use super::{Better, DesensitizeArgs, Row, cpu_seconds};
use crate::Result;
use crate::machine::{peak_memory, reset_peak_memory};

const HEADER: &str = "id_number,name,mobile,bank_card,plate,address,birth_date,visit_date,amount,score,department,remark";

/// Every column has a rule, and none is a quasi-identifier: models need the table in memory. Such a table is for training inside the
/// domain; the gate attacks its first rows and says what it finds.
const POLICY: &str = r#"
[policy]
name = "large file"
purpose = "measurement"
stays = true
[[columns]]
name = "id_number"
class = "direct"
operators = [{ op = "hmac", hash = "sm3", purpose = "bench" }]
[[columns]]
name = "name"
class = "direct"
operators = [{ op = "keep", first = 1 }]
[[columns]]
name = "mobile"
class = "direct"
operators = [{ op = "mobile", purpose = "bench" }]
[[columns]]
name = "bank_card"
class = "direct"
operators = [{ op = "token", cipher = "sm4", purpose = "bench" }]
[[columns]]
name = "plate"
class = "direct"
operators = [{ op = "keep", first = 1 }]
[[columns]]
name = "address"
class = "direct"
operators = [{ op = "keep", first = 3, length = 3 }]
[[columns]]
name = "birth_date"
class = "other"
operators = [{ op = "generalise_date", to = "year" }]
[[columns]]
name = "visit_date"
class = "other"
operators = [{ op = "date_shift", subject = "id_number", days = 90, purpose = "bench" }]
[[columns]]
name = "amount"
class = "other"
operators = [{ op = "round", to = 100 }]
[[columns]]
name = "score"
class = "other"
operators = [{ op = "limit", bottom = 10, top = 90 }]
[[columns]]
name = "department"
class = "other"
[[columns]]
name = "remark"
class = "other"
"#;

const SURNAMES: [&str; 8] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄"];
const GIVEN: [&str; 8] = ["伟", "芳", "秀英", "敏", "静", "建国", "丽", "强"];
const DEPARTMENTS: [&str; 5] = ["内科", "外科", "儿科", "急诊", "眼科"];
const REMARKS: [&str; 4] = ["复诊", "首次就诊，无过敏史", "", "定期随访，情况稳定"];

/// The figures, if they are asked for.
///
/// # Errors
/// No room for the files; a release that is refused; a class that is not found.
pub(super) fn rows(args: &DesensitizeArgs) -> Result<Vec<Row>> {
    let Some(rows) = args.large else { return Ok(Vec::new()) };
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("input.csv"), folder.path().join("release.csv"));
    generate(&input, rows)?;
    let gigabytes = fs::metadata(&input)?.len() as f64 / 1e9;
    reset_peak_memory();
    let start = cpu_seconds();
    let found = Detector::default().classify_batches(read_batches(&input, &ReadOptions::default())?)?;
    let detected = cpu_seconds() - start;
    let has = |class: Class, column: &str| found.columns.iter().any(|found| found.class == class && found.column == column);
    if found.rows != rows || !has(Class::ResidentId, "id_number") || !has(Class::Mobile, "mobile") || !has(Class::BankCard, "bank_card") {
        return Err(format!("the classes of the large file are wrong: {found:?}").into());
    }
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let keys: Keys = TransformKey::generate(KeyId::new("bench")?, &mut rng).into();
    let start = cpu_seconds();
    let outcome = Policy::parse("large.toml", POLICY)?.run(&input, &ReadOptions::default(), &output, &keys, &mut rng)?;
    let masked = cpu_seconds() - start;
    if !outcome.is_released {
        let findings = outcome.report.sections.iter().flat_map(|section| &section.findings);
        let refused: Vec<&str> =
            findings.filter(|finding| finding.verdict == Verdict::Refused).map(|finding| finding.text.en.as_str()).collect();
        return Err(format!("the large release is refused: {}", refused.join(" ")).into());
    }
    let peak = peak_memory().ok_or("the kernel does not tell the peak of memory")? as f64 / f64::from(1 << 30);
    let name = |what: &str| format!("{rows} rows x 12 columns, {gigabytes:.1} GB of CSV: {what}");
    let row = |what, unit, value, better, limit| Row { subject: "large", name: name(what), unit, value, better, limit, aim: None };
    Ok(vec![
        row("peak memory", "GiB", peak, Better::Less, Some(1.0)),
        row("columns classified", "M rows/s", rows as f64 / detected / 1e6, Better::More, None),
        row("masked, read again, every cell searched", "M rows/s", rows as f64 / masked / 1e6, Better::More, None),
    ])
}

fn generate(path: &Path, rows: u64) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(file, "{HEADER}")?;
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut line = String::new();
    for _ in 0..rows {
        line.clear();
        one(&mut line, &mut rng)?;
        file.write_all(line.as_bytes())?;
    }
    Ok(file.into_inner().map_err(|error| error.into_error())?.sync_all()?)
}

fn one(line: &mut String, rng: &mut ChaCha20Rng) -> Result<()> {
    let (a, b) = (rng.next_u64(), rng.next_u64());
    let (year, month, day) = (1930 + a % 90, 1 + (a >> 8) % 12, 1 + (a >> 16) % 28);
    let from = line.len();
    write!(line, "{}{year:04}{month:02}{day:02}{:03}", 330_203 + (a >> 24) % 2 * 2, (a >> 32) % 1000)?;
    let digit = line.as_bytes()[from..].try_into().map(check_digit)?;
    line.push(char::from(digit));
    let (surname, given) = (SURNAMES[(b % 8) as usize], GIVEN[((b >> 3) % 8) as usize]);
    write!(line, ",{surname}{given},138{:08},", (b >> 6) % 100_000_000)?;
    card(line, (a >> 20) % 1_000_000_000)?;
    let area = ["海曙区", "江北区"][(b >> 33) as usize % 2];
    write!(line, ",浙B{:05},浙江省宁波市{area}中山东路{}号", (b >> 34) % 100_000, 1 + (b >> 40) % 999)?;
    write!(line, ",{year:04}-{month:02}-{day:02},2024-{:02}-{:02}", 1 + (b >> 50) % 12, 1 + (b >> 54) % 28)?;
    let (department, remark) = (DEPARTMENTS[(a % 5) as usize], REMARKS[(b % 4) as usize]);
    writeln!(line, ",{}.{:02},{},{department},{remark}", (a >> 40) % 100_000, (a >> 57) % 100, b % 101)?;
    Ok(())
}

/// A card number of 16 digits with its check digit (Luhn).
fn card(line: &mut String, number: u64) -> Result<()> {
    let from = line.len();
    write!(line, "622202{number:09}")?;
    let sum: u64 = line.as_bytes()[from..].iter().zip(0u64..).map(|(byte, place)| luhn(u64::from(byte - b'0'), place)).sum();
    write!(line, "{}", (10 - sum % 10) % 10)?;
    Ok(())
}

/// Every second digit from the first on counts double, its own digits added up.
const fn luhn(digit: u64, place: u64) -> u64 {
    match place % 2 {
        0 => digit * 2 / 10 + digit * 2 % 10,
        _ => digit,
    }
}
