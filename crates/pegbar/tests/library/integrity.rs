//! What `sync` finds in the rows of other programs, beside the files.

use pegbar::{BrokenKey, Engine, NewAnimation, NewCharacter, NewFrame, NewProject};

use crate::support::{assert_in_step, asset};

both_engines! {
    async fn sync_closes_gaps_with_ids_and_order_kept(bench) {
        let studio = bench.create().await;
        let mut cat = NewCharacter::new("Cat").variation(asset(90));
        for (name, first) in [("Walk", 0), ("Run", 10)] {
            let animation = (first..first + 4).fold(NewAnimation::new(name), |animation, n| {
                animation.frame(NewFrame::new(asset(n)))
            });
            cat = cat.animation(animation);
        }
        let tree = studio.create_project(NewProject::new("Cats").character(cat)).await.unwrap();
        let [walk, run] = [0, 1].map(|n| &tree.characters[0].animations[n]);
        let mut raw = bench.raw().await;
        let id = raw.id(walk.animation.id);
        // The largest first: an order of its own for each engine to be content with.
        for (from, to) in [(3, 2_147_483_647), (2, 9), (0, 3)] {
            let moved = format!(
                "UPDATE frame SET frame_index = {to} WHERE frame_index = {from} AND animation_id = {id}"
            );
            raw.run(&moved).await.unwrap();
        }
        let report = studio.sync(|_, _| {}).await.unwrap();
        assert_eq!(report.integrity.closed_gaps, [walk.animation.id]);
        assert_eq!(report.integrity.broken_keys, []);
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        let frames = &now.characters[0].animations[0].frames;
        let expected = [1, 0, 2, 3].map(|n| walk.frames[n].frame.id);
        let found: Vec<_> = frames.iter().map(|frame| frame.frame.id).collect();
        assert_eq!(found, expected);
        assert_eq!(now.characters[0].animations[0].animation.version, 2);
        assert_eq!(now.characters[0].animations[1], *run);
        assert_eq!(studio.sync(|_, _| {}).await.unwrap(), pegbar::ViewReport::default());
    }

    async fn a_key_that_does_not_hold_is_found(bench) {
        let studio = bench.create().await;
        let new = NewProject::new("P").reference(asset(1)).reference(asset(2));
        let tree = studio.create_project(new).await.unwrap();
        let mut raw = bench.raw().await;
        if bench.engine() == Engine::Sqlite {
            raw.run("PRAGMA foreign_keys = OFF; DELETE FROM project").await.unwrap();
            raw.tamper("UPDATE asset SET generation_id = project_id").await.unwrap();
            let report = studio.sync(|_, _| {}).await.unwrap();
            let dangling = |parent: &str| BrokenKey::DanglingRows {
                table: "asset".to_owned(),
                parent: parent.to_owned(),
                rows: 2,
            };
            assert_eq!(report.integrity.broken_keys, [dangling("generation"), dangling("project")]);
            return;
        }
        raw.run("ALTER TABLE frame DROP CONSTRAINT frame_asset_fkey").await.unwrap();
        raw.run(
            "ALTER TABLE frame DROP CONSTRAINT frame_index_check; \
             ALTER TABLE frame ADD CONSTRAINT frame_index_check CHECK (frame_index >= 0) NOT VALID",
        ).await.unwrap();
        raw.run("ALTER TABLE asset_tag DISABLE TRIGGER ALL").await.unwrap();
        let report = studio.sync(|_, _| {}).await.unwrap();
        let unchecked = |table: &str, constraint: &str| BrokenKey::UncheckedConstraint {
            table: table.to_owned(),
            constraint: constraint.to_owned(),
        };
        assert_eq!(report.integrity.broken_keys, [
            unchecked("asset_tag", "asset_tag_asset_fkey"),
            unchecked("frame", "frame_index_check"),
            BrokenKey::MissingConstraint { constraint: "frame_asset_fkey".to_owned() },
        ]);
        assert_in_step(&studio, &tree);
    }
}
