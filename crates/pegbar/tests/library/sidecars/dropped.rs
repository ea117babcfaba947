//! Assets whose bytes were dropped: sidecars without images.

use std::fs;
use std::path::{Path, PathBuf};

use pegbar::{
    Asset, ExportScope, ExportedImages, ImageExport, LineageDirection, LineageOptions,
    NewAnimation, NewCharacter, NewFrame, NewProject, ProjectTree, ReferenceRole, SidecarTarget,
    Studio, VerifyOptions, VerifyScope,
};
use serde_json::Value;

use super::{import, tampered};
use crate::support::{assert_in_step, asset, files_below, png};

/// A project whose one frame is made from a palette, a side view, which is made from the palette
/// itself, and a take that no frame shows.
async fn cats(studio: &Studio) -> ProjectTree {
    let (palette, front, side, unshown) = (
        studio.new_id(),
        studio.new_id(),
        studio.new_id(),
        studio.new_id(),
    );
    let side = asset(3).id(side).prompt("from the side");
    let side = side.made_from(palette, ReferenceRole::Style);
    let frame = asset(5)
        .made_from(side.id.unwrap(), ReferenceRole::Character)
        .made_from(unshown, ReferenceRole::PreviousFrame)
        .made_from(palette, ReferenceRole::Style);
    let walk = NewAnimation::new("Walk")
        .take(asset(4).id(unshown))
        .frame(NewFrame::new(frame));
    let tabby = NewCharacter::new("Tabby")
        .variation(asset(2).id(front))
        .variation(side)
        .primary(front)
        .animation(walk);
    let project = NewProject::new("Cats")
        .reference(asset(1).id(palette))
        .character(tabby);
    studio.create_project(project).await.unwrap()
}

/// All that the frame is made from.
fn inputs(tree: &ProjectTree) -> [Asset; 3] {
    let tabby = &tree.characters[0];
    [
        &tree.references[0],
        &tabby.variations[1],
        &tabby.animations[0].takes[0],
    ]
    .map(Clone::clone)
}

async fn export(studio: &Studio, scope: ExportScope, folder: &Path) -> ExportedImages {
    let export = ImageExport {
        sidecars: true,
        ..ImageExport::new(scope, folder)
    };
    studio.export_images(&export, |_, _| {}).await.unwrap()
}

/// A studio with the cats, and what it exports after the bytes of all inputs were dropped.
async fn source(folder: &Path) -> (Studio, ProjectTree, PathBuf) {
    let studio = Studio::create(folder).await.unwrap();
    let tree = cats(&studio).await;
    for input in inputs(&tree) {
        studio.drop_bytes(input.id).await.unwrap();
    }
    let tree = studio.get_project_tree(tree.project.id).await.unwrap();
    let out = folder.join("out");
    let report = export(&studio, ExportScope::Project(tree.project.id), &out).await;
    let counts = (report.written, report.sidecars, report.without_file);
    assert_eq!(
        (counts, report.left_out.count),
        ((2, 5, 3), 0),
        "{report:?}"
    );
    (studio, tree, out)
}

