//! Lists in pages, from either end.

use pegbar::{
    AnimationFilter, AssetFilter, CharacterFilter, GenerationFilter, Id, NewAnimation,
    NewCharacter, NewGeneration, NewProject, Page, PageRequest, ProjectFilter, Result,
    SearchFilter,
};

use crate::support::asset;

/// Reads a list to its end and returns all ids, in order.
async fn all<I: Id, T>(
    mut page: PageRequest<I>,
    id: impl Fn(&T) -> I,
    list: impl AsyncFn(PageRequest<I>) -> Result<Page<T>>,
) -> Vec<I> {
    let mut ids = Vec::new();
    loop {
        let found = list(page).await.unwrap();
        assert!(found.rows.len() <= page.limit as usize);
        ids.extend(found.rows.iter().map(&id));
        if !found.has_more {
            return ids;
        }
        page.after = ids.last().copied();
    }
}

/// Reads a list from both ends, in pages of several sizes.
async fn check<I: Id, T>(
    count: usize,
    id: impl Fn(&T) -> I,
    list: impl AsyncFn(PageRequest<I>) -> Result<Page<T>>,
) {
    for limit in [1, 2, 3, 10, 1000] {
        let page = PageRequest::default().limit(limit);
        let mut oldest_first = all(page, &id, &list).await;
        assert_eq!(oldest_first.len(), count);
        assert!(oldest_first.is_sorted());
        let newest_first = all(page.descending(), &id, &list).await;
        oldest_first.reverse();
        assert!(newest_first == oldest_first, "{limit}");
    }
}

both_engines! {
    async fn every_list_is_read_from_either_end(bench) {
        let studio = bench.create().await;
        for number in 0..4 {
            let tags = if number == 3 { vec![] } else { vec!["t".to_owned()] };
            let new = NewProject { tags, ..NewProject::new(format!("P{number}")) };
            studio.create_project(new).await.unwrap();
        }
        let filter = ProjectFilter::default();
        check(4, |row: &pegbar::Project| row.id, async |page| studio.list_projects(&filter, page).await).await;
        let filter = ProjectFilter { tag: Some("t".to_owned()), ..filter };
        check(3, |row: &pegbar::Project| row.id, async |page| studio.list_projects(&filter, page).await).await;

        let all = ProjectFilter::default();
        let projects = studio.list_projects(&all, PageRequest::default());
        let project = projects.await.unwrap().rows[0].id;
        let mut character = None;
        for number in 0..5 {
            let new = NewCharacter::new(format!("C{number}"));
            let tree = studio.create_character(project, new).await.unwrap();
            character = Some(tree.character.id);
        }
        let filter = CharacterFilter::default();
        check(5, |row: &pegbar::Character| row.id, async |page| studio.list_characters(project, &filter, page).await).await;
        let character = character.unwrap();
        let mut animation = None;
        for number in 0..5 {
            let new = NewAnimation::new(format!("A{number}"));
            let tree = studio.create_animation(character, new).await.unwrap();
            animation = Some(tree.animation.id);
        }
        let filter = AnimationFilter::default();
        check(5, |row: &pegbar::Animation| row.id, async |page| studio.list_animations(project, &filter, page).await).await;
        let animation = animation.unwrap();
        for number in 0..5 {
            let mut new = asset(number);
            new.tags = if number == 2 { vec![] } else { vec!["t".to_owned()] };
            studio.create_variation(character, new).await.unwrap();
            studio.create_takes(animation, vec![asset(number)]).await.unwrap();
            studio.record_generation(project, NewGeneration::failed("busy")).await.unwrap();
        }
        check(5, |row: &pegbar::Asset| row.id, async |page| studio.list_variations(character, page).await).await;
        check(5, |row: &pegbar::Asset| row.id, async |page| studio.list_takes(animation, page).await).await;
        let filter = AssetFilter::default();
        check(10, |row: &pegbar::Asset| row.id, async |page| studio.list_assets(project, &filter, page).await).await;
        let filter = AssetFilter { tag: Some("t".to_owned()), ..filter };
        check(4, |row: &pegbar::Asset| row.id, async |page| studio.list_assets(project, &filter, page).await).await;
        let filter = GenerationFilter::default();
        check(5, |row: &pegbar::Generation| row.id, async |page| studio.list_generations(project, &filter, page).await).await;
    }

    async fn a_search_from_the_newest_on_is_refused(bench) {
        let studio = bench.create().await;
        let page = PageRequest::default().descending();
        let refused = studio.search_assets(None, &SearchFilter::default(), page).await.unwrap_err();
        assert_eq!(refused.code(), "invalid");
    }
}
