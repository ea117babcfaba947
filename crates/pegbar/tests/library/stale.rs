//! Which frames come from something, and which are stale.

use pegbar::{
    AnimationId, AssetId, Error, FrameImage, NewAnimation, NewCharacter, NewFrame, NewProject,
    ProjectTree, ReferenceRole, StaleAnimation, StaleOptions, StaleReason, StaleScope, Studio,
};

use crate::support::asset;

/// A character with an old and a new design, and two animations: in Walk each frame is made from
/// the design and the frame before, Jump has one frame made from the last of Walk.
struct Cat {
    tree: ProjectTree,
    old: AssetId,
    new: AssetId,
    walk: Vec<AssetId>,
}

impl Cat {
    async fn create(studio: &Studio) -> Self {
        let (old, new): (AssetId, AssetId) = (studio.new_id(), studio.new_id());
        let walk: Vec<AssetId> = (0..3).map(|_| studio.new_id()).collect();
        let mut animation = NewAnimation::new("Walk");
        for (n, id) in (0..).zip(&walk) {
            let mut take = asset(10 + n)
                .id(*id)
                .made_from(old, ReferenceRole::Character);
            if n > 0 {
                take = take.made_from(walk[n as usize - 1], ReferenceRole::PreviousFrame);
            }
            animation = animation.frame(NewFrame::new(take));
        }
        let jump = NewFrame::new(asset(20).made_from(walk[2], ReferenceRole::Pose));
        let cat = NewCharacter::new("Tabby")
            .variation(asset(1).id(old))
            .variation(asset(2).id(new))
            .primary(old)
            .animation(animation)
            .animation(NewAnimation::new("Jump").frame(jump));
        // Another with the same shape, which has nothing to do with it.
        let other = studio.new_id();
        let dog = NewCharacter::new("Rex")
            .variation(asset(3).id(other))
            .animation(NewAnimation::new("Run").frame(NewFrame::new(
                asset(30).made_from(other, ReferenceRole::Character),
            )));
        let project = NewProject::new("P").character(cat).character(dog);
        let tree = studio.create_project(project).await.unwrap();
        Self {
            tree,
            old,
            new,
            walk,
        }
    }

    fn animation(&self, place: usize) -> AnimationId {
        self.tree.characters[0].animations[place].animation.id
    }

    fn scope(&self) -> StaleScope {
        StaleScope::Project(self.tree.project.id)
    }

    async fn stale(&self, studio: &Studio, options: &StaleOptions) -> Vec<String> {
        texts(&studio.stale_frames(self.scope(), options).await.unwrap())
    }

    /// Shows another take in a frame of Walk, made from the old design and nothing else.
    async fn replace(&self, studio: &Studio, index: usize, number: u32) -> AssetId {
        let frame = self.tree.characters[0].animations[0].frames[index].frame.id;
        let take = asset(number).made_from(self.old, ReferenceRole::Character);
        let image = FrameImage::New(Box::new(take));
        let tree = studio.replace_frame(frame, image, None).await.unwrap();
        tree.frames[index].asset.id
    }
}

const TAKES: StaleOptions = StaleOptions {
    reasons: Vec::new(),
    transitive: false,
};

fn transitive() -> StaleOptions {
    StaleOptions {
        transitive: true,
        ..StaleOptions::default()
    }
}

fn only(reason: StaleReason) -> StaleOptions {
    StaleOptions {
        reasons: vec![reason],
        ..StaleOptions::default()
    }
}

fn texts(stale: &[StaleAnimation]) -> Vec<String> {
    let frames = stale
        .iter()
        .flat_map(|it| it.frames.iter().map(move |frame| (it, frame)));
    frames
        .map(|(it, frame)| {
            let causes = frame.causes.iter().map(|cause| {
                let word = match cause.reason {
                    StaleReason::TakeNotShown => "take",
                    StaleReason::VariationNotPrimary => "design",
                };
                format!("{word} {} away as {}", cause.depth, cause.role)
            });
            let causes = causes.collect::<Vec<_>>().join(", ");
            format!(
                "{}/{} {}: {causes}",
                it.character, it.animation, frame.frame_index
            )
        })
        .collect()
}

