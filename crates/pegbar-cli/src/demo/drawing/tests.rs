use std::collections::HashSet;

use super::{
    cutout::{Part, cutout_sheet},
    *,
};

fn decode(drawing: &Drawing) -> RgbaImage {
    image::load_from_memory(&drawing.png)
        .expect("a PNG just written")
        .to_rgba8()
}

fn drawings(character: &DemoCharacter) -> impl Iterator<Item = &Drawing> {
    let frames = character.animations.iter().flat_map(|a| &a.frames);
    character.variations.iter().chain(frames)
}

/// How many pixels differ visibly.
fn difference(a: &RgbaImage, b: &RgbaImage) -> usize {
    let apart = |a: &image::Rgba<u8>, b: &image::Rgba<u8>| {
        a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 24)
    };
    a.pixels()
        .zip(b.pixels())
        .filter(|(a, b)| apart(a, b))
        .count()
}

fn solid(picture: &RgbaImage) -> Vec<bool> {
    picture.pixels().map(|pixel| pixel[3] > 200).collect()
}

#[test]
fn one_seed_gives_the_same_bytes_every_time() {
    let (once, again) = (draw(7).expect("drawn"), draw(7).expect("drawn"));
    assert_eq!(once.name, again.name);
    for (a, b) in drawings(&once).zip(drawings(&again)) {
        assert_eq!((a.key, &a.png, &a.settings), (b.key, &b.png, &b.settings));
    }
}

#[test]
fn neighbouring_seeds_differ_in_species_colours_and_silhouette() {
    let designs: Vec<Design> = (0..40).map(Design::from_seed).collect();
    let fronts: Vec<RgbaImage> = designs.iter().take(8).map(view::front).collect();
    for (i, pair) in designs.windows(2).enumerate() {
        assert_ne!(pair[0].species, pair[1].species, "{i}");
        assert_ne!(pair[0].palette.coat, pair[1].palette.coat, "{i}");
    }
    let looks: HashSet<String> = designs.iter().map(Design::looks).collect();
    assert_eq!(looks.len(), designs.len());
    for (i, a) in fronts.iter().enumerate() {
        for b in &fronts[i + 1..] {
            let (a, b) = (solid(a), solid(b));
            let apart = a.iter().zip(&b).filter(|(a, b)| a != b).count();
            assert!(apart > 600, "the silhouettes differ in only {apart} pixels");
        }
    }
}

#[test]
fn every_picture_is_drawn_from_earlier_ones_only() {
    let character = draw(3).expect("drawn");
    let mut earlier = HashSet::new();
    for drawing in drawings(&character) {
        for input in &drawing.inputs {
            assert!(
                earlier.contains(&input.key),
                "{:?} from {:?}",
                drawing.key,
                input.key
            );
        }
        assert!(earlier.insert(drawing.key), "{:?} twice", drawing.key);
        assert_eq!(drawing.settings["seed"], 3);
        let picture = decode(drawing);
        assert_eq!(drawing.settings["width"], picture.width());
        assert_eq!(drawing.settings["height"], picture.height());
    }
    assert!(character.variations[character.primary].inputs.is_empty());
}

#[test]
fn the_colours_read_off_the_front_view_are_those_it_was_painted_with() {
    for seed in 0..24 {
        let design = Design::from_seed(seed);
        let read = view::read_palette(&design, &view::front(&design));
        assert_eq!(read, design.palette, "seed {seed}, {}", design.looks());
    }
}

