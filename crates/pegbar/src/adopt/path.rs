//! The paths that rows of other programs name: hostile until they have been read here.

use uuid::Uuid;

/// The longest path that is looked at, in bytes: no system opens a longer one.
const MAX_BYTES: usize = 4096;

/// What apps put before a path below `public/assets`.
const HABITS: [&[&str]; 2] = [&["public", "assets"], &["assets"]];

/// What the names begin with that Pegbar gives to files on their way.
const OWN: &str = ".pegbar";

/// A path below `public/assets` without anything that leads elsewhere; two spellings of one
/// path are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowPath(String);

impl RowPath {
    /// Reads a path as a row names it, and returns what it may mean, the literal meaning
    /// first; says what is wrong with it otherwise.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, String> {
        if text.len() > MAX_BYTES {
            let length = text.len();
            return Err(format!(
                "it is {length} bytes long; at most {MAX_BYTES} are looked at"
            ));
        }
        let mut parts = Vec::new();
        for part in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
            check(part)?;
            parts.push(part);
        }
        let mut meanings = vec![parts.as_slice()];
        let below = HABITS.iter().filter_map(|habit| parts.strip_prefix(*habit));
        meanings.extend(below.take(1));
        let meanings = meanings.into_iter().filter(|parts| !parts.is_empty());
        let meanings: Vec<Self> = meanings.map(|parts| Self(parts.join("/"))).collect();
        if meanings.is_empty() {
            return Err("it names no file".to_owned());
        }
        Ok(meanings)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the names of the folders that lead to the file, and its own.
    pub(crate) fn split(&self) -> (impl Iterator<Item = &str>, &str) {
        let (folders, name) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        (folders.split('/').filter(|part| !part.is_empty()), name)
    }

    /// Returns the path of the folder; empty for `public/assets` itself.
    pub(crate) fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns the id that the topmost folder is named after.
    pub(crate) fn top_id(&self) -> Option<Uuid> {
        let top = self.0.split('/').next()?;
        // Other spellings of an id are other folders.
        (top.len() == 36).then(|| top.parse().ok()).flatten()
    }
}

fn check(part: &str) -> Result<(), String> {
    let reason = if part == ".." {
        "it leads out of its folder"
    } else if part.contains('\0') {
        "it holds the character NUL"
    } else if part.contains('\\') || (cfg!(windows) && part.contains(':')) {
        "it holds a character that leads elsewhere on some systems"
    } else if part
        .get(..OWN.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(OWN))
    {
        "it names what only Pegbar touches"
    } else {
        return Ok(());
    };
    Err(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meanings(text: &str) -> Vec<String> {
        let read = RowPath::read(text).unwrap();
        read.into_iter().map(|path| path.0).collect()
    }

    #[test]
    fn the_habits_of_apps_are_understood() {
        assert_eq!(meanings("p/a.png"), ["p/a.png"]);
        assert_eq!(meanings("/p//./a.png"), ["p/a.png"]);
        assert_eq!(meanings("/assets/p/a.png"), ["assets/p/a.png", "p/a.png"]);
        let both = ["public/assets/p/a.png", "p/a.png"];
        assert_eq!(meanings("public/assets/p/a.png"), both);
        assert_eq!(meanings("/public/assets/p/a.png"), both);
        assert_eq!(meanings("assets/assets/a"), ["assets/assets/a", "assets/a"]);
        assert_eq!(meanings("/assets/"), ["assets"]);
    }

    #[test]
    fn no_path_leads_out() {
        let long = "a".repeat(4097);
        for text in [
            "",
            "/",
            "./",
            "..",
            "a/..",
            "a/../../b",
            "/../a",
            "assets/../../x",
        ]
        .into_iter()
        .chain([
            "a\0b",
            "a\\..\\b",
            ".pegbar/pegbar.db",
            "p/.PEGBAR-old-1-1",
            &long,
        ]) {
            assert!(RowPath::read(text).is_err(), "{text:?}");
        }
    }
}
