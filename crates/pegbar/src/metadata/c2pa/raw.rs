//! The text that a claim keeps of a manifest store: all that was read, as JSON.

use serde_json::{Map, Value};

/// The longest text, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// What was read so far, by manifest and part.
pub(super) struct Raw {
    manifests: Map<String, Value>,
    room: usize,
    left_out: u64,
}

impl Raw {
    pub(super) fn new() -> Self {
        Self {
            manifests: Map::new(),
            room: MAX_BYTES - 200,
            left_out: 0,
        }
    }

    /// Adds a part of a manifest while there is room; what has none is counted.
    pub(super) fn add(&mut self, manifest: &str, part: &str, value: impl FnOnce() -> Value) {
        let mut size = written(part);
        if !self.manifests.contains_key(manifest) {
            size += written(manifest) + 2;
        }
        // Where the room is gone already, no value is made.
        let value = (size < self.room).then(value);
        let size = size + value.as_ref().map_or(0, |value| value.to_string().len());
        match value {
            Some(value) if size <= self.room => {
                self.room -= size;
                let parts = self.manifests.entry(manifest);
                if let Value::Object(parts) = parts.or_insert_with(|| Map::new().into()) {
                    parts.insert(part.to_owned(), value);
                }
            }
            _ => self.left_out += 1,
        }
    }

    pub(super) fn into_text(self) -> String {
        if self.manifests.is_empty() && self.left_out == 0 {
            return String::new();
        }
        let mut text = Map::new();
        text.insert("manifests".to_owned(), self.manifests.into());
        if self.left_out > 0 {
            text.insert("leftOut".to_owned(), self.left_out.into());
        }
        Value::Object(text).to_string()
    }
}

/// Returns how long a name is in JSON, with the colon after it and a comma before it.
fn written(name: &str) -> usize {
    Value::from(name).to_string().len() + 2
}
