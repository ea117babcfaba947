//! Rows, records and inputs that contradict each other.

use pegbar::{
    Asset, AssetId, Damage, Engine, MillisSinceEpoch, ProjectId, Sha256, Studio, VerifyOptions,
    VerifyScope,
};

use super::{SETTINGS, chain, get, only, rewrite, tamper, verify};
use crate::support::Raw;

/// Returns what is wrong with one asset of a project.
async fn damages_of(studio: &Studio, project: ProjectId, asset: AssetId) -> Vec<Damage> {
    let options = VerifyOptions { records_only: true };
    let scope = VerifyScope::Project(project);
    let report = studio.verify(&scope, options, |_, _| {}).await.unwrap();
    let damaged = report.damaged.into_iter().find(|it| it.asset_id == asset);
    damaged.map(|it| it.damages).unwrap_or_default()
}

/// Changes the row of a character's front in a project of its own. Returns the row as it was,
/// and what is wrong with it now.
async fn changed(studio: &Studio, raw: &mut Raw, change: &str) -> (Asset, Vec<Damage>) {
    let chain = chain(studio).await;
    let before = get(studio, chain.front).await;
    let front = raw.id(chain.front.0);
    tamper(
        raw,
        &format!("UPDATE asset SET {change} WHERE id = {front}"),
    )
    .await;
    (before, damages_of(studio, chain.project, chain.front).await)
}

fn differs(field: &str, recorded: Option<&str>, found: Option<&str>) -> Damage {
    Damage::FieldDiffers {
        field: field.to_owned(),
        recorded: recorded.map(|text| text.replace("1e16", "10000000000000000")),
        found: found.map(str::to_owned),
    }
}

