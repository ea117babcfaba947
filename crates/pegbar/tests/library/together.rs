//! Callers that add assets at the same time: each gets its own, and an error is for who caused it.

use std::collections::BTreeSet;

use pegbar::{AssetId, Error, NewAsset, NewProject, ProjectId, ReferenceRole, Studio};

use crate::support::{assert_in_step, png};

async fn project(studio: &Studio) -> ProjectId {
    let created = studio.create_project(NewProject::new("Cats")).await;
    created.unwrap().project.id
}

/// What each of many callers is to add, all at once, and what came of it.
async fn at_once(
    studio: &Studio,
    project: ProjectId,
    all: Vec<Vec<NewAsset>>,
) -> Vec<pegbar::Result<Vec<pegbar::Asset>>> {
    let tasks: Vec<_> = all
        .into_iter()
        .map(|new| {
            let studio = studio.clone();
            tokio::spawn(async move { studio.create_assets(project, new).await })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

both_engines! {
    async fn many_who_add_at_once_get_their_own_and_share_transactions(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let new = |caller: u32| {
            let names = [format!("{caller} a.png"), format!("{caller} b.png")];
            let images = [png(caller * 2), png(caller * 2 + 1)];
            let both = images.into_iter().zip(names);
            both.map(|(image, name)| NewAsset::from_bytes(image).original_name(name).tag("at once")).collect()
        };
        let results = at_once(&studio, project, (0..64).map(new).collect()).await;
        let mut ids = BTreeSet::new();
        for (caller, result) in (0..).zip(results) {
            let assets = result.unwrap();
            let names: Vec<_> = assets.iter().map(|asset| asset.original_name.clone().unwrap()).collect();
            assert_eq!(names, [format!("{caller} a.png"), format!("{caller} b.png")]);
            for (asset, number) in assets.iter().zip([caller * 2, caller * 2 + 1]) {
                assert_eq!(asset.sha256, Some(pegbar::Sha256::of(&png(number))));
                assert_eq!(&studio.get_asset(asset.id).await.unwrap(), asset);
                ids.insert(asset.id);
            }
        }
        assert_eq!(ids.len(), 128);
        assert_in_step(&studio, &studio.get_project_tree(project).await.unwrap());
        let mut raw = bench.raw().await;
        let changes: u64 = raw.text("SELECT count(*) FROM change").await.parse().unwrap();
        assert!((3..40).contains(&changes), "{changes} transactions");
    }

    async fn what_one_cannot_add_keeps_nobody_else_from_it(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let there = studio.create_asset(project, NewAsset::from_bytes(png(1000))).await.unwrap();
        let nowhere: AssetId = studio.new_id();
        let all = (0..32).map(|caller: u32| {
            let new = NewAsset::from_bytes(png(caller));
            vec![match caller {
                5 => NewAsset::from_bytes(b"no image".to_vec()),
                9 => new.made_from(nowhere, ReferenceRole::Style),
                13 => new.id(there.id),
                _ => new,
            }]
        });
        let results = at_once(&studio, project, all.collect()).await;
        for (caller, result) in results.into_iter().enumerate() {
            match (caller, result) {
                (5, Err(Error::Invalid { .. } | Error::NotAnImage { .. })) | (9, Err(Error::Invalid { .. })) => {}
                (13, Err(error)) => assert_eq!(error.code(), "conflict", "{error}"),
                (5 | 9 | 13, result) => panic!("{caller}: {result:?}"),
                (_, result) => assert_eq!(result.unwrap().len(), 1),
            }
        }
        let tree = studio.get_project_tree(project).await.unwrap();
        assert_eq!(tree.references.len(), 30);
        assert_in_step(&studio, &studio.get_project_tree(project).await.unwrap());
    }

    async fn who_gives_up_holds_up_nobody(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        for round in 0..20_u32 {
            let tasks: Vec<_> = (0..8).map(|caller| {
                let studio = studio.clone();
                let new = NewAsset::from_bytes(png(round * 8 + caller));
                tokio::spawn(async move { studio.create_asset(project, new).await })
            }).collect();
            tokio::time::sleep(std::time::Duration::from_micros(u64::from(round) * 300)).await;
            for task in tasks.iter().take(7) {
                task.abort();
            }
            for (place, task) in tasks.into_iter().enumerate() {
                let within = std::time::Duration::from_mins(1);
                let ended = tokio::time::timeout(within, task).await.expect("it waits for ever");
                if place == 7 {
                    ended.unwrap().unwrap();
                }
            }
        }
        // What they began ends by itself.
        studio.create_asset(project, NewAsset::from_bytes(png(9999))).await.unwrap();
        let mut last = None;
        loop {
            let found = studio.get_project_tree(project).await.unwrap().references.len();
            if last == Some(found) {
                break;
            }
            last = Some(found);
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        assert!(last >= Some(21));
        studio.sync(|_, _| {}).await.unwrap();
        assert_in_step(&studio, &studio.get_project_tree(project).await.unwrap());
    }
}
