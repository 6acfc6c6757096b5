//! What the five profiles say differently, field by field: shown after the five plays.

use crate::cli::Output;
use crate::fault::Result;
use crate::profiles;
use serde_json::{Value, json};
use yu_governance::profile::Effective;
use yu_governance::text::Text;

/// What a profile says about a field, where it says anything.
fn words(profile: &Effective, key: &str) -> Option<Text> {
    profile.rules().entries().iter().find(|entry| entry.field.key == key).map(|entry| entry.words.clone())
}

/// Prints every field on which they differ, those who agree together.
pub(super) fn tell(out: &Output) -> Result<()> {
    let all: Vec<(String, Effective)> =
        profiles::names()?.into_iter().map(|name| profiles::named(&name).map(|profile| (name, profile))).collect::<Result<_>>()?;
    out.line("");
    out.say("what the five profiles say differently", "五个规则集的差异");
    let mut document = serde_json::Map::new();
    for field in yu_governance::profile::FIELDS {
        let said: Vec<(&str, Option<Text>)> = all.iter().map(|(name, profile)| (name.as_str(), words(profile, field.key))).collect();
        if said.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            continue;
        }
        out.say(&format!("  {}", field.en), &format!("  {}", field.zh));
        let mut told: Vec<&Option<Text>> = Vec::new();
        for (_, text) in &said {
            if told.contains(&text) {
                continue;
            }
            told.push(text);
            let who: Vec<&str> = said.iter().filter(|(_, other)| other == text).map(|(name, _)| *name).collect();
            let nothing = Text::new("says nothing", "未作规定");
            let text = text.as_ref().unwrap_or(&nothing);
            out.say(&format!("    {}: {}", who.join(", "), text.en), &format!("    {}：{}", who.join("、"), text.zh));
        }
        let values: serde_json::Map<String, Value> = said.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
        document.insert(field.key.into(), Value::Object(values));
    }
    out.document(&json!({ "story": "authorisation", "differences": document }));
    Ok(())
}
