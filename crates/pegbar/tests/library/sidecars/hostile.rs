//! Sidecars that can't be believed, and files that are not what they say.

use std::fs;

use pegbar::{
    ExportScope, GenerationOutput, ImageExport, NewGeneration, NewProject, ProjectId,
    SidecarTarget, Studio, XmpOptions,
};
use serde_json::Value;

use crate::support::asset;

use super::{exporter, import, sidecar, tampered};

both_engines! {
    async fn a_tampered_sidecar_is_refused_by_the_field(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let out = &source.out;
        let path = "frames/Walk/Tabby_Walk_1.png";
        let refused = |change: &dyn Fn(&mut Value)| tampered(&studio, out, path, change);
        let text = |value: &Value| value["asset"]["record"].as_str().unwrap().to_owned();
        let letter = refused(&|value| {
            value["asset"]["record"] = text(value).replace("frame 1", "frame l").into();
        });
        assert!(letter.starts_with("asset.record: its SHA-256 is "), "{letter}");
        let hash = |text: &str| Value::from(pegbar::Sha256::of(text.as_bytes()).to_string());
        let rewrite = |value: &mut Value, changed: String| {
            value["asset"]["recordHash"] = hash(&changed);
            value["asset"]["record"] = changed.into();
        };
        let order = refused(&|value| {
            value["asset"]["references"].as_array_mut().unwrap().reverse();
        });
        assert!(order.starts_with("asset.references[0].role: previous_frame; "), "{order}");
        let input = refused(&|value| {
            value["asset"]["references"][1]["sha256"] = hash("x");
        });
        assert!(input.starts_with("asset.references[1].sha256: "), "{input}");
        let count = refused(&|value| {
            value["asset"]["references"].as_array_mut().unwrap().pop();
        });
        assert_eq!(count, "asset.references: there are 1; the record has 2 inputs");
        let bytes = refused(&|value| value["asset"]["sha256"] = hash("x"));
        assert!(bytes.starts_with("asset.sha256: the record says "), "{bytes}");
        let size = refused(&|value| value["asset"]["width"] = 9.into());
        assert_eq!(size, "asset.width: the image's own is 8");
        let spelled = refused(&|value| {
            let changed = text(value).replacen('{', "{ ", 1);
            rewrite(value, changed);
        });
        assert_eq!(spelled, "asset.record: not written as a record of format 1 is");
        let more = refused(&|value| {
            let changed = text(value).replacen('{', "{\"a\":1,", 1);
            rewrite(value, changed);
        });
        assert!(more.contains("unknown field `a`"), "{more}");
        let place = refused(&|value| value["frames"][0]["animationId"] = value["asset"]["id"].clone());
        assert_eq!(place, "frames[0].animationId: it is not among animations");
        let kind = refused(&|value| value["asset"]["kind"] = "reference".into());
        assert!(kind.starts_with("asset.kind: "), "{kind}");
        let format = refused(&|value| value["format"] = 2.into());
        assert!(format.contains("format 2 is not known"), "{format}");
        let unknown = refused(&|value| value["asset"]["sha265"] = 1.into());
        assert!(unknown.contains("unknown field `sha265`"), "{unknown}");
        let tag = refused(&|value| value["asset"]["tags"] = serde_json::json!(["x".repeat(65)]));
        assert!(tag.starts_with("tags: 65 bytes long"), "{tag}");
        let time = refused(&|value| {
            let changed = text(value).replace("\"time\":\"2026", "\"time\":\"-002026");
            rewrite(value, changed);
        });
        assert!(time.starts_with("createdAt: ") || time.starts_with("asset.record: "), "{time}");
        let name = refused(&|value| value["characters"][0]["name"] = " ".into());
        assert!(name.starts_with("characters.name: "), "{name}");
        let deep = "[".repeat(100_000);
        let place = out.join(format!("{path}.pegbar.json"));
        let original = fs::read(&place).unwrap();
        fs::write(&place, deep).unwrap();
        let plan = studio.plan_sidecars(out, |_, _| {}).unwrap();
        assert_eq!(plan.refused().first[0].field, "the sidecar");
        fs::write(&place, original).unwrap();
        // A record with a hash of its own is betrayed by what was made from it.
        let (place, mut value) = sidecar(out, path);
        let changed = text(&value).replace("frame 1", "frame l");
        rewrite(&mut value, changed);
        fs::write(place, value.to_string()).unwrap();
        let report = import(&studio, out, &SidecarTarget::Same).await;
        let paths: Vec<_> = report.refused.first.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["frames/Walk/Tabby_Walk_2.png", "frames/Walk/Tabby_Walk_3.png"]);
        assert!(report.refused.first[0].reason.contains("Tabby_Walk_1.png has"), "{report:?}");
    }

    async fn another_file_than_the_recorded_one_is_refused(bench) {
        let source = exporter(Some(XmpOptions::default())).await;
        let studio = bench.create().await;
        let place = source.out.join("frames/Walk/Tabby_Walk_1.png");
        let copy = fs::read(&place).unwrap();
        let mut touched = copy.clone();
        *touched.last_mut().unwrap() ^= 1;
        fs::write(&place, touched).unwrap();
        let refused = studio.plan_sidecars(&source.out, |_, _| {}).unwrap().refused().clone();
        assert_eq!(refused.first[0].field, "copy.sha256");
        fs::write(&place, &copy).unwrap();
        let path = "frames/Walk/Tabby_Walk_1.png";
        let undo = tampered(&studio, &source.out, path, |value| {
            value["copy"]["undo"][0]["original"] = "00".into();
        });
        assert!(undo.starts_with("the image: ") || undo.starts_with("asset.sha256: "), "{undo}");
        let undo = tampered(&studio, &source.out, path, |value| {
            value["copy"]["undo"][0]["at"] = u64::MAX.into();
        });
        assert!(undo.starts_with("copy.undo[0]: "), "{undo}");
        let undo = tampered(&studio, &source.out, path, |value| {
            value["copy"]["undo"][0]["original"] = "xyz".into();
        });
        assert!(undo.contains("hexadecimal"), "{undo}");
    }

    #[cfg(unix)]
    async fn links_are_not_followed(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let secret = bench.folder.path().join("secret.png");
        fs::copy(source.out.join("frames/Walk/Tabby_Walk_1.png"), &secret).unwrap();
        let place = source.out.join("frames/Walk/Tabby_Walk_1.png");
        fs::remove_file(&place).unwrap();
        std::os::unix::fs::symlink(&secret, &place).unwrap();
        let refused = studio.plan_sidecars(&source.out, |_, _| {}).unwrap().refused().clone();
        assert_eq!((refused.count, refused.first[0].field.as_str()), (1, "the image"));
        assert!(refused.first[0].reason.starts_with("a link"));
    }

    async fn what_can_not_be_imported_is_said_and_creates_nothing(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let empty = bench.folder.path().join("empty");
        fs::create_dir_all(&empty).unwrap();
        let plan = studio.plan_sidecars(&empty, |_, _| {}).unwrap();
        let refused = studio.import_sidecars(&plan, &SidecarTarget::Same, |_, _| {}).await;
        assert!(refused.unwrap_err().to_string().contains("no sidecars"));
        let plan = studio.plan_sidecars(&source.out, |_, _| {}).unwrap();
        let nowhere: ProjectId = studio.new_id();
        let target = SidecarTarget::Project(nowhere);
        let refused = studio.import_sidecars(&plan, &target, |_, _| {}).await.unwrap_err();
        assert_eq!(refused.code(), "not_found");
        // Changed between the check and the import.
        let path = source.out.join("frames/Walk/Tabby_Walk_1.png");
        fs::copy(source.out.join("frames/Walk/Tabby_Walk_2.png"), path).unwrap();
        let refused = studio.import_sidecars(&plan, &SidecarTarget::Same, |_, _| {}).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), "conflict", "{refused}");
        let projects = studio.list_projects(&Default::default(), Default::default()).await.unwrap();
        assert_eq!(projects.rows, [], "a project is created with its first assets");
        let missing = studio.plan_sidecars(bench.folder.path().join("no"), |_, _| {});
        assert_eq!(missing.unwrap_err().code(), "io");
    }

    async fn a_generation_never_says_another_thing_than_the_record_of_its_output(bench) {
        let folder = tempfile::tempdir().unwrap();
        let source = Studio::create(folder.path()).await.unwrap();
        let project = source.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let mut ids = Vec::new();
        for (number, prompt) in (1_u32..).zip(["a cat", "a dog"]) {
            let outputs = vec![GenerationOutput::new(asset(number))];
            let new = NewGeneration::succeeded(outputs).prompt(prompt);
            let sent = source.record_generation(project, new).await.unwrap();
            ids.push((sent.generation.id, sent.outputs[0].id));
        }
        let out = folder.path().join("out");
        let scope = ExportScope::Project(project);
        let export = ImageExport { sidecars: true, ..ImageExport::new(scope, &out) };
        source.export_images(&export, |_, _| {}).await.unwrap();
        // Both say to be of the first.
        let (place, mut forged) = sidecar(&out, &format!("references/{}.png", ids[1].1));
        forged["generation"]["id"] = ids[0].0.to_string().into();
        fs::write(place, forged.to_string()).unwrap();
        let studio = bench.create().await;
        let report = import(&studio, &out, &SidecarTarget::Same).await;
        assert_eq!((report.created.references, report.refused.count), (2, 0));
        for (_, output) in ids {
            let asset = studio.get_asset(output).await.unwrap();
            let generation = studio.get_generation(asset.generation_id.unwrap()).await.unwrap();
            assert_eq!(generation.output_asset_ids, [output]);
            let asked = generation.request.get("prompt").unwrap().as_str();
            assert_eq!(asked, asset.generation_prompt.as_deref());
        }
    }
}
