//! Imports that were interrupted, and imports that bring nothing.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use pegbar::{
    ExportScope, GenerationOutput, ImageExport, NewGeneration, NewProject, ProjectFilter,
    SidecarTarget, Studio,
};

use super::{exporter, import};
use crate::support::{asset, files_below};

both_engines! {
    async fn an_interrupted_import_goes_on_and_makes_one_generation(bench) {
        let folder = tempfile::tempdir().unwrap();
        let source = Studio::create(folder.path()).await.unwrap();
        let project = source.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        // Two that are alike in all but their ids, and of one moment.
        let mut sent = Vec::new();
        for numbers in [[1, 2], [3, 4]] {
            let outputs = numbers.map(|number| GenerationOutput::new(asset(number)));
            let new = NewGeneration {
                created_at: Some(pegbar::MillisSinceEpoch(1_767_250_949_000)),
                ..NewGeneration::succeeded(outputs.into())
            };
            sent.push(source.record_generation(project, new.prompt("a cat")).await.unwrap());
        }
        let out = folder.path().join("out");
        let scope = ExportScope::Project(project);
        let export = ImageExport { sidecars: true, ..ImageExport::new(scope, &out) };
        source.export_images(&export, |_, _| {}).await.unwrap();
        // So large that each is a batch of its own.
        for (path, _) in files_below(&out) {
            if path.contains(".pegbar.json") {
                let mut file = OpenOptions::new().append(true).open(out.join(path)).unwrap();
                file.write_all(&vec![b' '; 17 << 20]).unwrap();
            }
        }
        let studio = bench.create().await;
        import(&studio, &out, &SidecarTarget::Same).await;
        // The ids are taken now.
        let plan = studio.plan_sidecars(&out, |_, _| {}).unwrap();
        let begun = studio.clone();
        let work = tokio::spawn(async move {
            let stop = |done, _| assert!(done < 3, "interrupted");
            let copy = SidecarTarget::New("Copy".to_owned());
            begun.import_sidecars(&plan, &copy, stop).await.map(drop)
        });
        assert!(work.await.unwrap_err().is_panic());
        drop(studio);
        let studio = bench.open().await;
        let projects = studio.list_projects(&ProjectFilter::default(), Default::default()).await;
        let copy = projects.unwrap().rows.into_iter().find(|one| one.name == "Copy").unwrap().id;
        for (unchanged, created) in [(3, 1), (4, 0)] {
            let report = import(&studio, &out, &SidecarTarget::Project(copy)).await;
            assert_eq!((report.unchanged, report.created.references), (unchanged, created));
        }
        let tree = studio.get_project_tree(copy).await.unwrap();
        let all = studio.list_generations(copy, &Default::default(), Default::default()).await;
        let all = all.unwrap().rows;
        assert_eq!(all.len(), 2, "{all:?}");
        for generation in all {
            let mut sources: Vec<String> = Vec::new();
            for id in &generation.output_asset_ids {
                let output = tree.references.iter().find(|one| one.id == *id).unwrap();
                sources.extend(output.source_id.clone());
            }
            let are_of = |one: &pegbar::RecordedGeneration| {
                let ids: Vec<String> = one.outputs.iter().map(|one| one.id.to_string()).collect();
                ids.iter().all(|id| sources.contains(id)) && ids.len() == sources.len()
            };
            assert!(sent.iter().any(are_of), "the outputs of one stay together: {sources:?}");
        }
    }

    async fn an_import_that_takes_nothing_in_leaves_no_project_behind(bench) {
        let source = exporter(None).await;
        let studio = bench.create().await;
        let only = source.out.parent().unwrap().join("only");
        fs::create_dir_all(&only).unwrap();
        for name in ["Tabby_Walk_1.png", "Tabby_Walk_1.png.pegbar.json"] {
            fs::rename(source.out.join("frames/Walk").join(name), only.join(name)).unwrap();
        }
        for target in [SidecarTarget::Same, SidecarTarget::New("Mine".to_owned())] {
            let report = import(&studio, &only, &target).await;
            assert_eq!((report.project_id, report.is_new_project), (None, false));
            assert_eq!((report.refused.count, report.created), (1, Default::default()));
        }
        let projects = studio.list_projects(&ProjectFilter::default(), Default::default()).await;
        assert_eq!(projects.unwrap().rows, []);
        // With what it was made from, it is.
        fs::rename(&only, source.out.join("only")).unwrap();
        let report = import(&studio, &source.out, &SidecarTarget::Same).await;
        assert!(report.is_new_project);
        assert_eq!(report.project_id, Some(source.tree.project.id));
    }
}
