//! What files say of themselves becomes claims of their assets, whichever way they come in.

use std::fs;
use std::path::PathBuf;

use pegbar::{
    AdoptOptions, Asset, Claim, FolderOptions, FolderPlan, ImageSource, NewAnimation, NewAsset,
    NewCharacter, NewFrame, NewProject, PageRequest, ReadClaims, Studio,
};

use crate::support::asset;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/metadata")
        .join(name)
}

/// Returns the tools that an asset's claims are of, in order.
async fn tools(studio: &Studio, asset: &Asset) -> Vec<String> {
    let claims = studio.list_claims(asset.id).await.unwrap();
    let places = claims.iter().map(|claim| claim.position);
    assert!(places.eq((0..).take(claims.len())));
    claims.into_iter().map(|claim| claim.tool).collect()
}

async fn claims_of(studio: &Studio, asset: &Asset) -> Vec<Claim> {
    studio.list_claims(asset.id).await.unwrap()
}

both_engines! {
    async fn what_a_file_says_is_claimed_and_never_recorded(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let files = ["a1111.png", "comfyui.webp", "swarmui-utf16le.jpg", "a1111.gif"];
        let new = files.map(|name| NewAsset::from_file(fixture(name)));
        let assets = studio.create_assets(project, new.to_vec()).await.unwrap();
        for (asset, (name, tool)) in assets.iter().zip(
            files.iter().zip(["a1111", "comfyui", "swarmui", "a1111"]),
        ) {
            assert_eq!(tools(&studio, asset).await, [tool], "{name}");
            let says = [&asset.generation_prompt, &asset.model, &asset.generation_system_prompt];
            assert_eq!(says, [&None; 3], "{name}");
            assert_eq!(asset.generation_settings, None, "{name}");
            let record = asset.record.as_deref().unwrap();
            assert!(!record.contains("fox") && !record.contains("orange cat"), "{record}");
            let stored = fs::read(studio.assets_folder().join(asset.file_path.as_ref().unwrap()));
            assert!(stored.unwrap() == fs::read(fixture(name)).unwrap(), "{name}: its bytes");
        }
        let claim = &claims_of(&studio, &assets[0]).await[0];
        assert_eq!(claim.fields.get("seed"), Some(&3_141_592_653_u32.into()));
        assert!(claim.raw.starts_with("a small orange cat, (fluffy tail:1.2)"));
    }

    async fn it_is_read_on_every_way_in(bench) {
        let studio = bench.create().await;
        let bytes = fs::read(fixture("novelai-hidden.png")).unwrap();
        let new = || NewAsset::from_bytes(bytes.clone());
        let tree = studio
            .create_project(NewProject::new("Cats").character(
                NewCharacter::new("Tabby").variation(new()).animation(
                    NewAnimation::new("Walk").frame(NewFrame::new(new())),
                ),
            ))
            .await
            .unwrap();
        let tabby = &tree.characters[0];
        let walk = &tabby.animations[0];
        let project = tree.project.id;
        let mut assets = vec![tabby.variations[0].clone(), walk.frames[0].asset.clone()];
        // The same bytes again, and bytes that were taken in before.
        let stored = ImageSource::Stored(studio.store_image(&ImageSource::Bytes(bytes.clone())).unwrap());
        let id = walk.animation.id;
        assets.extend(studio.create_takes(id, vec![new(), NewAsset::new(stored)]).await.unwrap());
        let frames = vec![NewFrame::new(new())];
        let changed = studio.insert_frames(id, 1, frames, None).await.unwrap();
        assets.push(changed.frames[1].asset.clone());
        let outside = tempfile::tempdir().unwrap();
        let file = outside.path().join("Tabby/sit/0.png");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(fixture("novelai-hidden.png"), &file).unwrap();
        let options = FolderOptions::default();
        let plan = FolderPlan::of(outside.path(), &options).unwrap();
        studio.import_folder(project, &plan, false, |_, _| ()).await.unwrap();
        let filter = pegbar::AssetFilter::default();
        let all = studio.list_assets(project, &filter, PageRequest::default()).await;
        let all = all.unwrap().rows;
        assert_eq!(all.len(), assets.len() + 1);
        for asset in &all {
            assert_eq!(tools(&studio, asset).await, ["novelai"], "{asset:?}");
        }
    }

    async fn what_the_caller_says_and_the_file_too_is_claimed_once(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let new = || NewAsset::from_file(fixture("midjourney.png"));
        let first = studio.create_asset(project, new()).await.unwrap();
        let said = claims_of(&studio, &first).await;
        let again = said.iter().map(|claim| {
            pegbar::NewClaim::new(&claim.tool).fields(claim.fields.clone()).raw(&claim.raw)
        });
        let second = again.rev().fold(new(), NewAsset::claim);
        let second = studio.create_asset(project, second).await.unwrap();
        assert_eq!(tools(&studio, &second).await, ["xmp", "midjourney"]);
    }

    async fn claims_that_come_with_an_asset_stand_before_those_of_its_file(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let new = NewAsset::from_file(fixture("midjourney.png"));
        let new = new.claim(pegbar::NewClaim::new("app").raw("said"));
        let created = studio.create_asset(project, new).await.unwrap();
        assert_eq!(tools(&studio, &created).await, ["app", "midjourney", "xmp"]);
        let plain = studio.create_asset(project, asset(1)).await.unwrap();
        assert!(tools(&studio, &plain).await.is_empty());
    }

    async fn no_metadata_keep_an_image_out(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let names = ["bomb-ztxt.png", "bomb-hidden.png", "deep.png", "odd-json.png", "nul.png",
                     "many.png", "xmp-extended.jpg"];
        let new = names.map(|name| NewAsset::from_file(fixture(name)));
        let assets = studio.create_assets(project, new.to_vec()).await.unwrap();
        for (asset, name) in assets.iter().zip(names) {
            let claims = claims_of(&studio, asset).await;
            assert!(!claims.is_empty(), "{name}");
            let problems = claims.iter().filter(|claim| claim.fields.get("problem").is_some());
            assert_eq!(problems.count(), usize::from(name != "xmp-extended.jpg"), "{name}");
        }
    }

    async fn assets_from_before_get_their_claims_once(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let new = vec![
            NewAsset::from_file(fixture("midjourney.png")),
            NewAsset::from_file(fixture("a1111.jpg")).claim(pegbar::NewClaim::new("app")),
            asset(1),
        ];
        let assets = studio.create_assets(project, new).await.unwrap();
        let before = [
            claims_of(&studio, &assets[0]).await,
            claims_of(&studio, &assets[1]).await,
        ];
        let mut raw = bench.raw().await;
        raw.run("DELETE FROM asset_claim WHERE tool <> 'app'").await.unwrap();
        let mut steps = Vec::new();
        let read = studio.read_claims(project, |done, count| steps.push((done, count))).await;
        assert_eq!(read.unwrap(), ReadClaims { assets: 3, speaking: 2, added: 3 });
        assert_eq!(steps, [(0, 3), (3, 3)]);
        for (asset, before) in assets.iter().zip(&before) {
            assert_eq!(&claims_of(&studio, asset).await, before);
        }
        let again = studio.read_claims(project, |_, _| ()).await.unwrap();
        assert_eq!(again, ReadClaims { assets: 3, speaking: 2, added: 0 });
        let unknown = studio.read_claims(studio.new_id(), |_, _| ()).await.unwrap_err();
        assert_eq!(unknown.code(), "not_found");
    }

    async fn adopted_files_are_read_too(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let path = format!("{project}/old/cat.png");
        let file = studio.assets_folder().join(&path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(fixture("fooocus.png"), &file).unwrap();
        let id: pegbar::AssetId = studio.new_id();
        let mut raw = bench.raw().await;
        let (project_id, asset_id) = (raw.id(project), raw.id(id));
        raw.run(&format!(
            "INSERT INTO asset (id, project_id, kind, file_path) \
             VALUES ({asset_id}, {project_id}, 'reference', '{path}')"
        ))
        .await
        .unwrap();
        let dry = AdoptOptions { dry_run: true, ..AdoptOptions::default() };
        studio.adopt(dry, |_, _| ()).await.unwrap();
        assert!(studio.list_claims(id).await.unwrap().is_empty());
        for _ in 0..2 {
            studio.adopt(AdoptOptions::default(), |_, _| ()).await.unwrap();
            let adopted = studio.get_asset(id).await.unwrap();
            assert!(adopted.record.is_some());
            assert_eq!(tools(&studio, &adopted).await, ["fooocus"]);
            assert_eq!(adopted.generation_prompt, None);
        }
    }
}
