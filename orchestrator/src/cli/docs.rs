//! The commands of the pages are commands of the program.

use super::Cli;
use clap::Parser;
use std::path::{Path, PathBuf};

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
}

/// Words of a line as a shell would split it, without its comment; nothing for lines with more shell in them than quotes.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_with(String::new);
            }
            ('$' | '|' | ';' | '>' | '<' | '&' | '\\' | '(', None) | ('$', Some('"')) => return None,
            ('#', None) if word.is_none() => break,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[test]
fn every_command_of_the_pages_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut all = vec![root.join("README.md")];
    pages(&root.join("docs"), &mut all);
    let mut count = 0;
    for page in all {
        let text = std::fs::read_to_string(&page).unwrap();
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with("```") {
                inside = !inside && line.trim_end() == "```sh";
                continue;
            }
            let Some(words) = words(line).filter(|words| inside && words.first().is_some_and(|first| first == "yu")) else { continue };
            if words.iter().any(|word| word == "...") {
                continue;
            }
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{}: `{line}`: {error}", page.display());
            }
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}
