//! Reading JSON-LD field by field: every field is taken once, what is left over is named.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use crate::catalogue::record::Language;
use crate::clock::Time;
use crate::finding::Finding;

/// Most characters of a foreign field's name that a finding repeats.
const SHOWN: usize = 80;

/// The fields of one object, with those that were read.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
    taken: BTreeSet<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value, path: &str, found: &mut Vec<Finding>) -> Option<Self> {
        let Value::Object(map) = value else {
            malformed(path, "an object", "对象", found);
            return None;
        };
        Some(Self { map, path: path.to_owned(), taken: BTreeSet::new() })
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        format!("{}/{key}", self.path)
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.taken.insert(key);
        self.map.get(key)
    }

    pub(super) fn malformed(&self, key: &str, en: &str, zh: &str, found: &mut Vec<Finding>) {
        malformed(&self.path_of(key), en, zh, found);
    }

    pub(super) fn expect(&mut self, key: &'static str, text: &str, found: &mut Vec<Finding>) {
        if self.take(key).and_then(Value::as_str) != Some(text) {
            self.malformed(key, &format!("`{text}`"), &format!("`{text}`"), found);
        }
    }

    /// A field that may not be missing.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&mut Self, &'static str, &mut Vec<Finding>) -> Option<T>,
        found: &mut Vec<Finding>,
    ) -> Option<T> {
        if !self.map.contains_key(key) {
            self.malformed(key, "this field, which is missing", "该必填项（缺失）", found);
        }
        read(self, key, found)
    }

    /// `{"@id": "..."}`.
    pub(super) fn address(&mut self, key: &'static str, found: &mut Vec<Finding>) -> Option<String> {
        let value = self.take(key)?;
        let text = value.as_object().filter(|map| map.len() == 1).and_then(|map| map.get("@id")).and_then(Value::as_str);
        if text.is_none() {
            self.malformed(key, "an object with `@id` alone", "仅含 `@id` 的对象", found);
        }
        text.map(str::to_owned)
    }

    pub(super) fn parsed<T: std::str::FromStr>(&mut self, key: &'static str, found: &mut Vec<Finding>) -> Option<T> {
        let value = self.take(key)?;
        let parsed = value.as_str().and_then(|text| text.parse().ok());
        if parsed.is_none() {
            self.malformed(key, "a name of its form", "符合格式的名称", found);
        }
        parsed
    }

    pub(super) fn made<T, E>(&self, key: &str, made: Result<T, E>, found: &mut Vec<Finding>) -> Option<T> {
        if made.is_err() {
            self.malformed(key, "a name of its form", "符合格式的名称", found);
        }
        made.ok()
    }

    /// `{"@type": "xsd:dateTime", "@value": "..."}`.
    pub(super) fn time(&mut self, key: &'static str, found: &mut Vec<Finding>) -> Option<Time> {
        let map = self.take(key)?.as_object().filter(|map| map.len() == 2);
        let typed = map.filter(|map| map.get("@type").and_then(Value::as_str) == Some("xsd:dateTime"));
        let time = typed.and_then(|map| map.get("@value")).and_then(Value::as_str).and_then(|text| Time::parse(text).ok());
        if time.is_none() {
            self.malformed(key, "an xsd:dateTime of the form 2026-11-21T08:00:00Z", "形如 2026-11-21T08:00:00Z 的 xsd:dateTime", found);
        }
        time
    }

    pub(super) fn list(&mut self, key: &'static str, found: &mut Vec<Finding>) -> &'a [Value] {
        match self.take(key) {
            Some(Value::Array(list)) => list,
            _ => {
                self.malformed(key, "a list", "列表", found);
                &[]
            }
        }
    }

    /// A list of `{"@value": "...", "@language": "..."}`, each language once; absent is empty.
    pub(super) fn texts(&mut self, key: &'static str, found: &mut Vec<Finding>) -> Vec<(Language, String)> {
        if !self.map.contains_key(key) {
            self.taken.insert(key);
            return Vec::new();
        }
        let mut out: Vec<(Language, String)> = Vec::new();
        for value in self.list(key, found) {
            match tagged(value) {
                Some((language, text)) if !out.iter().any(|(l, _)| *l == language) => out.push((language, text)),
                _ => self.malformed(
                    key,
                    "`@value` with `@language` en or zh, each once",
                    "`@value` 与 `@language`（en 或 zh），各一次",
                    found,
                ),
            }
        }
        out
    }

    /// Names every field that nobody read.
    pub(super) fn finish(self, found: &mut Vec<Finding>) {
        for key in self.map.keys().filter(|key| !self.taken.contains(key.as_str())) {
            unknown(&self.path_of(key), found);
        }
    }
}

fn tagged(value: &Value) -> Option<(Language, String)> {
    let map = value.as_object().filter(|map| map.len() == 2)?;
    let language = match map.get("@language")?.as_str()? {
        "en" => Language::En,
        "zh" => Language::Zh,
        _ => return None,
    };
    Some((language, map.get("@value")?.as_str()?.to_owned()))
}

/// Takes the `yu:` off every key; a key without it is unknown.
pub(super) fn strip(value: &Value, path: &str, found: &mut Vec<Finding>) -> Option<Value> {
    Some(match value {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                let path = format!("{path}/{key}");
                match key.strip_prefix("yu:") {
                    Some(name) => out.insert(name.to_owned(), strip(value, &path, found)?),
                    None => {
                        unknown(&path, found);
                        return None;
                    }
                };
            }
            Value::Object(out)
        }
        Value::Array(list) => {
            Value::Array(list.iter().enumerate().map(|(i, value)| strip(value, &format!("{path}/{i}"), found)).collect::<Option<_>>()?)
        }
        plain => plain.clone(),
    })
}

fn shown(path: &str) -> String {
    path.chars().take(SHOWN).flat_map(char::escape_debug).collect()
}

fn unknown(path: &str, found: &mut Vec<Finding>) {
    let path = shown(path);
    found.push(Finding::new(
        "dcat.field-unknown",
        "catalogue",
        (format!("field `{path}` is none that this version knows"), format!("本版本不识别字段 `{path}`")),
        ("remove the field, or use the same release of yu on both sides", "删除该字段，或双方使用同一版本的 yu"),
    ));
}

fn malformed(path: &str, en: &str, zh: &str, found: &mut Vec<Finding>) {
    let path = shown(path);
    found.push(Finding::new(
        "dcat.field-malformed",
        "catalogue",
        (format!("`{path}`: expected {en}"), format!("`{path}`：应为{zh}")),
        ("export the document again", "重新导出文件"),
    ));
}

/// JSON in which no object has a key twice; the place of the first fault otherwise.
pub(super) fn parse_strict(bytes: &[u8]) -> Result<Value, (usize, usize)> {
    serde_json::from_slice::<Strict>(bytes).map(|strict| strict.0).map_err(|e| (e.line(), e.column()))
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated keys")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            out.push(value);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Strict(value) = map.next_value()?;
            if out.insert(key, value).is_some() {
                return Err(A::Error::custom("repeated key"));
            }
        }
        Ok(Value::Object(out))
    }
}
