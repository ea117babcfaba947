//! What is searched for, and the part of it that the database decides.

use std::str::FromStr;

use uuid::Uuid;

use super::condition::Conditions;
use crate::asset::AssetFilter;
use crate::db::sql::Query;
use crate::db::value::Value;
use crate::error::Error;
use crate::id::{AssetId, ProjectId};
use crate::json::Json;

/// What is searched for. Every condition that is given holds for what is found.
#[derive(Clone, Debug, Default)]
pub struct SearchFilter {
    /// What the asset itself is: its kind, character, animation, tag, time …
    pub assets: AssetFilter,
    /// Words and phrases, each of which stands somewhere in the prompt or the system prompt, or
    /// in the claims with `in_claims`. They are found within words, in upper and lower case
    /// alike (Unicode, after compatibility forms: `strasse` finds `Straße`), and any white space
    /// in them stands for any other. At most [`SearchFilter::MAX_TEXTS`].
    pub text: Vec<String>,
    /// Looks for the text also in what files and other programs say.
    pub in_claims: bool,
    /// The model that generated it.
    pub model: Option<ModelFilter>,
    /// Settings that it was generated with.
    pub settings: Vec<SettingFilter>,
    /// The program that says something of it, as in [`Claim::tool`](crate::Claim::tool).
    pub claim_tool: Option<String>,
    /// What it was made from.
    pub made_from: Option<MadeFrom>,
    /// Never used: no frame shows it, nothing was made from it, and it is neither a character's
    /// primary variation nor a project's thumbnail.
    pub is_unused: bool,
}

impl SearchFilter {
    /// How many words and phrases one search takes.
    pub const MAX_TEXTS: usize = 32;
}

/// Which models are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFilter {
    /// The one of exactly this name.
    Named(String),
    /// Those whose names begin so.
    Beginning(String),
}

/// What something was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeFrom {
    /// The input.
    pub asset_id: AssetId,
    /// Also what was made from what was made from it, and so on.
    pub is_deep: bool,
}

/// A setting and its value.
///
/// Read from text as `PATH=VALUE`: `steps=20`, `sampler.name=euler`, `seed="123"`. The path
/// is names with dots between them, or a JSON pointer (RFC 6901), which begins with `/`; in
/// arrays, places count from 0. The value is JSON, and what is not JSON is text. Values are
/// compared with their types, numbers as numbers: 20 is 20.0 and not "20".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFilter {
    pub(super) path: Vec<String>,
    pub(super) value: Json,
}

impl SettingFilter {
    /// Looks for a value at a path, given by the names and places that lead to it.
    #[must_use]
    pub fn new(path: Vec<String>, value: Json) -> Self {
        Self { path, value }
    }
}

impl FromStr for SettingFilter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |reason: String| Error::invalid("setting", reason);
        let Some((path, value)) = text.split_once('=') else {
            let reason = format!("{text:?} has no value; expected PATH=VALUE, as in steps=20");
            return Err(invalid(reason));
        };
        let path = path.trim();
        let steps: Vec<String> = match path.strip_prefix('/') {
            Some(pointer) => {
                let steps = pointer.split('/');
                steps
                    .map(|step| step.replace("~1", "/").replace("~0", "~"))
                    .collect()
            }
            None => path.split('.').map(str::to_owned).collect(),
        };
        if path.is_empty() || !path.starts_with('/') && steps.iter().any(String::is_empty) {
            let reason = format!(
                "{path:?} is not a path; expected names with dots between them, as in \
                 sampler.steps, or a JSON pointer, as in /sampler/steps"
            );
            return Err(invalid(reason));
        }
        let value = value.trim();
        let value = match Json::parse(value) {
            Ok(value) => value,
            // What begins like JSON was meant to be some.
            Err(error) if value.starts_with(['"', '{', '[']) => {
                return Err(invalid(format!("the value of {path:?}: {error}")));
            }
            Err(_) => Json::from_value(value.into())
                .map_err(|error| invalid(format!("the value of {path:?}: {error}")))?,
        };
        Ok(Self { path: steps, value })
    }
}

