//! How differences are shown to people.

use std::collections::HashMap;

use pegbar::{
    Animation, AnimationDiff, Asset, AssetDiff, AssetId, Change, ClaimChange, FrameDiff,
    InputChange, InputChangeKind, InputPlace, SettingChange, SpanKind, TextDiff,
};

use crate::error::CommandError;
use crate::output::{Output, Piece};
use crate::text::{count, one_line};

/// How much of a passage that both have is shown on each side of a change.
const CONTEXT: usize = 120;

/// Shows what sets two things apart.
pub(super) struct Shown<'a> {
    pub(super) output: &'a Output,
    /// What people know the assets by that are compared, or named in what is compared.
    pub(super) names: HashMap<AssetId, String>,
}

fn plain(text: impl Into<String>) -> Piece {
    Piece::Plain(text.into())
}

/// What only one has stands behind what only the other has; `None` shows nothing.
fn both<T: ToString>(before: Option<&T>, after: Option<&T>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    pieces.extend(before.map(|value| Piece::Removed(value.to_string())));
    if before.is_some() && after.is_some() {
        pieces.push(plain(" "));
    }
    pieces.extend(after.map(|value| Piece::Added(value.to_string())));
    pieces
}

/// Cuts out the middle of a long passage.
fn shortened(text: &str) -> String {
    let characters = text.chars().count();
    if characters <= 2 * CONTEXT + 20 {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(CONTEXT).collect();
    let end: String = text.chars().skip(characters - CONTEXT).collect();
    format!("{beginning} … {end}")
}

fn words(diff: &TextDiff, indent: &str) -> Vec<Piece> {
    let spans = diff.spans.iter().map(|span| {
        let text = span.text.replace('\n', &format!("\n{indent}"));
        match span.kind {
            SpanKind::Equal => plain(shortened(&text)),
            SpanKind::Removed => Piece::Removed(text),
            SpanKind::Added => Piece::Added(text),
        }
    });
    let mut pieces: Vec<Piece> = spans.collect();
    // Of an empty text and none there is nothing else to see.
    match (diff.is_before, diff.is_after) {
        (false, true) => pieces.push(plain(" (the first has none)")),
        (true, false) => pieces.push(plain(" (the second has none)")),
        _ => {}
    }
    pieces
}

fn kinds(kinds: &[InputChangeKind]) -> String {
    let words = kinds.iter().map(|kind| match kind {
        InputChangeKind::Added => "added",
        InputChangeKind::Removed => "removed",
        InputChangeKind::OtherAsset => "another image",
        InputChangeKind::OtherRole => "another role",
        InputChangeKind::OtherBytes => "other bytes",
        InputChangeKind::Moved => "moved",
    });
    words.collect::<Vec<_>>().join(", ")
}

impl Shown<'_> {
    /// Writes what an asset is called, and its id, which tells it from others of that name.
    fn asset_name(&self, id: AssetId) -> String {
        let id_shown = self.output.id(id);
        match self.names.get(&id) {
            Some(name) => format!("{}  {id_shown}", one_line(name, 60)),
            None => id_shown,
        }
    }

    fn input(&self, place: &InputPlace) -> String {
        let name = self.names.get(&place.asset_id);
        let name = name.map_or_else(|| self.output.id(place.asset_id), |name| one_line(name, 60));
        format!("{} {name} at {}", place.role, place.position)
    }

    fn line(&self, indent: &str, pieces: Vec<Piece>) -> Result<(), CommandError> {
        let mut line = vec![plain(indent)];
        line.extend(pieces);
        line.push(plain("\n"));
        self.output.pieces(&line)
    }

    fn titles(&self, before: &str, after: &str) -> Result<(), CommandError> {
        self.line("", vec![Piece::Title(format!("--- {before}"))])?;
        self.line("", vec![Piece::Title(format!("+++ {after}"))])
    }

    fn field(&self, indent: &str, name: &str, value: Vec<Piece>) -> Result<(), CommandError> {
        let mut pieces = vec![Piece::Name(name.to_owned()), plain("  ")];
        pieces.extend(value);
        self.line(indent, pieces)
    }

    fn change<T: ToString>(
        &self,
        indent: &str,
        name: &str,
        change: Option<&Change<T>>,
    ) -> Result<(), CommandError> {
        let Some(change) = change else { return Ok(()) };
        self.field(
            indent,
            name,
            both(change.before.as_ref(), change.after.as_ref()),
        )
    }

    fn text(&self, indent: &str, name: &str, diff: Option<&TextDiff>) -> Result<(), CommandError> {
        let Some(diff) = diff else { return Ok(()) };
        self.line(indent, vec![Piece::Name(name.to_owned())])?;
        let indent = format!("{indent}  ");
        self.line(&indent, words(diff, &indent))
    }

    fn settings(&self, indent: &str, changes: &[SettingChange]) -> Result<(), CommandError> {
        for SettingChange {
            path,
            before,
            after,
        } in changes
        {
            let path = if path.is_empty() { "all" } else { path };
            self.field(indent, path, both(before.as_ref(), after.as_ref()))?;
        }
        Ok(())
    }

    fn inputs(&self, indent: &str, changes: &[InputChange]) -> Result<(), CommandError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.line(indent, vec![Piece::Name("inputs".to_owned())])?;
        for change in changes {
            let before = change.before.as_ref().map(|place| self.input(place));
            let after = change.after.as_ref().map(|place| self.input(place));
            let mut pieces = both(before.as_ref(), after.as_ref());
            pieces.push(plain(format!("  {}", kinds(&change.kinds))));
            self.line(&format!("{indent}  "), pieces)?;
        }
        Ok(())
    }

    fn claims(&self, indent: &str, changes: &[ClaimChange]) -> Result<(), CommandError> {
        if changes.is_empty() {
            return Ok(());
        }
        let title = "claims (what files and programs say, not recorded by Pegbar)";
        self.line(indent, vec![Piece::Name(title.to_owned())])?;
        let indent = format!("{indent}  ");
        for change in changes {
            let tool = &change.tool;
            let pieces = match (change.before, change.after) {
                (Some(_), None) => vec![Piece::Removed(tool.clone())],
                (None, Some(_)) => vec![Piece::Added(tool.clone())],
                _ => vec![plain(tool.clone())],
            };
            self.line(&indent, pieces)?;
            let indent = format!("{indent}  ");
            self.settings(&indent, &change.fields)?;
            if change.is_raw_different {
                self.line(&indent, vec![plain("the text as it was found differs")])?;
            }
        }
        Ok(())
    }

    fn asset(&self, indent: &str, diff: &AssetDiff) -> Result<(), CommandError> {
        self.text(indent, "prompt", diff.prompt.as_ref())?;
        self.text(indent, "system prompt", diff.system_prompt.as_ref())?;
        self.change(indent, "model", diff.model.as_ref())?;
        if !diff.settings.is_empty() {
            self.line(indent, vec![Piece::Name("settings".to_owned())])?;
            self.settings(&format!("{indent}  "), &diff.settings)?;
        }
        self.inputs(indent, &diff.inputs)?;
        self.change(indent, "kind", diff.kind.as_ref())?;
        self.change(indent, "variation of", diff.character_id.as_ref())?;
        self.change(indent, "take of", diff.animation_id.as_ref())?;
        self.change(indent, "primary", diff.is_primary.as_ref())?;
        self.change(indent, "type", diff.mime_type.as_ref())?;
        self.change(indent, "width", diff.width.as_ref())?;
        self.change(indent, "height", diff.height.as_ref())?;
        self.change(indent, "images", diff.image_count.as_ref())?;
        self.change(indent, "bytes", diff.file_size.as_ref())?;
        self.change(indent, "sha256", diff.sha256.as_ref())?;
        self.change(indent, "bytes dropped", diff.bytes_dropped_at.as_ref())?;
        self.change(indent, "created", diff.created_at.as_ref())?;
        self.claims(indent, &diff.claims)
    }

    /// Shows what sets two assets apart.
    pub(super) fn assets(
        &self,
        before: &Asset,
        after: &Asset,
        diff: &AssetDiff,
    ) -> Result<(), CommandError> {
        self.titles(&self.asset_name(before.id), &self.asset_name(after.id))?;
        if diff.is_same() {
            return self.output.line("nothing sets them apart");
        }
        self.asset("", diff)
    }

    fn frame(&self, diff: &FrameDiff) -> Result<(), CommandError> {
        let mut title = vec![Piece::Name("frame ".to_owned())];
        match (&diff.before, &diff.after) {
            (Some(before), Some(after)) if before.frame_index == after.frame_index => {
                title.push(plain(before.frame_index.to_string()));
            }
            (before, after) => {
                let index = |place: &pegbar::FramePlace| place.frame_index;
                let (before, after) = (before.as_ref().map(index), after.as_ref().map(index));
                title.extend(both(before.as_ref(), after.as_ref()));
            }
        }
        title.push(plain(match (&diff.before, &diff.after) {
            (Some(before), None) => {
                format!("  removed, showed {}", self.asset_name(before.asset_id))
            }
            (None, Some(after)) => {
                format!("  added, shows {}", self.asset_name(after.asset_id))
            }
            _ => String::new(),
        }));
        self.line("", title)?;
        self.text("  ", "frame prompt", diff.prompt.as_ref())?;
        match &diff.asset {
            Some(asset) => self.asset("  ", asset),
            None => Ok(()),
        }
    }

    /// Shows what sets two animations apart.
    pub(super) fn animations(
        &self,
        [before, after]: [&Animation; 2],
        characters: [&str; 2],
        diff: &AnimationDiff,
    ) -> Result<(), CommandError> {
        let name = |animation: &Animation, character: &str| {
            let name = one_line(&format!("{character}/{}", animation.name), 60);
            format!("{name}  {}", self.output.id(animation.id))
        };
        self.titles(&name(before, characters[0]), &name(after, characters[1]))?;
        if diff.is_same() {
            return self.output.line("nothing sets them apart");
        }
        self.change("", "name", diff.name.as_ref())?;
        self.change("", "character", diff.character_id.as_ref())?;
        self.text("", "description", diff.description.as_ref())?;
        self.text("", "user prompt", diff.user_prompt.as_ref())?;
        self.change("", "frame duration in ms", diff.frame_duration_ms.as_ref())?;
        self.change("", "frames", diff.frame_count.as_ref())?;
        for frame in &diff.frames {
            self.frame(frame)?;
        }
        let alike = count(diff.equal_frames, "frame");
        self.output.line(format_args!("{alike} alike"))
    }
}