both_engines! {
    async fn frames_that_come_from_a_design_are_grouped_by_animation(bench) {
        let studio = bench.create().await;
        let cat = Cat::create(&studio).await;
        let found = studio.frames_from(cat.old).await.unwrap();
        let texts: Vec<_> = found.iter().map(|it| {
            let frames = it.frames.iter().map(|frame| (frame.frame_index, frame.depth));
            (it.character.as_str(), it.animation.as_str(), frames.collect::<Vec<_>>())
        }).collect();
        assert_eq!(texts, [
            ("Tabby", "Walk", vec![(0, 1), (1, 1), (2, 1)]), ("Tabby", "Jump", vec![(0, 2)]),
        ]);
        assert_eq!(found[0].animation_id, cat.animation(0));
        assert_eq!(found[0].character_id, cat.tree.characters[0].character.id);
        let shown: Vec<_> = found[0].frames.iter().map(|frame| frame.asset_id).collect();
        assert_eq!(shown, cat.walk);
        assert_eq!(found[0].frames[1].frame_id, cat.tree.characters[0].animations[0].frames[1].frame.id);
        assert_eq!(studio.frames_from(cat.new).await.unwrap(), []);
        // A frame that shows the asset itself comes from it, too; what is replaced no more.
        cat.replace(&studio, 0, 40).await;
        let from_first = studio.frames_from(cat.walk[0]).await.unwrap();
        let depths = from_first.iter().flat_map(|it| &it.frames).map(|frame| frame.depth);
        assert_eq!(depths.collect::<Vec<_>>(), [1, 2, 3]);
        let from_last = studio.frames_from(cat.walk[2]).await.unwrap();
        let depths = from_last.iter().flat_map(|it| &it.frames).map(|frame| frame.depth);
        assert_eq!(depths.collect::<Vec<_>>(), [0, 1]);
        let nobody: AssetId = studio.new_id();
        let error = studio.frames_from(nobody).await.unwrap_err();
        assert_eq!(error.code(), "not_found");
    }

    async fn a_frame_made_from_a_take_that_no_frame_shows_is_stale(bench) {
        let studio = bench.create().await;
        let cat = Cat::create(&studio).await;
        assert_eq!(cat.stale(&studio, &TAKES).await, [""; 0]);
        assert_eq!(cat.stale(&studio, &transitive()).await, [""; 0]);
        cat.replace(&studio, 1, 40).await;
        assert_eq!(cat.stale(&studio, &TAKES).await, ["Tabby/Walk 2: take 1 away as previous_frame"]);
        let found = studio.stale_frames(cat.scope(), &TAKES).await.unwrap();
        let frame = &found[0].frames[0];
        assert_eq!((frame.asset_id, frame.causes[0].asset_id), (cat.walk[2], cat.walk[1]));
        assert_eq!(found[0].animation_id, cat.animation(0));
        // What was made from the stale frame is stale only in a wider sense.
        assert_eq!(cat.stale(&studio, &transitive()).await, [
            "Tabby/Walk 2: take 1 away as previous_frame", "Tabby/Jump 0: take 2 away as previous_frame",
        ]);
        // Shown elsewhere is shown.
        let jump = cat.animation(1);
        studio.append_frames(jump, vec![NewFrame::showing(cat.walk[1])], None).await.unwrap();
        assert_eq!(cat.stale(&studio, &transitive()).await, [""; 0]);
    }

    async fn a_frame_made_from_a_former_design_is_stale_unless_from_the_primary_too(bench) {
        let studio = bench.create().await;
        let cat = Cat::create(&studio).await;
        let character = cat.tree.characters[0].character.id;
        studio.set_primary(character, Some(cat.new)).await.unwrap();
        assert_eq!(cat.stale(&studio, &TAKES).await, [
            "Tabby/Walk 0: design 1 away as character", "Tabby/Walk 1: design 1 away as character",
            "Tabby/Walk 2: design 1 away as character",
        ]);
        let wide = cat.stale(&studio, &transitive()).await;
        assert_eq!(wide[3..], ["Tabby/Jump 0: design 2 away as character"]);
        assert_eq!(cat.stale(&studio, &only(StaleReason::TakeNotShown)).await, [""; 0]);
        // With both reasons, each is named.
        cat.replace(&studio, 1, 40).await;
        let both = cat.stale(&studio, &TAKES).await;
        assert_eq!(both[2], "Tabby/Walk 2: design 1 away as character, take 1 away as previous_frame");
        assert_eq!(cat.stale(&studio, &only(StaleReason::TakeNotShown)).await, [
            "Tabby/Walk 2: take 1 away as previous_frame",
        ]);
        // A second view of the character beside the primary one is no former design.
        let frame = cat.tree.characters[0].animations[0].frames[0].frame.id;
        let take = asset(50).made_from(cat.old, ReferenceRole::Pose)
            .made_from(cat.new, ReferenceRole::Character);
        studio.replace_frame(frame, FrameImage::New(Box::new(take)), None).await.unwrap();
        let both = cat.stale(&studio, &TAKES).await;
        assert!(!both.iter().any(|text| text.starts_with("Tabby/Walk 0")), "{both:?}");
        // Nothing is a former design where none is primary.
        studio.set_primary(character, None).await.unwrap();
        assert_eq!(cat.stale(&studio, &only(StaleReason::VariationNotPrimary)).await, [""; 0]);
    }

    async fn the_frames_of_a_character_or_an_animation_are_looked_at_alone(bench) {
        let studio = bench.create().await;
        let cat = Cat::create(&studio).await;
        let [tabby, rex] = [0, 1].map(|n| cat.tree.characters[n].character.id);
        cat.replace(&studio, 2, 40).await;
        let of = async |scope, options: &StaleOptions| {
            texts(&studio.stale_frames(scope, options).await.unwrap())
        };
        for options in [&TAKES, &transitive()] {
            let expected = ["Tabby/Jump 0: take 1 away as pose"];
            assert_eq!(of(StaleScope::Character(tabby), options).await, expected);
            assert_eq!(of(StaleScope::Animation(cat.animation(1)), options).await, expected);
            assert_eq!(of(StaleScope::Animation(cat.animation(0)), options).await, [""; 0]);
            assert_eq!(of(StaleScope::Character(rex), options).await, [""; 0]);
        }
        for scope in [
            StaleScope::Project(studio.new_id()), StaleScope::Character(studio.new_id()),
            StaleScope::Animation(studio.new_id()),
        ] {
            let error = studio.stale_frames(scope, &TAKES).await.unwrap_err();
            assert!(matches!(error, Error::NotFound { .. }), "{scope:?}: {error}");
        }
    }
}
