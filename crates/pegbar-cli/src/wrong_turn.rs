//! What people type who do not know the words yet, and what they may have meant.

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::definition;
use crate::error::CommandError;
use crate::options::is_file_name;

/// Says that the owner comes before the files, where a file stands in the owner's place.
pub(crate) fn file_first(
    error: CommandError,
    wanted: &str,
    owner: &str,
    usage: &str,
) -> CommandError {
    if !error.is_not_found() || !is_file_name(wanted) {
        return error;
    }
    error.hint(format!(
        "{wanted} looks like a file: the {owner} comes first, as in `{usage}`"
    ))
}

/// Says how a file is taken in, where it is named as if that were done.
pub(crate) fn file_not_taken_in(error: CommandError, wanted: &str) -> CommandError {
    if !error.is_not_found() || !Path::new(wanted).is_file() {
        return error;
    }
    error.hint(format!(
        "{wanted} is a file that the project does not have yet: `pegbar asset add {wanted}`"
    ))
}

/// Says what may have been meant by arguments that do not fit, where the parser can't know.
pub(crate) fn tip(refusal: &clap::Error, arguments: &[String]) -> Option<String> {
    let definition = definition();
    let mut command = &definition;
    let mut path = vec!["pegbar"];
    let mut words = arguments
        .iter()
        .skip(1)
        .filter(|word| !word.starts_with('-'));
    let mut next = words.next();
    while let Some(below) = next.and_then(|word| command.find_subcommand(word)) {
        command = below;
        path.push(below.get_name());
        next = words.next();
    }
    match (refusal.kind(), path.as_slice()) {
        (ErrorKind::InvalidSubcommand, ["pegbar", "import"]) => {
            let ContextValue::String(word) = refusal.get(ContextKind::InvalidSubcommand)? else {
                return None;
            };
            let is_path = word.contains(['/', '.']) || Path::new(word).exists();
            is_path.then(|| format!("a folder of images: 'pegbar import folder {word}'"))
        }
        (ErrorKind::InvalidSubcommand, _) => {
            let word = match refusal.get(ContextKind::InvalidSubcommand)? {
                ContextValue::String(word) => word.to_lowercase(),
                _ => return None,
            };
            if path == ["pegbar", "head"] && word == "sign" {
                return Some(
                    "a head is signed where it is exported: 'pegbar head export --sign KEY'"
                        .to_owned(),
                );
            }
            instead_of(&word, command, &path.join(" "))
        }
        (ErrorKind::UnknownArgument, ["pegbar", "asset", "edit"]) => {
            let ContextValue::String(option) = refusal.get(ContextKind::InvalidArg)? else {
                return None;
            };
            let option = option.split('=').next()?;
            SEALED.contains(&option).then(|| {
                "what made an image is recorded and never changes: add a new asset, or say what is \
                 wrong with 'pegbar asset annotate'"
                    .to_owned()
            })
        }
        (_, ["pegbar", "frame", "move"]) if words.clone().count() > 1 => {
            let place = words.next_back()?;
            Some(format!("the place is said with --to, as in '--to {place}'"))
        }
        (_, ["pegbar", "frame", "replace"]) => {
            let image = next
                .into_iter()
                .chain(words)
                .find(|word| is_file_name(word))?;
            Some(format!(
                "the image is said with --with, as in '--with {image}'"
            ))
        }
        (ErrorKind::MissingRequiredArgument, ["pegbar", "contact-sheet"]) => {
            let name: Vec<&str> = next.into_iter().chain(words).map(String::as_str).collect();
            let name = name.join(" ");
            Some(format!(
                "a name with spaces is one word in quotes, as in \"{name}\""
            ))
        }
        _ => None,
    }
}

/// Options that say what made an image, when it is added.
const SEALED: [&str; 6] = [
    "--prompt",
    "--system-prompt",
    "--model",
    "--settings",
    "--made-from",
    "--created-at",
];

