//! Exporting with sidecars, and importing that, killed at each mutating system call.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use pegbar::{ExportScope, ImageExport, NewProject, PageRequest, ProjectFilter, ProjectId, Studio};

use crate::trace::{self, Outcome, Victim};
use crate::{Base, block_on, layout, png, survives_on};

/// The one project of a studio.
async fn project(studio: &Studio) -> ProjectId {
    let filter = ProjectFilter::default();
    let page = studio.list_projects(&filter, PageRequest::default()).await;
    page.unwrap().rows[0].id
}

/// Exports the cats of a studio, one of whose bytes are dropped, into the folder `archive`
/// beside it.
fn export(base: &Base) -> PathBuf {
    let archive = base.folder.path().join("archive");
    block_on(async {
        let studio = Studio::open(base.folder.path().join("studio"))
            .await
            .unwrap();
        let project = project(&studio).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        let variations = &tree.characters[0].variations;
        let primary = tree.characters[0].character.primary_asset_id;
        let side = variations
            .iter()
            .find(|one| Some(one.id) != primary)
            .unwrap();
        studio.drop_bytes(side.id).await.unwrap();
        let export = ImageExport {
            sidecars: true,
            ..ImageExport::new(ExportScope::Project(project), &archive)
        };
        let report = studio.export_images(&export, |_, _| {}).await.unwrap();
        assert_eq!((report.written, report.without_file), (5, 1), "{report:?}");
    });
    archive
}

#[test]
fn import_of_sidecars_survives_a_kill_at_any_step() {
    if !trace::supported() {
        return;
    }
    // Into a studio that has something else.
    let base = Base::new();
    export(&base);
    let root = base.folder.path().join("studio");
    fs::remove_dir_all(&root).unwrap();
    fs::create_dir(&root).unwrap();
    block_on(async {
        let studio = Studio::create(&root).await.unwrap();
        let dogs = NewProject::new("Dogs").reference(pegbar::NewAsset::from_bytes(png(90)));
        studio.create_project(dogs).await.unwrap();
    });
    survives_on(&base, "import sidecars", &["import", "sidecars", "archive"]);
}

/// The files in a folder, with their hashes; drafts apart, which are none that anybody takes
/// for an image.
fn files(folder: &Path) -> (Vec<(String, pegbar::Sha256)>, usize) {
    if !folder.exists() {
        return (Vec::new(), 0);
    }
    let all = layout::files_below(folder).into_iter();
    let (drafts, files): (Vec<_>, Vec<_>) =
        all.partition(|(path, _)| path.rsplit('/').next().unwrap().starts_with('.'));
    (files, drafts.len())
}

#[test]
fn export_goes_on_after_a_kill_at_any_step_and_leaves_no_half_file() {
    if !trace::supported() {
        return;
    }
    let base = Base::new();
    let (expected, _) = files(&export(&base));
    assert_eq!(expected.len(), 11);
    let root = base.folder.path().join("studio");
    let (mut killed, mut drafts) = (0, 0);
    for n in 1.. {
        let out = base.folder.path().join(format!("out-{n}"));
        let mut victim = Victim::new(env!("CARGO_BIN_EXE_pegbar"), base.folder.path());
        victim.args = vec!["--studio".into(), root.clone().into()];
        victim
            .args
            .extend(["export", "images", "--sidecar", "--to"].map(Into::into));
        victim.args.push(out.clone().into());
        let run = trace::kill_at(&victim, n).unwrap();
        let (there, left) = files(&out);
        drafts += left;
        for file in &there {
            assert!(expected.contains(file), "{file:?} is half, or of nobody");
        }
        if let Outcome::Finished { status } = &run.outcome {
            assert!(status.success(), "{}", run.stderr);
            assert_eq!((there, left), (expected, 0));
            break;
        }
        killed += 1;
        // The same again writes what is missing, and tidies up.
        block_on(async {
            let studio = Studio::open(&root).await.unwrap();
            let scope = ExportScope::Project(project(&studio).await);
            let export = ImageExport {
                sidecars: true,
                ..ImageExport::new(scope, &out)
            };
            studio.export_images(&export, |_, _| {}).await.unwrap();
        });
        assert_eq!(
            files(&out),
            (expected.clone(), 0),
            "killed at {:?}",
            run.outcome
        );
        fs::remove_dir_all(&out).unwrap();
    }
    assert!(
        killed >= 20 && drafts > 0,
        "only {killed} kills, {drafts} drafts"
    );
    let line = format!("export images: {killed} kills, {drafts} drafts left and removed\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
