//! Bundles: a project as one file, and what becomes of one that is not what was written.

mod hostile;
pub(crate) mod unpacked;

use std::fs;
use std::path::PathBuf;

use pegbar::{
    BundleImport, DatabaseAddress, GenerationFilter, NewAnnotation, NewGeneration, NewProject,
    Outcome, PageRequest, ProjectTree, Studio, StudioOptions,
};

use crate::backup::assert_whole;
use crate::support::alley::alley;
use crate::support::{Bench, asset, files_below, run_on_both};

const SAME: BundleImport = BundleImport { as_copy: false };
const COPY: BundleImport = BundleImport { as_copy: true };

pub(crate) fn file(bench: &Bench) -> PathBuf {
    bench.folder.path().join("cats.pegbar")
}

/// A project with all that a project can have.
pub(crate) async fn everything(studio: &Studio) -> ProjectTree {
    let tree = alley(studio).await;
    let shown = &tree.characters[0].animations[0].frames[0].asset;
    let said = NewAnnotation::new("the tail is too long");
    studio.annotate_asset(shown.id, said).await.unwrap();
    let dropped = &tree.characters[0].animations[0].takes;
    let unshown = dropped
        .iter()
        .find(|take| take.generation_prompt.as_deref() == Some("a better frame"));
    studio.drop_bytes(unshown.unwrap().id).await.unwrap();
    studio.get_project_tree(tree.project.id).await.unwrap()
}

pub(crate) async fn export(studio: &Studio, tree: &ProjectTree, bench: &Bench) {
    studio
        .export_bundle(tree.project.id, file(bench), true, |_, _| ())
        .await
        .unwrap();
}

/// A studio of its own on SQLite.
pub(crate) async fn another(bench: &Bench) -> Studio {
    let folder = bench.folder.path().join("another");
    Studio::create_with(folder, StudioOptions::default())
        .await
        .unwrap()
}

async fn same(there: &Studio, here: &Studio, tree: &ProjectTree) {
    let id = tree.project.id;
    assert_eq!(there.get_project_tree(id).await.unwrap(), *tree);
    let generations = async |studio: &Studio| {
        let all = GenerationFilter::default();
        studio
            .list_generations(id, &all, PageRequest::default())
            .await
            .unwrap()
            .rows
    };
    assert_eq!(generations(there).await, generations(here).await);
    for asset in tree
        .characters
        .iter()
        .flat_map(|cat| &cat.variations)
        .chain(&tree.references)
    {
        let claims = async |studio: &Studio| studio.list_claims(asset.id).await.unwrap();
        assert_eq!(claims(there).await, claims(here).await);
    }
    let shown = tree.characters[0].animations[0].frames[0].asset.id;
    let said = async |studio: &Studio| studio.list_annotations(shown).await.unwrap();
    assert_eq!(said(there).await, said(here).await);
    assert_eq!(said(there).await.len(), 1);
    let below = |studio: &Studio| files_below(&studio.assets_folder().join(id.to_string()));
    assert_eq!(below(there), below(here));
    assert_whole(there).await;
}

