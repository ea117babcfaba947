//! Content Credentials: read from the bytes, and checked where the build can.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use pegbar::{AssetId, FixedClock, NewAsset, NewProject, Studio, StudioOptions};

use crate::support::{Bench, png, shared_inputs};

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/c2pa");
    fs::read(folder.join(name)).unwrap()
}

/// A studio on a day of 2026, after the certificates of the real images have expired.
async fn studio(bench: &Bench) -> Studio {
    fs::create_dir_all(bench.root()).unwrap();
    let clock = FixedClock("2026-11-27T12:00:00Z".parse().unwrap());
    let options = StudioOptions {
        clock: Arc::new(clock),
        ..bench.options()
    };
    Studio::create_with(bench.root(), options).await.unwrap()
}

async fn add(studio: &Studio, images: Vec<Vec<u8>>) -> Vec<AssetId> {
    let tree = studio
        .create_project(NewProject::new("Cats"))
        .await
        .unwrap();
    let new = images.into_iter().map(NewAsset::from_bytes).collect();
    let assets = studio.create_assets(tree.project.id, new).await.unwrap();
    assets.iter().map(|asset| asset.id).collect()
}

both_engines! {
    async fn what_credentials_say_is_read_from_the_bytes_of_every_format(bench) {
        let studio = studio(bench).await;
        let names = ["made.png", "edited.jpg", "sent.webp", "made.gif"];
        let ids = add(&studio, names.iter().map(|name| fixture(name)).collect()).await;
        for (id, name) in ids.into_iter().zip(names) {
            let said = studio.read_credentials(id).await.unwrap().unwrap();
            let signer = said.active.signer.unwrap().organization;
            assert_eq!(signer.as_deref(), Some("Alley Cat Studios"), "{name}");
            assert_eq!(said.problems, [""; 0], "{name}");
        }
        let plain = add(&studio, vec![png(1)]).await;
        assert_eq!(studio.read_credentials(plain[0]).await.unwrap(), None);
        let nobody = studio.read_credentials(studio.new_id()).await.unwrap_err();
        assert_eq!(nobody.code(), "not_found");
    }
}

both_engines! {
    async fn what_credentials_say_is_a_claim_and_never_recorded(bench) {
        let studio = studio(bench).await;
        let ids = add(&studio, vec![fixture("made.png"), fixture("edited.jpg")]).await;
        for id in ids {
            let claims = studio.list_claims(id).await.unwrap();
            let [claim] = &claims[..] else { panic!("{claims:?}") };
            assert_eq!(claim.tool, "c2pa");
            let said = studio.read_credentials(id).await.unwrap();
            assert!(said.is_some());
            assert_eq!(claim.credentials(), said, "kept as it is read");
            let asset = studio.get_asset(id).await.unwrap();
            let record = asset.record.unwrap();
            assert!(!record.contains("Alley Cat"), "{record}");
            assert_eq!((asset.generation_prompt, asset.model), (None, None));
        }
    }

    async fn real_images_claim_who_signed_them_when_how_and_from_what(bench) {
        let Some(folder) = shared_inputs().map(|inputs| inputs.join("gemini")) else { return };
        let studio = studio(bench).await;
        let names = ["char_1767250950182.png", "sprite_1767251343859.png"];
        let images = names.map(|name| fs::read(folder.join(name)).unwrap());
        let ids = add(&studio, images.to_vec()).await;
        let mut said = Vec::new();
        for id in ids {
            let claims = studio.list_claims(id).await.unwrap();
            said.extend(claims.iter().find_map(pegbar::Claim::credentials));
        }
        let [character, sheet] = &said[..] else { panic!("{said:?}") };
        for (said, time, inputs, manifests) in [
            (character, "2026-01-01T07:02:29.000Z", 3, 1),
            (sheet, "2026-01-01T07:09:02.000Z", 1, 3),
        ] {
            let active = &said.active;
            let signer = active.signer.as_ref().unwrap();
            assert_eq!(signer.organization.as_deref(), Some("Google LLC"));
            assert_eq!(signer.common_name.as_deref(), Some("Google Media Processing Services"));
            assert_eq!(active.signed_at.unwrap().to_string(), time);
            let source_type = active.digital_source_type.as_deref().unwrap();
            assert!(source_type.ends_with("/trainedAlgorithmicMedia"), "{source_type}");
            assert_eq!(active.ingredients.len(), inputs);
            assert_eq!(said.manifests, manifests);
        }
        // The sheet's input is an edit of the character.
        let edit = sheet.nested.iter().find(|one| one.manifest == sheet.active.ingredients[0].manifest);
        assert_eq!(edit.unwrap().ingredients[0].manifest, character.active.manifest);
    }
}

