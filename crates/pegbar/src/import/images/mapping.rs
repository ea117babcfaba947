//! A mapping: what the names of a folder do not tell, told by rules.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use regex::Regex;
use serde::Deserialize;

use super::guess::Place;
use crate::error::{Error, IoContext, Result};
use crate::text::{check_name, checked_tags};

/// The largest mapping file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Rules that say what the images of a folder are; the first that matches a path decides.
#[derive(Clone, Debug, Default)]
pub struct FolderMapping {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    regex: Regex,
    kind: Kind,
    character: Option<String>,
    animation: Option<String>,
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    #[serde(default, rename = "rule")]
    rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    path: String,
    #[serde(rename = "as")]
    kind: Kind,
    character: Option<String>,
    animation: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Frame,
    Take,
    Variation,
    Reference,
    Skip,
}

impl FolderMapping {
    /// Reads a mapping from a file: TOML, or JSON of the same shape where its name ends so.
    ///
    /// Each `[[rule]]` has a `path`, in which `*` stands for anything in one part, `**` for any
    /// number of parts, `{character}`, `{animation}` and any other `{word}` for anything in one
    /// part that is used again, and `{index}` for digits; `as`: `frame`, `take`, `variation`,
    /// `reference` or `skip`; `character` and `animation`, which may hold such words; and
    /// `tags`.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the rule and what is wrong; [`Error::Io`].
    pub fn read(file: impl AsRef<Path>) -> Result<Self> {
        let file = file.as_ref();
        let size = fs::metadata(file).at("reading", file)?.len();
        let named = |reason: String| Error::invalid(file.display().to_string(), reason);
        if size > MAX_BYTES {
            let reason = format!("larger than {MAX_BYTES} bytes, the most that is read");
            return Err(named(reason));
        }
        let text = fs::read_to_string(file).at("reading", file)?;
        let is_json = file.extension().is_some_and(|ending| ending == "json");
        Self::parse(&text, is_json).map_err(|error| match error {
            Error::Invalid { field, reason } => named(format!("{field}: {reason}")),
            error => error,
        })
    }

    fn parse(text: &str, is_json: bool) -> Result<Self> {
        let malformed = |reason: String| Error::invalid("mapping", reason);
        let file: MappingFile = if is_json {
            serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?
        } else {
            toml::from_str(text).map_err(|error| malformed(error.to_string().trim().to_owned()))?
        };
        let rules = (1..).zip(file.rules);
        let rules = rules.map(|(number, rule)| {
            Rule::of(rule).map_err(|error| match error {
                Error::Invalid { field, reason } => {
                    Error::invalid(format!("rule {number}"), format!("{field}: {reason}"))
                }
                error => error,
            })
        });
        Ok(Self {
            rules: rules.collect::<Result<_>>()?,
        })
    }

    /// Returns what the first matching rule says of a path, and which rule that is.
    pub(super) fn place(&self, path: &str) -> Option<(usize, Place)> {
        let found = self.rules.iter().enumerate();
        found.into_iter().find_map(|(number, rule)| {
            let captures = rule.regex.captures(path)?;
            let fill = |template: &Option<String>, word: &str| {
                let mut text = template.clone().unwrap_or_else(|| format!("{{{word}}}"));
                for name in rule.regex.capture_names().flatten() {
                    let value = captures.name(name).map_or("", |found| found.as_str());
                    text = text.replace(&format!("{{{name}}}"), value);
                }
                text
            };
            let character = || fill(&rule.character, "character");
            let animation = || fill(&rule.animation, "animation");
            let tags = rule.tags.clone();
            let place = match rule.kind {
                Kind::Frame => Place::Frame {
                    character: character(),
                    animation: animation(),
                    tags,
                },
                Kind::Take => Place::Take {
                    character: character(),
                    animation: animation(),
                    tags,
                },
                Kind::Variation => Place::Variation {
                    character: character(),
                    tags,
                },
                Kind::Reference => Place::Reference { tags },
                Kind::Skip => Place::Skip,
            };
            Some((number, place))
        })
    }

    /// Returns the patterns of the rules, in their order.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.pattern.as_str())
    }
}

