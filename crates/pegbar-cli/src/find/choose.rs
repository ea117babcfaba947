//! Choosing one of many by name, or by the end of an id.

use pegbar::Id;

use crate::error::{Candidate, CommandError};
use crate::text::quoted;

/// The shortest end of an id that is taken for one.
const MIN_ENDING: usize = 4;

/// How similar a name has to be to be suggested, as Jaro-Winkler has it.
const SIMILAR: f64 = 0.75;

/// How many candidates and suggestions are named.
const MAX_CANDIDATES: usize = 10;
const MAX_SUGGESTIONS: usize = 3;

/// One of the things that may be meant.
#[derive(Clone, Debug)]
pub(super) struct Choice<T> {
    pub(super) id: T,
    /// What it may be called; the last is the one that is shown.
    pub(super) names: Vec<String>,
}

/// Returns the end of an id that the text may be: its digits in lower case.
pub(super) fn ending(text: &str) -> Option<String> {
    let digits = text.chars().filter(|c| *c != '-');
    let is_ending =
        digits.clone().count() >= MIN_ENDING && digits.clone().all(|c| c.is_ascii_hexdigit());
    is_ending.then(|| digits.collect::<String>().to_ascii_lowercase())
}

/// Returns whether an id has this end.
pub(super) fn ends_with<T: Id>(id: T, ending: &str) -> bool {
    id.uuid().as_simple().to_string().ends_with(ending)
}

/// Chooses the one that is meant.
pub(super) fn choose<T: Id>(wanted: &str, choices: &[Choice<T>]) -> Result<T, CommandError> {
    if let Some(id) = by_name(wanted, choices)? {
        return Ok(id);
    }
    let Some(ending) = ending(wanted) else {
        return Err(not_found(wanted, choices));
    };
    let hint = "give more of the end of the id";
    let found = only_one(wanted, choices, hint, |choice| {
        ends_with(choice.id, &ending)
    })?;
    found.ok_or_else(|| not_found(wanted, choices))
}

/// Chooses the one that is called so, an exact name before one in other case.
pub(super) fn by_name<T: Id>(
    wanted: &str,
    choices: &[Choice<T>],
) -> Result<Option<T>, CommandError> {
    let hint = match T::ENTITY {
        "animation" => "say CHARACTER/ANIMATION, or the end of an id",
        "character" => "say which project (-p), or give the end of an id",
        "asset" => "say CHARACTER/NAME, or give the end of an id",
        _ => "give the end of an id",
    };
    let exact = only_one(wanted, choices, hint, |choice| {
        choice.names.iter().any(|name| name == wanted)
    })?;
    if exact.is_some() {
        return Ok(exact);
    }
    let folded = wanted.to_lowercase();
    only_one(wanted, choices, hint, |choice| {
        choice
            .names
            .iter()
            .any(|name| name.to_lowercase() == folded)
    })
}

/// Returns the only choice that is meant, if one is; refuses several.
fn only_one<T: Id>(
    wanted: &str,
    choices: &[Choice<T>],
    hint: &str,
    is_meant: impl Fn(&Choice<T>) -> bool,
) -> Result<Option<T>, CommandError> {
    let found: Vec<&Choice<T>> = choices.iter().filter(|choice| is_meant(choice)).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.id)),
        several => {
            let mut names: Vec<&str> = several.iter().map(|choice| shown(choice)).collect();
            names.sort_unstable();
            let have_one_name = names.windows(2).any(|pair| pair[0] == pair[1]);
            let hint = if have_one_name {
                "give the end of an id"
            } else {
                hint
            };
            let several = several
                .iter()
                .map(|choice| candidate(choice.id, shown(choice)));
            Err(ambiguous::<T>(wanted, several.collect(), hint))
        }
    }
}

pub(super) fn candidate<T: Id>(id: T, name: impl Into<String>) -> Candidate {
    Candidate {
        id: id.to_string(),
        name: name.into(),
    }
}

/// Refuses a name or an end of an id that means several things.
pub(super) fn ambiguous<T: Id>(
    wanted: &str,
    mut candidates: Vec<Candidate>,
    hint: &str,
) -> CommandError {
    let (entity, count) = (T::ENTITY, candidates.len());
    candidates.truncate(MAX_CANDIDATES);
    let message = format!("\"{wanted}\" means more than one {entity}: there are {count}");
    CommandError::refused("ambiguous", message)
        .candidates(candidates)
        .hint(hint)
}