/// Returns the first text behind all that begin so, bytewise; `None` where there is none.
fn behind(beginning: &str) -> Option<String> {
    let mut text = beginning.to_owned();
    while let Some(last) = text.pop() {
        let mut next = u32::from(last) + 1..=u32::from(char::MAX);
        if let Some(next) = next.find_map(char::from_u32) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

impl SearchFilter {
    /// Selects what the database can't rule out, of one project or of all.
    pub(super) fn query<'a>(
        &'a self,
        conditions: &Conditions,
        project: Option<ProjectId>,
        after: Option<AssetId>,
        among: Option<&'a [Uuid]>,
        rows: usize,
    ) -> Query<'a> {
        let (mut query, order) = self.assets.select(conditions.columns(), project);
        if let Some(after) = after {
            query.filter(&format!("{order} > ?"), [Value::Id(after.0)]);
        }
        match &self.model {
            Some(ModelFilter::Named(name)) => {
                query.filter("a.model = ?", [name.as_str().into()]);
            }
            Some(ModelFilter::Beginning(beginning)) => {
                query.filter("a.model >= ?", [beginning.as_str().into()]);
                if let Some(behind) = behind(beginning) {
                    query.filter("a.model < ?", [Value::Text(behind.into())]);
                }
            }
            None => {}
        }
        if let Some(tool) = &self.claim_tool {
            let claimed = "EXISTS (SELECT 1 FROM asset_claim c WHERE c.project_id = a.project_id \
                           AND c.tool = ? AND c.asset_id = a.id)";
            query.filter(claimed, [tool.as_str().into()]);
        }
        if self.is_unused {
            for used in [
                "frame u WHERE u.project_id = a.project_id AND u.asset_id = a.id",
                "asset_reference u WHERE u.project_id = a.project_id \
                 AND u.referenced_asset_id = a.id",
                "character u WHERE u.project_id = a.project_id AND u.id = a.character_id \
                 AND u.primary_asset_id = a.id",
                "project u WHERE u.id = a.project_id AND u.thumbnail_id = a.id",
            ] {
                query.filter(&format!("NOT EXISTS (SELECT 1 FROM {used})"), []);
            }
        }
        if let Some(ids) = among {
            query.filter("a.id {in ?}", [Value::Ids(ids)]);
        }
        query.order(order, i64::try_from(rows).unwrap_or(i64::MAX));
        query
    }

    /// Every combination of conditions, for the test that prepares them.
    #[cfg(test)]
    pub(crate) fn every_query(mut prepare: impl FnMut(Query<'_>)) {
        let ids = [Uuid::nil()];
        for bits in 0..1024_u32 {
            let on = |bit: u32| bits & (1 << bit) > 0;
            let setting = SettingFilter::new(vec!["seed".to_owned()], Json::empty_object());
            let filter = Self {
                assets: AssetFilter {
                    tag: on(0).then(|| "t".to_owned()),
                    kind: on(1).then_some(crate::AssetKind::Frame),
                    source_id: on(1).then(|| "s".to_owned()),
                    ..AssetFilter::default()
                },
                text: on(2).then(|| "word".to_owned()).into_iter().collect(),
                settings: on(3).then_some(setting).into_iter().collect(),
                model: match (on(4), on(5)) {
                    (false, _) => None,
                    (true, false) => Some(ModelFilter::Named("m".to_owned())),
                    (true, true) => Some(ModelFilter::Beginning("m".to_owned())),
                },
                claim_tool: on(6).then(|| "app".to_owned()),
                is_unused: on(7),
                ..Self::default()
            };
            let conditions = Conditions::new(&filter).unwrap();
            let project = on(8).then(|| ProjectId(Uuid::nil()));
            let after = on(9).then(|| AssetId(Uuid::nil()));
            prepare(filter.query(&conditions, project, after, None, 3));
            prepare(filter.query(&conditions, project, None, Some(&ids), 3));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, String) {
        let filter: SettingFilter = text.parse().unwrap();
        (filter.path, filter.value.to_string())
    }

    #[test]
    fn a_setting_is_a_path_and_a_value_with_its_type() {
        let path = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect();
        assert_eq!(read("steps=20"), (path(&["steps"]), "20".to_owned()));
        assert_eq!(
            read("sampler.name=euler a"),
            (path(&["sampler", "name"]), "\"euler a\"".to_owned())
        );
        assert_eq!(
            read("/a~1b/c.d/0=true"),
            (path(&["a/b", "c.d", "0"]), "true".to_owned())
        );
        assert_eq!(read("seed=\"123\"").1, "\"123\"");
        // As settings themselves keep it: JavaScript would round it.
        assert_eq!(read("seed=9007199254740993").1, "\"9007199254740993\"");
        assert_eq!(read("hash=00a1").1, "\"00a1\"");
        assert_eq!(read("url=a=b").1, "\"a=b\"");
    }

    #[test]
    fn what_is_no_setting_is_refused_with_what_is_expected() {
        let refused = |text: &str| text.parse::<SettingFilter>().unwrap_err().to_string();
        assert!(refused("steps").contains("expected PATH=VALUE, as in steps=20"));
        assert!(refused("=20").contains("is not a path"));
        assert!(refused("a..b=20").contains("is not a path"));
        assert!(refused("loras=[1,").contains("not JSON"));
    }

    #[test]
    fn the_end_of_a_beginning_is_the_next_text() {
        assert_eq!(behind("ab").as_deref(), Some("ac"));
        assert_eq!(behind("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(behind("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(behind("\u{10ffff}"), None);
        assert_eq!(behind(""), None);
    }
}
