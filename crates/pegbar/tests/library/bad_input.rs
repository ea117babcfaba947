//! Images of every kind are taken in whole; what is none is refused, and nothing stays of it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pegbar::{Error, ImageSource, NewAsset, NewProject, Sha256, StoredImage, Studio};

use crate::support::images::{self, png_chunk, png_with};
use crate::support::{asset, files_below, run_on_sqlite, shared_inputs};

/// What a refusal says, if it comes at once: a pipe would be waited for.
fn refused_at_once(studio: &Studio, path: &Path) -> Error {
    let (send, receive) = mpsc::channel();
    let (studio, source) = (studio.clone(), ImageSource::File(path.to_owned()));
    std::thread::spawn(move || send.send(studio.store_image(&source)));
    let answer = receive.recv_timeout(Duration::from_secs(30));
    let answer = answer.unwrap_or_else(|_| panic!("{} is waited for", path.display()));
    answer.expect_err(&path.display().to_string())
}

/// Everything that the studio keeps of images.
fn kept_of_images(studio: &Studio) -> Vec<(String, Sha256)> {
    let mut kept = files_below(&studio.root().join(".pegbar/blobs"));
    kept.extend(files_below(&studio.assets_folder()));
    let tmp = files_below(&studio.root().join(".pegbar/tmp")).into_iter();
    kept.extend(tmp.filter(|(path, _)| !path.ends_with("lock")));
    kept
}

both_engines! {
    async fn every_kind_of_image_is_taken_in_whole(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        for (name, bytes, count) in images::one_of_each() {
            // Whatever it is, it is called a PNG.
            let file = bench.folder.path().join(format!("{name}.png"));
            fs::write(&file, &bytes).unwrap();
            let new = NewAsset::from_file(&file);
            let asset = studio.create_asset(project, new).await.unwrap();
            let size = match name {
                "CMYK JPEG" => (Some(8), Some(8)),
                name if name.starts_with("turned") => (Some(5), Some(9)),
                _ => (Some(9), Some(5)),
            };
            assert_eq!((asset.width, asset.height), size, "{name}");
            assert_eq!(asset.image_count, Some(count), "{name}");
            assert_eq!(asset.original_name, Some(format!("{name}.png")));
            let format = name.replace(" of 16 bits", "");
            let format = format.rsplit(' ').next().unwrap().to_lowercase();
            assert_eq!(asset.mime_type, Some(format!("image/{format}")));
            let extension = format.replace("jpeg", "jpg");
            assert!(asset.file_path.as_ref().unwrap().ends_with(&format!(".{extension}")));
            let mut kept = Vec::new();
            studio.open_image(&asset).unwrap().read_to_end(&mut kept).unwrap();
            assert_eq!(kept, bytes, "{name}");
            let shown = studio.assets_folder().join(asset.file_path.as_ref().unwrap());
            assert_eq!(fs::read(shown).unwrap(), bytes, "{name}");
            assert_eq!(studio.get_asset(asset.id).await.unwrap(), asset);
        }
    }

    async fn images_of_real_generators_are_whole(bench) {
        let Some(real) = shared_inputs() else { return };
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let files = files_below(&real);
        let files = files.iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|e| e == "png"));
        let new: Vec<_> = files.map(|(path, _)| NewAsset::from_file(real.join(path))).collect();
        assert!(new.len() > 400, "{}", new.len());
        let expected = new.len();
        let assets = studio.create_assets(project, new).await.unwrap();
        assert_eq!(assets.len(), expected);
        assert!(assets.iter().all(|asset| asset.image_count == Some(1)));
        let jpegs = assets.iter().filter(|asset| asset.mime_type.as_deref() == Some("image/jpeg"));
        assert!(jpegs.count() > 0, "some are JPEGs that are called PNGs");
    }

    async fn what_is_no_whole_image_is_refused_and_nothing_stays_of_it(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let whole = images::png(40, 30);
        let mut damaged = whole.clone();
        damaged[60] ^= 1;
        let bomb = png_chunk(*b"IHDR", &[0, 1, 0, 0, 0, 1, 0, 0, 8, 2, 0, 0, 0]);
        let bomb = [&whole[..8], &bomb, &whole[33..]].concat();
        let mut endless = whole.clone();
        endless[33] = 0x7f;
        let large = png_with(whole.clone(), &[png_chunk(*b"raNd", &vec![7; 9 << 20])]);
        let cases: [(&str, &[u8], &str); 10] = [
            ("empty.png", b"", "the file is empty"),
            ("short.png", &whole[..500], "cut short: the PNG ends at byte 500, in the middle of the IDAT chunk"),
            ("large.png", &large[..large.len() - 20], "cut short: the PNG ends at byte 9"),
            ("damaged.png", &damaged, "do not match its checksum"),
            ("bomb.png", &bomb, "65536 × 65536 pixels; 1 to 268435456"),
            ("endless.png", &endless, "in the middle of the IDAT chunk that begins at byte 33"),
            ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG is a drawing with code in it, not an image of pixels: export it as PNG"),
            ("page.png", b"<!DOCTYPE html><title>404", "a web page (HTML)"),
            ("pointer.png", b"version https://git-lfs.github.com/spec/v1\n", "run `git lfs pull` first"),
            ("notes.png", b"not an image", "text, not an image"),
        ];
        for (name, bytes, expected) in cases {
            let file = bench.folder.path().join(name);
            fs::write(&file, bytes).unwrap();
            let error = studio.create_asset(project, NewAsset::from_file(&file)).await.unwrap_err();
            assert_eq!(error.code(), "not_an_image", "{name}");
            let text = error.to_string();
            assert!(text.starts_with(file.to_str().unwrap()) && text.contains(expected), "{text}");
            assert_eq!(error.hint().unwrap(), "Pegbar takes in PNG, JPEG, WebP and GIF");
            assert_eq!(kept_of_images(&studio), [], "{name}");
            // As bytes, too, where no file has a name.
            let error = studio.create_asset(project, NewAsset::from_bytes(bytes)).await.unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("the image: ") && text.contains(expected), "{text}");
        }
        // One among many: none of them becomes an asset.
        let short = NewAsset::from_bytes(&whole[..500]);
        let many = vec![asset(1), short, asset(2)];
        assert_eq!(studio.create_assets(project, many).await.unwrap_err().code(), "not_an_image");
        let listed = studio.list_assets(project, &Default::default(), Default::default()).await;
        assert_eq!(listed.unwrap().rows, []);
        assert_eq!(files_below(&studio.assets_folder()), []);
    }

    async fn what_is_no_file_is_refused_at_once(bench) {
        let studio = bench.create().await;
        let refused = |path: &Path, expected: &str| {
            let error = refused_at_once(&studio, path);
            assert_eq!(error.code(), "not_an_image");
            assert_eq!(error.to_string(), format!("{}: {expected}, not a file", path.display()));
        };
        refused(bench.folder.path(), "a folder");
        let missing = refused_at_once(&studio, &bench.folder.path().join("nothing.png"));
        assert_eq!((missing.code(), missing.hint().as_deref()), ("io", Some("check the path")));
        #[cfg(unix)]
        {
            refused(Path::new("/dev/zero"), "a device");
            refused(Path::new("/dev/null"), "a device");
            let socket = bench.folder.path().join("socket.png");
            let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
            refused(&socket, "a socket");
            let pipe = bench.folder.path().join("pipe.png");
            let made = std::process::Command::new("mkfifo").arg(&pipe).status();
            assert!(made.unwrap().success());
            refused(&pipe, "a pipe");
            let link = bench.folder.path().join("link.png");
            std::os::unix::fs::symlink(&pipe, &link).unwrap();
            refused(&link, "a pipe");
        }
        assert_eq!(kept_of_images(&studio), []);
    }

    async fn a_file_over_the_limit_is_refused_before_it_is_copied(bench) {
        let studio = bench.create().await;
        let file = bench.folder.path().join("huge.png");
        fs::write(&file, images::png(40, 30)).unwrap();
        // Most of it is a hole, which takes no room.
        fs::File::options().write(true).open(&file).unwrap().set_len(8 << 30).unwrap();
        let begin = Instant::now();
        let error = studio.store_image(&ImageSource::File(file)).unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        let text = error.to_string();
        assert!(text.ends_with("huge.png: larger than 268435456 bytes, the limit of this studio"), "{text}");
        assert_eq!(kept_of_images(&studio), []);
    }

    async fn animated_images_keep_their_number_when_they_are_shown(bench) {
        let studio = bench.create().await;
        let gif = NewAsset::from_bytes(images::gif(9, 5, 12));
        let project = NewProject::new("P").reference(gif);
        let tree = studio.create_project(project).await.unwrap();
        assert_eq!(tree.references[0].image_count, Some(12));
        let read = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_eq!(read.references[0].image_count, Some(12));
    }
}

