//! What the database itself refuses and allows, whoever writes.

use pegbar::{AnimationId, AssetId, CharacterId, NewAnimation, NewCharacter, NewFrame};
use pegbar::{NewProject, ProjectId, ReferenceRole, Studio};
use uuid::Uuid;

use crate::support::{Raw, asset};

/// A project in which everything points at everything else.
struct Knot {
    project: ProjectId,
    character: CharacterId,
    animation: AnimationId,
    variation: AssetId,
    other_variation: AssetId,
    take: AssetId,
    reference: AssetId,
    frame: pegbar::FrameId,
}

async fn knot(studio: &Studio) -> Knot {
    let (variation, other_variation): (AssetId, AssetId) = (studio.new_id(), studio.new_id());
    let (reference, take): (AssetId, AssetId) = (studio.new_id(), studio.new_id());
    let tree = studio
        .create_project(
            NewProject::new("Knot")
                .thumbnail(take)
                .reference(asset(1).id(reference))
                .character(
                    NewCharacter::new("Cat")
                        .variation(
                            asset(2)
                                .id(variation)
                                .made_from(reference, ReferenceRole::Style),
                        )
                        .variation(
                            asset(3)
                                .id(other_variation)
                                .made_from(variation, ReferenceRole::Character),
                        )
                        .primary(other_variation)
                        .animation(
                            NewAnimation::new("Walk")
                                .frame(NewFrame::new(
                                    asset(4)
                                        .id(take)
                                        .made_from(variation, ReferenceRole::Character),
                                ))
                                .frame(NewFrame::new(
                                    asset(5).made_from(take, ReferenceRole::PreviousFrame),
                                )),
                        ),
                ),
        )
        .await
        .unwrap();
    let character = &tree.characters[0];
    Knot {
        project: tree.project.id,
        character: character.character.id,
        animation: character.animations[0].animation.id,
        variation,
        other_variation,
        take,
        reference,
        frame: character.animations[0].frames[0].frame.id,
    }
}

async fn refused(raw: &mut Raw, what: &str, statement: String) {
    let outcome = raw.transaction(std::slice::from_ref(&statement)).await;
    assert!(outcome.is_err(), "{what} was allowed: {statement}");
}

