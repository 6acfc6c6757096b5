//! A page for people: Chinese first, English below, printed as it is seen. No script, nothing fetched, every text escaped, and a
//! policy in the page itself that forbids both.

use std::fmt::Write as _;

use crate::text::{Text, escaped};

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub title: Text,
    /// Its columns.
    pub head: Vec<Text>,
    /// Its rows; shorter ones end blank, longer ones are cut.
    pub rows: Vec<Vec<Text>>,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: Text,
    /// Paragraphs.
    pub text: Vec<Text>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Last line: what it was made from.
    pub foot: Text,
}

/// The same in both languages: numbers, names, hashes.
#[must_use]
pub fn same(text: impl ToString) -> Text {
    let text = text.to_string();
    Text::new(text.clone(), text)
}

const STYLE: &str = "body{font-family:sans-serif;font-size:11pt;margin:2em auto;max-width:60em;color:#222}\
h1,h2{font-weight:600}.en{color:#444}table{border-collapse:collapse;width:100%;margin:1em 0}\
th,td{border:1px solid #999;padding:.3em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
caption{text-align:left;font-weight:600}footer{font-size:9pt;color:#555}\
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}section{break-after:page}section:last-of-type{break-after:auto}}";

impl Page {
    /// The page as HTML.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"zh\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\
             <title>{} / {}</title><style>{STYLE}</style></head><body>\n",
            escaped(&self.title.zh),
            escaped(&self.title.en)
        );
        self.section(&mut out, "zh", |text| &text.zh);
        self.section(&mut out, "en", |text| &text.en);
        out.push_str("</body></html>\n");
        out
    }

    fn section(&self, out: &mut String, language: &str, pick: fn(&Text) -> &str) {
        let said = |text: &Text| escaped(pick(text));
        // writing to a string cannot fail
        let _ = writeln!(out, "<section lang=\"{language}\" class=\"{language}\"><h1>{}</h1>", said(&self.title));
        for text in &self.text {
            let _ = writeln!(out, "<p>{}</p>", said(text));
        }
        for table in &self.tables {
            let _ = write!(out, "<table><caption>{}</caption><tr>", said(&table.title));
            for head in &table.head {
                let _ = write!(out, "<th>{}</th>", said(head));
            }
            out.push_str("</tr>\n");
            for row in &table.rows {
                out.push_str("<tr>");
                for column in 0..table.head.len() {
                    let _ = write!(out, "<td>{}</td>", row.get(column).map(said).unwrap_or_default());
                }
                out.push_str("</tr>\n");
            }
            out.push_str("</table>\n");
        }
        let _ = writeln!(out, "<footer>{}</footer></section>", said(&self.foot));
    }
}
