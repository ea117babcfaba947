//! Every table with all of its columns, as the migrations say: for whoever copies rows whatever
//! they mean. The entities are what Pegbar works with; other columns have defaults.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::entity::Table;
use super::migrate::sources_up_to;
use super::value::ColumnType;

/// A table, and the order of its rows.
#[derive(Debug)]
pub(crate) struct TableSchema {
    pub(crate) table: Table,
    /// The places of the primary key's columns, which give the order of the rows.
    pub(crate) key: Vec<usize>,
}

impl TableSchema {
    /// Returns the place of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        let mut columns = self.table.columns.iter();
        columns.position(|(column, _)| *column == name)
    }
}

/// Returns the tables of a schema version, each behind those that its rows belong to.
///
/// Empty for a version that is not known.
pub(crate) fn tables(version: u32) -> &'static [TableSchema] {
    static ALL: LazyLock<BTreeMap<u32, Vec<TableSchema>>> = LazyLock::new(|| {
        let versions = 1..=super::latest_version();
        versions.map(|version| (version, read(version))).collect()
    });
    ALL.get(&version).map_or(&[], Vec::as_slice)
}

/// A table while the migrations are read.
#[derive(Default)]
struct Draft {
    name: String,
    columns: Vec<(String, String)>,
    key: Vec<String>,
}

impl Draft {
    /// Reads one line of a table's body.
    fn read_line(&mut self, line: &str) {
        let line = line.trim().trim_start_matches(',').trim_start();
        if let Some(list) = line.strip_prefix("PRIMARY KEY (") {
            let list = list.split(')').next().unwrap_or_default();
            self.key = list.split(", ").map(str::to_owned).collect();
            return;
        }
        self.read_column(line);
    }

    fn read_column(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else {
            return;
        };
        let kind = kind.trim_end_matches([',', ';']);
        let kind = kind
            .strip_prefix('{')
            .and_then(|kind| kind.strip_suffix('}'));
        let Some(kind) = kind else { return };
        if text.contains("PRIMARY KEY") {
            self.key = vec![name.to_owned()];
        }
        self.columns.push((name.to_owned(), kind.to_owned()));
    }

    /// Keeps it as long as the program runs: there are few.
    fn finish(self) -> TableSchema {
        let columns: Vec<(&'static str, ColumnType)> = self
            .columns
            .into_iter()
            .map(|(name, kind)| (&*name.leak(), column_type(kind)))
            .collect();
        let place = |name: &String| columns.iter().position(|(column, _)| column == name);
        let key = self.key.iter().filter_map(place).collect();
        TableSchema {
            table: Table {
                name: self.name.leak(),
                columns: columns.leak(),
            },
            key,
        }
    }
}

fn column_type(word: String) -> ColumnType {
    match word.as_str() {
        "id" => ColumnType::Id,
        "text" => ColumnType::Text,
        "int" => ColumnType::Int,
        "big" => ColumnType::Big,
        "time" => ColumnType::Time,
        "json" => ColumnType::Json,
        _ => ColumnType::Enum(word.leak()),
    }
}

/// Reads the migrations. They create a table with one column a line, and add a column with
/// `ALTER TABLE … ADD COLUMN` on one line; a test compares the outcome with both engines.
fn read(version: u32) -> Vec<TableSchema> {
    let mut drafts: Vec<Draft> = Vec::new();
    for source in sources_up_to(version) {
        let mut within = false;
        let mut is_skipped = false;
        for line in source.lines() {
            if line.starts_with("--") {
                is_skipped =
                    line.starts_with("--begin") || (is_skipped && !line.starts_with("--end"));
                continue;
            }
            if is_skipped {
                continue;
            }
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                let name = rest.split([' ', '(']).next().unwrap_or_default();
                drafts.push(Draft {
                    name: name.to_owned(),
                    ..Draft::default()
                });
                within = true;
            } else if line.starts_with(')') {
                within = false;
            } else if within && let Some(draft) = drafts.last_mut() {
                draft.read_line(line);
            } else if let Some((name, column)) = added_column(line)
                && let Some(draft) = drafts.iter_mut().find(|draft| draft.name == name)
            {
                draft.read_column(column);
            }
        }
    }
    drafts.into_iter().map(Draft::finish).collect()
}

fn added_column(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("ALTER TABLE ")?
        .split_once(" ADD COLUMN ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_columns_and_its_key_at_each_version() {
        let animation = |version| {
            let mut tables = tables(version).iter();
            tables
                .find(|schema| schema.table.name == "animation")
                .unwrap()
        };
        assert_eq!(animation(1).column("frame_duration_ms"), None);
        let now = animation(crate::db::latest_version());
        let column = now.table.columns[now.column("frame_duration_ms").unwrap()];
        assert_eq!(column, ("frame_duration_ms", ColumnType::Int));
        let edges = tables(1)
            .iter()
            .find(|schema| schema.table.name == "asset_reference")
            .unwrap();
        let key = edges.key.iter().map(|place| edges.table.columns[*place].0);
        assert_eq!(
            key.collect::<Vec<_>>(),
            ["project_id", "asset_id", "position"]
        );
        assert!(tables(0).is_empty());
    }
}
