//! Where the images go that a generation returned.

use pegbar::{
    GenerationOutput, NewAnimation, NewCharacter, NewFrame, NewGeneration, OutputPlace, Sha256,
};

use super::{counts, project};
use crate::support::{assert_in_step, asset, png, project_with_character};

both_engines! {
    async fn outputs_go_where_they_belong(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "A").await;
        let cat = studio.create_character(project, NewCharacter::new("Cat")).await.unwrap();
        let cat = cat.character.id;
        let mut walk = NewAnimation::new("Walk");
        for n in 0..4 {
            walk = walk.frame(NewFrame::new(asset(n)));
        }
        let walk = studio.create_animation(cat, walk).await.unwrap();
        let animation = walk.animation.id;
        let at = |at, prompt: Option<&str>| OutputPlace::Frame {
            animation, at, prompt: prompt.map(str::to_owned),
        };
        let places = [
            OutputPlace::Reference,
            OutputPlace::Variation(cat),
            OutputPlace::Variation(cat),
            OutputPlace::Take(animation),
            at(Some(3), None),
            at(None, Some("the last")),
            at(Some(1), Some("passing")),
            at(Some(1), None),
            at(Some(4), None),
            OutputPlace::Replace(walk.frames[2].frame.id),
        ];
        let outputs = (100..).zip(places).map(|(n, place)| GenerationOutput::new(asset(n)).place(place));
        let new = NewGeneration::succeeded(outputs.collect());
        let recorded = studio.record_generation(project, new).await.unwrap();
        let tree = studio.get_project_tree(project).await.unwrap();
        assert_in_step(&studio, &tree);
        let outputs = &recorded.outputs;
        for output in outputs {
            assert_eq!(studio.get_asset(output.id).await.unwrap(), *output);
        }
        let kinds: Vec<_> = outputs.iter().map(|row| row.kind.as_str()).collect();
        assert_eq!(kinds[..4], ["reference", "character", "character", "frame"]);
        let character = &tree.characters[0];
        assert_eq!(character.character.primary_asset_id, Some(outputs[1].id));
        assert_eq!(character.variations, outputs[1..3]);
        let walk = &character.animations[0];
        let shown: Vec<_> = walk.frames.iter().map(|frame| frame.asset.sha256.unwrap()).collect();
        // Each place is one of the list as it was: 0 1 2 3.
        let expected = [0, 106, 107, 1, 109, 104, 3, 108, 105].map(|n| Sha256::of(&png(n)));
        assert_eq!(shown, expected);
        let prompts: Vec<_> = walk.frames.iter().map(|frame| frame.frame.frame_prompt.as_deref()).collect();
        assert_eq!((prompts[1], prompts[2], prompts[8]), (Some("passing"), None, Some("the last")));
        let takes: Vec<_> = walk.takes.iter().map(|take| take.sha256.unwrap()).collect();
        assert_eq!(takes, [2, 103].map(|n| Sha256::of(&png(n))));
    }

    async fn a_place_that_the_project_does_not_have_is_refused(bench) {
        let studio = bench.create().await;
        let (here, there) = (project(&studio, "A").await, project_with_character(&studio).await);
        let character = there.characters[0].character.id;
        let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(1)));
        let walk = studio.create_animation(character, walk).await.unwrap();
        let (animation, frame) = (walk.animation.id, walk.frames[0].frame.id);
        let own = studio.create_character(here, NewCharacter::new("Dog")).await.unwrap();
        let run = studio.create_animation(own.character.id, NewAnimation::new("Run")).await.unwrap();
        let run = run.animation.id;
        let before = counts(bench).await;
        let at = |animation, at| OutputPlace::Frame { animation, at, prompt: None };
        for (places, code) in [
            (vec![OutputPlace::Variation(character)], "invalid"),
            (vec![OutputPlace::Take(animation)], "invalid"),
            (vec![at(animation, None)], "invalid"),
            (vec![OutputPlace::Replace(frame)], "invalid"),
            (vec![OutputPlace::Variation(studio.new_id())], "not_found"),
            (vec![OutputPlace::Take(studio.new_id())], "not_found"),
            (vec![OutputPlace::Replace(studio.new_id())], "not_found"),
            (vec![at(run, Some(1))], "invalid"),
            // What is added at the end makes no room beyond it.
            (vec![at(run, None), at(run, Some(1))], "invalid"),
        ] {
            let outputs = (50..).zip(places).map(|(n, place)| GenerationOutput::new(asset(n)).place(place));
            let new = NewGeneration::succeeded(outputs.collect());
            let error = studio.record_generation(here, new).await.unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        }
        let nowhere = studio.record_generation(studio.new_id(), NewGeneration::failed("x")).await;
        assert_eq!(nowhere.unwrap_err().code(), "not_found");
        assert_eq!(counts(bench).await, before);
    }
}