/// Returns the commands that a word of another program may stand for.
fn instead_of(word: &str, command: &clap::Command, path: &str) -> Option<String> {
    let is_there = |word: &&&str| command.find_subcommand(word).is_some();
    let known = known_words(word);
    if let Some(ours) = known.iter().find(is_there) {
        return Some(format!("it is called '{path} {ours}' here"));
    }
    // What is done to something comes after what it is done to.
    let verbs = std::iter::once(&word).chain(known);
    let groups_with = |verb: &str| -> Vec<&str> {
        let groups = command.get_subcommands();
        let groups = groups.filter(|group| group.find_subcommand(verb).is_some());
        groups.map(clap::Command::get_name).collect()
    };
    let found = verbs.map(|verb| (verb, groups_with(verb)));
    let (verb, groups) = found.into_iter().find(|(_, groups)| groups.len() > 1)?;
    let (first, others) = groups.split_first()?;
    Some(format!(
        "say of what, as in '{path} {first} {verb}' (or {})",
        others.join(", ")
    ))
}

/// Returns our words for one of another program's.
fn known_words(word: &str) -> &'static [&'static str] {
    match word {
        "ls" | "dir" | "all" | "status" => &["tree", "list"],
        "rm" | "del" | "delete" | "remove" | "destroy" | "trash" => &["delete", "remove"],
        "new" | "make" | "mk" | "mkdir" => &["create", "add"],
        "get" | "view" | "info" | "cat" | "inspect" => &["show", "list"],
        "set" | "update" | "change" | "modify" => &["edit", "replace"],
        "rename" | "ren" => &["mv", "edit"],
        "create" | "insert" | "append" | "upload" | "push" => &["add"],
        "add" => &["create"],
        "characters" => &["character"],
        "projects" => &["project"],
        "animations" => &["animation"],
        "assets" | "image" | "images" | "reference" | "references" => &["asset"],
        "frames" => &["frame"],
        "takes" => &["take"],
        "generations" | "request" | "requests" => &["generation"],
        "note" | "comment" | "annotation" => &["annotate"],
        "log" => &["record"],
        "tags" => &["tag"],
        "sheet" | "preview" => &["contact-sheet"],
        "settings" | "configure" => &["config"],
        "complete" | "completion" => &["completions"],
        "start" => &["init"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip_for(line: &str) -> Option<String> {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let refusal = definition().try_get_matches_from(&arguments).unwrap_err();
        tip(&refusal, &arguments)
    }

    #[test]
    fn words_of_other_programs_are_known_where_they_make_sense() {
        let tip = |line| tip_for(line).unwrap_or_default();
        assert_eq!(tip("pegbar ls"), "it is called 'pegbar tree' here");
        assert_eq!(
            tip("pegbar frame rm Walk 3"),
            "it is called 'pegbar frame remove' here"
        );
        assert_eq!(
            tip("pegbar character new Tabby"),
            "it is called 'pegbar character create' here"
        );
        assert!(
            tip("pegbar show Walk").starts_with("say of what, as in 'pegbar project show' (or ")
        );
        assert!(
            tip("pegbar rm Walk")
                .contains("'pegbar project delete' (or character, animation, asset)")
        );
        assert_eq!(
            tip("pegbar frame move Walk 7 0"),
            "the place is said with --to, as in '--to 0'"
        );
        assert_eq!(
            tip("pegbar frame replace Walk 3 better.png"),
            "the image is said with --with, as in '--with better.png'"
        );
        assert_eq!(
            tip("pegbar import ../art"),
            "a folder of images: 'pegbar import folder ../art'"
        );
        assert_eq!(
            tip("pegbar contact-sheet angry south"),
            "a name with spaces is one word in quotes, as in \"angry south\""
        );
        assert_eq!(
            tip("pegbar head sign cats.head"),
            "a head is signed where it is exported: 'pegbar head export --sign KEY'"
        );
        for option in ["--prompt", "--model=m", "--made-from"] {
            let tip = tip_for(&format!("pegbar asset edit front {option} x")).unwrap_or_default();
            assert!(
                tip.contains("never changes") && tip.contains("asset annotate"),
                "{tip}"
            );
        }
        assert_eq!(tip_for("pegbar asset edit front --colour x"), None);
        assert_eq!(tip_for("pegbar xyzzy"), None);
    }
}
