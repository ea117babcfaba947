//! What is kept is the same on both engines, and what one of them can't keep is refused.

use pegbar::{Json, MillisSinceEpoch, NewAnimation, NewCharacter, NewProject};

use crate::support::{asset, project_with_character};

both_engines! {
    async fn numbers_come_back_as_they_were_written(bench) {
        let studio = bench.create().await;
        let texts = [
            "1e16", "-1e17", "1e19", "1e22", "1.5e300", "1e-7", "0.30000000000000004",
            "5e-324", "2.2250738585072014e-308", "7.2057594037927945e16", "100.0",
            "9007199254740993.0", "0.000031415926535897931",
        ];
        let settings = Json::parse(&format!(r#"{{"n":[{}]}}"#, texts.join(","))).unwrap();
        let mut doubles = Vec::new();
        let mut bits = 1_u64;
        while doubles.len() < 300 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let double = f64::from_bits(bits);
            if double.is_finite() {
                doubles.push(double);
            }
        }
        let doubles = Json::from_typed(&std::collections::BTreeMap::from([("n", doubles)])).unwrap();
        for settings in [settings, doubles] {
            let new = NewProject::new("P").settings(settings.clone());
            let created = studio.create_project(new).await.unwrap().project;
            let read = studio.get_project(created.id).await.unwrap();
            assert_eq!(read, created);
            assert_eq!(read.settings.to_string(), settings.to_string());
        }
    }

    async fn names_of_other_apps_are_texts_that_an_index_takes(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let (project, character) = (tree.project.id, tree.characters[0].character.id);
        // Text that does not compress.
        let long: String = (0..400_u32).map(|n| pegbar::Sha256::of(&n.to_le_bytes()).to_string()).collect();
        for bad in ["a\0b".to_owned(), long] {
            let new = NewProject { source_id: Some(bad.clone()), ..NewProject::new("P") };
            assert_eq!(studio.create_project(new).await.unwrap_err().code(), "invalid");
            let new = NewCharacter { source_id: Some(bad.clone()), ..NewCharacter::new("C") };
            let refused = studio.create_character(project, new).await;
            assert_eq!(refused.unwrap_err().code(), "invalid");
            let new = NewAnimation { source_id: Some(bad.clone()), ..NewAnimation::new("A") };
            let refused = studio.create_animation(character, new).await;
            assert_eq!(refused.unwrap_err().code(), "invalid");
            let refused = studio.create_asset(project, asset(1).source_path(bad.clone())).await;
            assert_eq!(refused.unwrap_err().code(), "invalid");
            let mut new = asset(1);
            new.source_id = Some(bad);
            assert_eq!(studio.create_asset(project, new).await.unwrap_err().code(), "invalid");
        }
    }

    async fn a_time_that_no_calendar_has_is_refused(bench) {
        let studio = bench.create().await;
        let project = project_with_character(&studio).await.project.id;
        for time in [i64::MAX, i64::MIN, i64::MIN / 1000, 300_000_000_000_000, -300_000_000_000_000] {
            let new = asset(1).created_at(MillisSinceEpoch(time));
            let refused = studio.create_asset(project, new).await;
            assert_eq!(refused.unwrap_err().code(), "invalid", "{time}");
        }
    }
}
