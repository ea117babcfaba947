//! Generations that say something else than what came from them, or than they may.

use pegbar::{
    AssetId, Damage, DamagedGeneration, Engine, Generation, GenerationInput, GenerationOutput,
    ImageSource, Json, MillisSinceEpoch, NewAsset, NewGeneration, NewProject, OutputPlace,
    ProjectId, RecordedGeneration, ReferenceRole, Sha256, Studio, VerifyOptions, VerifyReport,
    VerifyScope,
};
use serde_json::{Value, json};

use super::{SETTINGS, chain, get, only, rewrite, tamper, verify};
use crate::support::{Raw, asset, png};

fn input(number: u32, role: ReferenceRole) -> GenerationInput {
    GenerationInput::image(ImageSource::Bytes(png(number)), role)
}

/// A request with everything that a request can have.
fn asked(new: NewGeneration) -> NewGeneration {
    new.system_prompt("Draw one image.")
        .prompt("a small orange cat")
        .model("banana-2")
        .settings(Json::parse(SETTINGS).unwrap())
        .input(input(50, ReferenceRole::Style))
        .input(input(51, ReferenceRole::Pose))
}

/// Records a generation with two outputs in a project of its own.
async fn sent(studio: &Studio) -> RecordedGeneration {
    let project = studio.create_project(NewProject::new("P")).await.unwrap();
    let outputs = (60..62).map(|n| GenerationOutput::new(asset(n)));
    let new = asked(NewGeneration::succeeded(outputs.collect()));
    let recorded = studio.record_generation(project.project.id, new).await;
    recorded.unwrap()
}

async fn change(raw: &mut Raw, generation: &Generation, change: &str) {
    let id = raw.id(generation.id.0);
    tamper(
        raw,
        &format!("UPDATE generation SET {change} WHERE id = {id}"),
    )
    .await;
}

fn request(value: &Value) -> String {
    format!("request = '{}'", value.to_string().replace('\'', "''"))
}

/// Returns what is wrong with both outputs of a generation: the same.
async fn of_both(studio: &Studio, sent: &RecordedGeneration) -> Vec<Damage> {
    let scope = VerifyScope::Project(sent.generation.project_id);
    let options = VerifyOptions { records_only: true };
    let report = studio.verify(&scope, options, |_, _| {}).await.unwrap();
    let damaged: Vec<AssetId> = report.damaged.iter().map(|it| it.asset_id).collect();
    assert_eq!(damaged, sent.generation.output_asset_ids, "{report:#?}");
    assert_eq!(report.damaged[0].damages, report.damaged[1].damages);
    assert_eq!(
        (report.generations, report.damaged_generation_count),
        (1, 0)
    );
    report.damaged[0].damages.clone()
}

/// Writes a generation as another program does.
async fn insert(raw: &mut Raw, studio: &Studio, project: ProjectId, columns: &str, values: &str) {
    let (id, project) = (
        raw.id(studio.new_id::<pegbar::GenerationId>().0),
        raw.id(project.0),
    );
    let insert = format!(
        "INSERT INTO generation (id, project_id, {columns}) VALUES ({id}, {project}, {values})"
    );
    raw.run(&insert).await.unwrap();
}

async fn verify_project(studio: &Studio, project: ProjectId) -> VerifyReport {
    let scope = VerifyScope::Project(project);
    let options = VerifyOptions::default();
    studio.verify(&scope, options, |_, _| {}).await.unwrap()
}

