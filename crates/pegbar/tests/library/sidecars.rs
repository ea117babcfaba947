//! Sidecars: what one studio exports with them, another takes in with the same records.

mod again;
mod dropped;
mod hostile;
mod told;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pegbar::{
    Asset, AssetId, ExportScope, GenerationInput, GenerationOutput, ImageExport, Json,
    NewAnnotation, NewCharacter, NewGeneration, NewProject, ProjectTree, ReferenceRole,
    SidecarReport, SidecarTarget, Studio, XmpOptions,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::alley::alley;
use crate::support::exchange::python;
use crate::support::{assert_in_step, asset, files_below};

/// A studio of its own on SQLite, and what it exported.
struct Exporter {
    _folder: TempDir,
    studio: Studio,
    tree: ProjectTree,
    out: std::path::PathBuf,
}

async fn exporter(xmp: Option<XmpOptions>) -> Exporter {
    let folder = tempfile::tempdir().unwrap();
    let studio = Studio::create(folder.path()).await.unwrap();
    let tree = alley(&studio).await;
    let out = folder.path().join("out");
    let export = ImageExport {
        sidecars: true,
        xmp,
        ..ImageExport::new(ExportScope::Project(tree.project.id), &out)
    };
    let report = studio.export_images(&export, |_, _| {}).await.unwrap();
    assert_eq!((report.written, report.sidecars), (20, 20), "{report:?}");
    Exporter {
        _folder: folder,
        studio,
        tree,
        out,
    }
}

async fn import(studio: &Studio, folder: &Path, target: &SidecarTarget) -> SidecarReport {
    let plan = studio.plan_sidecars(folder, |_, _| {}).unwrap();
    let mut told = Vec::new();
    let report = studio
        .import_sidecars(&plan, target, |done, total| told.push((done, total)))
        .await
        .unwrap();
    let (done, total) = *told.last().unwrap();
    assert_eq!((done, total), (plan.images(), plan.images()));
    report
}

/// A tree without what an import can't or need not carry over: when rows last changed.
fn comparable(tree: &ProjectTree) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.remove("updatedAt");
                // Counts the changes of a list, also those of the import.
                members.remove("version");
                if members.contains_key("frameIndex") {
                    members.remove("createdAt");
                }
                members.values_mut().for_each(strip);
            }
            Value::Array(elements) => elements.iter_mut().for_each(strip),
            // `100.0` is spelled `100` in a record: values are kept, spelling is not.
            Value::Number(number) => *value = number.as_f64().into(),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(tree).unwrap();
    strip(&mut value);
    value
}

/// Compares two trees, and names the first place where they differ.
fn assert_same(here: &ProjectTree, there: &ProjectTree) {
    fn differs(here: &Value, there: &Value, place: &str) -> Option<String> {
        match (here, there) {
            (Value::Object(a), Value::Object(b)) if a.len() == b.len() => a
                .iter()
                .find_map(|(name, a)| differs(a, b.get(name)?, &format!("{place}.{name}"))),
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                let mut pairs = a.iter().zip(b).enumerate();
                pairs.find_map(|(n, (a, b))| differs(a, b, &format!("{place}[{n}]")))
            }
            _ => (here != there).then(|| format!("{place}: {here} and {there}")),
        }
    }
    let difference = differs(&comparable(here), &comparable(there), "");
    assert_eq!(difference, None);
}

fn assets_of(tree: &ProjectTree) -> BTreeMap<AssetId, &Asset> {
    let characters = tree.characters.iter();
    let assets = characters.flat_map(|character| {
        let animations = character.animations.iter().flat_map(|animation| {
            let frames = animation.frames.iter().map(|frame| &frame.asset);
            frames.chain(&animation.takes)
        });
        character.variations.iter().chain(animations)
    });
    assets
        .chain(&tree.references)
        .map(|asset| (asset.id, asset))
        .collect()
}

fn sidecar(folder: &Path, path: &str) -> (std::path::PathBuf, Value) {
    let place = folder.join(format!("{path}.pegbar.json"));
    let text = fs::read_to_string(&place).unwrap();
    (place, serde_json::from_str(&text).unwrap())
}

