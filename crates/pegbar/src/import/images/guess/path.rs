//! The path of an image, taken apart: which folders say something, and what.

use uuid::Uuid;

use super::Place;
use crate::import::images::name::FrameName;

/// Folders whose images belong to no character.
const REFERENCES: [&str; 4] = ["references", "reference", "refs", "ref"];

/// Folders whose parent is a character, and whose folders are animations.
const ANIMATIONS: [&str; 4] = ["animations", "animation", "anims", "anim"];

/// Folders whose parent is a character, and whose images are its variations.
const VARIATIONS: [&str; 10] = [
    "rotations",
    "variations",
    "variation",
    "variants",
    "views",
    "poses",
    "turnaround",
    "turnarounds",
    "designs",
    "design",
];

/// Folders that only hold others.
const CONTAINERS: [&str; 16] = [
    "characters",
    "character",
    "sprites",
    "frames",
    "images",
    "img",
    "imgs",
    "assets",
    "public",
    "png",
    "pngs",
    "output",
    "outputs",
    "export",
    "exports",
    "sequences",
];

/// The folders of Pegbar's own layout, below that of a project.
const LAYOUT: [&str; 4] = ["characters", "frames", "references", "takes"];

/// What a folder on the way to a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    None,
    References,
    Animations,
    Variations,
}

/// The path of an image, taken apart.
#[derive(Debug)]
pub(super) struct File<'p> {
    /// The folder it lies in, as written.
    pub(super) folder: &'p str,
    /// The folders that say something, before the marker.
    pub(super) parts: Vec<&'p str>,
    pub(super) marker: Marker,
    /// The folders behind the marker.
    pub(super) behind: Vec<&'p str>,
    pub(super) name: FrameName<'p>,
    pub(super) full_name: &'p str,
    /// Its place in Pegbar's own layout.
    pub(super) own: Option<&'static str>,
    /// The folder of a project in Pegbar's own layout.
    pub(super) project: Option<Uuid>,
}

impl<'p> File<'p> {
    pub(super) fn of(path: &'p str) -> Self {
        let (folder, file_name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut folders: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        let (own, project) = own_layout(&folders);
        if project.is_some() {
            folders.retain(|part| part.parse::<Uuid>().is_err());
        }
        let (mut parts, mut behind, mut marker) = (Vec::new(), Vec::new(), Marker::None);
        for folder in folders {
            let word = folder.to_lowercase();
            let word = word.as_str();
            if marker != Marker::None {
                if !CONTAINERS.contains(&word) {
                    behind.push(folder);
                }
            } else if REFERENCES.contains(&word) {
                marker = Marker::References;
            } else if ANIMATIONS.contains(&word) {
                marker = Marker::Animations;
            } else if VARIATIONS.contains(&word) {
                marker = Marker::Variations;
            } else if !CONTAINERS.contains(&word) {
                parts.push(folder);
            }
        }
        Self {
            folder,
            parts,
            marker,
            behind,
            name: FrameName::of(file_name),
            full_name: file_name,
            own,
            project,
        }
    }

    /// What Pegbar's own layout says, where the file's name keeps to it.
    pub(super) fn own_place(&self) -> Option<Place> {
        let stem = self
            .full_name
            .rsplit_once('.')
            .map_or(self.full_name, |(stem, _)| stem);
        match self.own? {
            "characters" => {
                let (character, id) = stem.rsplit_once('_')?;
                id.parse::<Uuid>().ok()?;
                Some(Place::Variation {
                    character: character.to_owned(),
                    tags: Vec::new(),
                })
            }
            "frames" => {
                let folder = self.folder.rsplit('/').next()?;
                let (character, animation) = split_at_word(self.name.prefix, folder)?;
                self.name.index?;
                Some(frame(character, animation))
            }
            "takes" => {
                stem.parse::<Uuid>().ok()?;
                Some(Place::Unplaced(
                    "a take's file does not say for which animation it was made".to_owned(),
                ))
            }
            _ => None,
        }
    }
}

/// Says whether folders are Pegbar's own layout: which folder of it, and of which project.
fn own_layout(folders: &[&str]) -> (Option<&'static str>, Option<Uuid>) {
    let mut rest = folders;
    for outer in ["public", "assets"] {
        rest = match rest {
            [first, inner @ ..] if *first == outer => inner,
            _ => rest,
        };
    }
    let mut project = None;
    if let [first, inner @ ..] = rest
        && let Ok(id) = first.parse::<Uuid>()
    {
        project = Some(id);
        rest = inner;
    }
    let own = rest
        .first()
        .and_then(|first| LAYOUT.into_iter().find(|folder| folder == first));
    (own, project.filter(|_| own.is_some()))
}

pub(super) fn frame(character: &str, animation: &str) -> Place {
    Place::Frame {
        character: character.to_owned(),
        animation: animation.to_owned(),
        tags: Vec::new(),
    }
}

/// Splits `Tabby_Walk` where the folder is called `Walk`.
pub(super) fn split_at_word<'n>(prefix: &'n str, word: &'n str) -> Option<(&'n str, &'n str)> {
    let places = prefix.char_indices().filter(|(_, c)| "_- .".contains(*c));
    let mut found = None;
    for (at, separator) in places {
        let (before, behind) = (&prefix[..at], &prefix[at + separator.len_utf8()..]);
        if !before.is_empty() && is_same(behind, word) {
            found = found.or(Some((before, word)));
        }
    }
    found
}

/// Compares names by their letters and digits.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    let letters = |text: &str| -> String {
        let kept = text.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    letters(a) == letters(b)
}
