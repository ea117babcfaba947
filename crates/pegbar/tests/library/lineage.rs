//! Lineage: what something was made from, and what was made from it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use pegbar::{
    AssetId, ImageSource, Lineage, LineageDirection, LineageOptions, LineageSide, NewAsset,
    NewProject, ProjectId, ReferenceRole, Studio,
};

use crate::support::{asset, png};

/// Creates a project with one reference asset for each list of inputs; an input is meant by its
/// place among them.
async fn graph(
    studio: &Studio,
    inputs: &[Vec<(usize, ReferenceRole)>],
) -> (ProjectId, Vec<AssetId>) {
    let image = studio.store_image(&ImageSource::Bytes(png(1))).unwrap();
    let ids: Vec<AssetId> = inputs.iter().map(|_| studio.new_id()).collect();
    let new = inputs.iter().zip(&ids).map(|(inputs, id)| {
        let new = NewAsset::new(ImageSource::Stored(image)).id(*id);
        let inputs = inputs.iter();
        inputs.fold(new, |new, (input, role)| new.made_from(ids[*input], *role))
    });
    let project = studio
        .create_project(NewProject::new("P"))
        .await
        .unwrap()
        .project
        .id;
    studio.create_assets(project, new.collect()).await.unwrap();
    (project, ids)
}

/// An asset made from others, whatever for.
fn from(inputs: &[usize]) -> Vec<(usize, ReferenceRole)> {
    inputs
        .iter()
        .map(|input| (*input, ReferenceRole::Other))
        .collect()
}

fn options(direction: LineageDirection) -> LineageOptions {
    LineageOptions::new(direction)
}

async fn ancestors(studio: &Studio, of: AssetId) -> Lineage {
    studio
        .lineage(of, &options(LineageDirection::Ancestors))
        .await
        .unwrap()
}

async fn descendants(studio: &Studio, of: AssetId) -> Lineage {
    studio
        .lineage(of, &options(LineageDirection::Descendants))
        .await
        .unwrap()
}

/// The nodes as places in a list of ids, with their depths.
fn depths(lineage: &Lineage, ids: &[AssetId]) -> BTreeMap<usize, u32> {
    let place = |id: AssetId| ids.iter().position(|known| *known == id).unwrap();
    let nodes = lineage.nodes.iter();
    let depths: BTreeMap<_, _> = nodes.map(|node| (place(node.id), node.depth)).collect();
    assert_eq!(depths.len(), lineage.nodes.len(), "each is there once");
    depths
}

/// The edges as places: what was made, what from, and the place of the input.
fn edges(lineage: &Lineage, ids: &[AssetId]) -> Vec<(usize, usize, u32)> {
    let place = |id: AssetId| ids.iter().position(|known| *known == id).unwrap();
    let edges = lineage.edges.iter();
    edges
        .map(|edge| (place(edge.asset_id), place(edge.input_id), edge.position))
        .collect()
}

