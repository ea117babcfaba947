//! Lineage as PROV-JSON.

use std::collections::{BTreeMap, BTreeSet};

use pegbar::{ExportScope, NewProject, ProvCounts, Studio};
use serde_json::Value;

use crate::support::alley::{SYSTEM_PROMPT, alley};
use crate::support::exchange::python;
use crate::support::{asset, png};

/// Reads a document and says what it holds; refuses one in which a statement mentions what is
/// not in it, and what `prov` would only warn of.
const READ: &str = r#"
import json, sys
import prov.model as model
document = model.ProvDocument.deserialize(sys.argv[1], format="json")
elements = {record.identifier for record in document.get_records(model.ProvElement)}
relations = list(document.get_records(model.ProvRelation))
for relation in relations:
    for name, value in relation.formal_attributes:
        if isinstance(value, model.QualifiedName) and value not in elements:
            sys.exit(f"{relation}: {value} is not in the document")
kinds = {}
for record in document.get_records():
    kind = record.get_type().localpart
    kinds[kind] = kinds.get(kind, 0) + 1
    assert record.identifier.uri.startswith("urn:uuid:ff65eed9-"), record
print(json.dumps(kinds))
"#;

async fn exported(studio: &Studio, scope: &ExportScope) -> (Value, ProvCounts) {
    let mut text = Vec::new();
    let mut last = (0, 0);
    let counts = studio
        .export_prov(scope, &mut text, |done, total| last = (done, total))
        .await
        .unwrap();
    assert_eq!(last.0, last.1, "all of it was told");
    let text = String::from_utf8(text).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    // Whoever reads the object has lost what stands twice.
    let statements = text
        .lines()
        .filter(|line| line.starts_with("\"pegbar:"))
        .count();
    assert_eq!(statements, names(&document).len(), "each name stands once");
    (document, counts)
}

fn names(document: &Value) -> BTreeSet<&str> {
    let kinds = document.as_object().unwrap().iter();
    let kinds = kinds.filter(|(kind, _)| *kind != "prefix");
    kinds
        .flat_map(|(_, of_kind)| of_kind.as_object().unwrap().keys().map(String::as_str))
        .collect()
}

/// Every name that a statement mentions, in the attributes that mention one.
fn mentioned(document: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let ends = [
        "prov:entity",
        "prov:activity",
        "prov:agent",
        "prov:generatedEntity",
        "prov:usedEntity",
        "prov:collection",
    ];
    let mut mentioned: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for of_kind in document.as_object().unwrap().values() {
        for statement in of_kind.as_object().unwrap().values() {
            for end in ends {
                if let Some(name) = statement.get(end) {
                    mentioned
                        .entry(end)
                        .or_default()
                        .insert(name.as_str().unwrap());
                }
            }
        }
    }
    mentioned
}

fn count(document: &Value, kind: &str) -> usize {
    document[kind].as_object().unwrap().len()
}

