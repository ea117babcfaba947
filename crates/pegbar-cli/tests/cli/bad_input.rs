//! What is no image, what is more than one, and what only looks like one.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Bench, images};

/// Writes a file and returns its path.
fn file(bench: &Bench, name: &str, bytes: &[u8]) -> String {
    let path = bench.path().join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

both_engines! {
    fn a_refusal_says_what_is_wrong_and_where_and_what_to_do(bench) {
        bench.ok(&["project", "create", "Cats"]);
        let whole = bench.png("whole.png", 1);
        let bytes = fs::read(&whole).unwrap();
        let cut = file(bench, "cut.png", &bytes[..bytes.len() - 20]);
        let refused = bench.refused(1, &["asset", "add", &whole, &cut]);
        let length = bytes.len() - 20;
        assert_eq!(refused, format!(
            "error: {cut}: cut short: the PNG ends at byte {length}, in the middle of the IDAT \
             chunk that begins at byte 33\nhint: Pegbar takes in PNG, JPEG, WebP and GIF\n"
        ));
        let svg = file(bench, "cat.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>");
        let refused = bench.refused_json(1, &["asset", "add", &svg]);
        assert_eq!(refused["code"], "not_an_image");
        assert_eq!(refused["message"], format!(
            "{svg}: SVG is a drawing with code in it, not an image of pixels: export it as PNG"
        ));
        let folder = bench.root();
        let refused = bench.refused(1, &["asset", "add", folder.to_str().unwrap()]);
        assert!(refused.contains("studio is a folder, where an image is expected\nhint: `pegbar import folder "), "{refused}");
        let refused = bench.refused(1, &["asset", "add", "nothing.png"]);
        assert!(refused.contains("nothing.png") && refused.contains("hint: "), "{refused}");
        assert_eq!(bench.json(&["asset", "list"]), serde_json::json!([]));
    }

    fn an_animated_image_is_said_to_be_one(bench) {
        bench.ok(&["project", "create", "Cats"]);
        let gif = file(bench, "walk.gif", &images::gif(9, 5, 12));
        let text = bench.ok(&["asset", "add", &gif]);
        assert!(text.contains("9×5, animated, 12 images"), "{text}");
        let text = bench.ok(&["asset", "show", "walk.gif"]);
        assert!(text.contains("9×5, animated, 12 images"), "{text}");
        assert_eq!(bench.json(&["asset", "show", "walk.gif"])["imageCount"], 12);
        let still = bench.png("still.png", 1);
        let text = bench.ok(&["asset", "add", &still]);
        assert!(text.contains("8×6  ") && !text.contains("animated"), "{text}");
    }
}

/// A picture whose left half is red and whose right half is blue.
fn red_and_blue() -> image::DynamicImage {
    let colour = |x| if x < 40 { [255, 0, 0] } else { [0, 0, 255] };
    image::RgbImage::from_fn(80, 40, |x, _| image::Rgb(colour(x))).into()
}

/// Returns where the middle of the pixels is that are like this.
fn middle(sheet: &image::RgbaImage, is_like: impl Fn([u8; 4]) -> bool) -> (u64, u64) {
    let found = sheet
        .enumerate_pixels()
        .filter(|(.., pixel)| is_like(pixel.0));
    let (mut count, mut sum) = (0, (0, 0));
    for (x, y, _) in found {
        count += 1;
        sum = (sum.0 + u64::from(x), sum.1 + u64::from(y));
    }
    assert!(count > 100, "{count} pixels");
    (sum.0 / count, sum.1 / count)
}

#[test]
fn a_contact_sheet_shows_images_as_they_are_to_be_seen() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let encoded = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        red_and_blue().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    // Orientation 6: a quarter turn to the right, so that the left is the top.
    let png = encoded(image::ImageFormat::Png);
    let png = images::png_with(png, &[images::png_chunk(*b"eXIf", &images::exif(6))]);
    let mut jpeg = encoded(image::ImageFormat::Jpeg);
    let exif = [b"Exif\0\0", images::exif(6).as_slice()].concat();
    jpeg.splice(2..2, images::jpeg_segment(0xe1, &exif));
    for (name, bytes) in [("png", png), ("jpeg", jpeg)] {
        let image = file(&bench, &format!("turned.{name}"), &bytes);
        bench.ok(&["character", "create", name, &image]);
        let variation = &bench.json(&["variation", "list", name])[0];
        assert_eq!(
            (&variation["width"], &variation["height"]),
            (&40.into(), &80.into())
        );
        bench.ok(&["contact-sheet", name, "-o", "sheet.png", "--force"]);
        let sheet = image::open(bench.root().join("sheet.png"))
            .unwrap()
            .into_rgba8();
        let red = middle(&sheet, |[r, g, b, _]| r > 200 && g < 60 && b < 60);
        let blue = middle(&sheet, |[r, g, b, _]| b > 200 && g < 60 && r < 60);
        assert!(red.1 + 10 < blue.1, "{name}: red {red:?}, blue {blue:?}");
        assert!(
            red.0.abs_diff(blue.0) <= 1,
            "{name}: red {red:?}, blue {blue:?}"
        );
    }
    let cmyk = file(&bench, "cmyk.jpg", &images::cmyk_jpeg());
    let deep = file(&bench, "deep.png", &images::png_of_16_bits(9, 5));
    bench.ok(&["character", "create", "Odd", &cmyk, &deep]);
    let ran = bench.run(&["contact-sheet", "Odd"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

/// What deflate makes of two gigabytes of the same letter (RFC 1951, 3.2.6).
fn deflated_bomb() -> Vec<u8> {
    let mut bits = vec![1, 1, 0];
    // The letter, then its repetition: 258 bytes (code 285) from one byte before.
    bits.extend([1, 0, 0, 1, 0, 0, 0, 1]);
    let repeat = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    bits.extend(repeat.iter().cycle().take(13 * 8_300_000));
    bits.extend([0; 7]);
    let bytes = bits.chunks(8).map(|bits| {
        let bits = bits.iter().enumerate();
        bits.fold(0_u8, |byte, (place, bit)| byte | bit << place)
    });
    [0x78, 0x01].into_iter().chain(bytes).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_bomb_costs_neither_memory_nor_time() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let png = images::png(40, 30);
    let deflated = deflated_bomb();
    let text = [b"Comment\0\0", deflated.as_slice()].concat();
    let profile = [b"ICC\0\0", deflated.as_slice()].concat();
    let chunks = [
        images::png_chunk(*b"zTXt", &text),
        images::png_chunk(*b"iCCP", &profile),
    ];
    let within = |arguments: &[&str]| {
        let limited = ["sh", "-c", "ulimit -v 1000000; exec \"$@\"", "sh"];
        let begin = Instant::now();
        let output = bench.command_through(&limited, arguments).output().unwrap();
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "{:?}",
            begin.elapsed()
        );
        crate::support::ran(&output)
    };
    let bomb = file(&bench, "bomb.png", &images::png_with(png.clone(), &chunks));
    let ran = within(&["character", "create", "Bomb", &bomb]);
    assert_eq!(ran.code, Some(0), "whole, and nobody unpacks it: {ran:?}");
    let ran = within(&["contact-sheet", "Bomb"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let large = |width: u32, height: u32| {
        let mut header = png[16..29].to_vec();
        header[..4].copy_from_slice(&width.to_be_bytes());
        header[4..8].copy_from_slice(&height.to_be_bytes());
        [&png[..8], &images::png_chunk(*b"IHDR", &header), &png[33..]].concat()
    };
    for (width, height, expected) in [
        (1 << 14, 1 << 14, "can't hold 16384 × 16384 pixels"),
        (1 << 30, 1 << 30, "1073741824 × 1073741824 pixels; 1 to "),
    ] {
        let large = file(&bench, "large.png", &large(width, height));
        let ran = within(&["asset", "add", &large]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_stop_nothing() {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

    let bench = Bench::new();
    let odd = |text: &[u8]| Path::new(std::ffi::OsStr::from_bytes(text)).to_owned();
    let studio = bench.path().join(odd(b"studi\xf6"));
    let run = |arguments: &[&std::ffi::OsStr]| {
        let mut command = bench.command(&[]);
        let output = command
            .arg("--studio")
            .arg(&studio)
            .args(arguments)
            .arg("--json")
            .output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let created = run(&["init".as_ref(), studio.as_os_str()]);
    assert!(
        created["folder"]
            .as_str()
            .unwrap()
            .ends_with("studi\u{fffd}"),
        "{created}"
    );
    run(&["project".as_ref(), "create".as_ref(), "Cats".as_ref()]);
    let image = bench.path().join(odd(b"Kr\xf6te.png"));
    fs::rename(bench.png("toad.png", 1), &image).unwrap();
    let added = run(&["asset".as_ref(), "add".as_ref(), image.as_os_str()]);
    assert_eq!(added[0]["originalName"], "Kr\\xf6te.png");
    let shown = run(&["asset".as_ref(), "show".as_ref(), "Kr\\xf6te.png".as_ref()]);
    assert_eq!(shown["originalName"], added[0]["originalName"]);

    let export = bench.path().join("export");
    fs::create_dir_all(export.join("rotations")).unwrap();
    fs::rename(
        bench.png("south.png", 2),
        export.join("rotations/south.png"),
    )
    .unwrap();
    let stray = std::ffi::OsString::from_vec(b"rotations/str\xe4y.png".to_vec());
    fs::rename(bench.png("stray.png", 3), export.join(stray)).unwrap();
    let metadata = r#"{"character": {"id": "c", "name": "Toad"},
        "frames": {"rotations": {"south": "rotations/south.png"}, "animations": {}}}"#;
    fs::write(export.join("metadata.json"), metadata).unwrap();
    let report = run(&["import".as_ref(), "pixellab".as_ref(), export.as_os_str()]);
    assert_eq!(report["created"]["variations"], 1);
    assert_eq!(report["skipped"]["count"], 1, "{report}");
    assert_eq!(report["skipped"]["first"][0], "rotations/str\u{fffd}y.png");
}
