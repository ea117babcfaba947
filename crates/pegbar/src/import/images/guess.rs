//! What the names of folders and files say of an image. Pure: no file is touched.

mod path;

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::name::FrameName;
use crate::error::{Error, Result};
use path::{File, Marker, frame, is_same, split_at_word};

/// What an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Reference {
        tags: Vec<String>,
    },
    Variation {
        character: String,
        tags: Vec<String>,
    },
    Frame {
        character: String,
        animation: String,
        tags: Vec<String>,
    },
    /// A take that no frame shows.
    Take {
        character: String,
        animation: String,
        tags: Vec<String>,
    },
    Skip,
    Unplaced(String),
}

/// What the names say, for every path in their order.
pub(super) fn places<'p>(
    root_name: &str,
    paths: impl Iterator<Item = &'p str>,
    character: Option<&str>,
) -> Result<Vec<Place>> {
    let files: Vec<File<'p>> = paths.map(File::of).collect();
    let projects: BTreeSet<Uuid> = files.iter().filter_map(|file| file.project).collect();
    if projects.len() > 1 {
        let listed: Vec<String> = projects.iter().take(3).map(Uuid::to_string).collect();
        let reason = format!(
            "it holds {} projects in Pegbar's layout ({} …): import the folder of each by itself",
            projects.len(),
            listed.join(", ")
        );
        return Err(Error::invalid("folder", reason));
    }
    let folders = Folders::of(&files);
    let root = Root::of(&files, &folders, root_name, character);
    let places = files.iter().map(|file| root.place(file, &folders));
    Ok(places.collect())
}

/// What stands together in one folder.
#[derive(Debug, Default)]
struct FolderContent<'p> {
    /// The numbered files, by what stands before the number.
    sequences: HashMap<&'p str, u64>,
    unnumbered: u64,
}

impl FolderContent<'_> {
    /// Says whether a file is one of several in a row, or has nothing but a number for a name.
    fn is_frame(&self, name: &FrameName<'_>) -> bool {
        let count = self.sequences.get(name.prefix).copied().unwrap_or(0);
        name.index.is_some() && (count > 1 || name.is_generic())
    }

    fn has_frames(&self) -> bool {
        let mut sequences = self.sequences.iter();
        sequences.any(|(prefix, count)| {
            let name = FrameName {
                prefix,
                index: None,
            };
            *count > 1 || name.is_generic()
        })
    }
}

struct Folders<'p>(HashMap<&'p str, FolderContent<'p>>);

