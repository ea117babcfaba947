//! The texts of a file, by where in it they stand.

/// Where in a file a claim was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A text chunk of a PNG.
    PngText,
    /// Exif metadata.
    Exif,
    /// A comment of a JPEG or GIF.
    Comment,
    /// XMP metadata.
    Xmp,
    /// IPTC metadata.
    Iptc,
    /// The lowest bits of the alpha channel.
    Alpha,
    /// The `metadata.json` beside the images of an export.
    Export,
    /// The file as a whole.
    File,
}

impl Place {
    /// Says whether a word names a place within the file of an image.
    pub(super) fn is_in_file(word: &str) -> bool {
        let places = [
            Self::PngText,
            Self::Exif,
            Self::Comment,
            Self::Xmp,
            Self::Iptc,
            Self::Alpha,
            Self::File,
        ];
        places.iter().any(|place| place.as_str() == word)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PngText => "pngText",
            Self::Exif => "exif",
            Self::Comment => "comment",
            Self::Xmp => "xmp",
            Self::Iptc => "iptc",
            Self::Alpha => "alpha",
            Self::Export => "metadata.json",
            Self::File => "file",
        }
    }
}

/// The name of a comment, which has none of its own.
pub(super) const COMMENT: &str = "comment";

/// The name of the text that is hidden in an alpha channel.
pub(super) const HIDDEN: &str = "hidden";

/// Under which name the many that write one text put it.
pub(super) const USUAL: &[&str] = &["parameters", "UserComment", COMMENT, HIDDEN];

/// A text, and the name under which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) name: String,
    pub(super) text: String,
}

/// The texts of one place: who understands one takes it out.
#[derive(Debug)]
pub(super) struct Pieces {
    pub(super) place: Place,
    pub(super) left: Vec<Piece>,
}

impl Pieces {
    /// Returns the text of a name; the first, where several have it.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let piece = self.left.iter().find(|piece| piece.name == name)?;
        Some(&piece.text)
    }

    /// Takes the pieces with these names out, in the order of the names.
    pub(super) fn take(&mut self, names: &[&str]) -> Vec<Piece> {
        let mut taken = Vec::new();
        for name in names {
            let place = self.left.iter().position(|piece| piece.name == *name);
            taken.extend(place.map(|place| self.left.remove(place)));
        }
        taken
    }

    /// Takes out the first piece under one of the usual names that `read` makes something of.
    pub(super) fn take_usual<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Option<(Piece, T)> {
        let (place, found) = self.left.iter().enumerate().find_map(|(place, piece)| {
            let is_usual = USUAL.contains(&piece.name.as_str());
            Some((place, read(&piece.text).filter(|_| is_usual)?))
        })?;
        Some((self.left.remove(place), found))
    }
}
