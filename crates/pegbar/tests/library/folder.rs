//! A folder of images comes in as it was planned, once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pegbar::{
    AnimationPatch, CharacterPatch, FolderMapping, FolderOptions, FolderPlan, FolderReport,
    ImageSource, NewAsset, NewProject, ProjectId, ProjectTree, Studio,
};

use crate::support::{Bench, assert_in_step, png, shared_inputs};

/// Files by their paths, each with the number of its image.
pub(crate) fn write(root: &Path, files: &[(&str, u32)]) {
    for (path, number) in files {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, png(*number)).unwrap();
    }
}

const CATS: &[(&str, u32)] = &[
    ("mood.png", 1),
    ("Tabby/front.png", 2),
    ("Tabby/side.png", 3),
    ("Tabby/walk/frame_2.png", 12),
    ("Tabby/walk/frame_10.png", 20),
    ("Tabby/walk/frame_1.png", 11),
    ("Whiskers/run/left/001.png", 31),
    ("Whiskers/run/left/002.png", 32),
    ("Whiskers/run/left/004.png", 34),
];

pub(crate) fn cats(bench: &Bench) -> PathBuf {
    let root = bench.folder.path().join("cats");
    write(&root, CATS);
    root
}

pub(crate) async fn project(studio: &Studio) -> ProjectId {
    let tree = studio
        .create_project(NewProject::new("Cats"))
        .await
        .unwrap();
    tree.project.id
}

pub(crate) async fn import(studio: &Studio, project: ProjectId, root: &Path) -> FolderReport {
    let plan = FolderPlan::of(root, &FolderOptions::default()).unwrap();
    studio
        .import_folder(project, &plan, true, |_, _| {})
        .await
        .unwrap()
}

/// The names that the frames' images came with, by character and animation.
pub(crate) fn shown(tree: &ProjectTree) -> BTreeMap<String, Vec<&str>> {
    let mut shown = BTreeMap::new();
    for character in &tree.characters {
        for animation in &character.animations {
            let name = format!("{}/{}", character.character.name, animation.animation.name);
            let frames = animation.frames.iter();
            let names = frames.map(|frame| frame.asset.original_name.as_deref().unwrap());
            shown.insert(name, names.collect());
        }
    }
    shown
}

async fn counts(studio: &Studio, project: ProjectId) -> (u64, u64, u64, u64) {
    let counts = studio.count_project(project).await.unwrap();
    let assets = counts.variations + counts.takes + counts.references;
    (counts.characters, counts.animations, counts.frames, assets)
}

