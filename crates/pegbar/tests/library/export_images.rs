//! Files of assets in a folder of somebody else.

use std::fs;
use std::path::{Path, PathBuf};

use image::AnimationDecoder as _;
use pegbar::{
    Asset, ExportScope, ExportedImages, GenerationOutput, ImageExport, ImageSource, Json, NewAsset,
    NewGeneration, NewProject, Studio, XmpOptions,
};

use crate::support::alley::alley;
use crate::support::exchange::exiftool;
use crate::support::images::{self, one_of_each, png_chunk, png_with};
use crate::support::{asset, files_below, png, shared_inputs};

const PROMPT: &str = "a cat <walking> & \"running\", 走る猫";

fn generated(bytes: Vec<u8>) -> NewAsset {
    let settings = r#"{"modelVersion":"2026-01","seed":7}"#;
    NewAsset::from_bytes(bytes)
        .prompt(PROMPT)
        .model("sprite-1")
        .settings(Json::parse(settings).unwrap())
}

async fn project_of(studio: &Studio, new: Vec<NewAsset>) -> Vec<Asset> {
    let tree = studio
        .create_project(NewProject::new("Cats"))
        .await
        .unwrap();
    studio.create_assets(tree.project.id, new).await.unwrap()
}

fn with_xmp(asset: &Asset, folder: &Path) -> ImageExport {
    ImageExport {
        xmp: Some(XmpOptions::default()),
        ..ImageExport::new(ExportScope::Project(asset.project_id), folder)
    }
}

async fn export(studio: &Studio, export: &ImageExport) -> ExportedImages {
    studio.export_images(export, |_, _| {}).await.unwrap()
}

fn file(folder: &Path, asset: &Asset) -> PathBuf {
    let path = asset.file_path.as_ref().unwrap();
    folder.join(path.split_once('/').unwrap().1)
}

/// What of a file draws its pixels, as it is compressed, in its order.
fn pixel_bytes(bytes: &[u8], mime_type: &str) -> Vec<u8> {
    let mut kept = Vec::new();
    match mime_type {
        "image/png" => {
            let mut at = 8;
            while at < bytes.len() {
                let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
                let chunk = &bytes[at..at + 12 + length];
                if &chunk[4..8] != b"iTXt" {
                    kept.extend_from_slice(chunk);
                }
                at += chunk.len();
            }
        }
        "image/jpeg" => {
            let scan = bytes
                .windows(2)
                .position(|two| two == [0xff, 0xda])
                .unwrap();
            kept.extend_from_slice(&bytes[scan..]);
        }
        "image/webp" => {
            let mut at = 12;
            while at < bytes.len() {
                let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap());
                let end = at + 8 + (length as usize).next_multiple_of(2);
                if !matches!(&bytes[at..at + 4], b"VP8X" | b"XMP ") {
                    kept.extend_from_slice(&bytes[at..end]);
                }
                at = end;
            }
        }
        _ => {
            // All but the version, and the extension before the trailer.
            let end = bytes
                .windows(14)
                .position(|ext| ext == b"\x21\xff\x0bXMP DataXMP");
            kept.extend_from_slice(&bytes[6..end.unwrap_or(bytes.len() - 1)]);
        }
    }
    kept
}

fn pictures(bytes: &[u8], mime_type: &str) -> Vec<Vec<u8>> {
    if mime_type == "image/gif" {
        let decoder = image::codecs::gif::GifDecoder::new(std::io::Cursor::new(bytes)).unwrap();
        let frames = decoder.into_frames().collect_frames().unwrap();
        return frames
            .into_iter()
            .map(|frame| frame.into_buffer().into_raw())
            .collect();
    }
    vec![
        image::load_from_memory(bytes)
            .unwrap()
            .into_rgba8()
            .into_raw(),
    ]
}