both_engines! {
    async fn a_diamond_is_there_once_with_every_edge_and_the_shortest_depth(bench) {
        let studio = bench.create().await;
        // 4 is made from 3, 1 and 0, 3 from 1 and 2, 1 and 2 from 0.
        let inputs = [from(&[]), from(&[0]), from(&[0]), from(&[1, 2]), from(&[3, 1, 0])];
        let (project, ids) = graph(&studio, &inputs).await;
        let up = ancestors(&studio, ids[4]).await;
        assert_eq!((up.root, up.project_id, up.has_more), (ids[4], project, false));
        assert_eq!(depths(&up, &ids), BTreeMap::from([(4, 0), (3, 1), (1, 1), (0, 1), (2, 2)]));
        let order: Vec<_> = up.nodes.iter().map(|node| (node.depth, node.id)).collect();
        assert!(order.is_sorted(), "by depth, then by id");
        assert_eq!(edges(&up, &ids), [
            (4, 3, 0), (4, 1, 1), (4, 0, 2), (1, 0, 0), (3, 1, 0), (3, 2, 1), (2, 0, 0),
        ]);
        let sides: BTreeSet<_> = up.nodes[1..].iter().map(|node| node.side).collect();
        assert_eq!(up.nodes[0].side, LineageSide::Root);
        assert_eq!(sides, BTreeSet::from([LineageSide::Ancestor]));

        let down = descendants(&studio, ids[0]).await;
        assert_eq!(depths(&down, &ids), BTreeMap::from([(0, 0), (1, 1), (2, 1), (4, 1), (3, 2)]));
        let down_edges: BTreeSet<_> = edges(&down, &ids).into_iter().collect();
        assert_eq!(down_edges, edges(&up, &ids).into_iter().collect());
        assert!(down.nodes[1..].iter().all(|node| node.side == LineageSide::Descendant));

        // What 1 was made from and what was made from 1: not 2, which 1 has nothing to do with.
        let both = studio.lineage(ids[1], &options(LineageDirection::Both)).await.unwrap();
        assert_eq!(depths(&both, &ids), BTreeMap::from([(1, 0), (0, 1), (3, 1), (4, 1)]));
        let side = |place: usize| both.nodes.iter().find(|node| node.id == ids[place]).unwrap().side;
        assert_eq!([0, 3, 4].map(side), [
            LineageSide::Ancestor, LineageSide::Descendant, LineageSide::Descendant,
        ]);
        let both_edges: BTreeSet<_> = edges(&both, &ids).into_iter().collect();
        assert_eq!(both_edges, BTreeSet::from([
            (1, 0, 0), (3, 1, 0), (4, 3, 0), (4, 1, 1), (4, 0, 2),
        ]));
        assert_eq!(both.edges.len(), 5, "no edge is there twice");
    }

    async fn nodes_and_edges_say_what_was_recorded(bench) {
        let studio = bench.create().await;
        let (front, pose) = (studio.new_id(), studio.new_id());
        let project = NewProject::new("P")
            .reference(NewAsset { original_name: Some("pose.png".to_owned()), ..asset(2).id(pose) })
            .character(pegbar::NewCharacter::new("Tabby").variation(asset(1).id(front))
                .animation(pegbar::NewAnimation::new("Walk").frame(pegbar::NewFrame::new(
                    asset(3).made_from(front, ReferenceRole::Character)
                        .made_from(pose, ReferenceRole::Pose)
                        .made_from(front, ReferenceRole::Style)))));
        let tree = studio.create_project(project).await.unwrap();
        let walk = &tree.characters[0].animations[0];
        let take = &walk.frames[0].asset;
        let lineage = ancestors(&studio, take.id).await;
        let node = |id: AssetId| lineage.nodes.iter().find(|node| node.id == id).unwrap();
        assert_eq!(node(take.id).animation_id, Some(walk.animation.id));
        assert_eq!(node(front).character_id, Some(tree.characters[0].character.id));
        assert_eq!(node(pose).original_name.as_deref(), Some("pose.png"));
        for stored in [take, &tree.references[0], &tree.characters[0].variations[0]] {
            let node = node(stored.id);
            assert_eq!((node.kind, node.sha256), (stored.kind, stored.sha256));
            assert_eq!(node.bytes_dropped_at, None);
        }
        let found = lineage.edges.iter().map(|edge| (edge.input_id, edge.role, edge.sha256));
        let recorded = take.references.iter().map(|it| (it.asset_id, it.role, it.sha256));
        assert_eq!(found.collect::<Vec<_>>(), recorded.collect::<Vec<_>>());
    }

    async fn only_the_roles_asked_for_are_followed(bench) {
        use ReferenceRole::{Character, PreviousFrame, Style};
        let studio = bench.create().await;
        // Frames 1 to 3 are each made from the design 0 and the frame before; 2 also has a style.
        let inputs = [
            vec![],
            vec![(0, Character)],
            vec![(0, Character), (1, PreviousFrame), (4, Style)],
            vec![(2, PreviousFrame)],
            vec![],
        ];
        let (_, ids) = graph(&studio, &inputs).await;
        for (roles, up, down) in [
            (vec![], vec![0, 1, 2, 3, 4], vec![0, 1, 2, 3]),
            (vec![Character], vec![3], vec![0, 1, 2]),
            (vec![PreviousFrame], vec![1, 2, 3], vec![0]),
            (vec![PreviousFrame, Style], vec![1, 2, 3, 4], vec![0]),
            (vec![Character, PreviousFrame], vec![0, 1, 2, 3], vec![0, 1, 2, 3]),
        ] {
            for max_depth in [None, Some(3), Some(30)] {
                let with = |direction| LineageOptions {
                    roles: roles.clone(), max_depth, ..options(direction)
                };
                let found = studio.lineage(ids[3], &with(LineageDirection::Ancestors)).await.unwrap();
                let known: Vec<_> = depths(&found, &ids).into_keys().collect();
                assert_eq!(known, up, "{roles:?} {max_depth:?}");
                let is_asked_for = |role| roles.is_empty() || roles.contains(&role);
                assert!(found.edges.iter().all(|edge| is_asked_for(edge.role)), "{roles:?}");
                let found = studio.lineage(ids[0], &with(LineageDirection::Descendants)).await.unwrap();
                let known: Vec<_> = depths(&found, &ids).into_keys().collect();
                assert_eq!(known, down, "{roles:?} {max_depth:?}");
            }
        }
    }

    async fn a_depth_limit_cuts_by_the_shortest_way(bench) {
        let studio = bench.create().await;
        // A chain in which each is made from the two before: from 20, there are 10 steps to 0.
        let inputs: Vec<_> = (0..21_usize).map(|n| {
            from(&(n.saturating_sub(2)..n).collect::<Vec<_>>())
        }).collect();
        let (_, ids) = graph(&studio, &inputs).await;
        for max in [0, 1, 2, 4, 5, 9, 10, 11, u32::MAX] {
            let with = |direction| LineageOptions { max_depth: Some(max), ..options(direction) };
            let up = studio.lineage(ids[20], &with(LineageDirection::Ancestors)).await.unwrap();
            let reach = usize::try_from(max).unwrap().min(10) * 2;
            let expected: BTreeMap<_, _> = (20 - reach..21)
                .map(|place| (place, u32::try_from((20 - place).div_ceil(2)).unwrap())).collect();
            assert_eq!(depths(&up, &ids), expected, "{max}");
            assert!(!up.has_more, "{max}");
            let is_there = |place: usize| place >= 20 - reach;
            assert!(edges(&up, &ids).iter().all(|(made, input, _)| is_there(*made) && is_there(*input)));
            let down = studio.lineage(ids[0], &with(LineageDirection::Descendants)).await.unwrap();
            let expected: BTreeMap<_, _> = (0..=reach)
                .map(|place| (place, u32::try_from(place.div_ceil(2)).unwrap())).collect();
            assert_eq!(depths(&down, &ids), expected, "{max}");
        }
    }

    async fn a_limit_lets_the_nearest_in_and_says_that_there_is_more(bench) {
        let studio = bench.create().await;
        // Three layers of 10, each made from the whole layer before.
        let inputs: Vec<_> = (0..30).map(|n| from(&match n / 10 {
            0 => vec![],
            layer => (layer * 10 - 10..layer * 10).collect::<Vec<_>>(),
        })).collect();
        let (_, ids) = graph(&studio, &inputs).await;
        for max_depth in [None, Some(2), Some(9)] {
            for (limit, has_more) in [(1, true), (5, true), (11, true), (20, true), (21, false)] {
                let with = LineageOptions { limit, max_depth, ..options(LineageDirection::Ancestors) };
                let found = studio.lineage(ids[29], &with).await.unwrap();
                assert_eq!(found.nodes.len(), limit as usize, "{limit} {max_depth:?}");
                assert_eq!(found.has_more, has_more, "{limit} {max_depth:?}");
                let far = found.nodes.iter().filter(|node| node.depth == 2).count();
                assert_eq!(far, (limit as usize).saturating_sub(11), "{limit} {max_depth:?}");
            }
        }
        // What lies deeper than asked for is not what the limit kept out.
        let near = LineageOptions { limit: 11, max_depth: Some(1), ..options(LineageDirection::Ancestors) };
        let found = studio.lineage(ids[29], &near).await.unwrap();
        assert_eq!((found.nodes.len(), found.has_more), (11, false));
        for limit in [0, pegbar::MAX_LINEAGE_LIMIT + 1] {
            let with = LineageOptions { limit, ..options(LineageDirection::Both) };
            let error = studio.lineage(ids[29], &with).await.unwrap_err();
            assert!(error.to_string().starts_with("limit: "), "{error}");
        }
    }

    async fn what_is_not_there_has_no_lineage(bench) {
        let studio = bench.create().await;
        let nobody: AssetId = studio.new_id();
        for direction in [LineageDirection::Ancestors, LineageDirection::Descendants, LineageDirection::Both] {
            let error = studio.lineage(nobody, &options(direction)).await.unwrap_err();
            assert_eq!(error.code(), "not_found");
        }
        let alone = studio.create_project(NewProject::new("P").reference(asset(1))).await.unwrap();
        let alone = alone.references[0].id;
        let found = studio.lineage(alone, &options(LineageDirection::Both)).await.unwrap();
        assert_eq!((found.nodes.len(), found.edges.len()), (1, 0));
    }

    async fn circles_that_others_wrote_end(bench) {
        let studio = bench.create().await;
        let inputs = [from(&[]), from(&[0]), from(&[1]), from(&[2])];
        let (project, ids) = graph(&studio, &inputs).await;
        let mut raw = bench.raw().await;
        let edge = format!(
            "INSERT INTO asset_reference (project_id, asset_id, position, referenced_asset_id) \
             VALUES ({}, {}, 0, {})", raw.id(project), raw.id(ids[0]), raw.id(ids[2]));
        raw.tamper(&edge).await.unwrap();
        let up = ancestors(&studio, ids[3]).await;
        assert_eq!(depths(&up, &ids), BTreeMap::from([(3, 0), (2, 1), (1, 2), (0, 3)]));
        let both = studio.lineage(ids[1], &options(LineageDirection::Both)).await.unwrap();
        assert_eq!(depths(&both, &ids), BTreeMap::from([(1, 0), (0, 1), (2, 2), (3, 2)]));
        assert_eq!(both.edges.len(), 4);
        for max_depth in [1, 4, 40] {
            let with = LineageOptions {
                max_depth: Some(max_depth), ..options(LineageDirection::Descendants)
            };
            assert_eq!(studio.lineage(ids[0], &with).await.unwrap().nodes[0].id, ids[0]);
        }
        assert_eq!(studio.frames_from(ids[0]).await.unwrap(), []);
    }

    async fn other_projects_assets_are_never_seen(bench) {
        let studio = bench.create().await;
        let inputs = [from(&[]), from(&[0]), from(&[1])];
        let (project, ids) = graph(&studio, &inputs).await;
        let (_, others) = graph(&studio, &inputs).await;
        // Past the keys, as a program without foreign keys would write it.
        let mut raw = bench.raw().await;
        let edges = [(ids[0], others[2], 0), (others[0], ids[2], 1)].map(|(made, input, position)| format!(
            "INSERT INTO asset_reference (project_id, asset_id, position, referenced_asset_id) \
             VALUES ({}, {}, {position}, {})", raw.id(project), raw.id(made), raw.id(input)));
        let without_keys = match bench.engine() {
            pegbar::Engine::Sqlite => "PRAGMA foreign_keys = OFF",
            pegbar::Engine::Postgres => "SET session_replication_role = replica",
        };
        raw.tamper(&format!("{without_keys}; {}", edges.join("; "))).await.unwrap();
        for direction in [LineageDirection::Ancestors, LineageDirection::Descendants, LineageDirection::Both] {
            for max_depth in [None, Some(3)] {
                let with = LineageOptions { max_depth, ..options(direction) };
                let found = studio.lineage(ids[1], &with).await.unwrap();
                assert!(found.nodes.iter().all(|node| ids.contains(&node.id)), "{direction:?}");
                assert!(found.edges.iter().all(|edge| ids.contains(&edge.input_id)), "{direction:?}");
            }
        }
    }

    async fn twenty_layers_of_twenty_take_milliseconds(bench) {
        let studio = bench.create().await;
        let inputs: Vec<_> = (0..400_usize).map(|n| from(&match n / 20 {
            0 => vec![],
            layer => (layer * 20 - 20..layer * 20).collect::<Vec<_>>(),
        })).collect();
        let (_, ids) = graph(&studio, &inputs).await;
        // There are 20^19 ways from the last to the first layer.
        let begin = Instant::now();
        let up = ancestors(&studio, ids[399]).await;
        assert_eq!((up.nodes.len(), up.edges.len()), (381, 20 + 18 * 400));
        assert_eq!(up.nodes.last().unwrap().depth, 19);
        let down = descendants(&studio, ids[0]).await;
        assert_eq!((down.nodes.len(), down.edges.len()), (381, 20 + 18 * 400));
        let with = LineageOptions { max_depth: Some(19), ..options(LineageDirection::Ancestors) };
        assert_eq!(studio.lineage(ids[399], &with).await.unwrap(), up);
        // Milliseconds where the machine does nothing else and the code is optimized.
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }

    async fn a_chain_of_a_thousand_frames_is_whole(bench) {
        let studio = bench.create().await;
        let inputs: Vec<_> = (0..1000_usize)
            .map(|n| from(&n.checked_sub(1).into_iter().collect::<Vec<_>>())).collect();
        let (_, ids) = graph(&studio, &inputs).await;
        let up = ancestors(&studio, ids[999]).await;
        let expected: Vec<_> = (0..1000).map(|n| (ids[999 - n], u32::try_from(n).unwrap())).collect();
        let found: Vec<_> = up.nodes.iter().map(|node| (node.id, node.depth)).collect();
        assert_eq!(found, expected);
        let down = descendants(&studio, ids[0]).await;
        let found: Vec<_> = down.nodes.iter().map(|node| node.id).collect();
        assert_eq!(found, ids);
        assert_eq!((up.edges.len(), down.edges.len()), (999, 999));
    }

    async fn people_know_assets_by_where_they_are(bench) {
        let studio = bench.create().await;
        let named = |number, name: &str| NewAsset {
            original_name: Some(name.to_owned()), ..asset(number)
        };
        let (front, side, palette) = (studio.new_id(), studio.new_id(), studio.new_id());
        let (shown, twice, unshown) = (studio.new_id(), studio.new_id(), studio.new_id());
        let project = NewProject::new("P").reference(named(1, "palette.png").id(palette))
            .character(pegbar::NewCharacter::new("Tabby")
                .variation(named(2, "front.png").id(front)).variation(asset(3).id(side))
                .animation(pegbar::NewAnimation::new("Walk")
                    .frame(pegbar::NewFrame::new(asset(4).id(shown)))
                    .frame(pegbar::NewFrame::new(asset(5).id(twice)))
                    .frame(pegbar::NewFrame::showing(twice))
                    .take(named(6, "try.png").id(unshown))));
        let tree = studio.create_project(project).await.unwrap();
        let (_, others) = graph(&studio, &[from(&[])]).await;
        let asked = [unshown, others[0], front, side, palette, shown, twice];
        let found = studio.whereabouts(tree.project.id, &asked).await.unwrap();
        let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(texts, [
            "Tabby/Walk/try.png", "Tabby/front.png", &format!("Tabby/{}", &side.to_string()[24..]),
            "palette.png", "Tabby/Walk/0", "Tabby/Walk/1",
        ]);
        let primary: Vec<_> = found.iter().map(|it| it.is_primary).collect();
        assert_eq!(primary, [false, true, false, false, false, false]);
        assert_eq!(found[5].shown_in[1].frame_index, 2);
        assert_eq!(found[5].shown_in[1].animation_id, tree.characters[0].animations[0].animation.id);
    }
}
