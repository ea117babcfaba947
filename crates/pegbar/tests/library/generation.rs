//! Generations: recorded in one call, exactly as they were sent.

mod place;

use std::fs;

use pegbar::{
    Asset, AssetFilter, Error, GenerationFilter, GenerationInput, GenerationOutput,
    GenerationStatus, ImageSource, Json, MillisSinceEpoch, NewGeneration, NewProject, OutputPlace,
    PageRequest, ProjectId, ReferenceRole, Sha256, Studio,
};
use serde_json::json;

use crate::support::{Bench, assert_in_step, asset, files_below, png, project_with_character};

async fn project(studio: &Studio, name: &str) -> ProjectId {
    let created = studio.create_project(NewProject::new(name)).await.unwrap();
    created.project.id
}

fn bytes(number: u32, role: ReferenceRole) -> GenerationInput {
    GenerationInput::image(ImageSource::Bytes(png(number)), role)
}

fn outputs(numbers: std::ops::Range<u32>) -> Vec<GenerationOutput> {
    numbers.map(|n| GenerationOutput::new(asset(n))).collect()
}

async fn assets(studio: &Studio, project: ProjectId) -> Vec<Asset> {
    let all = AssetFilter::default();
    let page = studio
        .list_assets(project, &all, PageRequest::default())
        .await;
    page.unwrap().rows
}

async fn counts(bench: &Bench) -> [String; 4] {
    let mut raw = bench.raw().await;
    let mut counts = [const { String::new() }; 4];
    for (count, table) in counts
        .iter_mut()
        .zip(["generation", "asset", "asset_reference", "frame"])
    {
        *count = raw.text(&format!("SELECT count(*) FROM {table}")).await;
    }
    counts
}