both_engines! {
    async fn copies_say_what_made_them_and_every_pixel_stays(bench) {
        let studio = bench.create().await;
        let kinds = one_of_each();
        let new = kinds.iter().map(|(_, bytes, _)| generated(bytes.clone()));
        let assets = project_of(&studio, new.collect()).await;
        let folder = bench.folder.path().join("out");
        let report = export(&studio, &with_xmp(&assets[0], &folder)).await;
        assert_eq!((report.written, report.with_xmp), (12, 12), "{report:?}");
        assert_eq!((report.kept.count, report.left_out.count), (0, 0));
        for (asset, (kind, original, images)) in assets.iter().zip(&kinds) {
            let copy = fs::read(file(&folder, asset)).unwrap();
            let mime_type = asset.mime_type.as_deref().unwrap();
            assert!(copy != *original, "{kind}");
            assert!(pixel_bytes(&copy, mime_type) == pixel_bytes(original, mime_type), "{kind}");
            assert!(pictures(&copy, mime_type) == pictures(original, mime_type), "{kind}");
            let stored = studio.store_image(&ImageSource::Bytes(copy)).unwrap();
            let size = (asset.width.unwrap(), asset.height.unwrap(), *images);
            let own = (stored.width(), stored.height(), stored.image_count());
            assert_eq!(own, size, "{kind}");
            // The studio's own bytes are what they were.
            let mut blob = studio.open_image(asset).unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut blob, &mut bytes).unwrap();
            assert!(bytes == *original, "{kind}");
        }
        let again = export(&studio, &with_xmp(&assets[0], &folder)).await;
        assert_eq!((again.written, again.unchanged, again.with_xmp), (0, 12, 12));
    }

    async fn exiftool_reads_back_what_copies_say(bench) {
        let studio = bench.create().await;
        let kinds = one_of_each();
        let new = kinds.iter().map(|(_, bytes, _)| generated(bytes.clone()));
        let mut assets = project_of(&studio, new.collect()).await;
        let project = assets[0].project_id;
        let inputs = [assets[0].id, assets[1].id];
        let made = generated(png(77)).system_prompt("draw sprites");
        let made = made
            .made_from(inputs[0], pegbar::ReferenceRole::Style)
            .made_from(inputs[1], pegbar::ReferenceRole::Pose);
        assets.push(studio.create_asset(project, made).await.unwrap());
        let folder = bench.folder.path().join("out");
        let mut options = with_xmp(&assets[0], &folder);
        options.xmp = Some(XmpOptions {
            prompt_writer: Some("Ada".to_owned()),
            ..XmpOptions::default()
        });
        export(&studio, &options).await;
        for asset in &assets {
            let Some(found) = exiftool(&file(&folder, asset)) else { return };
            let said = |name: &str| found[format!("XMP-iptcExt:{name}")].as_str();
            assert_eq!(said("AIPromptInformation"), Some(PROMPT), "{found:#}");
            assert_eq!(said("AIPromptWriterName"), Some("Ada"));
            assert_eq!(said("AISystemUsed"), Some("sprite-1"));
            assert_eq!(said("AISystemVersionUsed"), Some("2026-01"));
            let source = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
            let source = [source, "Trained Algorithmic Media"];
            let found_source = said("DigitalSourceType").unwrap();
            assert!(source.contains(&found_source), "{found_source}");
            assert_eq!(said("DigitalImageGUID"), Some(&*format!("urn:uuid:{}", asset.id)));
            let hash = asset.record_hash.unwrap().to_string();
            assert_eq!(found["XMP-pegbar:RecordHash"], hash, "{found:#}");
            assert!(found.get("ExifTool:Error").is_none(), "{found:#}");
            assert!(found.get("ExifTool:Warning").is_none(), "{found:#}");
        }
        let made = exiftool(&file(&folder, assets.last().unwrap())).unwrap();
        assert_eq!(made["XMP-pegbar:SystemPrompt"], "draw sprites");
        let ingredients = made["XMP-xmpMM:Ingredients"].as_array().unwrap();
        let ingredients: Vec<_> = ingredients.iter().map(|one| one["DocumentID"].as_str()).collect();
        let expected = inputs.map(|id| format!("urn:uuid:{id}"));
        assert_eq!(ingredients, expected.each_ref().map(|id| Some(id.as_str())));
    }

    async fn a_prompt_longer_than_a_segment_of_a_jpeg_is_there_in_full(bench) {
        let studio = bench.create().await;
        let prompt: String = "walk, then turn. ".repeat(14_000);
        let mut new = generated(images::jpeg(9, 5));
        new.prompt = Some(prompt.clone());
        let assets = project_of(&studio, vec![new]).await;
        let folder = bench.folder.path().join("out");
        let report = export(&studio, &with_xmp(&assets[0], &folder)).await;
        assert_eq!(report.with_xmp, 1, "{report:?}");
        let place = file(&folder, &assets[0]);
        let copy = fs::read(&place).unwrap();
        let pixels = |bytes: &[u8]| pictures(bytes, "image/jpeg");
        assert!(pixels(&copy) == pixels(&images::jpeg(9, 5)));
        let Some(found) = exiftool(&place) else { return };
        let said = found["XMP-iptcExt:AIPromptInformation"].as_str().unwrap();
        assert!(said.trim_end() == prompt.trim_end(), "{} of {}", said.len(), prompt.len());
        assert_eq!(found["XMP-iptcExt:AISystemUsed"], "sprite-1");
    }

    async fn uploads_and_what_is_not_asked_for_are_copied_byte_for_byte(bench) {
        let studio = bench.create().await;
        let assets = project_of(&studio, vec![asset(1), generated(png(2))]).await;
        let folder = bench.folder.path().join("out");
        let report = export(&studio, &with_xmp(&assets[0], &folder)).await;
        assert_eq!((report.written, report.with_xmp, report.kept.count), (2, 1, 0));
        assert!(fs::read(file(&folder, &assets[0])).unwrap() == png(1));
        let plain = bench.folder.path().join("plain");
        let project = ExportScope::Project(assets[0].project_id);
        let report = export(&studio, &ImageExport::new(project, &plain)).await;
        assert_eq!((report.written, report.with_xmp, report.sidecars), (2, 0, 0));
        assert!(fs::read(file(&plain, &assets[1])).unwrap() == png(2));
        assert_eq!(files_below(&plain).len(), 2, "nothing else is left there");
    }

    async fn a_signed_file_stays_as_it_is_unless_the_signature_is_to_go(bench) {
        let studio = bench.create().await;
        let manifest = png_chunk(*b"caBX", b"\0\0\0\x10jumb c2pa");
        let signed = png_with(png(1), &[manifest]);
        let assets = project_of(&studio, vec![generated(signed.clone())]).await;
        let folder = bench.folder.path().join("out");
        let mut options = with_xmp(&assets[0], &folder);
        let report = export(&studio, &options).await;
        assert_eq!((report.written, report.with_xmp), (1, 0));
        assert!(report.kept.first[0].is_signed);
        let place = file(&folder, &assets[0]);
        assert!(fs::read(&place).unwrap() == signed);

        options.xmp = Some(XmpOptions { strip_credentials: true, ..XmpOptions::default() });
        let report = export(&studio, &options).await;
        assert_eq!(report.in_the_way.first, [format!("references/{}.png", assets[0].id)]);
        options.replace = true;
        let report = export(&studio, &options).await;
        assert_eq!((report.written, report.with_xmp, report.kept.count), (1, 1, 0));
        assert_eq!(report.stripped, 1);
        let copy = fs::read(&place).unwrap();
        assert!(!copy.windows(4).any(|kind| kind == b"caBX"));
        assert!(pixel_bytes(&copy, "image/png") == pixel_bytes(&png(1), "image/png"));
    }

    async fn what_keeps_its_signature_although_it_was_to_go_is_named(bench) {
        let studio = bench.create().await;
        let signed = |number| png_with(png(number), &[png_chunk(*b"caBX", b"jumb c2pa")]);
        let new = vec![
            NewAsset::from_bytes(signed(1)), NewAsset::from_bytes(png(2)), generated(signed(3)),
            generated(png(4)),
        ];
        let assets = project_of(&studio, new).await;
        let folder = bench.folder.path().join("out");
        let mut options = with_xmp(&assets[0], &folder);
        options.xmp = Some(XmpOptions { strip_credentials: true, ..XmpOptions::default() });
        let report = export(&studio, &options).await;
        assert_eq!((report.written, report.with_xmp, report.stripped), (4, 2, 1), "{report:?}");
        assert_eq!(report.kept.count, 1, "{report:?}");
        let kept = &report.kept.first[0];
        assert_eq!(kept.path, format!("references/{}.png", assets[0].id));
        assert!(kept.is_signed && kept.reason.contains("it is an upload"), "{kept:?}");
        assert!(fs::read(file(&folder, &assets[0])).unwrap() == signed(1));
        // Exported again, it says the same of what is there already.
        let again = export(&studio, &options).await;
        assert_eq!((again.written, again.stripped, again.kept), (0, 1, report.kept));
        // A copy that says all of it already, signed by whoever passed it on.
        let copy = fs::read(file(&folder, &assets[3])).unwrap();
        let passed_on = png_with(copy, &[png_chunk(*b"caBX", b"jumb c2pa")]);
        let other = studio.create_asset(assets[0].project_id, generated(passed_on.clone())).await.unwrap();
        let report = export(&studio, &options).await;
        let path = format!("references/{}.png", other.id);
        let kept = report.kept.first.iter().find(|kept| kept.path == path).unwrap();
        assert!(kept.is_signed && kept.reason.contains("says all of it already"), "{kept:?}");
        assert_eq!((report.kept.count, report.stripped), (2, 1));
        assert!(fs::read(file(&folder, &other)).unwrap() == passed_on);
    }

    async fn a_signature_is_seen_in_every_format_that_has_one(bench) {
        let studio = bench.create().await;
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/c2pa");
        let mut files: Vec<_> = fs::read_dir(fixtures).unwrap().map(|e| e.unwrap().path()).collect();
        let is_image = |file: &PathBuf| {
            let extension = file.extension().and_then(|extension| extension.to_str());
            matches!(extension, Some("png" | "jpg" | "webp" | "gif"))
        };
        files.retain(is_image);
        files.sort();
        assert!(files.len() > 2, "{files:?}");
        let new = files.iter().map(|file| generated(fs::read(file).unwrap()));
        let assets = project_of(&studio, new.collect()).await;
        let folder = bench.folder.path().join("out");
        let report = export(&studio, &with_xmp(&assets[0], &folder)).await;
        let signed = report.kept.first.iter().filter(|kept| kept.is_signed).count();
        assert_eq!((report.with_xmp, signed), (0, files.len()), "{report:?}");
        for (asset, original) in assets.iter().zip(&files) {
            assert!(fs::read(file(&folder, asset)).unwrap() == fs::read(original).unwrap());
        }
    }

    async fn real_signed_jpegs_keep_their_signature(bench) {
        let Some(inputs) = shared_inputs().map(|inputs| inputs.join("gemini")) else { return };
        let studio = bench.create().await;
        let mut files: Vec<_> = fs::read_dir(inputs).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        let new = files.iter().map(|file| generated(fs::read(file).unwrap()));
        let assets = project_of(&studio, new.collect()).await;
        let folder = bench.folder.path().join("out");
        let report = export(&studio, &with_xmp(&assets[0], &folder)).await;
        assert_eq!((report.written, report.kept.count), (2, 2));
        for (asset, original) in assets.iter().zip(&files) {
            assert!(fs::read(file(&folder, asset)).unwrap() == fs::read(original).unwrap());
        }
        let folder = bench.folder.path().join("stripped");
        let mut options = with_xmp(&assets[0], &folder);
        options.xmp = Some(XmpOptions { strip_credentials: true, ..XmpOptions::default() });
        options.sidecars = true;
        let report = export(&studio, &options).await;
        assert_eq!((report.with_xmp, report.sidecars, report.kept.count), (2, 2, 0), "{report:?}");
        for (asset, original) in assets.iter().zip(&files) {
            let copy = fs::read(file(&folder, asset)).unwrap();
            assert!(!copy.windows(4).any(|word| word == b"c2pa"));
            let original = fs::read(original).unwrap();
            assert!(pictures(&copy, "image/jpeg") == pictures(&original, "image/jpeg"));
        }
        // From a copy and its sidecar, the very bytes that were signed come back.
        let plan = studio.plan_sidecars(&folder, |_, _| {}).unwrap();
        assert_eq!((plan.images(), plan.refused().count), (2, 0), "{:?}", plan.refused());
    }

    async fn what_a_file_says_itself_is_still_there(bench) {
        let studio = bench.create().await;
        let own = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf=\
            'http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' \
            xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'><photoshop:Credit>\
            Made with somebody&apos;s AI</photoshop:Credit></rdf:Description></rdf:RDF>\
            </x:xmpmeta>";
        let text = [b"XML:com.adobe.xmp\0\0\0\0\0", own.as_bytes()].concat();
        let with_own = png_with(png(1), &[png_chunk(*b"iTXt", &text)]);
        let broken = png_with(png(2), &[png_chunk(*b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<a>")]);
        let assets = project_of(&studio, vec![generated(with_own), generated(broken.clone())]).await;
        let folder = bench.folder.path().join("out");
        let report = export(&studio, &with_xmp(&assets[0], &folder)).await;
        assert_eq!((report.written, report.with_xmp, report.kept.count), (2, 1, 1));
        let kept = &report.kept.first[0];
        assert!(kept.reason.contains("XMP") && !kept.is_signed, "{kept:?}");
        assert!(fs::read(file(&folder, &assets[1])).unwrap() == broken);
        let Some(found) = exiftool(&file(&folder, &assets[0])) else { return };
        assert_eq!(found["XMP-photoshop:Credit"], "Made with somebody's AI");
        assert_eq!(found["XMP-iptcExt:AIPromptInformation"], PROMPT);
    }

    async fn nothing_of_others_is_overwritten_and_an_interruption_is_made_good(bench) {
        let studio = bench.create().await;
        let tree = alley(&studio).await;
        let folder = bench.folder.path().join("out");
        let walk = tree.characters[0].animations[0].animation.id;
        let frames = folder.join("frames/Walk");
        fs::create_dir_all(&frames).unwrap();
        let theirs = frames.join("Tabby_Walk_1.png");
        fs::write(&theirs, "theirs").unwrap();
        let mut options = ImageExport::new(ExportScope::Animation(walk), &folder);
        let report = export(&studio, &options).await;
        assert_eq!((report.written, report.in_the_way.count), (4, 1));
        assert_eq!(report.in_the_way.first, ["frames/Walk/Tabby_Walk_1.png"]);
        assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
        // As after an interruption: one is missing, the others are there.
        fs::remove_file(frames.join("Tabby_Walk_0.png")).unwrap();
        options.replace = true;
        let report = export(&studio, &options).await;
        assert_eq!((report.written, report.unchanged, report.in_the_way.count), (2, 3, 0));
        assert!(fs::read(&theirs).unwrap().starts_with(b"\x89PNG"));
        options.with_inputs = true;
        let report = export(&studio, &options).await;
        assert_eq!((report.written, report.unchanged), (2, 5), "the front view and the palette");
        let own = ImageExport::new(ExportScope::Animation(walk), studio.assets_folder().join("x"));
        let refused = studio.export_images(&own, |_, _| {}).await.unwrap_err();
        assert_eq!(refused.code(), "invalid");
    }

    async fn what_contradicts_its_record_is_not_given_on(bench) {
        let studio = bench.create().await;
        let assets = project_of(&studio, vec![generated(png(1)), generated(png(2))]).await;
        let (forged, whole) = (&assets[0], &assets[1]);
        let mut raw = bench.raw().await;
        let id = raw.id(forged.id);
        let forge = format!("UPDATE asset SET generation_prompt = 'a dog' WHERE id = {id}");
        raw.tamper(&forge).await.unwrap();
        let folder = bench.folder.path().join("out");
        let (plain, xmp) = (ImageExport::new(ExportScope::Project(forged.project_id), &folder),
            with_xmp(forged, &folder));
        let sidecars = ImageExport { sidecars: true, ..plain.clone() };
        for options in [plain, xmp.clone(), sidecars] {
            let refused = studio.export_images(&options, |_, _| {}).await.unwrap_err();
            assert_eq!(refused.code(), "damaged");
            let text = refused.to_string();
            assert!(text.contains(&forged.id.to_string()), "{text}");
            assert!(text.contains("prompt") && text.contains("`pegbar verify`"), "{text}");
            assert!(files_below(&folder).is_empty());
        }
        let others = ImageExport { scope: ExportScope::Assets(vec![whole.id]), ..xmp };
        assert_eq!(export(&studio, &others).await.with_xmp, 1);
    }

    async fn what_contradicts_its_generation_is_not_given_on(bench) {
        let studio = bench.create().await;
        let project = project_of(&studio, vec![asset(1)]).await[0].project_id;
        let output = GenerationOutput::new(asset(2));
        let new = NewGeneration::succeeded(vec![output]).prompt(PROMPT).model("sprite-1");
        let sent = studio.record_generation(project, new).await.unwrap();
        let mut raw = bench.raw().await;
        let id = raw.id(sent.generation.id.0);
        raw.tamper(&format!("UPDATE generation SET model = 'x' WHERE id = {id}")).await.unwrap();
        let folder = bench.folder.path().join("out");
        let sidecars = ImageExport {
            sidecars: true, ..ImageExport::new(ExportScope::Project(project), &folder)
        };
        let refused = studio.export_images(&sidecars, |_, _| {}).await.unwrap_err();
        assert_eq!(refused.code(), "damaged");
        assert!(refused.to_string().contains("generation.model: "), "{refused}");
        assert!(files_below(&folder).is_empty());
    }

    async fn what_is_damaged_or_dropped_is_not_given_on(bench) {
        let studio = bench.create().await;
        let assets = project_of(&studio, vec![asset(1), asset(2)]).await;
        let mut raw = bench.raw().await;
        let id = raw.id(assets[0].id);
        let time = match bench.engine() {
            pegbar::Engine::Sqlite => "0",
            pegbar::Engine::Postgres => "to_timestamp(0)",
        };
        let drop = format!("UPDATE asset SET bytes_dropped_at = {time} WHERE id = {id}");
        raw.run(&drop).await.unwrap();
        let folder = bench.folder.path().join("out");
        let project = ExportScope::Project(assets[0].project_id);
        let options = ImageExport::new(project, &folder);
        let report = export(&studio, &options).await;
        assert_eq!((report.written, report.left_out.count), (1, 1));
        assert_eq!(report.left_out.first[0].asset_id, assets[0].id);
        let hash = assets[1].sha256.unwrap().to_string();
        let blob = bench.root().join(".pegbar/blobs").join(&hash[..2]).join(&hash);
        let mut bytes = png(2);
        *bytes.last_mut().unwrap() ^= 1;
        fs::remove_file(&blob).unwrap();
        fs::write(&blob, bytes).unwrap();
        fs::remove_file(file(&folder, &assets[1])).unwrap();
        for xmp in [None, Some(XmpOptions::default())] {
            let options = ImageExport { xmp, ..options.clone() };
            let refused = studio.export_images(&options, |_, _| {}).await.unwrap_err();
            assert_eq!(refused.code(), "damaged", "{refused}");
            assert!(files_below(&folder).is_empty(), "nothing half-written stays");
        }
    }
}