/// Changes a sidecar, and says how its import refuses it.
fn tampered(studio: &Studio, out: &Path, path: &str, change: impl FnOnce(&mut Value)) -> String {
    let (place, original) = sidecar(out, path);
    let mut changed = original.clone();
    change(&mut changed);
    fs::write(&place, changed.to_string()).unwrap();
    let plan = studio.plan_sidecars(out, |_, _| {}).unwrap();
    fs::write(&place, original.to_string()).unwrap();
    let refused = plan.refused();
    assert_eq!(refused.count, 1, "{refused:?}");
    assert_eq!(refused.first[0].path, path);
    format!("{}: {}", refused.first[0].field, refused.first[0].reason)
}

async fn round_trip(studio: &Studio, source: &Exporter) -> SidecarReport {
    let report = import(studio, &source.out, &SidecarTarget::Same).await;
    assert!(report.is_new_project);
    assert_eq!(
        (report.refused.count, report.renumbered, report.unchanged),
        (0, 0, 0)
    );
    let made = report.created;
    let counts = (
        made.characters,
        made.variations,
        made.animations,
        made.frames,
        made.takes,
    );
    assert_eq!(counts, (2, 4, 3, 13, 15));
    assert_eq!(made.references, 1);
    let tree = studio
        .get_project_tree(report.project_id.unwrap())
        .await
        .unwrap();
    assert_same(&tree, &source.tree);
    let (there, here) = (assets_of(&source.tree), assets_of(&tree));
    assert_eq!(here.len(), 20);
    for (id, asset) in here {
        assert_eq!(asset.record_hash, there[&id].record_hash);
        assert_eq!(asset.record, there[&id].record);
        let claims = studio.list_claims(id).await.unwrap();
        assert_eq!(claims, source.studio.list_claims(id).await.unwrap());
    }
    assert_in_step(studio, &tree);
    report
}

