//! The ids of a bundle: what is defined in it, and new ones for a copy.

use uuid::Uuid;

use crate::db::field::Field;
use crate::db::schema::TableSchema;
use crate::rows::Row;

/// The ids that the rows of a bundle define.
#[derive(Default)]
pub(super) struct Ids {
    all: Vec<Uuid>,
    /// The ids of a copy, in the same order; empty where the old ones are kept.
    new: Vec<Uuid>,
}

impl Ids {
    /// Notes what a row defines.
    pub(super) fn note(&mut self, schema: &TableSchema, row: &[Field]) {
        let id = schema.column("id").and_then(|place| row[place].id());
        self.all.extend(id);
    }

    /// Ends noting; returns an id that stands twice.
    pub(super) fn sort(&mut self) -> Option<Uuid> {
        self.all.sort_unstable();
        let mut pairs = self.all.windows(2);
        pairs.find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }

    /// Gives each a new one, in the same order: lists that go by ids stay as they are.
    pub(super) fn renew(&mut self, mut next: impl FnMut() -> Uuid) {
        self.new = self.all.iter().map(|_| next()).collect();
    }

    pub(super) fn has(&self, id: Uuid) -> bool {
        self.all.binary_search(&id).is_ok()
    }

    /// Returns the id that stands for one.
    pub(super) fn of(&self, id: Uuid) -> Uuid {
        let place = self.all.binary_search(&id).ok();
        place
            .and_then(|place| self.new.get(place))
            .copied()
            .unwrap_or(id)
    }

    /// Makes a row that of a copy, which names its original where its table has room for that.
    pub(super) fn renew_row(&self, schema: &TableSchema, row: &mut Row) {
        if self.new.is_empty() {
            return;
        }
        let own = schema.column("id").and_then(|place| row[place].id());
        if let (Some(place), Some(id)) = (schema.column("source_id"), own)
            && row[place] == Field::Null
        {
            row[place] = Field::Text(id.to_string());
        }
        for field in row.iter_mut() {
            if let Field::Id(id) = field {
                *id = self.of(*id);
            }
        }
        if schema.table.name == "generation"
            && let Some(place) = schema.column("request")
            && let Field::Json(request) = &mut row[place]
        {
            self.renew_request(request);
        }
    }

    /// What was sent to a model names the assets that it was.
    fn renew_request(&self, request: &mut crate::json::Json) {
        let mut value = request.as_value().clone();
        let inputs = value
            .get_mut("inputs")
            .and_then(|inputs| inputs.as_array_mut());
        for input in inputs.into_iter().flatten() {
            let Some(id) = input.get_mut("assetId") else {
                continue;
            };
            let known = id.as_str().and_then(|text| text.parse::<Uuid>().ok());
            if let Some(known) = known.filter(|known| self.has(*known)) {
                *id = serde_json::Value::String(self.of(known).to_string());
            }
        }
        *request = crate::json::Json::part(&value);
    }
}
