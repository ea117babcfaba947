//! The request that would make an asset again.

use std::fs;
use std::ops::ControlFlow;

use pegbar::{
    AssetId, Json, MissingPart, NewAsset, NewClaim, NewProject, ProjectId, ReferenceRole,
    Reproduction, Sha256, Studio,
};

use crate::support::{asset, png};

async fn project(studio: &Studio) -> ProjectId {
    let tree = studio.create_project(NewProject::new("P")).await.unwrap();
    tree.project.id
}

fn generated(number: u32) -> NewAsset {
    let settings = Json::parse(r#"{"sampler":{"seed":7},"steps":20}"#).unwrap();
    asset(number)
        .prompt("a cat")
        .system_prompt("draw")
        .model("m")
        .settings(settings)
}

/// Everything that is told of an asset and of what it was made from.
async fn all_of(studio: &Studio, asset: AssetId) -> Vec<Reproduction> {
    let mut all = Vec::new();
    let each = |request| {
        all.push(request);
        ControlFlow::Continue(())
    };
    studio.reproduce_with_inputs(asset, each).await.unwrap();
    all
}

both_engines! {
    async fn a_request_is_complete_with_the_files_of_its_inputs(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let inputs = studio.create_assets(project, vec![asset(1), asset(2)]).await.unwrap();
        let made = generated(3).made_from(inputs[1].id, ReferenceRole::PreviousFrame)
            .made_from(inputs[0].id, ReferenceRole::Character);
        let made = studio.create_asset(project, made).await.unwrap();
        let found = studio.reproduce(made.id).await.unwrap();
        assert_eq!(found.missing, []);
        assert_eq!((found.asset_id, found.sha256), (made.id, Some(Sha256::of(&png(3)))));
        let request = &found.request;
        assert_eq!(request.prompt.as_deref(), Some("a cat"));
        assert_eq!(request.system_prompt.as_deref(), Some("draw"));
        assert_eq!(request.model.as_deref(), Some("m"));
        assert_eq!(request.settings, made.generation_settings);
        let order: Vec<_> = request.inputs.iter()
            .map(|input| (input.position, input.asset_id, input.role)).collect();
        assert_eq!(order, [
            (0, inputs[1].id, ReferenceRole::PreviousFrame),
            (1, inputs[0].id, ReferenceRole::Character),
        ]);
        let first = &request.inputs[0];
        assert_eq!(first.sha256, Some(Sha256::of(&png(2))));
        assert_eq!(first.mime_type.as_deref(), Some("image/png"));
        assert_eq!(first.file_size, Some(png(2).len() as u64));
        for file in [first.blob.as_ref().unwrap(), first.file.as_ref().unwrap()] {
            assert!(file.is_absolute());
            assert_eq!(fs::read(file).unwrap(), png(2));
        }
        assert!(first.file.as_ref().unwrap().starts_with(studio.assets_folder()));
    }

    async fn an_upload_says_that_it_was_not_generated_and_who_claims_more(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let said = asset(1).claim(NewClaim::new("comfyui")).claim(NewClaim::new("c2pa"));
        let said = studio.create_asset(project, said).await.unwrap();
        let found = studio.reproduce(said.id).await.unwrap();
        let claimed_by = vec!["comfyui".to_owned(), "c2pa".to_owned()];
        assert_eq!(found.missing,
            [MissingPart::Prompt { claimed_by }, MissingPart::Model, MissingPart::Seed]);
        assert_eq!(found.request.prompt, None, "a claim is no prompt");
        assert_eq!(
            serde_json::to_value(&found.missing).unwrap()[0],
            serde_json::json!({"reason": "prompt", "claimedBy": ["comfyui", "c2pa"]})
        );
        let unknown = studio.reproduce(studio.new_id()).await.unwrap_err();
        assert_eq!(unknown.code(), "not_found");
    }

    async fn inputs_that_cannot_be_sent_again_are_named(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let inputs = studio.create_assets(project, (1..5).map(asset).collect()).await.unwrap();
        let made = inputs.iter()
            .fold(generated(9), |made, input| made.made_from(input.id, ReferenceRole::Style));
        let made = studio.create_asset(project, made).await.unwrap();
        let whole = studio.reproduce(made.id).await.unwrap().request;
        let blobs: Vec<_> = whole.inputs.iter().map(|input| input.blob.clone().unwrap()).collect();
        fs::remove_file(&blobs[0]).unwrap();
        let mut permissions = fs::metadata(&blobs[1]).unwrap().permissions();
        #[allow(clippy::permissions_set_readonly_false, reason = "a test's own file")]
        permissions.set_readonly(false);
        fs::set_permissions(&blobs[1], permissions).unwrap();
        fs::write(&blobs[1], b"short").unwrap();
        fs::remove_file(&blobs[2]).unwrap();
        let mut raw = bench.raw().await;
        let (dropped, unknown) = (raw.id(inputs[2].id), raw.id(inputs[3].id));
        let time = if bench.engine() == pegbar::Engine::Sqlite { "1000" } else { "'epoch'::timestamptz + '1s'" };
        raw.tamper(&format!("UPDATE asset SET bytes_dropped_at = {time} WHERE id = {dropped}"))
            .await.unwrap();
        raw.tamper(&format!("UPDATE asset_reference SET sha256 = NULL \
                          WHERE referenced_asset_id = {unknown}")).await.unwrap();
        let found = studio.reproduce(made.id).await.unwrap();
        let id = |n: usize| inputs[n].id;
        assert_eq!(found.missing, [
            MissingPart::InputBlob { position: 0, asset_id: id(0), path: blobs[0].clone() },
            MissingPart::InputBlobSize {
                position: 1, asset_id: id(1), path: blobs[1].clone(),
                recorded: png(2).len() as u64, found: 5,
            },
            MissingPart::InputBytesDropped {
                position: 2, asset_id: id(2), dropped_at: pegbar::MillisSinceEpoch(1000),
            },
            MissingPart::InputHash { position: 3, asset_id: id(3) },
        ]);
        assert_eq!(found.request.inputs[0].blob, None);
        assert!(found.request.inputs[0].file.is_some(), "the view still has it");
        assert_eq!(found.request.inputs[2].file, None);
    }

    async fn dropped_bytes_of_an_input_are_named_though_the_trash_has_them(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let style = studio.create_asset(project, asset(1)).await.unwrap();
        let made = generated(9).made_from(style.id, ReferenceRole::Style);
        let made = studio.create_asset(project, made).await.unwrap();
        let before = studio.reproduce(made.id).await.unwrap();
        let blob = before.request.inputs[0].blob.clone().unwrap();
        let dropped = studio.drop_bytes(style.id).await.unwrap().asset;
        assert!(blob.is_file());
        let found = studio.reproduce(made.id).await.unwrap();
        let mut missing = before.missing;
        missing.push(MissingPart::InputBytesDropped {
            position: 0, asset_id: style.id, dropped_at: dropped.bytes_dropped_at.unwrap(),
        });
        assert_eq!(found.missing, missing);
        let input = &found.request.inputs[0];
        assert_eq!((&input.blob, &input.file, input.sha256), (&None, &None, style.sha256));
    }

    async fn a_row_of_another_program_has_no_record_yet(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let mut raw = bench.raw().await;
        let id: AssetId = studio.new_id();
        let (asset_id, project_id) = (raw.id(id), raw.id(project));
        raw.run(&format!("INSERT INTO asset (id, project_id, kind, generation_prompt) \
                          VALUES ({asset_id}, {project_id}, 'reference', 'a cat')")).await.unwrap();
        let found = studio.reproduce(id).await.unwrap();
        assert_eq!(found.missing, [MissingPart::Model, MissingPart::Seed, MissingPart::Record]);
        assert_eq!(found.sha256, None);
    }

    async fn a_chain_is_told_inputs_first_and_each_once(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        // A diamond over an upload: both middle ones are made from the design.
        let upload = studio.create_asset(project, asset(1)).await.unwrap().id;
        let make = async |number: u32, inputs: &[AssetId]| {
            let made = inputs.iter()
                .fold(generated(number), |made, id| made.made_from(*id, ReferenceRole::Other));
            studio.create_asset(project, made).await.unwrap().id
        };
        let design = make(2, &[upload]).await;
        let left = make(3, &[design]).await;
        let right = make(4, &[design, left]).await;
        let last = make(5, &[right, left, upload]).await;
        let all = all_of(&studio, last).await;
        let order: Vec<_> = all.iter().map(|one| one.asset_id).collect();
        assert_eq!(order, [design, left, right, last]);
        assert_eq!(all[3], studio.reproduce(last).await.unwrap());
        assert!(all.iter().all(|one| one.missing.is_empty()));
        let alone = all_of(&studio, upload).await;
        assert_eq!(alone.len(), 1, "what was asked for is there, if only an upload");
        let mut first = Vec::new();
        studio.reproduce_with_inputs(last, |request| {
            first.push(request.asset_id);
            ControlFlow::Break(())
        }).await.unwrap();
        assert_eq!(first, [design], "nothing comes after it was enough");
        let unknown = studio.reproduce_with_inputs(studio.new_id(), |_| unreachable!()).await;
        assert_eq!(unknown.unwrap_err().code(), "not_found");
    }

    async fn a_chain_of_many_pages_is_told_inputs_first_each_with_its_inputs(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let image = studio.store_image(&pegbar::ImageSource::Bytes(png(1))).unwrap();
        let ids: Vec<AssetId> = (0..1300).map(|_| studio.new_id()).collect();
        let stored = pegbar::ImageSource::Stored(image);
        let new = ids.iter().enumerate().map(|(n, id)| {
            let new = NewAsset::new(stored.clone()).id(*id).prompt("a cat");
            if n == 0 {
                return new;
            }
            // From one that stands many pages back, and from the one before.
            new.made_from(ids[n / 2], ReferenceRole::Style)
                .made_from(ids[n - 1], ReferenceRole::PreviousFrame)
        });
        studio.create_assets(project, new.collect()).await.unwrap();
        let all = all_of(&studio, ids[1299]).await;
        let order: Vec<_> = all.iter().map(|one| one.asset_id).collect();
        assert_eq!(order, ids);
        for (n, request) in all.iter().enumerate().skip(1) {
            let inputs: Vec<_> = request.request.inputs.iter().map(|input| input.asset_id).collect();
            assert_eq!(inputs, [ids[n / 2], ids[n - 1]]);
            assert!(request.request.inputs.iter().all(|input| input.blob.is_some()), "{n}");
        }
        assert_eq!(all[700], studio.reproduce(ids[700]).await.unwrap());
    }
}