/// Refuses what nothing is called.
pub(super) fn not_found<T: Id>(wanted: &str, choices: &[Choice<T>]) -> CommandError {
    let entity = T::ENTITY;
    let message = format!("there is no {entity} \"{wanted}\"");
    let similar = similar(wanted, choices);
    let hint = if is_short_ending(wanted) {
        format!("the end of an id is taken for one from {MIN_ENDING} characters on")
    } else if choices.is_empty()
        && let Some(hint) = first_of(entity)
    {
        hint.to_owned()
    } else if !similar.is_empty() {
        let names: Vec<String> = similar.iter().map(|name| quoted(name)).collect();
        format!("did you mean {}?", names.join(" or "))
    } else {
        match entity {
            "frame" => "`pegbar animation show ANIMATION` lists its frames".to_owned(),
            "asset" => {
                "an asset is meant by its id or the end of it, a variation or reference also by \
                 the name it came with; a take as CHARACTER/ANIMATION/NAME, or as \
                 CHARACTER/ANIMATION/INDEX where a frame shows it; list them: `pegbar asset list`"
                    .to_owned()
            }
            "project" => "list what is there: `pegbar project list`".to_owned(),
            "generation" => "list what is there: `pegbar generation list`".to_owned(),
            "token" => "list what is there: `pegbar token list`".to_owned(),
            "deletion" => "list what is in the trash: `pegbar trash list`".to_owned(),
            "annotation" => "`pegbar asset show ASSET` lists its annotations".to_owned(),
            _ => "`pegbar tree` shows what is there".to_owned(),
        }
    };
    CommandError::refused("not_found", message).hint(hint)
}

/// Says how the first of its kind is made.
fn first_of(entity: &str) -> Option<&'static str> {
    Some(match entity {
        "project" => "there is no project yet; create one: `pegbar project create NAME`",
        "character" => "there is no character yet; create one: `pegbar character create NAME`",
        "animation" => {
            "there is no animation yet; create one: `pegbar animation create CHARACTER NAME`"
        }
        "token" => "there is no token yet; create one: `pegbar token create NAME`",
        _ => return None,
    })
}

/// Returns whether the text may be the end of an id that is too short to be taken for one.
fn is_short_ending(text: &str) -> bool {
    let is_short = (1..MIN_ENDING).contains(&text.len());
    is_short && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn shown<T>(choice: &Choice<T>) -> &str {
    choice.names.last().map_or("", String::as_str)
}

/// Returns the names that are like a wrong one, the nearest first, one of each choice.
fn similar<'a, T>(wanted: &str, choices: &'a [Choice<T>]) -> Vec<&'a String> {
    let wanted = wanted.to_lowercase();
    let score = |name: &String| strsim::jaro_winkler(&wanted, &name.to_lowercase());
    let nearest = choices.iter().filter_map(|choice| {
        let scored = choice.names.iter().map(|name| (score(name), name));
        scored.max_by(|a, b| a.0.total_cmp(&b.0))
    });
    let mut scored: Vec<_> = nearest.filter(|(score, _)| *score >= SIMILAR).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.truncate(MAX_SUGGESTIONS);
    scored.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use pegbar::CharacterId;

    use super::*;

    fn choices() -> Vec<Choice<CharacterId>> {
        let choice = |id: &str, name: &str| Choice {
            id: id.parse().unwrap(),
            names: vec![name.to_owned()],
        };
        vec![
            choice("0192a0f0-7d3c-7a51-8f10-0123456789ab", "Tabby"),
            choice("0192a0f0-7d3c-7a51-8f10-0123456889ab", "tabby"),
            choice("0192a0f0-7d3c-7a51-8f10-00000000cafe", "Luna"),
            choice("0192a0f0-7d3c-7a51-8f10-000000000001", "cafe"),
        ]
    }

    fn chosen(wanted: &str) -> Result<String, String> {
        let choices = choices();
        let id = choose(wanted, &choices).map_err(|error| error.to_text())?;
        let choice = choices.iter().find(|choice| choice.id == id).unwrap();
        Ok(choice.names[0].clone())
    }

    #[test]
    fn an_exact_name_goes_before_other_case_and_before_the_end_of_an_id() {
        assert_eq!(chosen("Tabby").as_deref(), Ok("Tabby"));
        assert_eq!(chosen("tabby").as_deref(), Ok("tabby"));
        assert_eq!(chosen("LUNA").as_deref(), Ok("Luna"));
        assert_eq!(chosen("cafe").as_deref(), Ok("cafe"));
        assert_eq!(chosen("0000cafe").as_deref(), Ok("Luna"));
        assert_eq!(chosen("8f10-0123456789AB").as_deref(), Ok("Tabby"));
    }

    #[test]
    fn what_means_several_or_none_is_refused_with_names() {
        let several = chosen("89ab").unwrap_err();
        assert!(
            several.contains("Tabby\n") && several.contains("tabby\n"),
            "{several}"
        );
        assert!(chosen("TABBY").unwrap_err().contains("more than one"));
        assert!(
            chosen("Tably")
                .unwrap_err()
                .contains("did you mean \"Tabby\"")
        );
        assert!(chosen("zzz").unwrap_err().contains("`pegbar tree`"));
        let too_short = chosen("9ab").unwrap_err();
        assert!(
            too_short.contains("there is no character") && too_short.contains("4 characters"),
            "{too_short}"
        );
    }
}
