//! What a sidecar says to be in the file, beside what is in the file.

use std::fs;
use std::path::Path;

use pegbar::{
    ExportScope, ImageExport, Json, NewAnnotation, NewAsset, NewProject, SidecarTarget, Studio,
};
use serde_json::{Value, json};

use super::{import, sidecar, tampered};
use crate::support::asset;

/// A studio with an image that says how it was made, and its export.
async fn source(folder: &Path) -> (Studio, pegbar::Asset, std::path::PathBuf) {
    let studio = Studio::create(folder).await.unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metadata/a1111.png");
    let project = NewProject::new("Found").reference(NewAsset::from_file(fixture));
    let tree = studio.create_project(project).await.unwrap();
    let out = folder.join("out");
    let export = ImageExport {
        sidecars: true,
        ..ImageExport::new(ExportScope::Project(tree.project.id), &out)
    };
    studio.export_images(&export, |_, _| {}).await.unwrap();
    (studio, tree.references[0].clone(), out)
}

both_engines! {
    async fn what_only_a_sidecar_says_to_be_in_the_file_is_told_by_the_sidecar(bench) {
        let folder = tempfile::tempdir().unwrap();
        let (source, found, out) = source(folder.path()).await;
        let own = source.list_claims(found.id).await.unwrap();
        assert_eq!((own.len(), own[0].tool.as_str()), (1, "a1111"));
        let path = format!("references/{}.png", found.id);
        let (place, mut forged) = sidecar(&out, &path);
        forged["asset"]["claims"][0]["fields"]["prompt"] = "a forgery".into();
        let more = [
            json!({"tool": "iptc", "fields": {"foundIn": "iptc"}, "raw": "by: Mallory"}),
            json!({"tool": "c2pa", "fields": {"generator": "Nice Camera"}, "raw": "{}"}),
            json!({"tool": "megabananas", "fields": {"id": 1}, "raw": ""}),
        ];
        forged["asset"]["claims"].as_array_mut().unwrap().extend(more);
        fs::write(&place, forged.to_string()).unwrap();
        let studio = bench.create().await;
        let report = import(&studio, &out, &SidecarTarget::Same).await;
        assert_eq!((report.created.references, report.refused.count), (1, 0));
        let here = studio.list_claims(found.id).await.unwrap();
        assert_eq!(here[0], own[0], "the file's own reading counts");
        let told: Vec<(&str, &Value)> =
            here[1..].iter().map(|claim| (claim.tool.as_str(), claim.fields.as_value())).collect();
        assert_eq!(told, [
            ("iptc", &json!({"foundIn": "sidecar", "saidToBeIn": "iptc"})),
            ("c2pa", &json!({"foundIn": "sidecar", "generator": "Nice Camera"})),
            ("megabananas", &json!({"id": 1})),
        ]);
        assert_eq!(here[2].credentials(), None, "no credentials are in the file");
        // A sidecar that leaves out what the file says hides nothing.
        forged["asset"]["claims"] = json!([]);
        fs::write(&place, forged.to_string()).unwrap();
        let copy = import(&studio, &out, &SidecarTarget::New("Copy".to_owned())).await;
        let copy = studio.get_project_tree(copy.project_id.unwrap()).await.unwrap();
        let here = studio.list_claims(copy.references[0].id).await.unwrap();
        assert_eq!((here.len(), &here[0].fields, &here[0].raw), (1, &own[0].fields, &own[0].raw));
    }

    async fn claims_of_dropped_bytes_are_told_by_the_sidecar(bench) {
        let folder = tempfile::tempdir().unwrap();
        let (source, found, _) = source(folder.path()).await;
        source.drop_bytes(found.id).await.unwrap();
        let out = folder.path().join("later");
        let scope = ExportScope::Project(found.project_id);
        let export = ImageExport { sidecars: true, ..ImageExport::new(scope, &out) };
        source.export_images(&export, |_, _| {}).await.unwrap();
        let studio = bench.create().await;
        import(&studio, &out, &SidecarTarget::Same).await;
        let own = source.list_claims(found.id).await.unwrap().remove(0);
        let here = studio.list_claims(found.id).await.unwrap().remove(0);
        assert_eq!((&here.raw, here.fields.get("prompt")), (&own.raw, own.fields.get("prompt")));
        let places = ["foundIn", "saidToBeIn"].map(|name| here.fields.get(name).unwrap());
        assert_eq!(places, ["sidecar", "pngText"]);
    }

    async fn more_claims_and_annotations_than_are_read_again_are_refused_both_ways(bench) {
        let folder = tempfile::tempdir().unwrap();
        let (_source, found, out) = source(folder.path()).await;
        let studio = bench.create().await;
        let path = format!("references/{}.png", found.id);
        let refused = |field: &'static str, count: usize, one: Value| {
            let change = move |value: &mut Value| value["asset"][field] = vec![one; count].into();
            tampered(&studio, &out, &path, change)
        };
        let claim = json!({"tool": "t", "fields": {}, "raw": ""});
        let claims = refused("claims", 1001, claim);
        assert_eq!(claims, "asset.claims: there are 1001; at most 1000 are read");
        let said = json!({"author": null, "text": "x", "createdAt": "2026-01-01T00:00:00.000Z"});
        let annotations = refused("annotations", 10_001, said);
        assert_eq!(annotations, "asset.annotations: there are 10001; at most 10000 are read");

        let new = NewProject::new("Wordy").reference(NewAsset {
            claims: vec![pegbar::NewClaim::new("t").fields(Json::empty_object()); 1001],
            ..asset(1)
        });
        let tree = studio.create_project(new.reference(asset(2))).await.unwrap();
        let long = studio.create_asset(tree.project.id, asset(3)).await.unwrap();
        for _ in 0..33 {
            let said = NewAnnotation::new("x".repeat(1 << 20));
            studio.annotate_asset(long.id, said).await.unwrap();
        }
        let all = bench.folder.path().join("all");
        let scope = ExportScope::Project(tree.project.id);
        let export = ImageExport { sidecars: true, ..ImageExport::new(scope, &all) };
        let report = studio.export_images(&export, |_, _| {}).await.unwrap();
        assert_eq!((report.written, report.sidecars, report.left_out.count), (1, 1, 2));
        let reasons: Vec<_> = report.left_out.first.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(reasons[0], "its sidecar: asset.claims: there are 1001; at most 1000 are read");
        assert!(reasons[1].ends_with("at most 33554432 are read again"), "{}", reasons[1]);
        assert_eq!(crate::support::files_below(&all).len(), 2);
    }
}