both_engines! {
    async fn a_folder_comes_in_as_planned_and_once(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        fs::write(root.join("notes.txt"), "mine").unwrap();
        let plan = FolderPlan::of(&root, &FolderOptions::default()).unwrap();
        assert_eq!((plan.images, plan.unplaced.len(), plan.skipped.len()), (9, 0, 1));
        assert_eq!(plan.characters[1].animations[0].missing_numbers, [3]);
        let mut told = Vec::new();
        let report = studio
            .import_folder(project, &plan, true, |done, all| told.push((done, all)))
            .await
            .unwrap();
        assert_eq!((told.first(), told.last()), (Some(&(0, 9)), Some(&(9, 9))));
        let created = report.created;
        assert_eq!((created.characters, created.variations), (2, 2));
        assert_eq!((created.animations, created.frames, created.takes), (2, 6, 6));
        assert_eq!(created.references, 1);
        let tree = studio.get_project_tree(project).await.unwrap();
        assert_eq!(
            shown(&tree),
            BTreeMap::from([
                ("Tabby/walk".to_owned(), vec!["frame_1.png", "frame_2.png", "frame_10.png"]),
                ("Whiskers/run left".to_owned(), vec!["001.png", "002.png", "004.png"]),
            ])
        );
        let tabby = &tree.characters[0];
        assert_eq!(tabby.character.primary_asset_id, Some(tabby.variations[0].id));
        let first = &tabby.animations[0].frames[0].asset;
        let source = first.source_path.as_deref().unwrap();
        assert!(source.ends_with(":cats/Tabby/walk/frame_1.png"), "{source}");
        // What a folder says is no prompt: it is an upload.
        assert_eq!(first.generation_prompt, None);
        assert_in_step(&studio, &tree);

        let again = import(&studio, project, &root).await;
        assert_eq!((again.unchanged, again.created), (9, pegbar::CreatedRows::default()));
        assert_eq!(studio.get_project_tree(project).await.unwrap(), tree);
    }

    async fn a_changed_file_becomes_a_take_that_its_frame_shows(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let before = studio.get_project_tree(project).await.unwrap();
        write(&root, &[("Tabby/walk/frame_2.png", 99), ("Tabby/side.png", 98), ("mood.png", 97)]);
        let report = import(&studio, project, &root).await;
        assert_eq!(report.changed.len(), 3);
        assert_eq!((report.unchanged, report.created.takes, report.created.frames), (6, 1, 0));
        let tree = studio.get_project_tree(project).await.unwrap();
        let (walk, earlier) = (&tree.characters[0].animations[0], &before.characters[0].animations[0]);
        assert_eq!(walk.frames.len(), 3);
        assert_eq!(walk.frames[1].frame.id, earlier.frames[1].frame.id);
        assert_ne!(walk.frames[1].asset.id, earlier.frames[1].asset.id);
        assert_eq!(walk.takes[0].id, earlier.frames[1].asset.id, "the earlier one stays");
        let changed = report.changed.iter().find(|c| c.path == "Tabby/walk/frame_2.png").unwrap();
        assert_eq!(changed.shown_in, Some(walk.animation.id));
        assert_eq!(changed.previous_asset_id, walk.takes[0].id);
        // A design that changed is another variation; which one is primary is for people.
        let tabby = &tree.characters[0];
        assert_eq!(tabby.variations.len(), 3);
        assert_eq!(tabby.character.primary_asset_id, before.characters[0].character.primary_asset_id);
        assert_in_step(&studio, &tree);
        let again = import(&studio, project, &root).await;
        assert_eq!((again.unchanged, again.changed.len()), (9, 0));
        // A file that is again what it was adds nothing; its frame shows that again.
        write(&root, &[("Tabby/walk/frame_2.png", 12)]);
        let report = import(&studio, project, &root).await;
        assert_eq!((report.unchanged, report.created.takes), (9, 0));
        let tree = studio.get_project_tree(project).await.unwrap();
        let walk = &tree.characters[0].animations[0];
        assert_eq!(walk.frames[1].asset.id, earlier.frames[1].asset.id);
        assert_eq!(walk.takes.len(), 1);
    }

    async fn a_changed_file_is_only_a_take_where_frames_are_to_stay(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let before = studio.get_project_tree(project).await.unwrap();
        write(&root, &[("Tabby/walk/frame_2.png", 99)]);
        let plan = FolderPlan::of(&root, &FolderOptions::default()).unwrap();
        let report = studio.import_folder(project, &plan, false, |_, _| {}).await.unwrap();
        assert_eq!(report.changed[0].shown_in, None);
        let tree = studio.get_project_tree(project).await.unwrap();
        let (walk, earlier) = (&tree.characters[0].animations[0], &before.characters[0].animations[0]);
        assert_eq!(walk.frames, earlier.frames);
        assert_eq!(walk.takes.len(), 1);
    }

    async fn what_the_user_has_changed_stays_so(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        import(&studio, project, &root).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        let tabby = tree.characters[0].character.id;
        let walk = &tree.characters[0].animations[0];
        let name = |name: &str| Some(name.to_owned());
        let patch = CharacterPatch { name: name("Miss Tabby"), ..CharacterPatch::default() };
        studio.update_character(tabby, patch).await.unwrap();
        let patch = AnimationPatch { name: name("Stroll"), ..AnimationPatch::default() };
        studio.update_animation(walk.animation.id, patch).await.unwrap();
        studio.move_frame(walk.frames[2].frame.id, 0, None).await.unwrap();
        studio.remove_frame(walk.frames[1].frame.id, None).await.unwrap();
        // New files find their place all the same.
        write(&root, &[("Tabby/walk/frame_11.png", 50), ("Tabby/walk/frame_3.png", 51), ("Tabby/hop/1.png", 52)]);
        let report = import(&studio, project, &root).await;
        assert_eq!((report.created.characters, report.created.animations), (0, 1));
        assert_eq!((report.created.frames, report.unchanged), (3, 9));
        let tree = studio.get_project_tree(project).await.unwrap();
        let shown = shown(&tree);
        assert_eq!(
            shown["Miss Tabby/Stroll"],
            ["frame_10.png", "frame_11.png", "frame_1.png", "frame_3.png"]
        );
        assert_eq!(shown["Miss Tabby/hop"], ["1.png"]);
        assert_in_step(&studio, &tree);
    }

    async fn characters_that_are_there_are_found_by_name(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = bench.folder.path().join("more");
        write(&root, &[("tabby/idle/0.png", 1), ("tabby/idle/1.png", 2), ("new/a.png", 3)]);
        let tabby = studio.create_character(project, pegbar::NewCharacter::new("Tabby")).await.unwrap();
        let report = import(&studio, project, &root).await;
        assert_eq!(report.created.characters, 1);
        let tree = studio.get_character_tree(tabby.character.id).await.unwrap();
        assert_eq!(tree.animations[0].frames.len(), 2);
        // Two of one name can't be told apart.
        for _ in 0..2 {
            studio.create_character(project, pegbar::NewCharacter::new("Twin")).await.unwrap();
        }
        let twins = bench.folder.path().join("twins");
        write(&twins, &[("Twin/a.png", 8)]);
        let plan = FolderPlan::of(&twins, &FolderOptions::default()).unwrap();
        let error = studio.import_folder(project, &plan, true, |_, _| {}).await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        assert!(error.to_string().contains("\"Twin\" may be any of 2 characters"), "{error}");
    }

    async fn broken_files_are_refused_by_themselves(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        fs::write(root.join("Tabby/walk/frame_2.png"), "not an image").unwrap();
        fs::write(root.join("Tabby/broken.png"), "").unwrap();
        let report = import(&studio, project, &root).await;
        let refused: Vec<&str> = report.refused.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(refused, ["Tabby/broken.png", "Tabby/walk/frame_2.png"]);
        assert_eq!((report.created.frames, report.created.variations), (5, 2));
        // Mended, it takes its place between the others.
        write(&root, &[("Tabby/walk/frame_2.png", 12)]);
        fs::remove_file(root.join("Tabby/broken.png")).unwrap();
        let report = import(&studio, project, &root).await;
        assert_eq!((report.created.frames, report.refused.len()), (1, 0));
        let tree = studio.get_project_tree(project).await.unwrap();
        assert_eq!(shown(&tree)["Tabby/walk"], ["frame_1.png", "frame_2.png", "frame_10.png"]);
    }

    async fn what_has_no_place_is_not_guessed(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = bench.folder.path().join("loose");
        write(&root, &[("walk_0.png", 1), ("walk_1.png", 2), ("walk_2.png", 3)]);
        let mut plan = FolderPlan::of(&root, &FolderOptions::default()).unwrap();
        assert_eq!((plan.images, plan.unplaced.len()), (0, 3));
        let refused = studio.import_folder(project, &plan, true, |_, _| {}).await.unwrap_err();
        assert_eq!(refused.code(), "invalid");
        assert_eq!(counts(&studio, project).await, (0, 0, 0, 0));
        plan.skip_unplaced();
        let report = studio.import_folder(project, &plan, true, |_, _| {}).await.unwrap();
        assert_eq!(report, FolderReport::default());
        let options = FolderOptions {
            character: Some("Tabby".to_owned()),
            animation: Some("Walk".to_owned()),
            ..FolderOptions::default()
        };
        let plan = FolderPlan::of(&root, &options).unwrap();
        studio.import_folder(project, &plan, true, |_, _| {}).await.unwrap();
        assert_eq!(counts(&studio, project).await, (1, 1, 3, 3));
    }

    async fn a_mapping_says_what_names_do_not(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = bench.folder.path().join("renders");
        write(&root, &[
            ("shot-cat+walk.0001.png", 1), ("shot-cat+walk.0002.png", 2),
            ("old/x.png", 3), ("looks/a.png", 4), ("spare/walk-b.png", 5),
        ]);
        let file = bench.folder.path().join("map.toml");
        fs::write(&file, "
            [[rule]]
            path = 'shot-{character}+{animation}.{index}.png'
            as = 'frame'
            tags = ['render']
            [[rule]]
            path = 'old/**'
            as = 'skip'
            [[rule]]
            path = 'looks/*'
            as = 'variation'
            character = 'cat'
            [[rule]]
            path = 'spare/{animation}-*'
            as = 'take'
            character = 'cat'
            [[rule]]
            path = 'nothing/*'
            as = 'skip'
        ").unwrap();
        let mapping = FolderMapping::read(&file).unwrap();
        let plan = FolderPlan::of(&root, &FolderOptions { mapping, ..FolderOptions::default() }).unwrap();
        assert_eq!(plan.unused_rules, ["nothing/*"]);
        let report = studio.import_folder(project, &plan, true, |_, _| {}).await.unwrap();
        assert_eq!((report.created.frames, report.created.takes, report.created.variations), (2, 3, 1));
        let tree = studio.get_project_tree(project).await.unwrap();
        let walk = &tree.characters[0].animations[0];
        assert_eq!(walk.frames[1].asset.tags, ["render"]);
        assert_eq!(walk.takes[0].original_name.as_deref(), Some("walk-b.png"));
    }

    async fn our_own_layout_comes_in_again(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        import(&studio, project, &cats(bench)).await;
        let tree = studio.get_project_tree(project).await.unwrap();
        // The same folder as another app would see it, in another project.
        let copy = bench.folder.path().join("copy");
        for (path, _) in crate::support::files_below(&studio.assets_folder()) {
            let target = copy.join(&path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(studio.assets_folder().join(&path), target).unwrap();
        }
        let other = studio.create_project(NewProject::new("Copy")).await.unwrap().project.id;
        let report = import(&studio, other, &copy).await;
        assert_eq!((report.created.characters, report.created.variations), (2, 2));
        assert_eq!((report.created.frames, report.created.references), (6, 1));
        let copied = studio.get_project_tree(other).await.unwrap();
        let hashes = |tree: &ProjectTree| -> Vec<_> {
            let animations = tree.characters.iter().flat_map(|c| &c.animations);
            animations.flat_map(|a| &a.frames).map(|f| f.asset.sha256).collect()
        };
        assert_eq!(hashes(&copied), hashes(&tree));
        // The studio's own folder is not a folder of someone's images.
        let options = FolderOptions { except: vec![studio.assets_folder()], ..FolderOptions::default() };
        let own = studio.assets_folder().join(project.to_string());
        let error = FolderPlan::of(own, &options).unwrap_err();
        assert!(error.to_string().contains("belongs to the studio itself"), "{error}");
        let plan = FolderPlan::of(studio.root(), &options).unwrap();
        assert_eq!(plan.images, 0);
    }

    async fn an_interrupted_import_goes_on(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = bench.folder.path().join("many");
        let numbers = 0..2500_u32;
        let files: Vec<(String, u32)> =
            numbers.map(|n| (format!("Tabby/walk/{n}.png"), n)).collect();
        let files: Vec<(&str, u32)> = files.iter().map(|(path, n)| (path.as_str(), *n)).collect();
        write(&root, &files);
        let plan = FolderPlan::of(&root, &FolderOptions::default()).unwrap();
        // It ends abruptly behind the first transaction: what is committed stays.
        let begun = studio.clone();
        let work = tokio::spawn(async move {
            let stop = |done, _| assert!(done == 0, "interrupted");
            begun.import_folder(project, &plan, true, stop).await.map(drop)
        });
        assert!(work.await.unwrap_err().is_panic());
        let (.., assets) = counts(&studio, project).await;
        assert!((1000..2500).contains(&assets), "{assets}");
        drop(studio);
        let studio = bench.open().await;
        let report = import(&studio, project, &root).await;
        assert_eq!(report.unchanged, assets);
        assert_eq!(report.created.frames, 2500 - assets);
        let tree = studio.get_project_tree(project).await.unwrap();
        let names: Vec<String> = (0..2500).map(|n| format!("{n}.png")).collect();
        assert_eq!(shown(&tree)["Tabby/walk"], names);
        assert_in_step(&studio, &tree);
    }

    async fn two_imports_at_once_add_everything_once(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = cats(bench);
        let others = [bench.open().await, bench.open().await, bench.open().await];
        let imports = others.map(|studio| {
            let root = root.clone();
            tokio::spawn(async move { import(&studio, project, &root).await })
        });
        let mut frames = 0;
        for import in imports {
            frames += import.await.unwrap().created.frames;
        }
        assert_eq!(frames, 6);
        assert_eq!(counts(&studio, project).await, (2, 2, 6, 9));
        studio.update_view().await.unwrap();
        assert_in_step(&studio, &studio.get_project_tree(project).await.unwrap());
    }

    async fn the_same_bytes_are_one_blob_and_as_many_assets(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let root = bench.folder.path().join("twice");
        write(&root, &[("Tabby/a.png", 1), ("Tabby/b.png", 1), ("Tabby/walk/0.png", 1)]);
        let report = import(&studio, project, &root).await;
        assert_eq!((report.created.variations, report.created.frames), (2, 1));
        let image = studio.store_image(&ImageSource::Bytes(png(1))).unwrap();
        let page = studio.list_assets(project, &Default::default(), Default::default()).await.unwrap();
        assert!(page.rows.iter().all(|asset| asset.sha256 == Some(image.sha256())));
        assert_eq!(page.rows.len(), 3);
        let added = studio.create_assets(project, vec![NewAsset::from_bytes(png(1))]).await.unwrap();
        assert_eq!(added[0].sha256, Some(image.sha256()));
    }

    async fn real_inputs_come_in_and_once(bench) {
        let Some(real) = shared_inputs() else { return };
        let studio = bench.create().await;
        let project = project(&studio).await;
        let report = import(&studio, project, &real.join("pixellab-tabby")).await;
        assert_eq!((report.created.characters, report.created.variations), (1, 8));
        assert_eq!((report.created.animations, report.created.frames), (58, 446));
        let gemini = import(&studio, project, &real.join("gemini")).await;
        assert_eq!(gemini.created.references, 2);
        let tree = studio.get_project_tree(project).await.unwrap();
        // They are JPEGs, whatever their names say.
        assert!(tree.references.iter().all(|asset| asset.mime_type.as_deref() == Some("image/jpeg")));
        assert!(tree.references.iter().all(|asset| asset.file_path.as_deref().unwrap().rsplit('.').next() == Some("jpg")));
        assert_in_step(&studio, &tree);
        let again = import(&studio, project, &real.join("pixellab-tabby")).await;
        assert_eq!((again.unchanged, again.created), (454, pegbar::CreatedRows::default()));
    }
}

#[cfg(unix)]
#[test]
fn links_out_of_a_folder_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("in");
    write(&root, &[("Tabby/front.png", 1)]);
    write(folder.path(), &[("out/secret.png", 2)]);
    let link = |target: PathBuf, name: &str| {
        std::os::unix::fs::symlink(target, root.join(name)).unwrap();
    };
    link(folder.path().join("out/secret.png"), "Tabby/leak.png");
    link(folder.path().join("out"), "Tabby/walk");
    link(root.join("Tabby/front.png"), "Tabby/same.png");
    link(PathBuf::from("nowhere"), "Tabby/broken.png");
    link(root.clone(), "Tabby/cycle");
    let plan = FolderPlan::of(&root, &FolderOptions::default()).unwrap();
    let taken: Vec<&str> = plan.characters[0]
        .variations
        .iter()
        .map(|i| i.path.as_str())
        .collect();
    assert_eq!(taken, ["Tabby/front.png", "Tabby/same.png"]);
    assert_eq!(plan.skipped.len(), 4);
    assert!(plan.skipped.iter().all(|file| file.reason.contains("link")));
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let animation = FolderOptions {
        animation: Some("Walk".to_owned()),
        ..FolderOptions::default()
    };
    let source = FolderOptions {
        source: Some("a/b".to_owned()),
        ..FolderOptions::default()
    };
    for options in [animation, source] {
        let error = FolderPlan::of(folder.path(), &options).unwrap_err();
        assert_eq!(error.code(), "invalid");
    }
    let file = folder.path().join("a.png");
    fs::write(&file, png(1)).unwrap();
    let error = FolderPlan::of(&file, &FolderOptions::default()).unwrap_err();
    assert!(
        error.to_string().contains("a file, not a folder"),
        "{error}"
    );
}