both_engines! {
    async fn a_link_into_another_project_is_refused_for_every_key(bench) {
        let studio = bench.create().await;
        let (here, there) = (knot(&studio).await, knot(&studio).await);
        let mut raw = bench.raw().await;
        let p = raw.id(here.project);
        let links = [
            ("project", "thumbnail_id", raw.id(here.project), raw.id(there.take)),
            ("character", "primary_asset_id", raw.id(here.character), raw.id(there.variation)),
            ("animation", "character_id", raw.id(here.animation), raw.id(there.character)),
            ("asset", "character_id", raw.id(here.variation), raw.id(there.character)),
            ("asset", "animation_id", raw.id(here.take), raw.id(there.animation)),
            ("frame", "animation_id", raw.id(here.frame), raw.id(there.animation)),
            ("frame", "asset_id", raw.id(here.frame), raw.id(there.take)),
        ];
        for (table, column, row, target) in links {
            let update = format!("UPDATE {table} SET {column} = {target} WHERE id = {row}");
            refused(&mut raw, "a link into another project", update).await;
        }
        let (variation, foreign) = (raw.id(here.variation), raw.id(there.reference));
        refused(&mut raw, "an input from another project", format!(
            "INSERT INTO asset_reference (project_id, asset_id, position, referenced_asset_id, \
             role) VALUES ({p}, {variation}, 9, {foreign}, 'other')")).await;
        refused(&mut raw, "a tag on another project's asset", format!(
            "INSERT INTO asset_tag (project_id, tag, asset_id, position) \
             VALUES ({p}, 't', {foreign}, 0)")).await;
        refused(&mut raw, "a claim on another project's asset", format!(
            "INSERT INTO asset_claim (project_id, asset_id, position, tool) \
             VALUES ({p}, {foreign}, 0, 'x')")).await;
        let foreign = raw.id(there.character);
        refused(&mut raw, "a tag on another project's character", format!(
            "INSERT INTO character_tag (project_id, tag, character_id, position) \
             VALUES ({p}, 't', {foreign}, 0)")).await;
        let generation = raw.id(Uuid::from_u128(77));
        let there_p = raw.id(there.project);
        raw.run(&format!("INSERT INTO generation (id, project_id, status) \
                          VALUES ({generation}, {there_p}, 'succeeded')")).await.unwrap();
        refused(&mut raw, "another project's generation", format!(
            "UPDATE asset SET generation_id = {generation} WHERE id = {variation}")).await;
        // The same links within the project are what the database allows.
        let (take, frame) = (raw.id(here.take), raw.id(here.frame));
        let (character, other) = (raw.id(here.character), raw.id(here.variation));
        raw.transaction(&[
            format!("UPDATE project SET thumbnail_id = {variation} WHERE id = {p}"),
            format!("UPDATE frame SET asset_id = {take} WHERE id = {frame}"),
            format!("UPDATE character SET primary_asset_id = {other} WHERE id = {character}"),
        ]).await.unwrap();
    }

    async fn a_primary_that_is_no_variation_of_the_character_is_refused(bench) {
        let studio = bench.create().await;
        let here = knot(&studio).await;
        let dog = NewCharacter::new("Dog").variation(asset(9));
        let dog = studio.create_character(here.project, dog).await.unwrap();
        let mut raw = bench.raw().await;
        let character = raw.id(here.character);
        for foreign in [dog.variations[0].id, here.reference, here.take] {
            let update = format!(
                "UPDATE character SET primary_asset_id = {} WHERE id = {character}",
                raw.id(foreign));
            refused(&mut raw, "a foreign primary", update).await;
            let error = studio.set_primary(here.character, Some(foreign)).await.unwrap_err();
            assert_eq!(error.code(), "invalid", "{error}");
        }
        studio.set_primary(here.character, Some(here.variation)).await.unwrap();
        let cleared = studio.set_primary(here.character, None).await.unwrap();
        assert_eq!(cleared.primary_asset_id, None);
    }

    async fn a_place_in_an_animation_is_taken_once(bench) {
        let studio = bench.create().await;
        let here = knot(&studio).await;
        let mut raw = bench.raw().await;
        let (p, animation) = (raw.id(here.project), raw.id(here.animation));
        let (take, id) = (raw.id(here.take), raw.id(Uuid::from_u128(5)));
        let insert = |index: i32| format!(
            "INSERT INTO frame (id, project_id, animation_id, asset_id, frame_index) \
             VALUES ({id}, {p}, {animation}, {take}, {index})");
        refused(&mut raw, "a second frame in one place", insert(1)).await;
        refused(&mut raw, "a negative place", insert(-1)).await;
        raw.run(&insert(2)).await.unwrap();
    }

    async fn what_is_used_does_not_go_alone(bench) {
        let studio = bench.create().await;
        let here = knot(&studio).await;
        let mut raw = bench.raw().await;
        for (what, asset) in [
            ("a shown take that others were made from", here.take),
            ("a primary", here.other_variation),
            ("an input", here.reference),
            ("an input of several", here.variation),
        ] {
            let delete = format!("DELETE FROM asset WHERE id = {}", raw.id(asset));
            refused(&mut raw, what, delete).await;
        }
        assert_eq!(raw.text("SELECT count(*) FROM asset").await, "5");
    }

    async fn a_project_and_a_character_go_although_their_rows_point_at_each_other(bench) {
        let studio = bench.create().await;
        let (here, there) = (knot(&studio).await, knot(&studio).await);
        let mut raw = bench.raw().await;
        let project = raw.id(here.project);
        raw.transaction(&[format!("DELETE FROM project WHERE id = {project}")]).await.unwrap();
        for table in ["character", "animation", "frame", "asset", "asset_reference"] {
            let count = format!("SELECT count(*) FROM {table} WHERE project_id = {project}");
            assert_eq!(raw.text(&count).await, "0", "{table}");
        }
        assert_eq!(raw.text("SELECT count(*) FROM asset").await, "5");
        // The thumbnail of the project is a take of the character: it has to be cleared.
        let (character, project) = (raw.id(there.character), raw.id(there.project));
        let delete = format!("DELETE FROM character WHERE id = {character}");
        refused(&mut raw, "a character whose take is the thumbnail", delete.clone()).await;
        let clear = format!("UPDATE project SET thumbnail_id = NULL WHERE id = {project}");
        raw.transaction(&[delete, clear]).await.unwrap();
        assert_eq!(raw.text("SELECT count(*) FROM asset").await, "1");
    }

    async fn other_programs_may_leave_out_what_pegbar_fills_in(bench) {
        let studio = bench.create().await;
        let mut raw = bench.raw().await;
        let [p, c, a] = [1, 2, 3].map(|n| raw.id(Uuid::from_u128(n)));
        raw.transaction(&[
            format!("INSERT INTO project (id, name) VALUES ({p}, 'P')"),
            format!("INSERT INTO character (id, project_id, name) VALUES ({c}, {p}, 'C')"),
            format!("INSERT INTO asset (id, project_id, kind, character_id, file_path) \
                     VALUES ({a}, {p}, 'character', {c}, 'somewhere/c.png')"),
        ]).await.unwrap();
        let tree = studio.get_project_tree(Uuid::from_u128(1).into()).await.unwrap();
        let variation = &tree.characters[0].variations[0];
        assert_eq!(variation.sha256, None);
        assert_eq!(variation.file_path.as_deref(), Some("somewhere/c.png"));
        assert_eq!(tree.project.settings.to_string(), "{}");
        assert!(tree.project.created_at.0 > 1_600_000_000_000);
        // An asset without bytes can't be an input: its hash would be a guess.
        let made_from = asset(1).made_from(variation.id, ReferenceRole::Other);
        let error = studio.create_asset(tree.project.id, made_from).await.unwrap_err();
        assert!(error.to_string().contains("written by another program"), "{error}");
    }

    async fn kinds_and_owners_agree(bench) {
        let studio = bench.create().await;
        let here = knot(&studio).await;
        let mut raw = bench.raw().await;
        let (p, c) = (raw.id(here.project), raw.id(here.character));
        let id = raw.id(Uuid::from_u128(8));
        for columns in [
            format!("(id, project_id, kind) VALUES ({id}, {p}, 'character')"),
            format!("(id, project_id, kind) VALUES ({id}, {p}, 'frame')"),
            format!("(id, project_id, kind, character_id) VALUES ({id}, {p}, 'reference', {c})"),
            format!("(id, project_id, kind) VALUES ({id}, {p}, 'sprite')"),
        ] {
            refused(&mut raw, "a kind without its owner", format!("INSERT INTO asset {columns}"))
                .await;
        }
    }
}