impl Rule {
    fn of(written: WrittenRule) -> Result<Self> {
        let WrittenRule {
            path,
            kind,
            character,
            animation,
            tags,
        } = written;
        let regex = pattern(&path)?;
        let has = |word: &str| regex.capture_names().flatten().any(|name| name == word);
        let needs: &[(&str, &Option<String>)] = match kind {
            Kind::Frame | Kind::Take => &[("character", &character), ("animation", &animation)],
            Kind::Variation => &[("character", &character)],
            Kind::Reference | Kind::Skip => &[],
        };
        for (word, given) in needs {
            match given {
                Some(name) => check_name(word, name)?,
                None if has(word) => {}
                None => {
                    let reason = format!("missing: give it, or write {{{word}}} in the path");
                    return Err(Error::invalid(*word, reason));
                }
            }
        }
        Ok(Self {
            regex,
            pattern: path,
            kind,
            character,
            animation,
            tags: checked_tags(tags)?,
        })
    }
}

/// Translates a pattern of paths.
fn pattern(text: &str) -> Result<Regex> {
    let refused = |reason: String| Error::invalid("path", reason);
    let mut regex = String::from("^");
    let mut rest = text;
    let mut words: Vec<&str> = Vec::new();
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("**/") {
            regex.push_str("(?:[^/]+/)*");
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("**") {
            regex.push_str(".*");
            rest = behind;
        } else if c == '{' {
            let (word, behind) = rest[1..]
                .split_once('}')
                .ok_or_else(|| refused(format!("a {{ in {text:?} has no }}")))?;
            let is_word = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_word || word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(refused(format!("{{{word}}} in {text:?} is not a word")));
            }
            if words.contains(&word) {
                return Err(refused(format!("{{{word}}} stands twice in {text:?}")));
            }
            words.push(word);
            let values = if word == "index" { "[0-9]+" } else { "[^/]+?" };
            // Writing to a String cannot fail.
            let _ = write!(regex, "(?P<{word}>{values})");
            rest = behind;
        } else {
            match c {
                '*' => regex.push_str("[^/]*"),
                '?' => regex.push_str("[^/]"),
                _ => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    regex.push('$');
    Regex::new(&regex).map_err(|error| refused(format!("{text:?}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(text: &str) -> FolderMapping {
        FolderMapping::parse(text, false).unwrap()
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let mapping = mapping(
            r#"
            [[rule]]
            path = "old/**"
            as = "skip"
            [[rule]]
            path = "**/{character}-{animation}-{index}.png"
            as = "frame"
            tags = ["mapped"]
            [[rule]]
            path = "looks/{who}.*"
            as = "variation"
            character = "Miss {who}"
            "#,
        );
        let place = |path| mapping.place(path);
        assert_eq!(place("old/a/b.png"), Some((0, Place::Skip)));
        let frame = Place::Frame {
            character: "cat".to_owned(),
            animation: "walk".to_owned(),
            tags: vec!["mapped".to_owned()],
        };
        assert_eq!(place("a/b/cat-walk-12.png"), Some((1, frame.clone())));
        assert_eq!(place("cat-walk-12.png"), Some((1, frame)));
        let miss = Place::Variation {
            character: "Miss Tabby".to_owned(),
            tags: Vec::new(),
        };
        assert_eq!(place("looks/Tabby.jpg"), Some((2, miss)));
        assert_eq!(place("looks/deep/Tabby.jpg"), None);
        assert_eq!(place("a/cat-walk-x.png"), None);
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_named() {
        for (text, expected) in [
            (
                "[[rule]]\npath = 'a'\nas = 'frame'",
                "rule 1: character: missing",
            ),
            ("[[rule]]\npath = '{a'\nas = 'skip'", "rule 1: path: a { in"),
            ("[[rule]]\npath = '{a}{a}'\nas = 'skip'", "stands twice"),
            (
                "[[rule]]\npath = 'a'\nas = 'video'",
                "unknown variant `video`",
            ),
            (
                "[[rule]]\npath = 'a'\nas = 'skip'\nfoo = 1",
                "unknown field `foo`",
            ),
            ("[[rules]]\npath = 'a'", "unknown field `rules`"),
            ("[[rule]\n", "TOML parse error at line 1"),
        ] {
            let error = FolderMapping::parse(text, false).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let json = r#"{"rule": [{"path": "*.png", "as": "reference"}]}"#;
        let mapping = FolderMapping::parse(json, true).unwrap();
        let reference = Place::Reference { tags: Vec::new() };
        assert_eq!(mapping.place("x.png"), Some((0, reference)));
    }
}