both_engines! {
    async fn one_call_records_exactly_what_was_sent(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let project = tree.project.id;
        let front = &tree.characters[0].variations[0];
        let previous = studio.create_asset(project, asset(1)).await.unwrap();
        let settings = Json::parse(r#"{"seed":18446744073709551615,"cfg":7.50,"size":[8,6]}"#).unwrap();
        let sent_at = MillisSinceEpoch(1_767_250_949_000);
        let new = NewGeneration {
            duration_ms: Some(4200),
            input_tokens: Some(1290),
            output_tokens: Some(2580),
            price: Some("0.039 USD".parse().unwrap()),
            created_at: Some(sent_at),
            ..NewGeneration::succeeded(outputs(10..13))
        };
        let new = new
            .system_prompt("Draw one image.\n")
            .prompt("  a cat, \"walking\"  ")
            .model("banana-2")
            .settings(settings.clone())
            .input(GenerationInput::asset(previous.id, ReferenceRole::PreviousFrame))
            .input(GenerationInput::asset(front.id, ReferenceRole::Character))
            .input(GenerationInput::asset(previous.id, ReferenceRole::Pose));
        let recorded = studio.record_generation(project, new).await.unwrap();

        let generation = &recorded.generation;
        assert_eq!((generation.project_id, generation.created_at), (project, sent_at));
        assert_eq!(generation.status, GenerationStatus::Succeeded);
        assert_eq!(generation.error, None);
        assert_eq!(generation.model.as_deref(), Some("banana-2"));
        let cost = (generation.duration_ms, generation.input_tokens, generation.output_tokens);
        assert_eq!(cost, (Some(4200), Some(1290), Some(2580)));
        assert_eq!(generation.price.as_deref(), Some("0.039 USD"));
        let [previous_hash, front_hash] = [&previous, front].map(|row| row.sha256.unwrap());
        let expected = json!({
            "systemPrompt": "Draw one image.\n",
            "prompt": "  a cat, \"walking\"  ",
            "model": "banana-2",
            "settings": { "seed": "18446744073709551615", "cfg": 7.5, "size": [8, 6] },
            "inputs": [
                { "assetId": previous.id, "role": "previous_frame", "sha256": previous_hash },
                { "assetId": front.id, "role": "character", "sha256": front_hash },
                { "assetId": previous.id, "role": "pose", "sha256": previous_hash },
            ],
        });
        assert_eq!(*generation.request.as_value(), expected);
        let sent = generation.sent().unwrap();
        assert_eq!((sent.settings.as_ref(), sent.inputs.len()), (Some(&settings), 3));

        // Its three outputs belong together, and each has the same in its own row and record.
        assert_eq!(recorded.outputs.len(), 3);
        assert_eq!(recorded.new_references, []);
        let ids: Vec<_> = recorded.outputs.iter().map(|row| row.id).collect();
        assert_eq!(generation.output_asset_ids, ids);
        for (output, number) in recorded.outputs.iter().zip(10..) {
            assert_eq!(studio.get_asset(output.id).await.unwrap(), *output);
            assert_eq!(output.sha256, Some(Sha256::of(&png(number))));
            assert_eq!(output.generation_id, Some(generation.id));
            assert_eq!(output.generation_prompt.as_deref(), Some("  a cat, \"walking\"  "));
            assert_eq!(output.generation_system_prompt.as_deref(), Some("Draw one image.\n"));
            assert_eq!(output.generation_settings.as_ref(), Some(&settings));
            assert_eq!((output.model.as_deref(), output.created_at), (Some("banana-2"), sent_at));
            let record: serde_json::Value =
                serde_json::from_str(output.record.as_ref().unwrap()).unwrap();
            let input = |row: &Asset, role: &str| json!({
                "recordHash": row.record_hash, "role": role, "sha256": row.sha256,
            });
            assert_eq!(record, json!({
                "format": 1,
                "inputs": [
                    input(&previous, "previous_frame"), input(front, "character"),
                    input(&previous, "pose"),
                ],
                "model": "banana-2",
                "prompt": "  a cat, \"walking\"  ",
                "settings": { "cfg": 7.5, "seed": "18446744073709551615", "size": [8, 6] },
                "sha256": output.sha256,
                "systemPrompt": "Draw one image.\n",
                "time": "2026-01-01T07:02:29.000Z",
            }));
            let hash = Sha256::of(output.record.as_ref().unwrap().as_bytes());
            assert_eq!(output.record_hash, Some(hash));
        }
        assert_eq!(studio.get_generation(generation.id).await.unwrap(), *generation);
        assert_in_step(&studio, &studio.get_project_tree(project).await.unwrap());
    }

    async fn a_recorded_asset_is_the_one_that_creating_it_makes(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let (project, front) = (tree.project.id, tree.characters[0].variations[0].id);
        let time = MillisSinceEpoch(1_767_250_949_000);
        let made = asset(1).prompt("a cat").model("m").created_at(time);
        let made = made.made_from(front, ReferenceRole::Character);
        let made = studio.create_asset(project, made).await.unwrap();
        let new = NewGeneration {
            created_at: Some(time),
            ..NewGeneration::succeeded(outputs(1..2))
        };
        let new = new.prompt("a cat").model("m");
        let new = new.input(GenerationInput::asset(front, ReferenceRole::Character));
        let recorded = studio.record_generation(project, new).await.unwrap();
        assert_eq!(recorded.outputs[0].record, made.record);
        assert_eq!(recorded.outputs[0].references, made.references);
    }

    async fn bytes_of_no_asset_become_a_reference_and_known_bytes_are_the_oldest_asset(bench) {
        let studio = bench.create().await;
        let (here, elsewhere) = (project(&studio, "A").await, project(&studio, "B").await);
        // The one made first is not the one stored first.
        let late = asset(1).created_at(MillisSinceEpoch(2000));
        let early = asset(1).created_at(MillisSinceEpoch(1000));
        let known = studio.create_assets(here, vec![late, early]).await.unwrap();
        studio.create_asset(elsewhere, asset(2)).await.unwrap();
        let file = bench.folder.path().join("pose 3.png");
        fs::write(&file, png(3)).unwrap();
        let new = NewGeneration::succeeded(outputs(9..10))
            .input(bytes(2, ReferenceRole::Style))
            .input(bytes(1, ReferenceRole::Character))
            .input(GenerationInput::image(ImageSource::File(file), ReferenceRole::Pose))
            .input(bytes(2, ReferenceRole::Other));
        let recorded = studio.record_generation(here, new).await.unwrap();
        let added: Vec<_> = recorded.new_references.iter().map(|row| row.sha256).collect();
        assert_eq!(added, [Some(Sha256::of(&png(2))), Some(Sha256::of(&png(3)))]);
        for row in &recorded.new_references {
            assert_eq!((row.project_id, row.kind.as_str()), (here, "reference"));
            assert_eq!((row.generation_id, row.generation_prompt.as_ref()), (None, None));
            assert_eq!(*row, studio.get_asset(row.id).await.unwrap());
        }
        let [style, pose] = [0, 1].map(|n| recorded.new_references[n].id);
        assert_eq!(recorded.new_references[1].original_name.as_deref(), Some("pose 3.png"));
        let output = &recorded.outputs[0];
        assert_eq!(output.reference_asset_ids(), [style, known[1].id, pose, style]);
        assert!(pose < output.id, "inputs come before what was made of them");
        let hashes: Vec<_> = output.references.iter().map(|input| input.sha256.unwrap()).collect();
        assert_eq!(hashes, [2, 1, 3, 2].map(|n| Sha256::of(&png(n))));
        // Sent again, they are known.
        let new = NewGeneration::succeeded(outputs(8..9)).input(bytes(3, ReferenceRole::Pose));
        let again = studio.record_generation(here, new).await.unwrap();
        assert_eq!(again.new_references, []);
        assert_eq!(again.outputs[0].reference_asset_ids(), [pose]);
        assert_in_step(&studio, &studio.get_project_tree(here).await.unwrap());
    }

    async fn two_that_send_the_same_bytes_at_once_make_one_reference(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "A").await;
        let records = (0..6).map(|n| {
            let new = NewGeneration::succeeded(outputs(100 + n..101 + n));
            let new = new.input(bytes(1, ReferenceRole::Style));
            let studio = studio.clone();
            tokio::spawn(async move { studio.record_generation(project, new).await.unwrap() })
        });
        let mut inputs = Vec::new();
        for record in records.collect::<Vec<_>>() {
            inputs.extend(record.await.unwrap().outputs[0].reference_asset_ids());
        }
        assert_eq!(inputs.len(), 6);
        inputs.dedup();
        assert_eq!(inputs.len(), 1, "{inputs:?}");
        assert_eq!(assets(&studio, project).await.len(), 7);
    }

    async fn a_failed_attempt_is_recorded_with_its_cost_and_leaves_no_asset(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "A").await;
        let known = studio.create_asset(project, asset(1)).await.unwrap();
        let before = assets(&studio, project).await;
        let blobs = files_below(&bench.root().join(".pegbar/blobs"));
        let broken = bench.folder.path().join("broken.png");
        fs::write(&broken, "no image").unwrap();
        let new = NewGeneration {
            duration_ms: Some(900),
            input_tokens: Some(1290),
            price: Some("0.001 USD".parse().unwrap()),
            ..NewGeneration::failed("400: the image can't be read")
        };
        let new = new
            .prompt("a cat")
            .model("banana-2")
            .input(GenerationInput::image(ImageSource::File(broken), ReferenceRole::Pose))
            .input(bytes(1, ReferenceRole::Character))
            .input(bytes(2, ReferenceRole::Style))
            .input(GenerationInput::asset(known.id, ReferenceRole::Other));
        let recorded = studio.record_generation(project, new).await.unwrap();
        assert_eq!((&recorded.outputs[..], &recorded.new_references[..]), (&[][..], &[][..]));
        let generation = studio.get_generation(recorded.generation.id).await.unwrap();
        assert_eq!(generation, recorded.generation);
        assert_eq!(generation.status, GenerationStatus::Failed);
        assert_eq!(generation.error.as_deref(), Some("400: the image can't be read"));
        assert_eq!((generation.duration_ms, generation.input_tokens), (Some(900), Some(1290)));
        assert_eq!(generation.price.as_deref(), Some("0.001 USD"));
        assert_eq!(generation.output_asset_ids, []);
        let known_hash = Sha256::of(&png(1));
        assert_eq!(*generation.request.as_value(), json!({
            "systemPrompt": null, "prompt": "a cat", "model": "banana-2", "settings": null,
            "inputs": [
                { "role": "pose", "sha256": Sha256::of(b"no image") },
                { "assetId": known.id, "role": "character", "sha256": known_hash },
                { "role": "style", "sha256": Sha256::of(&png(2)) },
                { "assetId": known.id, "role": "other", "sha256": known_hash },
            ],
        }));
        assert_eq!(generation.sent().unwrap().inputs[0].asset_id, None);
        assert_eq!(assets(&studio, project).await, before);
        assert_eq!(files_below(&bench.root().join(".pegbar/blobs")), blobs);
    }

    async fn an_input_that_was_not_there_is_refused_and_nothing_is_recorded(bench) {
        let studio = bench.create().await;
        let (here, elsewhere) = (project(&studio, "A").await, project(&studio, "B").await);
        let new = vec![asset(1), asset(2), asset(3), asset(4)];
        let rows = studio.create_assets(here, new).await.unwrap();
        let [dropped, missing, cut, open] = rows.as_slice() else { unreachable!() };
        let foreign = studio.create_asset(elsewhere, asset(5)).await.unwrap();
        let mut raw = bench.raw().await;
        let (id, zero) = (raw.id(dropped.id), match bench.engine() {
            pegbar::Engine::Sqlite => "0",
            pegbar::Engine::Postgres => "'1970-01-01T00:00:00Z'",
        });
        raw.run(&format!("UPDATE asset SET bytes_dropped_at = {zero} WHERE id = {id}")).await.unwrap();
        let id = raw.id(open.id);
        raw.tamper(&format!("UPDATE asset SET sha256 = NULL, record = NULL WHERE id = {id}")).await.unwrap();
        let blob = |asset: &Asset| {
            let name = asset.sha256.unwrap().to_string();
            bench.root().join(".pegbar/blobs").join(&name[..2]).join(name)
        };
        fs::remove_file(blob(missing)).unwrap();
        // Blobs are read-only: what damages one takes its place.
        fs::remove_file(blob(cut)).unwrap();
        fs::write(blob(cut), &png(3)[..20]).unwrap();
        let before = counts(bench).await;
        let unknown: pegbar::AssetId = studio.new_id();
        for (input, code, says) in [
            (unknown, "invalid", "the project has no asset"),
            (foreign.id, "invalid", "the project has no asset"),
            (dropped.id, "invalid", "were dropped at 1970-01-01T00:00:00.000Z"),
            (open.id, "invalid", "run `pegbar adopt` first"),
            (missing.id, "damaged", "are not there"),
            (cut.id, "damaged", "are not there"),
        ] {
            let input = GenerationInput::asset(input, ReferenceRole::Style);
            let outcomes = [NewGeneration::succeeded(outputs(20..21)), NewGeneration::failed("x")];
            for new in outcomes {
                // Bytes of no asset before it: they don't become one either.
                let new = new.input(bytes(7, ReferenceRole::Pose)).input(input.clone());
                let error = studio.record_generation(here, new).await.unwrap_err();
                assert_eq!(error.code(), code, "{error}");
                assert!(error.to_string().contains(says), "{error}");
            }
        }
        let file = |name: &str| ImageSource::File(bench.folder.path().join(name));
        fs::write(bench.folder.path().join("text.png"), "no image").unwrap();
        for (image, code) in [(file("none.png"), "io"), (file("text.png"), "not_an_image"), (file(""), "not_an_image")] {
            let input = GenerationInput::image(image.clone(), ReferenceRole::Style);
            let new = NewGeneration::succeeded(outputs(20..21)).input(input.clone());
            assert_eq!(studio.record_generation(here, new).await.unwrap_err().code(), code);
            // A failed attempt may have sent anything that is a file.
            let failed = studio.record_generation(here, NewGeneration::failed("x").input(input)).await;
            let is_there = code == "not_an_image" && !matches!(&image, ImageSource::File(path) if path.is_dir());
            assert_eq!(failed.is_ok(), is_there, "{failed:?}");
        }
        let mut after = counts(bench).await;
        assert_eq!(after[0], "1");
        after[0].clone_from(&before[0]);
        assert_eq!(after, before);
    }

    async fn what_is_not_acceptable_is_named(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "A").await;
        let one = || NewGeneration::succeeded(outputs(1..2));
        let own = |asset| NewGeneration::succeeded(vec![GenerationOutput::new(asset)]);
        let deep = Json::parse(&format!("{}{}", "[".repeat(64), "]".repeat(64))).unwrap();
        let at = OutputPlace::Frame { animation: studio.new_id(), at: None, prompt: Some("\0".to_owned()) };
        for (new, refused) in [
            (NewGeneration::succeeded(vec![]), "outputs"),
            (NewGeneration::failed(" "), "error"),
            (NewGeneration::failed("a\0"), "error"),
            (one().prompt("a\0"), "prompt"),
            (one().system_prompt("x".repeat((1 << 20) + 1)), "systemPrompt"),
            (one().model("\0"), "model"),
            (one().settings(deep), "settings"),
            (NewGeneration { duration_ms: Some(1 << 53), ..one() }, "durationMs"),
            (NewGeneration { input_tokens: Some(u64::MAX), ..one() }, "inputTokens"),
            (NewGeneration { output_tokens: Some(1 << 53), ..one() }, "outputTokens"),
            (NewGeneration { created_at: Some(MillisSinceEpoch(i64::MAX)), ..one() }, "createdAt"),
            (own(asset(1).prompt("mine")), "outputs.prompt"),
            (own(asset(1).system_prompt("mine")), "outputs.systemPrompt"),
            (own(asset(1).model("mine")), "outputs.model"),
            (own(asset(1).settings(Json::empty_object())), "outputs.settings"),
            (own(asset(1).created_at(MillisSinceEpoch(0))), "outputs.createdAt"),
            (own(asset(1).made_from(studio.new_id(), ReferenceRole::Style)), "outputs.references"),
            (NewGeneration::succeeded(vec![GenerationOutput::new(asset(1)).place(at)]), "framePrompt"),
        ] {
            let error = studio.record_generation(project, new).await.unwrap_err();
            assert!(matches!(&error, Error::Invalid { field, .. } if field == refused), "{refused}: {error}");
        }
        assert_eq!(counts(bench).await, ["0", "0", "0", "0"].map(str::to_owned));
    }

    async fn generations_are_listed_by_what_is_asked(bench) {
        let studio = bench.create().await;
        let (here, there) = (project(&studio, "A").await, project(&studio, "B").await);
        let mut recorded = Vec::new();
        for n in 0..5_u32 {
            let time = Some(MillisSinceEpoch(1000 * i64::from(n)));
            let new = if n % 2 == 0 {
                NewGeneration::succeeded(outputs(2 * n..2 * n + 2)).model("a")
            } else {
                NewGeneration::failed("busy").model(if n == 1 { "a" } else { "b" })
            };
            let new = NewGeneration { created_at: time, ..new };
            recorded.push(studio.record_generation(here, new).await.unwrap().generation);
        }
        studio.record_generation(there, NewGeneration::failed("busy").model("a")).await.unwrap();
        let list = async |filter: GenerationFilter, page| {
            let page = studio.list_generations(here, &filter, page).await.unwrap();
            let places: Vec<usize> = page
                .rows
                .iter()
                .map(|row| recorded.iter().position(|known| known == row).unwrap())
                .collect();
            (places, page.has_more)
        };
        let all = PageRequest::default();
        let filter = GenerationFilter::default;
        assert_eq!(list(filter(), all).await, (vec![0, 1, 2, 3, 4], false));
        assert_eq!(list(filter(), all.limit(2)).await, (vec![0, 1], true));
        let next = PageRequest::after(recorded[1].id).limit(3);
        assert_eq!(list(filter(), next).await, (vec![2, 3, 4], false));
        let failed = GenerationFilter { status: Some(GenerationStatus::Failed), ..filter() };
        assert_eq!(list(failed, all).await.0, [1, 3]);
        let model = GenerationFilter { model: Some("a".to_owned()), ..filter() };
        assert_eq!(list(model, all).await.0, [0, 1, 2, 4]);
        let output = recorded[2].output_asset_ids[1];
        let of_output = GenerationFilter { output_asset_id: Some(output), ..filter() };
        assert_eq!(list(of_output, all).await.0, [2]);
        let between = GenerationFilter {
            created_from: Some(MillisSinceEpoch(1000)),
            created_before: Some(MillisSinceEpoch(3000)),
            ..filter()
        };
        assert_eq!(list(between, all).await.0, [1, 2]);
        let id = recorded[3].id.to_string();
        let ending = GenerationFilter { id_ending: Some(id[24..].to_uppercase()), ..filter() };
        assert_eq!(list(ending, all).await.0, [3]);
        assert_eq!(studio.get_generation(studio.new_id()).await.unwrap_err().code(), "not_found");
    }

    async fn a_generation_outlives_its_outputs_and_goes_with_its_project(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "A").await;
        let new = NewGeneration::succeeded(outputs(1..3)).prompt("a cat");
        let recorded = studio.record_generation(project, new).await.unwrap();
        let id = recorded.generation.id;
        studio.delete_asset(recorded.outputs[0].id).await.unwrap();
        let left = studio.get_generation(id).await.unwrap();
        assert_eq!(left.output_asset_ids, [recorded.outputs[1].id]);
        studio.delete_asset(recorded.outputs[1].id).await.unwrap();
        let left = studio.get_generation(id).await.unwrap();
        assert_eq!(left.output_asset_ids, []);
        assert_eq!(left.request, recorded.generation.request);
        studio.delete_project(project).await.unwrap();
        assert_eq!(studio.get_generation(id).await.unwrap_err().code(), "not_found");
        let mut raw = bench.raw().await;
        let kept = "SELECT count(*) FROM trash WHERE entity = 'generation'";
        assert_eq!(raw.text(kept).await, "1");
    }

    async fn what_another_program_wrote_as_a_generation_is_shown_as_it_is(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "A").await;
        let mut raw = bench.raw().await;
        let id: pegbar::GenerationId = studio.new_id();
        let [key, owner] = [raw.id(id), raw.id(project)];
        raw.run(&format!(
            "INSERT INTO generation (id, project_id, status, request, price) \
             VALUES ({key}, {owner}, 'succeeded', '{{\"q\":1}}', 'cheap')")).await.unwrap();
        let found = studio.get_generation(id).await.unwrap();
        assert_eq!((found.sent(), found.price.as_deref()), (None, Some("cheap")));
        assert_eq!(found.request.to_string(), r#"{"q":1}"#);
    }
}