both_engines! {
    async fn generations_that_nobody_changed_are_counted_and_are_no_damage(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let animation = get(&studio, chain.first).await.animation_id.unwrap();
        let character = get(&studio, chain.front).await.character_id.unwrap();
        let places = [
            OutputPlace::Reference,
            OutputPlace::Variation(character),
            OutputPlace::Take(animation),
            OutputPlace::Frame { animation, at: Some(0), prompt: None },
        ];
        let outputs = (70..).zip(places).map(|(n, place)| GenerationOutput::new(asset(n)).place(place));
        let new = asked(NewGeneration::succeeded(outputs.collect()));
        let new = new.input(GenerationInput::asset(chain.first, ReferenceRole::PreviousFrame));
        let recorded = studio.record_generation(chain.project, new).await.unwrap();
        // One that says next to nothing; attempts that failed; one whose only output is gone.
        let bare = NewGeneration::succeeded(vec![GenerationOutput::new(asset(80))]);
        studio.record_generation(chain.project, bare).await.unwrap();
        for failed in [asked(NewGeneration::failed("quota")), NewGeneration::failed("400")] {
            studio.record_generation(chain.project, failed).await.unwrap();
        }
        let gone = asked(NewGeneration::succeeded(vec![GenerationOutput::new(asset(81))]));
        let gone = studio.record_generation(chain.project, gone).await.unwrap();
        studio.delete_asset(gone.outputs[0].id).await.unwrap();
        studio.drop_bytes(recorded.outputs[0].id).await.unwrap();
        let report = verify(&studio).await;
        assert!(report.is_whole(), "{report:#?}");
        assert_eq!((report.generations, report.bytes_dropped), (5, 1));
        // Of an asset, those of what it was made from.
        let scope = VerifyScope::Assets(vec![recorded.outputs[1].id]);
        let report = studio.verify(&scope, VerifyOptions::default(), |_, _| {}).await.unwrap();
        assert_eq!((report.generations, report.damaged_count), (1, 0));
    }

    async fn a_changed_field_of_a_generation_is_named_by_each_of_its_outputs(bench) {
        let studio = bench.create().await;
        let sent = sent(&studio).await;
        let mut raw = bench.raw().await;
        let generation = sent.generation.id;
        let differs = |field: &str, recorded: Option<&str>, found: Option<&str>| {
            Damage::GenerationDiffers {
                generation,
                field: format!("generation.{field}"),
                recorded: recorded.map(str::to_owned),
                found: found.map(str::to_owned),
            }
        };
        let before = sent.generation.request.as_value().clone();
        let with = |change: &dyn Fn(&mut Value)| {
            let mut after = before.clone();
            change(&mut after);
            request(&after)
        };
        let hash = |number| Sha256::of(&png(number)).to_string();
        let (style, pose) = (hash(50), hash(51));
        let cases: Vec<(String, Vec<Damage>)> = vec![
            (
                with(&|it| it["prompt"] = "a small orange bat".into()),
                vec![differs(
                    "request.prompt", Some("a small orange cat"), Some("a small orange bat"))],
            ),
            (
                with(&|it| it["systemPrompt"] = Value::Null),
                vec![differs("request.systemPrompt", Some("Draw one image."), None)],
            ),
            (
                with(&|it| it["model"] = "banana-1".into()),
                vec![differs("request.model", Some("banana-2"), Some("banana-1"))],
            ),
            (
                with(&|it| it["inputs"].as_array_mut().unwrap().swap(0, 1)),
                vec![
                    differs("request.inputs[0].role", Some("style"), Some("pose")),
                    differs("request.inputs[0].sha256", Some(&style), Some(&pose)),
                    differs("request.inputs[1].role", Some("pose"), Some("style")),
                    differs("request.inputs[1].sha256", Some(&pose), Some(&style)),
                ],
            ),
            (
                with(&|it| it["inputs"][1]["role"] = "other".into()),
                vec![differs("request.inputs[1].role", Some("pose"), Some("other"))],
            ),
            (
                with(&|it| it["inputs"] = json!([it["inputs"][0]])),
                vec![differs("request.inputs.length", Some("2"), Some("1"))],
            ),
            (
                "model = 'banana-1'".to_owned(),
                vec![differs("model", Some("banana-2"), Some("banana-1"))],
            ),
        ];
        for (tampering, expected) in cases {
            change(&mut raw, &sent.generation, &tampering).await;
            assert_eq!(of_both(&studio, &sent).await, expected, "{tampering}");
            let undo = format!("{}, model = 'banana-2'", request(&before));
            change(&mut raw, &sent.generation, &undo).await;
            assert!(verify(&studio).await.is_whole(), "{tampering}");
        }
        let steps = with(&|it| it["settings"]["sampler"]["steps"] = 31.into());
        change(&mut raw, &sent.generation, &steps).await;
        let damages = of_both(&studio, &sent).await;
        let [Damage::GenerationDiffers { field, recorded: Some(recorded), found: Some(found), .. }]
            = &damages[..] else { panic!("{damages:?}") };
        assert_eq!(field, "generation.request.settings");
        assert!(recorded.contains("\"steps\":30") && found.contains("\"steps\":31"), "{damages:?}");
        change(&mut raw, &sent.generation, &request(&before)).await;
        let later = match bench.engine() {
            Engine::Sqlite => "created_at = created_at + 1",
            Engine::Postgres => "created_at = created_at + interval '1 millisecond'",
        };
        change(&mut raw, &sent.generation, later).await;
        let time = sent.generation.created_at;
        let (time, after) = (time.to_string(), MillisSinceEpoch(time.0 + 1).to_string());
        let expected = [differs("createdAt", Some(&time), Some(&after))];
        assert_eq!(of_both(&studio, &sent).await, expected);
    }

    async fn what_has_an_output_succeeded_without_an_error(bench) {
        let studio = bench.create().await;
        let sent = sent(&studio).await;
        let mut raw = bench.raw().await;
        let generation = sent.generation.id;
        let broken = |field: &str, rule| Damage::GenerationContradiction {
            generation, field: format!("generation.{field}"), rule,
        };
        change(&mut raw, &sent.generation, "status = 'failed', error = '500'").await;
        let no_output = broken("status", "what failed has no output");
        assert_eq!(of_both(&studio, &sent).await, std::slice::from_ref(&no_output));
        change(&mut raw, &sent.generation, "error = NULL").await;
        let expected = [no_output, broken("error", "what failed has an error")];
        assert_eq!(of_both(&studio, &sent).await, expected);
        change(&mut raw, &sent.generation, "status = 'succeeded', error = '500'").await;
        let expected = [broken("error", "what succeeded has no error")];
        assert_eq!(of_both(&studio, &sent).await, expected);
        // The same without a record to compare it with.
        let first = raw.id(sent.outputs[0].id.0);
        tamper(&mut raw, &format!(
            "UPDATE asset SET record = NULL, record_hash = NULL WHERE id = {first}")).await;
        let report = verify(&studio).await;
        let damages = &report.damaged[0].damages;
        assert_eq!(damages[..], [Damage::NotAdopted, expected[0].clone()]);
    }

    async fn a_generation_that_is_gone_or_of_another_project_is_found(bench) {
        let studio = bench.create().await;
        let (sent, other) = (sent(&studio).await, sent(&studio).await);
        let mut raw = bench.raw().await;
        let generation = sent.generation.id;
        let (id, project) = (raw.id(generation.0), raw.id(other.generation.project_id.0));
        let past_keys = match &raw {
            Raw::Sqlite(_) => "PRAGMA foreign_keys = OFF",
            Raw::Postgres(_) => "SET session_replication_role = replica",
        };
        tamper(&mut raw, &format!(
            "{past_keys}; UPDATE generation SET project_id = {project} WHERE id = {id}")).await;
        let report = verify(&studio).await;
        let project = other.generation.project_id;
        assert_eq!(report.damaged_count, 2);
        for output in &report.damaged {
            assert_eq!(output.damages, [Damage::GenerationElsewhere { generation, project }]);
        }
        tamper(&mut raw, &format!("DELETE FROM generation WHERE id = {id}")).await;
        let report = verify(&studio).await;
        assert_eq!((report.damaged_count, report.generations), (2, 1));
        for output in &report.damaged {
            assert_eq!(output.damages, [Damage::GenerationMissing { generation }]);
            let text = output.to_string();
            assert!(text.contains(&format!("the generation {generation} that it came from is gone")));
        }
    }

    async fn an_output_rewritten_with_its_record_and_hash_is_found_by_its_generation(bench) {
        let studio = bench.create().await;
        let sent = sent(&studio).await;
        let last = sent.outputs[1].id;
        rewrite(&mut bench.raw().await, last, "orange", "purple").await;
        let (asset, damage) = only(&studio).await;
        assert_eq!(asset.asset_id, last);
        assert_eq!(damage, Damage::GenerationDiffers {
            generation: sent.generation.id,
            field: "generation.request.prompt".to_owned(),
            recorded: Some("a small purple cat".to_owned()),
            found: Some("a small orange cat".to_owned()),
        });
        assert_eq!(
            damage.to_string(),
            format!(
                "generation.request.prompt: the record says \"a small purple cat\", the generation \
                 {} says \"a small orange cat\"", sent.generation.id
            )
        );
        assert!(damage.hint().contains("backup"));
    }

    async fn a_request_in_another_programs_form_contradicts_nothing_but_the_model(bench) {
        let studio = bench.create().await;
        let sent = sent(&studio).await;
        let mut raw = bench.raw().await;
        let later = match bench.engine() {
            Engine::Sqlite => "created_at + 1",
            Engine::Postgres => "created_at + interval '1 second'",
        };
        for silent in ["request = '{}', model = NULL", "request = '{\"prompt\": \"a dog\"}'"] {
            let tampering = format!("{silent}, created_at = {later}");
            change(&mut raw, &sent.generation, &tampering).await;
            assert!(verify(&studio).await.is_whole(), "{silent}");
        }
        change(&mut raw, &sent.generation, "model = 'other'").await;
        let damages = of_both(&studio, &sent).await;
        assert!(
            matches!(&damages[..], [Damage::GenerationDiffers { field, .. }]
                if field == "generation.model"),
            "{damages:?}"
        );
    }

    async fn attempts_without_outputs_are_checked_for_themselves(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let mut failed = Vec::new();
        for _ in 0..3 {
            let attempt = asked(NewGeneration::failed("quota"));
            failed.push(studio.record_generation(project, attempt).await.unwrap().generation);
        }
        let mut raw = bench.raw().await;
        change(&mut raw, &failed[0], "error = NULL").await;
        change(&mut raw, &failed[1], "status = 'succeeded'").await;
        change(&mut raw, &failed[2], "model = 'banana-1'").await;
        let expected = [
            ("error", "what failed has an error"),
            ("error", "what succeeded has no error"),
            ("request.model", "it was sent to the generation's model"),
        ];
        let expected: Vec<DamagedGeneration> = failed.iter().zip(expected)
            .map(|(row, (field, rule))| DamagedGeneration {
                project_id: project,
                generation_id: row.id,
                damages: vec![Damage::GenerationContradiction {
                    generation: row.id, field: format!("generation.{field}"), rule,
                }],
            })
            .collect();
        let report = verify_project(&studio, project).await;
        assert_eq!(report.damaged_generations, expected);
        assert_eq!((report.damaged_generation_count, report.generations), (3, 3));
        assert_eq!(report.damaged_count, 0);
        assert!(!report.is_whole());
        assert_eq!(verify(&studio).await.damaged_generations, expected);
        // A project beside it has nothing to do with it, nor has a single asset.
        let other = sent(&studio).await;
        assert!(verify_project(&studio, other.generation.project_id).await.is_whole());
        let scope = VerifyScope::Assets(vec![other.outputs[0].id]);
        let report = studio.verify(&scope, VerifyOptions::default(), |_, _| {}).await.unwrap();
        assert_eq!((report.is_whole(), report.generations), (true, 1));
    }

    async fn attempts_on_any_page_are_found(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let mut raw = bench.raw().await;
        for n in 0..1003 {
            let error = if [0, 499, 500, 1002].contains(&n) { "NULL" } else { "'quota'" };
            let values = format!("'failed', {error}");
            insert(&mut raw, &studio, project, "status, error", &values).await;
        }
        let report = verify_project(&studio, project).await;
        assert_eq!((report.generations, report.damaged_generation_count), (1003, 4));
        assert!(report.damaged_generations.is_sorted_by_key(|it| it.generation_id));
    }

    async fn outputs_on_several_pages_come_from_one_generation(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let image = studio.store_image(&ImageSource::Bytes(png(7))).unwrap();
        let output = || GenerationOutput::new(NewAsset::new(ImageSource::Stored(image)));
        let outputs = (0..503).map(|_| output()).collect();
        let new = asked(NewGeneration::succeeded(outputs));
        let sent = studio.record_generation(project, new).await.unwrap();
        let report = verify_project(&studio, project).await;
        assert_eq!((report.assets, report.generations, report.is_whole()), (505, 1, true));
        let mut raw = bench.raw().await;
        change(&mut raw, &sent.generation, "model = 'x'").await;
        let report = verify_project(&studio, project).await;
        assert_eq!((report.damaged_count, report.damaged_generation_count), (503, 0));
    }

    async fn a_generation_that_cannot_be_read_is_damage_and_not_the_end(bench) {
        let studio = bench.create().await;
        let sent = sent(&studio).await;
        let failed = asked(NewGeneration::failed("quota"));
        let failed = studio.record_generation(sent.generation.project_id, failed).await.unwrap();
        let mut raw = bench.raw().await;
        // PostgreSQL keeps only what can be read.
        let Raw::Sqlite(_) = &raw else { return };
        for row in [&sent.generation, &failed.generation] {
            change(&mut raw, row, "request = '{\"inputs\":[],\"inputs\":[]}'").await;
        }
        let report = verify(&studio).await;
        let of = |damages: &[Damage]| match damages {
            [Damage::GenerationUnreadable { generation, field, reason }] => {
                assert_eq!(field, "generation.request");
                assert!(reason.contains("\"inputs\" stands twice"), "{reason}");
                *generation
            }
            _ => panic!("{damages:?}"),
        };
        let named: Vec<_> = report.damaged.iter().map(|it| of(&it.damages)).collect();
        assert_eq!(named, [sent.generation.id; 2]);
        assert_eq!(of(&report.damaged_generations[0].damages), failed.generation.id);
        change(&mut raw, &failed.generation, "request = '{}'").await;
        tamper(&mut raw, "PRAGMA ignore_check_constraints = ON").await;
        change(&mut raw, &failed.generation, "status = 'lost'").await;
        let report = verify(&studio).await;
        let damages = &report.damaged_generations[0].damages;
        assert!(
            matches!(&damages[..], [Damage::GenerationUnreadable { field, .. }]
                if field == "generation.status"),
            "{damages:?}"
        );
    }
}