/// Writes one image and then another into the same file, in pieces, until it is told to stop.
fn rewrite(file: &Path, images: &[Vec<u8>; 2], stop: &AtomicBool) {
    for image in images.iter().cycle() {
        let mut target = fs::File::create(file).unwrap();
        for piece in image.chunks(image.len() / 40) {
            target.write_all(piece).unwrap();
            std::thread::yield_now();
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_file_that_is_being_rewritten_is_taken_in_as_one_of_what_it_was_or_refused() {
    run_on_sqlite(async |bench| {
        let studio = bench.create().await;
        // Small ones are read into memory, large ones copied.
        for size in [200_000, 9 << 20] {
            let image = |number: u8| {
                let filling = png_chunk(*b"raNd", &vec![number; size]);
                png_with(images::png(40, 30), &[filling])
            };
            let written = [image(1), image(2)];
            let hashes = written.each_ref().map(|bytes| Sha256::of(bytes));
            let file = bench.folder.path().join("changing.png");
            fs::write(&file, &written[0]).unwrap();
            let store = || studio.store_image(&ImageSource::File(file.clone()));
            let check = |stored: StoredImage| {
                assert!(hashes.contains(&stored.sha256()));
                let name = stored.sha256().to_string();
                let blob = studio.root().join(".pegbar/blobs");
                let blob = fs::read(blob.join(&name[..2]).join(name)).unwrap();
                assert_eq!(Sha256::of(&blob), stored.sha256());
            };
            let stop = AtomicBool::new(false);
            let (begin, mut changed) = (Instant::now(), 0);
            std::thread::scope(|threads| {
                threads.spawn(|| rewrite(&file, &written, &stop));
                while changed < 3 && begin.elapsed() < Duration::from_mins(1) {
                    match store() {
                        Ok(stored) => check(stored),
                        Err(error @ Error::Conflict { .. }) => {
                            changed += 1;
                            let text = error.to_string();
                            assert!(text.ends_with("changed while it was read"), "{text}");
                            assert!(error.hint().unwrap().contains("wait until the program"));
                        }
                        // Read between two pieces, or before the first.
                        Err(error) => assert_eq!(error.code(), "not_an_image", "{error}"),
                    }
                }
                stop.store(true, Ordering::Relaxed);
            });
            assert!(changed > 0, "it was never caught in the middle");
            check(store().unwrap());
        }
    });
}