both_engines! {
    async fn what_was_made_from_dropped_bytes_is_taken_in_with_its_whole_lineage(bench) {
        let folder = tempfile::tempdir().unwrap();
        let (source, there, out) = source(folder.path()).await;
        let studio = bench.create().await;
        let report = import(&studio, &out, &SidecarTarget::Same).await;
        assert_eq!((report.refused.count, report.unchanged), (0, 0), "{report:?}");
        let id = report.project_id.unwrap();
        let tree = studio.get_project_tree(id).await.unwrap();
        for (here, there) in inputs(&tree).into_iter().zip(inputs(&there)) {
            assert!(there.bytes_dropped_at.is_some() && there.file_path.is_none());
            // How many images the file held is in no sidecar.
            let expected = Asset { image_count: None, updated_at: here.updated_at, ..there };
            assert_eq!(here, expected);
            let refused = studio.open_image(&here).unwrap_err();
            assert!(refused.to_string().contains("its bytes were dropped on"), "{refused}");
        }
        let tabby = &tree.characters[0];
        assert_eq!(tabby.character.primary_asset_id, Some(tabby.variations[0].id));
        let frame = &tabby.animations[0].frames[0].asset;
        let options = LineageOptions::new(LineageDirection::Ancestors);
        let lineage = studio.lineage(frame.id, &options).await.unwrap();
        assert_eq!(lineage, source.lineage(frame.id, &options).await.unwrap());
        assert_eq!((lineage.nodes.len(), lineage.edges.len()), (4, 4));
        assert_in_step(&studio, &tree);
        let verified = studio.verify(&VerifyScope::Everything, VerifyOptions::default(), |_, _| {});
        let verified = verified.await.unwrap();
        assert_eq!((verified.assets, verified.bytes_dropped, verified.damaged_count), (5, 3, 0));
        let again = import(&studio, &out, &SidecarTarget::Same).await;
        assert_eq!((again.unchanged, again.created), (5, Default::default()));
        // And given on once more, it is the same, byte for byte.
        let back = bench.folder.path().join("back");
        export(&studio, ExportScope::Project(id), &back).await;
        assert_eq!(files_below(&back), files_below(&out));
    }

    async fn an_asset_that_is_there_keeps_its_bytes_whatever_a_sidecar_says(bench) {
        let folder = tempfile::tempdir().unwrap();
        let source = Studio::create(folder.path()).await.unwrap();
        let tree = cats(&source).await;
        let scope = ExportScope::Project(tree.project.id);
        let out = folder.path().join("before");
        export(&source, scope.clone(), &out).await;
        let studio = bench.create().await;
        let id = import(&studio, &out, &SidecarTarget::Same).await.project_id.unwrap();
        for input in inputs(&tree) {
            source.drop_bytes(input.id).await.unwrap();
        }
        let out = folder.path().join("after");
        export(&source, scope, &out).await;
        let report = import(&studio, &out, &SidecarTarget::Same).await;
        assert_eq!((report.unchanged, report.created), (5, Default::default()));
        for input in inputs(&studio.get_project_tree(id).await.unwrap()) {
            assert_eq!(input.bytes_dropped_at, None);
            studio.open_image(&input).unwrap();
        }
    }

    async fn bytes_that_lie_beside_such_a_sidecar_are_taken_in_and_others_refused(bench) {
        let folder = tempfile::tempdir().unwrap();
        let (_source, there, out) = source(folder.path()).await;
        let palette = &there.references[0];
        let place = out.join(format!("references/{}.png", palette.id));
        let studio = bench.create().await;
        fs::write(&place, png(99)).unwrap();
        let plan = studio.plan_sidecars(&out, |_, _| {}).unwrap();
        assert_eq!((plan.refused().count, plan.refused().first[0].field.as_str()), (1, "asset.sha256"));
        fs::write(&place, png(1)).unwrap();
        let report = import(&studio, &out, &SidecarTarget::Same).await;
        assert_eq!(report.refused.count, 0, "{report:?}");
        let here = studio.get_asset(palette.id).await.unwrap();
        assert_eq!((here.bytes_dropped_at, here.record_hash), (None, palette.record_hash));
        studio.open_image(&here).unwrap();
        let tree = studio.get_project_tree(report.project_id.unwrap()).await.unwrap();
        assert_in_step(&studio, &tree);
    }

    async fn what_was_made_elsewhere_after_the_bytes_were_dropped_here_is_taken_in(bench) {
        let folder = tempfile::tempdir().unwrap();
        let source = Studio::create(folder.path()).await.unwrap();
        let tree = cats(&source).await;
        let project = tree.project.id;
        let out = folder.path().join("before");
        export(&source, ExportScope::Project(project), &out).await;
        let studio = bench.create().await;
        import(&studio, &out, &SidecarTarget::Same).await;
        let [palette, ..] = inputs(&tree);
        let dropped = studio.drop_bytes(palette.id).await.unwrap().asset;
        let later = pegbar::MillisSinceEpoch(dropped.bytes_dropped_at.unwrap().0 + 1000);
        let new = asset(7).made_from(palette.id, ReferenceRole::Style).created_at(later);
        let made = source.create_asset(project, new).await.unwrap();
        let only = folder.path().join("only");
        export(&source, ExportScope::Assets(vec![made.id]), &only).await;
        let report = import(&studio, &only, &SidecarTarget::Same).await;
        assert_eq!((report.created.references, report.refused.count), (1, 0), "{report:?}");
        let here = studio.get_asset(made.id).await.unwrap();
        assert_eq!((here.record, here.record_hash), (made.record, made.record_hash));
        assert_eq!(studio.get_asset(palette.id).await.unwrap(), dropped);
    }

    async fn a_sidecar_that_contradicts_itself_about_dropped_bytes_is_refused(bench) {
        let folder = tempfile::tempdir().unwrap();
        let (_source, there, out) = source(folder.path()).await;
        let studio = bench.create().await;
        let path = format!("takes/{}.png", inputs(&there)[2].id);
        let refused = |change: &dyn Fn(&mut Value)| tampered(&studio, &out, &path, change);
        let frame = refused(&|value| {
            let animation = &value["asset"]["animationId"];
            value["frames"] = serde_json::json!([{
                "id": animation, "animationId": animation, "frameIndex": 9, "framePrompt": null,
            }]);
        });
        assert_eq!(frame, "frames: the asset's bytes were dropped");
        let primary = refused(&|value| value["characters"][0]["isPrimary"] = true.into());
        assert_eq!(primary, "characters.isPrimary: the asset's bytes were dropped");
        let thumbnail = refused(&|value| value["project"]["isThumbnail"] = true.into());
        assert_eq!(thumbnail, "project.isThumbnail: the asset's bytes were dropped");
        let copy = refused(&|value| {
            value["copy"] = serde_json::json!({"sha256": value["asset"]["sha256"], "undo": []});
        });
        assert_eq!(copy, "copy: the asset's bytes were dropped");
        let kind = refused(&|value| value["asset"]["mimeType"] = "image/bmp".into());
        assert_eq!(kind, "asset.mimeType: \"image/bmp\" is none that is known");
        let size = refused(&|value| value["asset"]["fileSize"] = u64::MAX.into());
        assert_eq!(size, "asset.fileSize: no image has that");
        let height = refused(&|value| value["asset"]["height"] = 0.into());
        assert_eq!(height, "asset.height: no image has that");
        // Without the word, the image is missed.
        let gone = refused(&|value| {
            value["asset"].as_object_mut().unwrap().remove("bytesDroppedAt");
        });
        assert!(gone.starts_with("the image: it can't be read"), "{gone}");
    }
}
