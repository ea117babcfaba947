//! A project with everything that can be given on: two characters, three animations, lineage.

use pegbar::{
    Json, MillisSinceEpoch, NewAnimation, NewAsset, NewCharacter, NewClaim, NewFrame, NewProject,
    ProjectTree, ReferenceRole, Studio,
};

use super::asset;

/// What the frames of the project are generated with.
pub(crate) const SYSTEM_PROMPT: &str = "You draw sprites.\nKeep the outline & the palette <3";

fn generated(number: u32, prompt: &str) -> NewAsset {
    let settings = r#"{"seed": 7, "cfg": 7.50, "modelVersion": "2026-01", "ä": [1e2, null]}"#;
    asset(number)
        .prompt(prompt)
        .system_prompt(SYSTEM_PROMPT)
        .model("sprite diffusion: XL")
        .settings(Json::parse(settings).unwrap())
        .created_at(MillisSinceEpoch(1_767_250_949_000 + i64::from(number)))
}

fn cat(studio: &Studio, name: &str, number: u32, palette: pegbar::AssetId) -> NewCharacter {
    let front = studio.new_id();
    let mut cat = NewCharacter::new(name)
        .user_prompt("a small cat")
        .description("it walks")
        .tag("hero")
        .variation(
            generated(number + 1, "side view")
                .made_from(front, ReferenceRole::Character)
                .tag("side"),
        )
        .variation(
            generated(number, "front view, 走る猫 \u{1f408}\r\nin the rain")
                .id(front)
                .made_from(palette, ReferenceRole::Style)
                .original_name("front.png"),
        )
        .primary(front);
    for name in ["Walk", "Run"]
        .into_iter()
        .take(if number == 100 { 2 } else { 1 })
    {
        let first = number + 10 + u32::try_from(name.len()).unwrap() * 10;
        let mut animation = NewAnimation::new(name)
            .user_prompt("on the spot")
            .frame_duration_ms(80);
        let mut before = None;
        for n in 0..4 {
            let id = studio.new_id();
            let mut take = generated(first + n, &format!("frame {n}"))
                .id(id)
                .made_from(front, ReferenceRole::Character);
            if let Some(before) = before {
                take = take.made_from(before, ReferenceRole::PreviousFrame);
            }
            before = Some(id);
            let frame = NewFrame::new(take);
            animation = animation.frame(if n == 2 {
                frame.prompt("higher")
            } else {
                frame
            });
        }
        // The first is shown twice, and one take is shown by no frame.
        animation = animation.take(generated(first + 5, "a better frame"));
        cat = cat.animation(animation);
    }
    cat
}

/// Creates it.
pub(crate) async fn alley(studio: &Studio) -> ProjectTree {
    let palette = studio.new_id();
    let said = NewClaim::new("app")
        .raw("drawn by hand")
        .fields(Json::empty_object());
    let upload = asset(1)
        .id(palette)
        .tag("palette")
        .original_name("palette.png")
        .source_path("art/palette.png")
        .claim(said)
        .created_at(MillisSinceEpoch(1_767_250_900_123));
    let new = NewProject::new("Alley cats")
        .description("cats in an alley")
        .tag("game")
        .settings(Json::parse(r#"{"style":"pixel"}"#).unwrap())
        .reference(upload)
        .character(cat(studio, "Tabby", 100, palette))
        .character(cat(studio, "Ginger/2", 300, palette));
    let mut tree = studio.create_project(new).await.unwrap();
    let tabby = &tree.characters[0];
    let walk = &tabby.animations[0];
    let shown = walk.frames[0].asset.id;
    let again = vec![NewFrame::showing(shown).prompt("again")];
    studio
        .append_frames(walk.animation.id, again, None)
        .await
        .unwrap();
    let patch = pegbar::ProjectPatch {
        thumbnail_id: Some(tabby.character.primary_asset_id),
        ..Default::default()
    };
    studio.update_project(tree.project.id, patch).await.unwrap();
    tree = studio.get_project_tree(tree.project.id).await.unwrap();
    tree
}
