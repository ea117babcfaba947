//! What goes into the trash is planned, and comes back whole.

mod purge;
mod restore;

use pegbar::{
    DeletionKind, DeletionTarget, NewAnimation, NewCharacter, NewFrame, NewProject, PageRequest,
    ProjectTree, ReferenceRole, Studio, TrashFilter,
};

use crate::support::{Bench, assert_in_step, asset};

/// Two characters, whose animations share a take; with tags, references, a thumbnail.
pub(crate) async fn zoo(studio: &Studio) -> ProjectTree {
    let (front, shared, own) = (studio.new_id(), studio.new_id(), studio.new_id());
    let walk = NewAnimation::new("Walk")
        .frame(NewFrame::new(asset(1).id(shared)).prompt("a"))
        .frame(
            NewFrame::new(
                asset(2)
                    .id(own)
                    .tag("t")
                    .prompt("paw")
                    .made_from(front, ReferenceRole::Character),
            )
            .prompt("b"),
        )
        .take(asset(3));
    let cat = NewCharacter::new("Cat")
        .tag("u")
        .variation(asset(10).id(front).prompt("front view"))
        .variation(asset(11))
        .animation(walk);
    let dog = NewCharacter::new("Dog").variation(asset(20)).animation(
        NewAnimation::new("Run")
            .frame(NewFrame::showing(shared))
            .frame(NewFrame::new(asset(21))),
    );
    let project = NewProject::new("Zoo")
        .tag("p")
        .thumbnail(own)
        .reference(asset(30))
        .character(cat)
        .character(dog);
    studio.create_project(project).await.unwrap()
}

pub(crate) async fn reopened(bench: &Bench, tree: &ProjectTree) -> ProjectTree {
    let studio = bench.open().await;
    let tree = studio.get_project_tree(tree.project.id).await.unwrap();
    assert_in_step(&studio, &tree);
    tree
}

pub(crate) async fn newest(studio: &Studio) -> pegbar::TrashEntry {
    let page = PageRequest::default().descending();
    studio
        .list_deletions(&TrashFilter::default(), page)
        .await
        .unwrap()
        .rows
        .remove(0)
}

both_engines! {
    async fn a_plan_says_what_goes_and_the_deletion_does_that(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let (cat, dog) = (&tree.characters[0], &tree.characters[1]);
        let walk = &cat.animations[0];
        let target = DeletionTarget::Animation(walk.animation.id);
        let plan = studio.plan_deletion(target).await.unwrap();
        assert_eq!((plan.kind, plan.name.as_str()), (DeletionKind::Animation, "Cat/Walk"));
        assert_eq!((plan.characters, plan.animations, plan.frames, plan.assets), (0, 1, 2, 2));
        assert_eq!(plan.effects.cleared_thumbnail, tree.project.thumbnail_id);
        assert_eq!(plan.effects.kept_takes.len(), 1);
        assert_eq!(plan.effects.kept_takes[0].asset_id, walk.frames[0].asset.id);
        assert_eq!(plan.effects.kept_takes[0].to, dog.animations[0].animation.id);
        assert!(!plan.is_refused() && plan.file_size > 0);
        assert_eq!(plan.staying.len(), 1);
        assert_eq!(plan.named.iter().map(|it| it.name.as_str()).next(), Some("Cat/Walk"));
        // Nothing was changed by looking.
        assert_eq!(studio.get_project_tree(tree.project.id).await.unwrap(), tree);
        // What was changed meanwhile is planned anew.
        studio.create_takes(walk.animation.id, vec![asset(4)]).await.unwrap();
        let error = studio.delete_as_planned(&plan).await.unwrap_err();
        assert_eq!(error.code(), "stale");
        let plan = studio.plan_deletion(target).await.unwrap();
        let deletion = studio.delete_as_planned(&plan).await.unwrap();
        assert_eq!((deletion.animations, deletion.frames, deletion.assets), (1, 2, 3));
        let entry = studio.get_deletion(deletion.id).await.unwrap();
        assert_eq!(entry.effects().unwrap(), plan.effects);
        assert_eq!((entry.name.as_str(), entry.file_size), ("Cat/Walk", plan.file_size));
        assert_eq!((entry.animations, entry.frames, entry.assets), (1, 2, 3));
    }

    async fn a_plan_says_who_uses_what_would_go(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let front = tree.characters[0].variations[0].id;
        let plan = studio.plan_deletion(DeletionTarget::Asset(front)).await.unwrap();
        assert!(plan.is_refused());
        let users: Vec<_> = plan.users.iter().map(|user| (user.name.as_str(), user.how)).collect();
        assert_eq!(users, [("Cat/Walk/1", "was made from it")]);
        let promoted = plan.effects.promoted.unwrap();
        assert_eq!((promoted.from, promoted.to), (front, Some(tree.characters[0].variations[1].id)));
        let error = studio.delete_as_planned(&plan).await.unwrap_err();
        assert_eq!(error.code(), "in_use");
        let frame = tree.characters[0].animations[0].frames[1].frame.id;
        let plan = studio.plan_deletion(DeletionTarget::Frame(frame)).await.unwrap();
        assert_eq!((plan.frames, plan.assets, plan.name.as_str()), (1, 0, "Cat/Walk/1"));
        let deletion = studio.delete_as_planned(&plan).await.unwrap();
        let entry = studio.get_deletion(deletion.id).await.unwrap();
        assert_eq!((entry.kind, entry.frames), (DeletionKind::Frames, 1));
        let project = studio.plan_deletion(DeletionTarget::Project(tree.project.id)).await.unwrap();
        assert_eq!((project.characters, project.animations, project.frames), (2, 2, 3));
    }

    async fn the_trash_is_listed_also_of_projects_that_went(bench) {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        let other = zoo(&studio).await;
        let variation = tree.characters[0].variations[1].id;
        let first = studio.delete_asset(variation).await.unwrap().id;
        let second = studio.delete_project(other.project.id).await.unwrap().id;
        let all = studio.list_deletions(&TrashFilter::default(), PageRequest::default()).await.unwrap();
        assert_eq!(all.rows.iter().map(|it| it.id).collect::<Vec<_>>(), [first, second]);
        assert_eq!(all.rows[1].name, "Zoo");
        let of = TrashFilter { project: Some(other.project.id), ..TrashFilter::default() };
        let of = studio.list_deletions(&of, PageRequest::default().limit(1)).await.unwrap();
        assert_eq!((of.rows.len(), of.rows[0].id, of.has_more), (1, second, false));
        let ending = &second.to_string()[28..];
        assert_eq!(studio.find_deletions(ending, 2).await.unwrap()[0].id, second);
        assert_eq!(newest(&studio).await.id, second);
    }
}