#[test]
fn a_frame_takes_its_pixels_from_the_pictures_it_names() {
    let design = Design::from_seed(2);
    let front = view::front(&design);
    let sheet = cutout_sheet(&design, &front);
    let sources = Sources {
        sheet: &sheet,
        front: &front,
        previous: None,
    };
    let contact = puppet::pose(&design, &pose::walk(0), sources, 7);
    let plain = puppet::pose(&design, &pose::walk(1), sources, 7);

    let other = variant::other_colours(&sheet, HueTurn::Onwards);
    let recoloured = puppet::pose(
        &design,
        &pose::walk(1),
        Sources {
            sheet: &other,
            ..sources
        },
        7,
    );
    assert!(difference(&plain, &recoloured) > 2000);
    assert_eq!(solid(&plain), solid(&recoloured));

    let other = variant::other_colours(&front, HueTurn::Onwards);
    let inked = puppet::pose(
        &design,
        &pose::walk(1),
        Sources {
            front: &other,
            ..sources
        },
        7,
    );
    assert_ne!(plain, inked);

    let after = Sources {
        previous: Some(&contact),
        ..sources
    };
    let dusty = puppet::pose(&design, &pose::walk(1), after, 7);
    assert!(difference(&plain, &dusty) > 20);

    let painted = cutout_sheet(&design, &variant::other_colours(&front, HueTurn::Onwards));
    assert!(difference(&sheet, &painted) > 2000);
}

#[test]
fn the_walk_has_eight_poses_that_close_into_a_loop() {
    let character = draw(1).expect("drawn");
    let walk: Vec<RgbaImage> = character.animations[0].frames.iter().map(decode).collect();
    assert_eq!(walk.len(), 8);
    for (i, a) in walk.iter().enumerate() {
        for b in &walk[i + 1..] {
            assert!(difference(a, b) > 100);
        }
    }
    let within = walk
        .windows(2)
        .map(|pair| difference(&pair[0], &pair[1]))
        .max();
    let around = difference(&walk[7], &walk[0]);
    assert!(
        Some(around) <= within.map(|most| most * 11 / 10),
        "{around} {within:?}"
    );

    let design = Design::from_seed(1);
    let front = view::front(&design);
    let sheet = cutout_sheet(&design, &front);
    let sources = Sources {
        sheet: &sheet,
        front: &front,
        previous: Some(&walk[7]),
    };
    let ninth = puppet::pose(&design, &pose::walk(8), sources, 7);
    assert!(difference(&ninth, &walk[0]) < 20);
}

#[test]
fn arms_swing_against_legs_and_one_foot_always_stands() {
    let mut hips: Vec<f32> = Vec::new();
    for index in 0..pose::WALK_LENGTH {
        let pose = pose::walk(index);
        for side in 0..2 {
            let (leg, arm) = (pose.steps[side].forward, pose.arms[side]);
            assert!(leg.abs() < 0.1 || arm.abs() < 10.0 || (leg > 0.0) == (arm > 0.0));
        }
        assert!(pose.steps.iter().any(|step| step.lift < 0.1));
        hips.push(pose.hip);
    }
    // Down, then up, twice.
    assert!(hips[1] < hips[0] && hips[2] < hips[3] && hips[0] < hips[2]);
    assert_eq!(hips[..4], hips[4..]);
}

#[test]
fn nothing_is_cut_off_at_the_edge_of_a_picture() {
    for seed in 0..8 {
        let design = Design::from_seed(seed);
        let front = view::front(&design);
        let sheet = cutout_sheet(&design, &front);
        let sources = Sources {
            sheet: &sheet,
            front: &front,
            previous: None,
        };
        let mut pictures = vec![front.clone()];
        pictures.extend([2, 3, 5].map(|i| puppet::pose(&design, &pose::jump(i), sources, 2)));
        pictures.push(puppet::pose(&design, &pose::walk(0), sources, 7));
        for (i, picture) in pictures.iter().enumerate() {
            let (right, bottom) = (picture.width() - 1, picture.height() - 1);
            let cut = picture.enumerate_pixels().any(|(x, y, pixel)| {
                pixel[3] == 255 && (x == 0 || y == 0 || x == right || y == bottom)
            });
            assert!(!cut, "picture {i} of seed {seed}, {}", design.looks());
        }
        for part in Part::ALL {
            let cutout = part.cut(&sheet);
            let [left, top, width, height] = cutout.cell;
            let seen = |x: u32, y: u32| sheet.get_pixel(x, y)[3] > 0;
            let across = (left..left + width).any(|x| seen(x, top) || seen(x, top + height - 1));
            let down = (top..top + height).any(|y| seen(left, y) || seen(left + width - 1, y));
            assert!(
                !across && !down,
                "{part:?} of seed {seed}, {}",
                design.looks()
            );
        }
    }
}
