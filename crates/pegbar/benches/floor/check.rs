//! That both sides did the same: equal counts of rows, equal values up to ids.

use std::collections::{BTreeSet, HashMap};

use pegbar::{Page, PageRequest};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::Outcome;
use crate::site::Site;
use crate::tree::Asset;

const TABLES: [&str; 9] = [
    "project_tag",
    "character",
    "character_tag",
    "animation",
    "asset",
    "asset_tag",
    "asset_reference",
    "frame",
    "outbox",
];

/// Checks that two projects have the same number of rows in every table.
pub(crate) async fn same_counts(site: &Site, ours: Uuid, floor: Uuid) -> Outcome<()> {
    for table in TABLES {
        let ours = site.floor.count(table, ours).await?;
        let floor = site.floor.count(table, floor).await?;
        if ours != floor {
            return Err(format!("{table}: we wrote {ours} rows, the floor {floor}").into());
        }
    }
    Ok(())
}

/// Checks that two projects are the same but for their ids: every field of every row.
pub(crate) async fn same_but_ids(site: &Site, ours: Uuid, floor: Uuid) -> Outcome<()> {
    let mut texts = Vec::new();
    for project in [ours, floor] {
        let tree = site.studio.get_project_tree(project.into()).await?;
        texts.push(without_ids(&serde_json::to_string(&tree)?));
    }
    same("the project written", &texts[0], &texts[1])
}

/// Checks that what both read is the same, ids included. A field that was added since the
/// floor was written does not fail it: it is left out and named.
pub(crate) fn same_json(what: &str, ours: &impl Serialize, floor: &impl Serialize) -> Outcome<()> {
    let mut ours = serde_json::to_value(ours)?;
    let mut floor = serde_json::to_value(floor)?;
    add_reference_ids(&mut floor);
    let mut newer = BTreeSet::new();
    leave_out_newer(&mut ours, &floor, &mut newer);
    if !newer.is_empty() {
        eprintln!("note: the floor does not read {newer:?} yet, which {what} has");
    }
    same(what, &ours.to_string(), &floor.to_string())
}

/// Checks a page.
pub(crate) fn same_page(ours: &Page<pegbar::Asset>, floor: &(Vec<Asset>, bool)) -> Outcome<()> {
    if ours.rows.is_empty() || ours.has_more != floor.1 {
        return Err("the pages end at different places".into());
    }
    same_json("a page", &ours.rows, &floor.0)
}

/// Returns the first pages' last ids, and checks each page.
pub(crate) async fn walk(
    site: &Site,
    project: Uuid,
    tag: Option<&str>,
    pages: usize,
) -> Outcome<()> {
    let filter = pegbar::AssetFilter {
        tag: tag.map(str::to_owned),
        ..pegbar::AssetFilter::default()
    };
    let mut request = PageRequest::default();
    for _ in 0..pages {
        let ours = site
            .studio
            .list_assets(project.into(), &filter, request)
            .await?;
        let floor = site.floor.page(project, tag, request.after).await?;
        same_page(&ours, &floor)?;
        request.after = ours.rows.last().map(|asset| asset.id);
    }
    Ok(())
}

fn same(what: &str, ours: &str, floor: &str) -> Outcome<()> {
    if ours == floor {
        return Ok(());
    }
    let pairs = ours.bytes().zip(floor.bytes());
    let at = pairs.take_while(|(ours, floor)| ours == floor).count();
    let near = |text: &str| {
        let bytes = text.as_bytes();
        let range = at.saturating_sub(60)..bytes.len().min(at + 60);
        String::from_utf8_lossy(&bytes[range]).into_owned()
    };
    let (ours, floor) = (near(ours), near(floor));
    Err(format!("{what} differs:\n  ours  … {ours} …\n  floor … {floor} …").into())
}

/// Removes the fields that only we have.
fn leave_out_newer(ours: &mut Value, floor: &Value, newer: &mut BTreeSet<String>) {
    match (ours, floor) {
        (Value::Array(ours), Value::Array(floor)) => {
            let pairs = ours.iter_mut().zip(floor);
            pairs.for_each(|(ours, floor)| leave_out_newer(ours, floor, newer));
        }
        (Value::Object(ours), Value::Object(floor)) => ours.retain(|name, ours| {
            let known = floor.get(name);
            match known {
                Some(floor) => leave_out_newer(ours, floor, newer),
                None => drop(newer.insert(name.clone())),
            }
            known.is_some()
        }),
        _ => {}
    }
}

/// The JSON of Pegbar's assets has their references' ids once more.
fn add_reference_ids(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(add_reference_ids),
        Value::Object(members) => {
            if let (Some(Value::Array(references)), true) =
                (members.get("references"), members.contains_key("filePath"))
            {
                let ids = references
                    .iter()
                    .map(|reference| reference["assetId"].clone());
                members.insert("referenceAssetIds".to_owned(), ids.collect());
            }
            members.values_mut().for_each(add_reference_ids);
        }
        _ => {}
    }
}

/// Replaces each UUID by the number of its first appearance.
fn without_ids(text: &str) -> String {
    const LENGTH: usize = 36;
    let mut numbers = HashMap::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dash) = rest.find('-') {
        let start = dash.saturating_sub(8);
        let found = rest.get(start..start + LENGTH);
        let (kept, end) = if let Some(id) = found.and_then(|word| Uuid::try_parse(word).ok()) {
            let next = numbers.len();
            let number = numbers.entry(id).or_insert(next);
            (format!("{}#{number}", &rest[..start]), start + LENGTH)
        } else {
            (rest[..=dash].to_owned(), dash + 1)
        };
        out.push_str(&kept);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}