both_engines! {
    async fn a_project_is_one_document_in_which_nothing_dangles(bench) {
        let studio = bench.create().await;
        let tree = alley(&studio).await;
        let scope = ExportScope::Project(tree.project.id);
        let (document, counts) = exported(&studio, &scope).await;
        // A palette; two variations each; three animations of four frames and another take.
        let assets = 1 + 4 + 3 * 5;
        assert_eq!(counts, ProvCounts {
            assets,
            // Four of the frames, one of the other take, two of the variations, one of the system.
            prompts: 8,
            generations: assets - 1,
            models: 1,
            inputs: 4 + 3 * 7,
        });
        let defined: BTreeSet<&str> = ["entity", "activity", "agent"]
            .iter()
            .flat_map(|kind| document[*kind].as_object().unwrap().keys().map(String::as_str))
            .collect();
        for (end, names) in mentioned(&document) {
            let dangling: Vec<_> = names.difference(&defined).collect();
            assert!(dangling.is_empty(), "{end}: {dangling:?}");
        }
        assert_eq!(count(&document, "entity"), 1 + 20 + 8);
        assert_eq!(count(&document, "wasGeneratedBy"), 19);
        assert_eq!(count(&document, "hadMember"), 20);

        let walk = &tree.characters[0].animations[0];
        let (first, second) = (&walk.frames[0].asset, &walk.frames[1].asset);
        let entity = &document["entity"][format!("pegbar:asset/{}", second.id)];
        assert_eq!(entity["pegbar:recordHash"], second.record_hash.unwrap().to_string());
        assert_eq!(entity["prov:label"], "Tabby_Walk_1.png");
        let used = &document["used"][format!("pegbar:use/{}/1", second.id)];
        assert_eq!(used["prov:entity"], format!("pegbar:asset/{}", first.id));
        assert_eq!(used["prov:role"], "previous_frame");
        assert_eq!(used["pegbar:sha256"], first.sha256.unwrap().to_string());
        let derived = &document["wasDerivedFrom"][format!("pegbar:derivation/{}/1", second.id)];
        assert_eq!(derived["prov:usedEntity"], used["prov:entity"]);
        let system = &document["used"][format!("pegbar:use/{}/system_prompt", second.id)];
        let system = &document["entity"][system["prov:entity"].as_str().unwrap()];
        assert_eq!(system["prov:value"], SYSTEM_PROMPT);
        let model = &document["agent"]["pegbar:model/sprite%20diffusion%3A%20XL"];
        assert_eq!(model["prov:label"], "sprite diffusion: XL");
        let upload = &tree.references[0];
        let upload = format!("pegbar:generation-of/{}", upload.id);
        assert!(document["activity"].get(upload).is_none(), "an upload has no activity");
    }

    async fn a_lineage_goes_back_to_the_beginning_and_no_further(bench) {
        let studio = bench.create().await;
        let tree = alley(&studio).await;
        let third = &tree.characters[0].animations[0].frames[2].asset;
        let (document, counts) = exported(&studio, &ExportScope::Assets(vec![third.id])).await;
        // Two frames before it, the front view and the palette.
        assert_eq!((counts.assets, counts.inputs), (5, 3 + 1 + 1 + 1));
        assert_eq!(count(&document, "hadMember"), 5);
        let walk = tree.characters[0].animations[0].animation.id;
        let (_, counts) = exported(&studio, &ExportScope::Animation(walk)).await;
        assert_eq!(counts.assets, 5 + 2);
        let tabby = tree.characters[0].character.id;
        let (_, counts) = exported(&studio, &ExportScope::Character(tabby)).await;
        assert_eq!(counts.assets, 2 + 10 + 1);
        let other = studio.create_project(NewProject::new("Other").reference(asset(900))).await.unwrap();
        let both = ExportScope::Assets(vec![third.id, other.references[0].id]);
        let refused = studio.export_prov(&both, &mut Vec::new(), |_, _| {}).await.unwrap_err();
        assert_eq!(refused.code(), "invalid");
        let none = ExportScope::Assets(vec![studio.new_id()]);
        let refused = studio.export_prov(&none, &mut Vec::new(), |_, _| {}).await.unwrap_err();
        assert_eq!(refused.code(), "not_found");
    }

    async fn outputs_of_one_generation_share_an_activity_and_failed_ones_are_told(bench) {
        let studio = bench.create().await;
        let tree = studio.create_project(NewProject::new("Cats")).await.unwrap();
        let project = tree.project.id;
        let (done, failed): (pegbar::GenerationId, pegbar::GenerationId) =
            (studio.new_id(), studio.new_id());
        let outputs: Vec<pegbar::AssetId> = vec![studio.new_id(), studio.new_id()];
        let mut raw = bench.raw().await;
        for (id, status, error) in [(done, "succeeded", "NULL"), (failed, "failed", "'no quota'")] {
            let (id, project) = (raw.id(id), raw.id(project));
            raw.run(&format!(
                "INSERT INTO generation (id, project_id, model, status, error, duration_ms) \
                 VALUES ({id}, {project}, 'm', '{status}', {error}, 1500)"
            )).await.unwrap();
        }
        for id in &outputs {
            let (id, project, done) = (raw.id(*id), raw.id(project), raw.id(done));
            raw.run(&format!(
                "INSERT INTO asset (id, project_id, kind, generation_id, generation_prompt, model) \
                 VALUES ({id}, {project}, 'reference', {done}, 'a cat', 'm')"
            )).await.unwrap();
        }
        let (document, counts) = exported(&studio, &ExportScope::Project(project)).await;
        assert_eq!((counts.assets, counts.generations, counts.prompts), (2, 2, 1));
        assert_eq!(count(&document, "activity"), 2);
        let failed = &document["activity"][format!("pegbar:generation/{failed}")];
        assert_eq!(failed["pegbar:error"], "no quota");
        assert_eq!(count(&document, "wasGeneratedBy"), 2);
        assert_eq!(count(&document, "used"), 1, "it was asked once");
        assert_eq!(count(&document, "wasAssociatedWith"), 1);
    }

    async fn the_prov_package_reads_it(bench) {
        let studio = bench.create().await;
        let tree = alley(&studio).await;
        let (document, _) = exported(&studio, &ExportScope::Project(tree.project.id)).await;
        let file = bench.folder.path().join("alley.json");
        std::fs::write(&file, document.to_string()).unwrap();
        let Some(kinds) = python("prov", READ, &[&file]) else { return };
        let kinds: Value = serde_json::from_str(&kinds).unwrap();
        let expected = serde_json::json!({
            "Entity": 29, "Activity": 19, "Agent": 1, "Generation": 19, "Usage": 19 * 2 + 25,
            "Derivation": 25, "Association": 19, "Membership": 20,
        });
        assert_eq!(kinds, expected);
    }

    async fn a_writer_that_refuses_is_told(bench) {
        struct Full;
        impl std::io::Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let studio = bench.create().await;
        let new = NewProject::new("Cats").reference(pegbar::NewAsset::from_bytes(png(1)));
        let tree = studio.create_project(new).await.unwrap();
        let scope = ExportScope::Project(tree.project.id);
        let refused = studio.export_prov(&scope, &mut Full, |_, _| {}).await.unwrap_err();
        assert_eq!(refused.code(), "io");
        assert!(refused.to_string().contains("PROV-JSON"));
    }
}