both_engines! {
    async fn a_bundle_makes_the_same_project_in_another_studio(bench) {
        let studio = bench.create().await;
        let tree = everything(&studio).await;
        export(&studio, &tree, bench).await;
        let there = another(bench).await;
        there.create_project(NewProject::new("In the way")).await.unwrap();
        let report = there.import_bundle(file(bench), SAME, |_, _| ()).await.unwrap();
        assert_eq!((report.project_id, report.name.as_str()), (tree.project.id, "Alley cats"));
        same(&there, &studio, &tree).await;
        let again = there.import_bundle(file(bench), SAME, |_, _| ()).await.unwrap_err();
        assert_eq!(again.code(), "conflict");
        assert!(again.to_string().ends_with("is there already"), "{again}");
        // Once more, from there: not a byte differs but for the time.
        let second = bench.folder.path().join("second.pegbar");
        there.export_bundle(tree.project.id, &second, false, |_, _| ()).await.unwrap();
        let parts = |path: &PathBuf| {
            let files = unpacked::read(&fs::read(path).unwrap());
            files.into_iter().filter(|(name, _)| name.contains('/')).collect::<Vec<_>>()
        };
        assert_eq!(parts(&second), parts(&file(bench)));
        let refused = there.export_bundle(tree.project.id, &second, false, |_, _| ()).await;
        assert_eq!(refused.unwrap_err().code(), "conflict");
    }

    async fn a_bundle_replaces_what_appears_meanwhile_only_where_that_is_wanted(bench) {
        let studio = bench.create().await;
        let id = everything(&studio).await.project.id;
        let appears = |_, _| fs::write(file(bench), "another's").unwrap();
        let refused = studio.export_bundle(id, file(bench), false, appears).await;
        assert_eq!(refused.unwrap_err().code(), "conflict");
        assert_eq!(fs::read(file(bench)).unwrap(), b"another's");
        let left = fs::read_dir(bench.folder.path()).unwrap().count();
        assert_eq!(left, 2, "studio, bundle");
        let exported = studio.export_bundle(id, file(bench), true, appears).await.unwrap();
        assert_eq!(fs::metadata(file(bench)).unwrap().len(), exported.file_size);
    }

    async fn a_bundle_comes_back_where_its_project_was_deleted(bench) {
        let studio = bench.create().await;
        let tree = everything(&studio).await;
        export(&studio, &tree, bench).await;
        studio.delete_project(tree.project.id).await.unwrap();
        studio.import_bundle(file(bench), SAME, |_, _| ()).await.unwrap();
        assert_eq!(studio.get_project_tree(tree.project.id).await.unwrap(), tree);
        assert_whole(&studio).await;
    }

    async fn a_copy_has_new_ids_in_the_old_order_and_the_same_records(bench) {
        let studio = bench.create().await;
        let tree = everything(&studio).await;
        export(&studio, &tree, bench).await;
        let report = studio.import_bundle(file(bench), COPY, |_, _| ()).await.unwrap();
        assert_ne!(report.project_id, tree.project.id);
        assert_eq!(report.bundled_id, tree.project.id);
        let copy = studio.get_project_tree(report.project_id).await.unwrap();
        assert_eq!(copy.project.source_id, Some(tree.project.id.to_string()));
        assert_eq!(copy.characters.len(), tree.characters.len());
        for (new, old) in copy.characters.iter().zip(&tree.characters) {
            assert_eq!(new.character.name, old.character.name);
            assert_eq!(new.character.source_id, Some(old.character.id.to_string()));
            assert_ne!(new.character.id, old.character.id);
            for (new, old) in new.variations.iter().zip(&old.variations) {
                assert_eq!((new.record_hash, new.sha256), (old.record_hash, old.sha256));
                assert_eq!(new.source_id, Some(old.id.to_string()));
                assert_eq!(new.tags, old.tags);
            }
            for (new, old) in new.animations.iter().zip(&old.animations) {
                assert_eq!(new.animation.name, old.animation.name);
                for (new, old) in new.frames.iter().zip(&old.frames) {
                    assert_eq!(new.asset.record_hash, old.asset.record_hash);
                    assert_eq!(new.frame.frame_prompt, old.frame.frame_prompt);
                }
            }
        }
        assert_eq!(studio.get_project_tree(tree.project.id).await.unwrap(), tree);
        assert_whole(&studio).await;
    }

    async fn a_project_with_generations_is_bundled(bench) {
        let studio = bench.create().await;
        let tree = everything(&studio).await;
        let failed = Outcome::Failed("out of memory".to_owned());
        let new = NewGeneration::new(failed).prompt("a cat");
        studio.record_generation(tree.project.id, new).await.unwrap();
        let tree = studio.get_project_tree(tree.project.id).await.unwrap();
        export(&studio, &tree, bench).await;
        let there = another(bench).await;
        there.import_bundle(file(bench), SAME, |_, _| ()).await.unwrap();
        same(&there, &studio, &tree).await;
        studio.import_bundle(file(bench), COPY, |_, _| ()).await.unwrap();
        assert_whole(&studio).await;
    }

    async fn a_project_whose_bytes_are_damaged_is_not_bundled(bench) {
        let studio = bench.create().await;
        let tree = alley(&studio).await;
        let name = tree.references[0].sha256.unwrap().to_string();
        let blob = studio.root().join(".pegbar/blobs").join(&name[..2]).join(&name);
        let size = fs::metadata(&blob).unwrap().len();
        fs::remove_file(&blob).unwrap();
        let refused = studio.export_bundle(tree.project.id, file(bench), false, |_, _| ()).await;
        assert_eq!(refused.unwrap_err().code(), "damaged");
        fs::write(&blob, vec![0; usize::try_from(size).unwrap()]).unwrap();
        let refused = studio.export_bundle(tree.project.id, file(bench), false, |_, _| ()).await;
        assert_eq!(refused.unwrap_err().code(), "damaged");
        let left: Vec<_> = fs::read_dir(bench.folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    async fn a_bundle_is_taken_in_while_others_write(bench) {
        let studio = bench.create().await;
        let tree = everything(&studio).await;
        export(&studio, &tree, bench).await;
        let other = bench.open().await;
        let id = other.create_project(NewProject::new("Dogs")).await.unwrap().project.id;
        let writing = tokio::spawn(async move {
            for n in 0..20 {
                other.create_asset(id, asset(50_000 + n)).await.unwrap();
            }
        });
        for _ in 0..3 {
            studio.import_bundle(file(bench), COPY, |_, _| ()).await.unwrap();
        }
        writing.await.unwrap();
        assert_whole(&studio).await;
    }
}

#[test]
fn a_bundle_of_either_engine_is_taken_in_by_the_other() {
    run_on_both(async |sqlite, postgres| {
        let (here, there) = (sqlite.create().await, postgres.create().await);
        let tree = everything(&here).await;
        export(&here, &tree, sqlite).await;
        there
            .import_bundle(file(sqlite), SAME, |_, _| ())
            .await
            .unwrap();
        same(&there, &here, &tree).await;
        export(&there, &tree, postgres).await;
        let folder = sqlite.folder.path().join("back");
        let options = StudioOptions {
            database: DatabaseAddress::Sqlite,
            ..Default::default()
        };
        let back = Studio::create_with(folder, options).await.unwrap();
        back.import_bundle(file(postgres), SAME, |_, _| ())
            .await
            .unwrap();
        same(&back, &here, &tree).await;
    });
}