#[cfg(feature = "c2pa")]
mod checked {
    use pegbar::{
        AnchorVerdict, BytesVerdict, CredentialsReport, CredentialsVerdict, SignatureVerdict,
        StatusKind,
    };

    use super::*;
    const ROOT: &str = include_str!("../fixtures/c2pa/anchor.pem");

    async fn report(studio: &Studio, image: Vec<u8>, anchors: Option<&str>) -> CredentialsReport {
        let ids = add(studio, vec![image]).await;
        studio.validate_credentials(ids[0], anchors).await.unwrap()
    }

    async fn verdict(studio: &Studio, image: Vec<u8>, anchors: Option<&str>) -> CredentialsVerdict {
        let report = report(studio, image, anchors).await;
        report
            .verdict
            .unwrap_or_else(|| panic!("{:?}", report.problem))
    }

    /// Replaces the last of some bytes: the manifest of the image itself is the last.
    fn replaced(mut image: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
        let at = image
            .windows(from.len())
            .rposition(|bytes| bytes == from)
            .unwrap();
        image[at..at + to.len()].copy_from_slice(to);
        image
    }

    both_engines! {
        async fn of_real_images_each_question_has_its_own_answer(bench) {
            let Some(folder) = shared_inputs().map(|inputs| inputs.join("gemini")) else { return };
            let studio = studio(bench).await;
            for (name, time, ingredients) in [
                ("char_1767250950182.png", "2026-01-01T07:02:29.000Z", 0),
                ("sprite_1767251343859.png", "2026-01-01T07:09:02.000Z", 2),
            ] {
                let image = fs::read(folder.join(name)).unwrap();
                let found = verdict(&studio, image.clone(), None).await;
                assert_eq!(found.bytes, BytesVerdict::Unchanged, "{name}");
                assert_eq!(found.signature, SignatureVerdict::Matches);
                assert_eq!(found.assertions.wrong, [""; 0]);
                assert!(found.assertions.unchanged >= 3, "{:?}", found.assertions);
                let certificate = found.certificate.unwrap();
                assert!(certificate.not_after.to_string().starts_with("2026-10-25T"));
                assert!(!certificate.is_valid_now);
                assert_eq!(certificate.was_valid_at_signing, Some(true));
                let timestamp = found.timestamp.unwrap();
                assert_eq!(timestamp.time.to_string(), time);
                assert!(timestamp.matches && !timestamp.is_anchored);
                assert_eq!(found.anchor, AnchorVerdict::NoAnchors);
                assert_eq!(found.ingredients.len(), ingredients, "{:?}", found.ingredients);
                assert!(found.ingredients.iter().all(|one| one.problems.is_empty() && one.matches == Some(true)), "{found:?}");
                let codes: Vec<_> = found.statuses.iter().map(|one| (one.kind, &*one.code)).collect();
                assert!(codes.contains(&(StatusKind::Failure, "signingCredential.untrusted")));

                let anchored = verdict(&studio, image.clone(), Some(ROOT)).await;
                assert_eq!(anchored.anchor, AnchorVerdict::NotAnchored);
                // A pixel: the scan is the last that stands in a JPEG.
                let mut changed = image;
                let at = changed.len() - 1000;
                changed[at] ^= 1;
                let found = verdict(&studio, changed, None).await;
                assert_eq!(found.bytes, BytesVerdict::Changed);
                assert_eq!(found.signature, SignatureVerdict::Matches, "of the manifest");
            }
        }

        async fn a_certificate_is_anchored_where_its_authority_is_named(bench) {
            let studio = studio(bench).await;
            for name in ["made.png", "edited.jpg", "sent.webp", "made.gif", "old.png"] {
                let found = verdict(&studio, fixture(name), Some(ROOT)).await;
                assert_eq!(found.anchor, AnchorVerdict::Anchored, "{name}");
                assert_eq!(found.bytes, BytesVerdict::Unchanged, "{name}");
                assert_eq!(found.signature, SignatureVerdict::Matches);
                let certificate = found.certificate.unwrap();
                assert!(certificate.is_valid_now);
                assert_eq!(certificate.was_valid_at_signing, None, "nobody else says when");
                assert_eq!(found.timestamp, None);
            }
            let found = verdict(&studio, fixture("made.png"), None).await;
            assert_eq!(found.anchor, AnchorVerdict::NoAnchors);
            let ids = add(&studio, vec![fixture("made.png")]).await;
            let refused = studio.validate_credentials(ids[0], Some("-----nothing")).await;
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), "invalid");
            assert!(refused.to_string().starts_with("trust anchors: "), "{refused}");
        }

        async fn what_was_changed_after_signing_is_told_apart(bench) {
            let studio = studio(bench).await;
            let image = fixture("edited.jpg");
            let mut pixel = image.clone();
            let at = pixel.len() - 6;
            pixel[at] ^= 1;
            let found = verdict(&studio, pixel, Some(ROOT)).await;
            assert_eq!((found.bytes, found.signature), (BytesVerdict::Changed, SignatureVerdict::Matches));

            let action = replaced(image.clone(), b"c2pa.resized", b"c2pa.cropped");
            let found = verdict(&studio, action, Some(ROOT)).await;
            assert_eq!(found.assertions.wrong, ["c2pa.actions.v2"]);
            assert_eq!((found.bytes, found.signature), (BytesVerdict::Unknown, SignatureVerdict::Matches));

            let claim = replaced(image.clone(), b"Alley Cat Generator", b"Alley Dog Generator");
            let found = verdict(&studio, claim, Some(ROOT)).await;
            assert_eq!(found.signature, SignatureVerdict::DoesNotMatch);
            assert_eq!(found.bytes, BytesVerdict::Unknown);
        }

        async fn the_manifests_of_inputs_are_checked_too(bench) {
            let studio = studio(bench).await;
            let ids = add(&studio, vec![fixture("made.png"), fixture("sent.webp")]).await;
            let made = studio.read_credentials(ids[0]).await.unwrap().unwrap();
            let report = studio.validate_credentials(ids[1], Some(ROOT)).await.unwrap();
            let found = report.verdict.unwrap();
            let [input, palette] = &found.ingredients[..] else { panic!("{:?}", found.ingredients) };
            assert_eq!(input.matches, Some(true));
            assert_eq!((palette.matches, palette.manifest.as_ref()), (None, None));
            assert_eq!(input.manifest, made.active.manifest);
            assert_eq!(Some(&input.of_manifest), report.claimed.unwrap().active.manifest.as_ref());
            // The first of them is that of the input.
            let image = fixture("sent.webp");
            let generator = b"Alley Cat Generator";
            let at = image.windows(generator.len()).position(|bytes| bytes == generator).unwrap();
            let mut forged = image;
            forged[at + 6] = b'R';
            let found = verdict(&studio, forged, Some(ROOT)).await;
            let wrong: Vec<_> = found.ingredients.iter().filter(|one| !one.problems.is_empty()).collect();
            assert_eq!(wrong.len(), 1, "{:?}", found.statuses);
        }

        async fn what_has_no_credentials_or_broken_ones_is_said_so(bench) {
            let studio = studio(bench).await;
            let plain = report(&studio, png(1), None).await;
            assert_eq!((plain.claimed, plain.verdict, plain.problem), (None, None, None));
            let broken = replaced(fixture("edited.jpg"), b"claim_generator_info", b"claim_generator_inf\xff");
            let broken = report(&studio, broken, None).await;
            let said = broken.claimed.unwrap();
            assert!(broken.verdict.is_none() && broken.problem.is_some(), "{:?}", broken.problem);
            assert_eq!(said.manifests, 2);
            assert!(said.problems[0].contains("not UTF-8"), "{:?}", said.problems);
        }
    }
}