both_engines! {
    async fn another_studio_takes_in_the_same_records_and_hashes(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let report = round_trip(&studio, &source).await;
        let again = import(&studio, &source.out, &SidecarTarget::Same).await;
        assert_eq!((again.project_id.unwrap(), again.is_new_project), (report.project_id.unwrap(), false));
        assert_eq!((again.unchanged, again.created), (20, Default::default()));
        let tree = studio.get_project_tree(report.project_id.unwrap()).await.unwrap();
        assert_same(&tree, &source.tree);
    }

    async fn copies_with_xmp_come_back_as_the_bytes_that_they_were(bench) {
        let source = exporter(Some(XmpOptions::default())).await;
        let walk = &source.tree.characters[0].animations[0].frames[0].asset;
        let copy = fs::read(source.out.join("frames/Walk/Tabby_Walk_0.png")).unwrap();
        assert!(copy.len() as u64 > walk.file_size.unwrap());
        round_trip(&bench.create().await, &source).await;
    }

    async fn generations_and_annotations_come_along(bench) {
        let folder = tempfile::tempdir().unwrap();
        let source = Studio::create(folder.path()).await.unwrap();
        let tree = source.create_project(NewProject::new("Cats").reference(asset(1))).await.unwrap();
        let project = tree.project.id;
        let input = GenerationInput::asset(tree.references[0].id, ReferenceRole::Pose);
        let outputs = [2, 3].map(|number| GenerationOutput::new(asset(number)));
        let new = NewGeneration {
            duration_ms: Some(4200),
            input_tokens: Some(1290),
            price: Some("0.039 USD".parse().unwrap()),
            ..NewGeneration::succeeded(outputs.into())
        };
        // A double that canonical JSON writes like an integer.
        let settings = Json::parse(r#"{"weight": 1e16, "cfg": 7.5}"#).unwrap();
        let new = new.prompt("a cat").model("m").settings(settings).input(input);
        let sent = source.record_generation(project, new).await.unwrap();
        let sent = source.get_generation(sent.generation.id).await.unwrap();
        let output = sent.output_asset_ids[0];
        for text in ["first", "second"] {
            let said = NewAnnotation::new(text).author("Ada");
            source.annotate_asset(output, said).await.unwrap();
        }
        let out = folder.path().join("out");
        let scope = ExportScope::Project(project);
        let export = ImageExport { sidecars: true, ..ImageExport::new(scope, &out) };
        source.export_images(&export, |_, _| {}).await.unwrap();

        let studio = bench.create().await;
        let report = import(&studio, &out, &SidecarTarget::Same).await;
        assert_eq!((report.created.references, report.refused.count), (3, 0), "{report:?}");
        assert_eq!(studio.get_generation(sent.id).await.unwrap(), sent);
        let said = studio.list_annotations(output).await.unwrap();
        let told: Vec<_> = said.iter().map(|one| (one.text.as_str(), one.author.as_deref())).collect();
        assert_eq!(told, [("first", Some("Ada")), ("second", Some("Ada"))]);
        let there = source.list_annotations(output).await.unwrap();
        assert_eq!(said[0].created_at, there[0].created_at);
        let again = import(&studio, &out, &SidecarTarget::Same).await;
        assert_eq!(again.unchanged, 3);
        assert_eq!(studio.list_annotations(output).await.unwrap().len(), 2);
        // Elsewhere in the same studio both the assets and the generation get other ids.
        let copy = SidecarTarget::New("Copy".to_owned());
        let copy = import(&studio, &out, &copy).await.project_id.unwrap();
        let all = studio.list_generations(copy, &Default::default(), Default::default()).await;
        let all = all.unwrap().rows;
        assert_eq!((all.len(), all[0].output_asset_ids.len()), (1, 2));
        assert_eq!((&all[0].request, &all[0].price), (&sent.request, &sent.price));

        let path = format!("references/{output}.png");
        let refused = tampered(&studio, &out, &path, |value| {
            value["generation"]["request"]["prompt"] = "a dog".into();
        });
        assert_eq!(refused, "generation.request.prompt: the record says something else");
        let refused = tampered(&studio, &out, &path, |value| {
            value["generation"]["status"] = "failed".into();
        });
        assert!(refused.starts_with("generation.status: "), "{refused}");
        for (field, forged) in [
            ("error", Value::from("it failed")), ("model", "other".into()),
            ("createdAt", "1999-01-01T00:00:00.000Z".into()),
        ] {
            let refused = tampered(&studio, &out, &path, |value| value["generation"][field] = forged);
            assert!(refused.starts_with(&format!("generation.{field}: ")), "{refused}");
        }
    }

    async fn what_files_say_comes_along_once(bench) {
        let folder = tempfile::tempdir().unwrap();
        let source = Studio::create(folder.path()).await.unwrap();
        let tree = source.create_project(NewProject::new("Found")).await.unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metadata");
        let files = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path());
        let images = files.filter(|file| file.extension().unwrap() != "md");
        let new = images.map(|file| pegbar::NewAsset::from_file(file).prompt("a cat"));
        let new: Vec<_> = new.collect();
        let count = new.len() as u64;
        let assets = source.create_assets(tree.project.id, new).await.unwrap();
        let out = folder.path().join("out");
        let export = ImageExport {
            sidecars: true,
            xmp: Some(XmpOptions::default()),
            ..ImageExport::new(ExportScope::Project(tree.project.id), &out)
        };
        let exported = source.export_images(&export, |_, _| {}).await.unwrap();
        assert_eq!((exported.written, exported.sidecars), (count, count));
        assert_eq!(exported.with_xmp + exported.kept.count, count);
        assert!(exported.kept.count < 5, "{:?}", exported.kept);

        let studio = bench.create().await;
        let report = import(&studio, &out, &SidecarTarget::Same).await;
        assert_eq!((report.created.references, report.refused.count), (count, 0), "{report:?}");
        let mut claimed = 0;
        for asset in assets {
            let there = source.list_claims(asset.id).await.unwrap();
            let here = studio.list_claims(asset.id).await.unwrap();
            let texts = |claims: &[pegbar::Claim]| -> Vec<_> {
                let texts = claims.iter().map(|claim| (claim.tool.clone(), claim.raw.clone()));
                texts.collect()
            };
            assert_eq!(texts(&here), texts(&there), "{:?}", asset.original_name);
            claimed += here.len();
        }
        assert!(claimed > 40, "only {claimed}");
    }

    async fn what_the_user_changed_since_stays_so(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let id = import(&studio, &source.out, &SidecarTarget::Same).await.project_id.unwrap();
        let tree = studio.get_project_tree(id).await.unwrap();
        let tabby = &tree.characters[0];
        let walk = &tabby.animations[0];
        let patch = pegbar::CharacterPatch {
            name: Some("Tom".to_owned()),
            primary_asset_id: Some(Some(tabby.variations[0].id)),
            ..Default::default()
        };
        let other = tabby.variations.iter().find(|one| Some(one.id) != tabby.character.primary_asset_id);
        let patch = pegbar::CharacterPatch { primary_asset_id: Some(Some(other.unwrap().id)), ..patch };
        studio.update_character(tabby.character.id, patch).await.unwrap();
        studio.move_frame(walk.frames[0].frame.id, 3, None).await.unwrap();
        studio.remove_frame(walk.frames[2].frame.id, None).await.unwrap();
        // One of the takes that no frame shows is missing, and comes again.
        let gone = walk.takes[0].id;
        studio.delete_asset(gone).await.unwrap();
        let before = studio.get_project_tree(id).await.unwrap();
        let report = import(&studio, &source.out, &SidecarTarget::Same).await;
        assert_eq!((report.unchanged, report.created.takes, report.created.frames), (19, 1, 0));
        let after = studio.get_project_tree(id).await.unwrap();
        let walk = |tree: &ProjectTree| {
            let frames = tree.characters[0].animations[0].frames.iter();
            frames.map(|frame| frame.frame.id).collect::<Vec<_>>()
        };
        assert_eq!(walk(&after), walk(&before));
        assert_eq!(after.characters[0].character, before.characters[0].character);
        assert!(assets_of(&after).contains_key(&gone));
    }

    async fn ids_that_are_taken_become_source_ids_and_records_stay(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let first = import(&studio, &source.out, &SidecarTarget::Same).await;
        let copy = SidecarTarget::New("Copy".to_owned());
        let second = import(&studio, &source.out, &copy).await;
        assert_eq!((second.renumbered, second.created), (20, first.created));
        let project = studio.get_project(second.project_id.unwrap()).await.unwrap();
        assert_eq!(project.source_id, Some(first.project_id.unwrap().to_string()));
        let tree = studio.get_project_tree(second.project_id.unwrap()).await.unwrap();
        let there = assets_of(&source.tree);
        for asset in assets_of(&tree).values() {
            let old: AssetId = asset.source_id.as_ref().unwrap().parse().unwrap();
            assert_eq!(asset.record_hash, there[&old].record_hash);
        }
        let tabby = tree.characters.iter().find(|one| one.character.name == "Tabby").unwrap();
        let walk = tabby.animations.iter().find(|one| one.animation.name == "Walk").unwrap();
        assert_eq!(walk.frames.len(), 5);
        assert_eq!(tree.project.thumbnail_id, tabby.character.primary_asset_id);
        let again = import(&studio, &source.out, &SidecarTarget::Project(second.project_id.unwrap())).await;
        assert_eq!((again.unchanged, again.created), (20, Default::default()));
    }

    async fn characters_and_animations_of_the_same_names_get_what_is_new(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let own = NewCharacter::new("Tabby").variation(asset(900)).animation(pegbar::NewAnimation::new("Walk").frame(pegbar::NewFrame::new(asset(901))));
        let mine = studio.create_project(NewProject::new("Mine").character(own)).await.unwrap();
        let target = SidecarTarget::Project(mine.project.id);
        let report = import(&studio, &source.out, &target).await;
        let made = report.created;
        assert_eq!((made.characters, made.animations, made.frames), (1, 2, 13));
        let tree = studio.get_project_tree(mine.project.id).await.unwrap();
        let tabby = tree.characters.iter().find(|one| one.character.name == "Tabby").unwrap();
        assert_eq!(tabby.variations.len(), 3);
        let primary = mine.characters[0].character.primary_asset_id;
        assert_eq!(tabby.character.primary_asset_id, primary, "his own stays primary");
        let walk = tabby.animations.iter().find(|one| one.animation.name == "Walk").unwrap();
        assert_eq!(walk.frames.len(), 6);
        assert_in_step(&studio, &tree);
    }

    async fn an_asset_whose_input_is_absent_is_refused_with_what_was_made_from_it(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let tabby = &source.tree.characters[0];
        let front = tabby.character.primary_asset_id.unwrap();
        let path = format!("characters/Tabby_{front}.png");
        fs::remove_file(source.out.join(&path)).unwrap();
        let report = import(&studio, &source.out, &SidecarTarget::Same).await;
        // The front view is not there; from it come the side view and all of two animations.
        assert_eq!(report.refused.count, 1 + 1 + 8, "{:?}", report.refused);
        assert_eq!(report.refused.first[0].field, "the image");
        let refused = report.refused.first.iter().find(|one| one.path.ends_with("Tabby_Walk_0.png"));
        let refused = refused.unwrap();
        assert_eq!(refused.field, "asset.references[0].assetId");
        assert!(refused.reason.contains(&front.to_string()), "{}", refused.reason);
        let created = report.created.variations + report.created.takes + report.created.references;
        assert_eq!(created, 20 - 10);
        // With the image it goes on where that stopped.
        let bytes = source.studio.get_asset(front).await.unwrap();
        let mut image = source.studio.open_image(&bytes).unwrap();
        let mut file = fs::File::create(source.out.join(&path)).unwrap();
        std::io::copy(&mut image, &mut file).unwrap();
        let report = import(&studio, &source.out, &SidecarTarget::Same).await;
        assert_eq!((report.unchanged, report.refused.count), (10, 0));
        let tree = studio.get_project_tree(report.project_id.unwrap()).await.unwrap();
        assert_same(&tree, &source.tree);
    }

    async fn inputs_may_be_in_the_project_already(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let first = import(&studio, &source.out, &SidecarTarget::Same).await.project_id.unwrap();
        let run = source.tree.characters[0].animations[1].animation.id;
        studio.delete_animation(run).await.unwrap();
        let only = source.out.parent().unwrap().join("only");
        fs::create_dir_all(&only).unwrap();
        fs::rename(source.out.join("frames/Run"), only.join("Run")).unwrap();
        let takes = fs::read_dir(source.out.join("takes")).unwrap().map(|entry| entry.unwrap().path());
        for take in takes {
            fs::copy(&take, only.join(take.file_name().unwrap())).unwrap();
        }
        let report = import(&studio, &only, &SidecarTarget::Project(first)).await;
        assert_eq!((report.created.takes, report.unchanged, report.refused.count), (5, 2, 0));
        let tree = studio.get_project_tree(first).await.unwrap();
        assert_same(&tree, &source.tree);
    }

    async fn sidecars_are_what_the_schema_says(bench) {
        const CHECK: &str = r#"
import json, pathlib, sys
import jsonschema
schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
count = 0
for path in sorted(pathlib.Path(sys.argv[2]).rglob("*.pegbar.json")):
    sidecar = json.loads(path.read_text())
    validator.validate(sidecar)
    count += 1
    # What it does not allow: every field that there is, missing; and one that is not.
    for part in [sidecar, sidecar["asset"], sidecar["project"], *sidecar["frames"]]:
        optional = ("copy", "characterId", "animationId", "bytesDroppedAt")
        required = [name for name in part if name not in optional]
        for name in required:
            kept = part.pop(name)
            assert not validator.is_valid(sidecar), name
            part[name] = kept
        part["unknown"] = 1
        assert not validator.is_valid(sidecar)
        del part["unknown"]
    validator.validate(sidecar)
print(count)
"#;
        let source = exporter(Some(XmpOptions::default())).await;
        drop(bench.create().await);
        let schema = Path::new(env!("CARGO_MANIFEST_DIR"));
        let schema = schema.join("../../docs/schema/sidecar-1.schema.json");
        let Some(count) = python("jsonschema", CHECK, &[&schema, &source.out]) else { return };
        assert_eq!(count.trim(), "20");
        assert_eq!(files_below(&source.out).len(), 40);
        // And where bytes were dropped: there is a sidecar alone.
        let take = source.tree.characters[0].animations[0].takes[0].id;
        source.studio.drop_bytes(take).await.unwrap();
        let out = source.out.parent().unwrap().join("later");
        let scope = ExportScope::Project(source.tree.project.id);
        let export = ImageExport { sidecars: true, ..ImageExport::new(scope, &out) };
        source.studio.export_images(&export, |_, _| {}).await.unwrap();
        let (_, dropped) = sidecar(&out, &format!("takes/{take}.png"));
        assert!(dropped["asset"]["bytesDroppedAt"].is_string());
        assert_eq!(python("jsonschema", CHECK, &[&schema, &out]).unwrap().trim(), "20");
        assert_eq!(files_below(&out).len(), 39);
    }
}
