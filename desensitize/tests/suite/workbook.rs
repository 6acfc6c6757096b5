//! xlsx, with workbooks written here by hand: a zip archive without compression.

use yu_desensitize::error::{CellProblem, KeyProblem};
use yu_desensitize::read::{ReadOptions, read_table_from};
use yu_desensitize::{Error, Place, Result, Table, column};

use crate::reading::with_key;

/// CRC-32 (IEEE), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// A zip archive of stored files.
fn zip(files: &[(&str, String)]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = body.len() as u32;
        let size = (content.len() as u32).to_le_bytes();
        // version 2.0, no flags, stored, time 0, date 1980-01-01
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc32(content.as_bytes()).to_le_bytes());
        common.extend([size, size].concat());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        body.extend(b"PK\x03\x04");
        body.extend(&common);
        body.extend(name.as_bytes());
        body.extend(content.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, length, count) = (body.len() as u32, directory.len() as u32, files.len() as u16);
    body.extend(directory);
    body.extend(b"PK\x05\x06\0\0\0\0");
    body.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    body.extend([length.to_le_bytes(), start.to_le_bytes()].concat());
    body.extend([0, 0]);
    body
}

/// A workbook with the given sheets; a sheet is its name and the XML of its rows. Style 1 is a date.
pub(crate) fn workbook(sheets: &[(&str, &str)]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const REL: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let (mut list, mut links) = (String::new(), String::new());
    let mut files = Vec::new();
    let mut parts = Vec::new();
    for (number, (name, rows)) in (1..).zip(sheets) {
        list += &format!(r#"<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>"#);
        links += &format!(r#"<Relationship Id="rId{number}" Type="{REL}/worksheet" Target="worksheets/s{number}.xml"/>"#);
        parts.push((
            format!("xl/worksheets/s{number}.xml"),
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#),
        ));
    }
    links += &format!(r#"<Relationship Id="rId99" Type="{REL}/styles" Target="styles.xml"/>"#);
    files.push((
        "_rels/.rels",
        format!(r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="r" Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#),
    ));
    files.push(("xl/workbook.xml", format!(r#"<workbook xmlns="{MAIN}" xmlns:r="{REL}"><sheets>{list}</sheets></workbook>"#)));
    files.push(("xl/_rels/workbook.xml.rels", format!(r#"<Relationships xmlns="{PACKAGE}">{links}</Relationships>"#)));
    files.push((
        "xl/styles.xml",
        format!(r#"<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#),
    ));
    files.extend(parts.iter().map(|(name, content)| (name.as_str(), content.clone())));
    zip(&files)
}

pub(crate) fn text(cell: &str, value: &str) -> String {
    format!(r#"<c r="{cell}" t="inlineStr"><is><t>{value}</t></is></c>"#)
}

fn number(cell: &str, value: &str) -> String {
    format!(r#"<c r="{cell}"><v>{value}</v></c>"#)
}

pub(crate) fn row(number: u32, cells: &[String]) -> String {
    format!(r#"<row r="{number}">{}</row>"#, cells.concat())
}

fn read(content: Vec<u8>, options: &ReadOptions) -> Result<Table> {
    read_table_from("t.xlsx", content.into(), options)
}

#[test]
fn cells_become_text() {
    let rows = [
        row(2, &[text("B2", " id "), text("C2", "x"), text("D2", "born"), text("E2", "ok")]),
        row(
            3,
            &[
                text("B3", "00７"),
                number("C3", "1.5"),
                r#"<c r="D3" s="1"><v>32874</v></c>"#.into(),
                r#"<c r="E3" t="b"><v>1</v></c>"#.into(),
            ],
        ),
        row(5, &[number("B5", "9007199254740992"), number("C5", "1e21"), r#"<c r="D5" s="1"><v>45943.5</v></c>"#.into()]),
    ];
    let table = read(workbook(&[("Sheet 1", &rows.concat())]), &with_key("id")).unwrap();
    assert_eq!(table.column_names(), ["id", "x", "born", "ok"]);
    assert_eq!(column::text(&table, "id").unwrap(), ["00７", "9007199254740992"]);
    assert_eq!(column::numeric(&table, "x").unwrap(), [1.5, 1e21]);
    assert_eq!(column::text(&table, "born").unwrap(), ["1990-01-01", "2025-10-13T12:00:00"]);
    assert_eq!(column::text(&table, "ok").unwrap(), ["TRUE", ""]);
    assert_eq!(table.place(1), Some(Place { row: 2, line: Some(5) }));
}

#[test]
fn keys_that_lost_digits_are_refused() {
    let header = row(1, &[text("A1", "id"), text("B1", "x")]);
    for (cell, problem) in [
        (number("A3", "3.3020319900101E17"), KeyProblem::InexactNumber),
        (number("A3", "1.5"), KeyProblem::InexactNumber),
        (text("A3", "3.30E+17"), KeyProblem::Scientific),
    ] {
        let rows = header.clone() + &row(2, &[number("A2", "12")]) + &row(3, &[cell]);
        let error = read(workbook(&[("s", &rows)]), &with_key("id")).unwrap_err();
        let Error::Key { place, problem: found, column, .. } = &error else { panic!("{error}") };
        assert_eq!((*place, *found, column.as_str()), (Place { row: 2, line: Some(3) }, problem, "id"));
        assert!(error.to_string().contains("format the column as text"));
    }
}

#[test]
fn faults_of_sheets() {
    let one = row(1, &[text("A1", "id"), text("B1", "x")]) + &row(2, &[text("A2", "a"), number("B2", "1")]);
    let two = workbook(&[("甲", &one), ("乙", &one)]);
    let Err(Error::Sheet { wanted: None, sheets, .. }) = read(two.clone(), &ReadOptions::default()) else { panic!("read") };
    assert_eq!(sheets, ["甲", "乙"]);
    let sheet = |name: &str| ReadOptions { sheet: Some(name.into()), ..ReadOptions::default() };
    assert_eq!(read(two.clone(), &sheet("乙")).unwrap().num_rows(), 1);
    assert!(matches!(read(two, &sheet("丙")), Err(Error::Sheet { wanted: Some(_), .. })));

    let fault = |rows: String| read(workbook(&[("s", &rows)]), &ReadOptions::default()).unwrap_err();
    assert!(matches!(fault(String::new()), Error::EmptyFile { .. }));
    assert!(matches!(fault(row(1, &[text("A1", "id")])), Error::NoRows { .. }));
    assert!(matches!(fault(row(1, &[text("A1", "id"), text("C1", "x")])), Error::HeaderEmpty { position: 2, .. }));
    let beside = row(1, &[text("A1", "id")]) + &row(2, &[text("A2", "a"), text("C2", "b")]);
    assert!(matches!(fault(beside), Error::Ragged { line: 2, expected: 1, found: 3, .. }));
    let broken = row(1, &[text("A1", "id")]) + &row(2, &[r##"<c r="A2" t="e"><v>#N/A</v></c>"##.into()]);
    assert!(matches!(fault(broken), Error::Cell { problem: CellProblem::SpreadsheetError, .. }));
    assert!(matches!(fault("<row><c".into()), Error::Malformed { .. }));
}
