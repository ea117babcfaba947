use super::*;

fn cell(width: u32, height: u32) -> Cell {
    Cell {
        image: RgbaImage::from_pixel(width, height, Rgba([200, 80, 40, 255])),
        label: "label".to_owned(),
        sublabels: Vec::new(),
        is_marked: false,
    }
}

#[test]
fn every_cell_lies_on_the_sheet_apart_from_the_others() {
    for count in [0, 1, 2, 7, 8, 446, 5000] {
        for columns in [None, Some(1), Some(4), Some(1000)] {
            let options = SheetOptions {
                columns,
                ..SheetOptions::default()
            };
            let layout = Layout::of(count, &options);
            let pixels = u64::from(layout.width) * u64::from(layout.height);
            assert!(layout.width <= 8192 && layout.height <= 8192 && pixels <= 32_000_000);
            let shown = count.min(layout.capacity());
            let slots: Vec<Slot> = (0..shown).filter_map(|i| layout.slot(i)).collect();
            assert_eq!(slots.len(), shown, "{count} {columns:?}");
            for slot in &slots {
                assert!(slot.left > 0 && slot.left + slot.size < layout.width);
                assert!(slot.top > 0 && slot.top + slot.size < layout.height);
            }
            for pair in slots.windows(2) {
                let beside = pair[1].left >= pair[0].left + pair[0].size;
                assert!(beside || pair[1].top >= pair[0].top + pair[0].size);
            }
        }
    }
}

#[test]
fn thousands_of_cells_all_have_a_place_and_millions_are_counted() {
    let options = SheetOptions::default();
    assert!(Layout::of(446, &options).labelled);
    assert!(Layout::of(5000, &options).capacity() >= 5000);
    let full = Layout::of(3_000_000, &options);
    assert!(full.capacity() > 10_000);
    assert_eq!(full.slot(full.capacity()), None);
}

#[test]
fn an_empty_sheet_says_so() {
    let empty = contact_sheet("Nothing yet", &[], &SheetOptions::default());
    assert!(empty.pixels().any(|pixel| *pixel == SUBLABEL));
}

#[test]
fn more_cells_than_announced_are_ignored() {
    let mut sheet = ContactSheet::new("one", 1, &SheetOptions::default());
    sheet.add(&cell(4, 4));
    let before = sheet.picture.clone();
    sheet.add(&cell(9, 9));
    sheet.add_unreadable("x", "damaged");
    assert_eq!(sheet.finish(), before);
}

#[test]
fn small_pictures_grow_by_whole_factors_and_large_ones_shrink_in_proportion() {
    let size =
        |width, height| fitted(&cell(width, height).image, 192, None).map(|i| i.dimensions());
    assert_eq!(size(64, 48), Some((192, 144)));
    assert_eq!(size(100, 50), Some((100, 50)));
    assert_eq!(size(192, 192), Some((192, 192)));
    assert_eq!(size(1920, 1080), Some((192, 108)));
    assert_eq!(size(10_000, 1), Some((192, 1)));
    assert_eq!(size(0, 0), None);
}

#[test]
fn grown_pixels_stay_sharp() {
    let mut image = RgbaImage::from_pixel(2, 1, Rgba([0, 0, 0, 255]));
    image.put_pixel(1, 0, Rgba([255; 4]));
    let grown = fitted(&image, 16, None).expect("it has pixels");
    assert!((0..8).all(|x| grown.get_pixel(x, 0)[0] == 0));
    assert!((8..16).all(|x| grown.get_pixel(x, 0)[0] == 255));
}

#[test]
fn colour_under_full_transparency_is_never_seen() {
    let hidden = RgbaImage::from_pixel(400, 400, Rgba([255, 0, 0, 0]));
    let cell = Cell {
        image: hidden,
        ..cell(1, 1)
    };
    let sheet = contact_sheet("", &[cell], &SheetOptions::default());
    let slot = Layout::of(1, &SheetOptions::default())
        .slot(0)
        .expect("one cell");
    let middle = sheet.get_pixel(slot.left + 96, slot.top + 96);
    assert!(CHECKERS.contains(middle));
}

#[test]
fn pictures_that_are_compared_grow_by_one_factor_as_far_as_it_fits() {
    let size = |width, scale| fitted(&cell(width, 1).image, 192, Some(scale)).map(|i| i.width());
    assert_eq!(size(64, 3), Some(192));
    assert_eq!(size(32, 3), Some(96));
    assert_eq!(size(64, 9), Some(192));
    assert_eq!(size(64, 0), Some(64));
    assert_eq!(size(400, 3), Some(192));
}

#[test]
fn a_marked_cell_stands_out_and_a_skipped_one_is_empty() {
    let options = SheetOptions {
        columns: Some(2),
        lines: 4,
        ..SheetOptions::default()
    };
    let mut sheet = ContactSheet::new("", 4, &options);
    let marked = Cell {
        is_marked: true,
        ..cell(4, 4)
    };
    sheet.skip();
    sheet.add(&marked);
    let layout = Layout::of(4, &options);
    let [empty, full, below] = [0, 1, 2].map(|n| layout.slot(n).expect("a place"));
    assert!(below.top - full.top > full.size + 4 * LINE_HEIGHT);
    let picture = sheet.finish();
    assert_eq!(*picture.get_pixel(full.left - 2, full.top), MARK);
    assert_eq!(*picture.get_pixel(empty.left - 1, empty.top), BACKGROUND);
    assert_eq!(
        *picture.get_pixel(empty.left + 96, empty.top + 96),
        BACKGROUND
    );
}