impl<'p> Folders<'p> {
    fn of(files: &[File<'p>]) -> Self {
        let mut folders: HashMap<&str, FolderContent<'_>> = HashMap::new();
        for file in files {
            let content = folders.entry(file.folder).or_default();
            if file.name.index.is_some() {
                *content.sequences.entry(file.name.prefix).or_default() += 1;
            } else {
                content.unnumbered += 1;
            }
        }
        Self(folders)
    }

    fn around(&self, file: &File<'p>) -> &FolderContent<'p> {
        // Every file's folder was counted.
        &self.0[file.folder]
    }
}

/// What the folder as a whole is.
enum Root<'a> {
    /// A character: its folders are animations.
    Character {
        name: &'a str,
        /// What an animation is called whose frames lie in the folder itself.
        folder: &'a str,
        /// Someone said so.
        is_said: bool,
    },
    /// A project: its folders are characters.
    Project,
    /// Folders of one kind beside folders of the other.
    Mixed,
}

impl<'a> Root<'a> {
    fn of(
        files: &[File<'_>],
        folders: &Folders<'_>,
        root_name: &'a str,
        character: Option<&'a str>,
    ) -> Self {
        if let Some(name) = character {
            return Self::Character {
                name,
                folder: root_name,
                is_said: true,
            };
        }
        let files = || files.iter().filter(|file| file.own.is_none());
        let is_marked =
            |file: &&File<'_>| matches!(file.marker, Marker::Animations | Marker::Variations);
        let root = Self::Character {
            name: root_name,
            folder: root_name,
            is_said: false,
        };
        if files().any(|file| file.parts.len() > 1) {
            return Self::Project;
        }
        if files().any(|file| is_marked(&file)) {
            let names_no_one = files().filter(is_marked).any(|file| file.parts.is_empty());
            return if names_no_one { root } else { Self::Project };
        }
        let (mut of_frames, mut others) = (false, false);
        for file in files().filter(|file| file.marker == Marker::None) {
            let Some(folder) = file.parts.last() else {
                continue;
            };
            if is_folder_of_frames(folders.around(file), folder) {
                of_frames = true;
            } else {
                others = true;
            }
        }
        match (of_frames, others) {
            (true, false) => root,
            (true, true) => Self::Mixed,
            _ => Self::Project,
        }
    }

    fn place(&self, file: &File<'_>, folders: &Folders<'_>) -> Place {
        if let Some(place) = file.own_place() {
            return place;
        }
        let content = folders.around(file);
        if file.marker == Marker::References {
            return Place::Reference { tags: Vec::new() };
        }
        match (self, file.parts.as_slice()) {
            (
                Self::Character {
                    name,
                    folder,
                    is_said,
                },
                parts,
            ) => {
                // A folder of the character's own name adds nothing.
                let parts = match parts {
                    [first, rest @ ..] if is_same(first, name) => rest,
                    parts => parts,
                };
                in_character(name, parts, file, content, is_said.then_some(*folder))
            }
            (Self::Project | Self::Mixed, []) => match file.marker {
                Marker::None => loose(file, content),
                _ => Place::Unplaced("the folder does not say whose it is".to_owned()),
            },
            (Self::Mixed, [folder]) if is_folder_of_frames(content, folder) => {
                match split_at_word(file.name.prefix, folder) {
                    Some((character, animation)) => frame(character, animation),
                    None => Place::Unplaced(format!(
                        "the folder {folder:?} may be an animation, but of which character?"
                    )),
                }
            }
            (_, parts) if file.marker != Marker::None => {
                in_character(&parts.join(" "), &[], file, content, None)
            }
            (_, [character, rest @ ..]) => {
                if let (Some((character, animation)), [] | [_]) =
                    (split_at_word(file.name.prefix, character), rest)
                    && content.is_frame(&file.name)
                {
                    return frame(character, animation);
                }
                in_character(character, rest, file, content, None)
            }
        }
    }
}

/// Says whether a folder holds the frames of one animation: numbers alone, or behind the
/// folder's own name.
fn is_folder_of_frames(content: &FolderContent<'_>, folder: &str) -> bool {
    let mut prefixes = content.sequences.keys();
    let is_own = |prefix: &&str| {
        FrameName {
            prefix,
            index: None,
        }
        .is_generic()
            || is_same(prefix, folder)
            || split_at_word(prefix, folder).is_some()
    };
    content.has_frames() && prefixes.all(is_own)
}

/// An image that lies in no folder of a project.
fn loose(file: &File<'_>, content: &FolderContent<'_>) -> Place {
    if !content.is_frame(&file.name) {
        return Place::Reference { tags: Vec::new() };
    }
    match file.name.character_and_animation() {
        Some((character, animation)) => frame(character, animation),
        None => {
            Place::Unplaced("numbered like a frame, but nothing says of which character".to_owned())
        }
    }
}

/// An image that lies in a character's folder, or below it in `parts`.
fn in_character(
    character: &str,
    parts: &[&str],
    file: &File<'_>,
    content: &FolderContent<'_>,
    flat: Option<&str>,
) -> Place {
    let variation = |tags: Vec<String>| Place::Variation {
        character: character.to_owned(),
        tags,
    };
    let words = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
    if file.marker == Marker::Variations {
        return variation(words(&file.behind));
    }
    let inner: Vec<&str> = parts.iter().chain(&file.behind).copied().collect();
    if !content.is_frame(&file.name) {
        if file.marker != Marker::Animations && (inner.is_empty() || !content.has_frames()) {
            return variation(words(&inner));
        }
        if !content.has_frames() && file.marker == Marker::Animations && !inner.is_empty() {
            // An animation of single images.
            return frame(character, &inner.join(" "));
        }
        return Place::Unplaced(
            "it stands among numbered frames and has no number of its own".to_owned(),
        );
    }
    // What the name says beside the character and the folder.
    let prefix = file.name.prefix;
    let own = without_character(prefix, character);
    let named = !file.name.is_generic() && !is_same(prefix, character);
    let says_folder = |word: &str| {
        inner
            .last()
            .is_some_and(|last| is_same(word, last) || is_same(word, &inner.concat()))
    };
    let is_alone = content.sequences.len() == 1;
    match (inner.is_empty(), named) {
        (true, true) => frame(character, own),
        // Numbered images of a character that is a folder: the animation is the folder.
        (true, false) => match flat {
            Some(folder) if !is_same(folder, character) => frame(character, folder),
            _ => variation(Vec::new()),
        },
        (false, true) if !is_alone && !says_folder(own) => {
            frame(character, &format!("{} {own}", inner.join(" ")))
        }
        _ => frame(character, &inner.join(" ")),
    }
}

/// Takes the character's name off the beginning: `tabby_walk` is `walk` of tabby.
fn without_character<'n>(prefix: &'n str, character: &str) -> &'n str {
    let places = prefix.char_indices().filter(|(_, c)| "_- .".contains(*c));
    let mut own = prefix;
    for (at, separator) in places {
        let rest = &prefix[at + separator.len_utf8()..];
        if !rest.is_empty() && is_same(&prefix[..at], character) {
            own = rest;
        }
    }
    own
}

#[cfg(test)]
mod tests;