fn kinds(damages: &[Damage]) -> Vec<String> {
    let kind = |damage| {
        serde_json::to_value(damage).unwrap()["kind"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    damages.iter().map(kind).collect()
}

/// Makes another record of one, and the hash beside it, if it is not to be the record's.
type Change = fn(&str) -> (String, Option<String>);

both_engines! {
    async fn a_changed_field_is_named_with_both_values(bench) {
        let studio = bench.create().await;
        let mut raw = bench.raw().await;
        let (_, damages) = changed(
            &studio, &mut raw, "generation_prompt = 'a small orange bat'").await;
        assert_eq!(
            damages,
            [differs("prompt", Some("a small orange cat"), Some("a small orange bat"))]
        );
        let (_, damages) = changed(&studio, &mut raw, "generation_system_prompt = NULL").await;
        assert_eq!(damages, [differs("systemPrompt", Some("draw"), None)]);
        let (_, damages) = changed(&studio, &mut raw, "model = 'sprite-2'").await;
        assert_eq!(damages, [differs("model", Some("sprite-1"), Some("sprite-2"))]);
        let later = match &raw {
            Raw::Sqlite(_) => "created_at = created_at + 1",
            Raw::Postgres(_) => "created_at = created_at + interval '1 millisecond'",
        };
        let (front, damages) = changed(&studio, &mut raw, later).await;
        let (recorded, found) = (front.created_at, MillisSinceEpoch(front.created_at.0 + 1));
        let (recorded, found) = (recorded.to_string(), found.to_string());
        assert_eq!(damages, [differs("time", Some(&recorded), Some(&found))]);
        let other = Sha256::of(b"other").to_string();
        let (front, damages) = changed(&studio, &mut raw, &format!("sha256 = '{other}'")).await;
        let recorded = front.sha256.unwrap().to_string();
        assert_eq!(damages, [differs("sha256", Some(&recorded), Some(&other))]);
    }

    async fn changed_settings_are_named_by_the_path_of_the_key(bench) {
        let studio = bench.create().await;
        let mut raw = bench.raw().await;
        let settings = |text: &str| {
            let cast = if bench.engine() == Engine::Postgres { "::jsonb" } else { "" };
            format!("generation_settings = '{text}'{cast}")
        };
        let one = SETTINGS.replace("\"steps\": 30", "\"steps\": 31");
        let (_, damages) = changed(&studio, &mut raw, &settings(&one)).await;
        assert_eq!(damages, [differs("settings.sampler.steps", Some("30"), Some("31"))]);
        let three = SETTINGS.replace("\"steps\": 30, ", "").replace("1e16", "2");
        let three = three.replace("{\"seed\"", "{\"hires\": true, \"seed\"");
        let (_, damages) = changed(&studio, &mut raw, &settings(&three)).await;
        let expected = [
            differs("settings.loras.1.weight", Some("1e16"), Some("2")),
            differs("settings.sampler.steps", Some("30"), None),
            differs("settings.hires", None, Some("true")),
        ];
        assert_eq!(damages, expected);
        let (_, damages) = changed(&studio, &mut raw, "generation_settings = NULL").await;
        let [Damage::FieldDiffers { field, recorded: Some(recorded), found: None }] = &damages[..]
        else {
            panic!("{damages:?}");
        };
        assert_eq!(field, "settings");
        assert!(recorded.starts_with("{\"loras\":[\"ink\","), "{recorded}");
        // The same values in other words are the same.
        let same = SETTINGS.replace("7.5", "7.50").replace(": ", " :  ");
        let chain = chain(&studio).await;
        let front = raw.id(chain.front.0);
        let update = format!("UPDATE asset SET {} WHERE id = {front}", settings(&same));
        tamper(&mut raw, &update).await;
        let scope = VerifyScope::Project(chain.project);
        let report = studio.verify(&scope, VerifyOptions::default(), |_, _| {}).await.unwrap();
        assert_eq!(report.damaged_count, 0, "{report:#?}");
    }

    async fn a_record_or_a_hash_alone_is_found(bench) {
        let studio = bench.create().await;
        let mut raw = bench.raw().await;
        let hash_of = |text: &str| Sha256::of(text.as_bytes()).to_string();
        let cases: [(&str, Change, &[&str]); 9] = [
            ("nothing", |it| (it.into(), None), &[]),
            (
                "another hash",
                |it| (it.into(), Some(Sha256::of(b"x").to_string())),
                &["recordHashDiffers"],
            ),
            ("no hash", |it| (it.into(), Some("none".into())), &["recordHashDiffers"]),
            ("a word", |it| (it.replace("orange", "purple"), None), &["fieldDiffers"]),
            ("a format", |it| (it.replace(r#""format":1"#, r#""format":2"#), None), &["recordFormat"]),
            ("a space", |it| (it.replace(r#","model""#, r#", "model""#), None), &["recordNotCanonical"]),
            ("a name more", |it| (it.replacen('{', r#"{"extra":0,"#, 1), None), &["recordUnreadable"]),
            (
                "a name less",
                |it| (it.replace(r#""systemPrompt":"draw","#, ""), None),
                &["recordUnreadable"],
            ),
            ("no object", |_| ("[]".into(), None), &["recordUnreadable"]),
        ];
        for (what, change, expected) in cases {
            let chain = chain(&studio).await;
            let front = get(&studio, chain.front).await;
            let record = front.record.unwrap();
            let (changed, hash) = change(&record);
            assert!(what == "nothing" || hash.is_some() || changed != record, "{what}");
            let hash = hash.unwrap_or_else(|| hash_of(&changed));
            let id = raw.id(chain.front.0);
            tamper(&mut raw, &format!(
                "UPDATE asset SET record = '{changed}', record_hash = '{hash}' WHERE id = {id}"
            )).await;
            let damages = damages_of(&studio, chain.project, chain.front).await;
            assert_eq!(kinds(&damages), expected, "{what}");
        }
        let (_, damages) = changed(&studio, &mut raw, "record = NULL").await;
        assert_eq!(damages, [Damage::RecordMissing]);
        let (_, damages) = changed(&studio, &mut raw, "record_hash = NULL").await;
        assert_eq!(damages, [Damage::RecordHashMissing]);
        let (_, damages) = changed(&studio, &mut raw, "record = NULL, record_hash = NULL").await;
        assert_eq!(damages, [Damage::NotAdopted]);
        // Changed without its hash, a record shows what was changed too.
        let spelled = "record = replace(record, 'orange', 'purple')";
        let (_, damages) = changed(&studio, &mut raw, spelled).await;
        assert_eq!(kinds(&damages), ["recordHashDiffers", "fieldDiffers"]);
    }

    async fn inputs_in_another_order_are_found(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let first = raw.id(chain.first.0);
        for (from, to) in [(0, 9), (1, 0), (9, 1)] {
            tamper(&mut raw, &format!(
                "UPDATE asset_reference SET position = {to} \
                 WHERE asset_id = {first} AND position = {from}")).await;
        }
        let (asset, damage) = only(&studio).await;
        assert_eq!(asset.asset_id, chain.first);
        assert_eq!(damage, Damage::InputOrder { positions: vec![0, 1] });
        assert_eq!(asset.dependents.first, [chain.second]);
    }

    async fn an_input_with_another_hash_role_or_asset_is_found(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let first = raw.id(chain.first.0);
        let place = format!("WHERE asset_id = {first} AND position = 1");
        let pose = get(&studio, chain.pose).await;
        let (sha256, record_hash) = (pose.sha256.unwrap(), pose.record_hash.unwrap());
        let other = Sha256::of(b"other").to_string();
        let undo = format!("UPDATE asset_reference SET sha256 = '{sha256}', role = 'pose', \
                            referenced_asset_id = {} {place}", raw.id(chain.pose.0));
        let style = get(&studio, chain.style).await.record_hash.unwrap();
        let differs = |field, recorded: &str, found: &str| Damage::InputDiffers {
            position: 1, input: chain.pose, field, recorded: recorded.into(),
            found: Some(found.into()),
        };
        let cases = [
            (format!("sha256 = '{other}'"), differs("sha256", &sha256.to_string(), &other)),
            ("role = 'style'".to_owned(), differs("role", "pose", "style")),
            (
                format!("referenced_asset_id = {}", raw.id(chain.style.0)),
                Damage::InputChanged {
                    position: 1,
                    input: chain.style,
                    recorded: record_hash.to_string(),
                    found: Some(style.to_string()),
                },
            ),
        ];
        for (change, expected) in cases {
            tamper(&mut raw, &format!("UPDATE asset_reference SET {change} {place}")).await;
            let (asset, damage) = only(&studio).await;
            assert_eq!((asset.asset_id, damage), (chain.first, expected));
            tamper(&mut raw, &undo).await;
        }
        tamper(&mut raw, &format!("DELETE FROM asset_reference {place}")).await;
        let (asset, damage) = only(&studio).await;
        assert_eq!(asset.asset_id, chain.first);
        assert_eq!(damage, Damage::InputCount { recorded: 2, found: 1 });
    }

    async fn an_input_whose_row_is_gone_is_found(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let pose = raw.id(chain.pose.0);
        let delete = format!("DELETE FROM asset WHERE id = {pose}");
        match &raw {
            Raw::Sqlite(_) => {
                tamper(&mut raw, &format!("PRAGMA foreign_keys = OFF; {delete}")).await;
            }
            Raw::Postgres(_) => {
                tamper(&mut raw, &format!("SET session_replication_role = replica; {delete}")).await;
            }
        }
        let (asset, damage) = only(&studio).await;
        assert_eq!(asset.asset_id, chain.first);
        assert_eq!(damage, Damage::InputMissing { position: 1, input: chain.pose });
    }

    async fn a_record_changed_together_with_its_hash_is_found_by_what_was_made_from_it(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let before = get(&studio, chain.front).await.record_hash.unwrap();
        rewrite(&mut bench.raw().await, chain.front, "orange", "purple").await;
        let after = get(&studio, chain.front).await;
        assert_eq!(after.generation_prompt.as_deref(), Some("a small purple cat"));
        let (asset, damage) = only(&studio).await;
        assert_eq!(asset.asset_id, chain.first, "it was made from it");
        assert_eq!(damage, Damage::InputChanged {
            position: 0,
            input: chain.front,
            recorded: before.to_string(),
            found: Some(after.record_hash.unwrap().to_string()),
        });
    }

    async fn an_input_without_a_record_damages_what_was_made_from_it(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let pose = raw.id(chain.pose.0);
        tamper(&mut raw, &format!(
            "UPDATE asset SET record = NULL, record_hash = NULL WHERE id = {pose}")).await;
        let report = verify(&studio).await;
        let of = |id| report.damaged.iter().find(|asset| asset.asset_id == id).unwrap();
        assert_eq!(report.damaged_count, 2);
        assert_eq!(of(chain.pose).damages, [Damage::NotAdopted]);
        let damages = &of(chain.first).damages;
        assert!(
            matches!(damages[..], [Damage::InputChanged { position: 1, found: None, .. }]),
            "{damages:?}"
        );
    }

    async fn a_name_that_stands_twice_in_settings_is_found_where_the_engine_keeps_it(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let Raw::Sqlite(_) = &raw else { return };
        let front = raw.id(chain.front.0);
        tamper(&mut raw, &format!(
            "UPDATE asset SET generation_settings = replace(generation_settings, \
             '\"sampler\"', '\"sampler\":1,\"sampler\"') WHERE id = {front}")).await;
        let (asset, damage) = only(&studio).await;
        assert_eq!(asset.asset_id, chain.front);
        let Damage::FieldUnreadable { field, reason } = damage else { panic!("{damage:?}") };
        assert_eq!(field, "settings");
        assert!(reason.contains("\"sampler\" stands twice"), "{reason}");
    }
}
