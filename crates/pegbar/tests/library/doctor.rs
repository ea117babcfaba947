//! What the doctor finds: each damage as that, and nothing else.

mod busy;
mod files;
mod repair;
mod rows;
mod store;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pegbar::{
    Asset, DoctorFinding, DoctorOptions, DoctorReport, NewAnimation, NewCharacter, NewFrame,
    NewProject, ProjectTree, ReferenceRole, Studio,
};

use crate::support::{Bench, asset};

/// Without any grace: what is left is found at once.
pub(crate) fn strict() -> DoctorOptions {
    DoctorOptions {
        orphan_grace: Duration::ZERO,
        outbox_grace: Duration::ZERO,
        ..DoctorOptions::default()
    }
}

pub(crate) fn deep() -> DoctorOptions {
    DoctorOptions {
        deep: true,
        ..strict()
    }
}

pub(crate) async fn examine(studio: &Studio, options: &DoctorOptions) -> DoctorReport {
    studio.doctor(options, |_| {}).await.unwrap()
}

/// Returns what the doctor finds, each kind with its number.
pub(crate) async fn found(studio: &Studio, options: &DoctorOptions) -> BTreeMap<&'static str, u64> {
    let report = examine(studio, options).await;
    let counts = report.counts.iter();
    counts.map(|(kind, count)| (kind.code(), *count)).collect()
}

/// Checks that the doctor finds just this, whichever way the studio was opened, also thoroughly.
pub(crate) async fn finds(bench: &Bench, expected: &[(&'static str, u64)]) {
    let expected: BTreeMap<&str, u64> = expected.iter().copied().collect();
    let studio = Studio::open_read_only(bench.root(), bench.options())
        .await
        .unwrap();
    assert_eq!(found(&studio, &strict()).await, expected);
    let report = examine(&studio, &deep()).await;
    let counts: BTreeMap<&str, u64> = report
        .counts
        .iter()
        .map(|(kind, count)| (kind.code(), *count))
        .collect();
    assert_eq!(counts, expected, "thoroughly: {:#?}", report.findings);
}

/// A project with every kind of asset; nothing of it is shared with others.
pub(crate) async fn project(studio: &Studio) -> ProjectTree {
    let front = studio.new_id();
    let mut walk = NewAnimation::new("Walk");
    for number in 0..4 {
        let frame = asset(number)
            .prompt("a step")
            .made_from(front, ReferenceRole::Character);
        walk = walk.frame(NewFrame::new(frame));
    }
    let cat = NewCharacter::new("Cat")
        .variation(asset(100).id(front))
        .variation(asset(101))
        .primary(front)
        .animation(walk)
        .animation(NewAnimation::new("Run").frame(NewFrame::new(asset(50))));
    let new = NewProject::new("Cats")
        .thumbnail(front)
        .character(cat)
        .reference(asset(200));
    studio.create_project(new).await.unwrap()
}

/// The asset of a frame of the first animation.
pub(crate) fn frame(tree: &ProjectTree, index: usize) -> &Asset {
    &tree.characters[0].animations[0].frames[index].asset
}

pub(crate) fn blob(bench: &Bench, asset: &Asset) -> PathBuf {
    let sha256 = asset.sha256.unwrap().to_string();
    bench
        .root()
        .join(".pegbar/blobs")
        .join(&sha256[..2])
        .join(sha256)
}

pub(crate) fn view(bench: &Bench, asset: &Asset) -> PathBuf {
    bench
        .root()
        .join("public/assets")
        .join(asset.file_path.as_ref().unwrap())
}

/// Writes other bytes, as many, into a file that may be read-only; its times stay.
pub(crate) fn alter(path: &Path) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

both_engines! {
    async fn a_healthy_studio_has_no_findings_and_is_left_alone(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        studio.delete_animation(tree.characters[0].animations[1].animation.id).await.unwrap();
        studio.create_project(NewProject::new("Empty")).await.unwrap();
        drop(studio);
        let everything = || {
            let mut files = crate::support::files_below(&bench.root());
            files.retain(|(path, _)| !path.ends_with("-shm") && !path.ends_with("-wal"));
            files
        };
        let before = everything();
        finds(bench, &[]).await;
        assert_eq!(everything(), before);
        let studio = Studio::open_read_only(bench.root(), bench.options()).await.unwrap();
        let report = examine(&studio, &deep()).await;
        assert!(report.is_healthy() && report.is_deep, "{report:?}");
        assert_eq!((report.assets, report.blobs, report.files), (7, 8, 7));
        assert!(report.bytes > 0);
    }

    async fn many_findings_are_counted_and_the_first_listed(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        for index in 0..4 {
            fs::remove_file(view(bench, frame(&tree, index))).unwrap();
        }
        let options = DoctorOptions { max_listed: 1, ..strict() };
        let mut told = 0;
        let report = studio.doctor(&options, |event| {
            told += u32::from(matches!(event, pegbar::DoctorEvent::Found(_)));
        });
        let report = report.await.unwrap();
        assert_eq!((told, report.findings.len()), (4, 1));
        assert_eq!(report.count(pegbar::Severity::Attention), 4);
        let first = DoctorFinding::ViewFileMissing {
            path: frame(&tree, 0).file_path.clone().unwrap(),
            project_id: tree.project.id,
            asset_id: frame(&tree, 0).id,
        };
        assert_eq!(report.findings, [first]);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["counts"]["view_file_missing"], 4);
        assert_eq!(json["findings"][0]["code"], "view_file_missing");
        assert_eq!(json["findings"][0]["severity"], "attention");
        assert_eq!(json["findings"][0]["assetId"], frame(&tree, 0).id.to_string());
    }
}
