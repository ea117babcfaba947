//! ComfyUI: the graph of nodes that was run (`prompt`), and the editor's (`workflow`).

mod graph;

use super::fields::Fields;
use super::loose;
use super::piece::{Piece, Pieces};
use crate::claim::NewClaim;
pub(in crate::metadata) use graph::Graph;

const PROMPT: &str = "prompt";
const WORKFLOW: &str = "workflow";

pub(super) fn read(pieces: &mut Pieces) -> Option<NewClaim> {
    let taken = take(pieces);
    if taken.is_empty() {
        return None;
    }
    let mut fields = Fields::new();
    if let Some(prompt) = taken.iter().find(|piece| piece.name == PROMPT) {
        match loose::object(&prompt.text) {
            Some(found) => {
                found
                    .problem
                    .into_iter()
                    .for_each(|problem| fields.problem(problem));
                Graph::new(&found.members).read(&mut fields);
            }
            None => fields.problem("its prompt is not JSON"),
        }
    }
    Some(fields.into_claim("comfyui", pieces.place, &taken))
}

/// Takes out the two texts by their names, or, in Exif, where each begins with its name.
fn take(pieces: &mut Pieces) -> Vec<Piece> {
    let is_graph = |text: &str| text.trim_start().starts_with('{');
    let mut taken = Vec::new();
    for name in [PROMPT, WORKFLOW] {
        let place = pieces.left.iter().position(|piece| {
            let named = piece
                .text
                .strip_prefix(name)
                .and_then(|text| text.strip_prefix(':'));
            piece.name == name && is_graph(&piece.text) || named.is_some_and(is_graph)
        });
        let Some(place) = place else { continue };
        let piece = pieces.left.remove(place);
        let text = match piece.text.split_once(':') {
            Some((before, text)) if before == name => text.to_owned(),
            _ => piece.text,
        };
        taken.push(Piece {
            name: name.to_owned(),
            text,
        });
    }
    taken
}
