//! Bundles that are not what was written, or that lie.

use std::fs;

use pegbar::{BundleImport, NewProject, Sha256, Studio};

use super::unpacked::{self, Files, edit, entry, header, seal, write};
use super::{COPY, SAME, another, everything, export, file};
use crate::support::{Bench, files_below, png};

/// Nothing of it is there.
async fn assert_nothing(studio: &Studio) {
    let projects = studio
        .list_projects(&Default::default(), Default::default())
        .await
        .unwrap();
    assert_eq!(projects.rows.len(), 0);
    assert!(files_below(&studio.assets_folder()).is_empty());
}

async fn refused_with(studio: &Studio, bench: &Bench, bytes: &[u8], how: BundleImport) -> String {
    let path = bench.folder.path().join("bad.pegbar");
    fs::write(&path, bytes).unwrap();
    let refused = studio.import_bundle(&path, how, |_, _| ()).await;
    let error = refused.map(|_| ()).unwrap_err();
    let is_told = [
        "damaged",
        "conflict",
        "unavailable",
        "not_an_image",
        "invalid",
    ];
    assert!(is_told.contains(&error.code()), "{error:?}");
    error.to_string()
}

async fn refused(studio: &Studio, bench: &Bench, bytes: &[u8]) -> String {
    let said = refused_with(studio, bench, bytes, SAME).await;
    assert_nothing(studio).await;
    said
}

#[test]
fn a_bundle_that_is_cut_or_changed_anywhere_is_refused() {
    crate::support::run_on_sqlite(async |bench| {
        let studio = bench.create().await;
        let tree = everything(&studio).await;
        export(&studio, &tree, bench).await;
        let bytes = fs::read(file(bench)).unwrap();
        let there = another(bench).await;
        for length in (0..bytes.len()).step_by(1024) {
            refused(&there, bench, &bytes[..length]).await;
        }
        for at in (0..bytes.len()).step_by(211) {
            let mut other = bytes.clone();
            other[at] ^= 1 << (at % 8);
            refused(&there, bench, &other).await;
        }
        there
            .import_bundle(file(bench), SAME, |_, _| ())
            .await
            .unwrap();
    });
}

both_engines! {
    async fn entries_that_do_not_belong_are_refused(bench) {
        let source = another(bench).await;
        let tree = everything(&source).await;
        export(&source, &tree, bench).await;
        let files = unpacked::read(&fs::read(file(bench)).unwrap());
        let studio = bench.create().await;
        let evil = [
            "../../evil", "/etc/evil", "blobs/../../evil", "records/../evil", "blobs/evil",
            "records/store-000001.jsonl", "records/project-000002.jsonl", "bundle.json", "CON",
        ];
        for name in evil {
            for place in [1, files.len() - 1, files.len()] {
                let mut other: Files = files.clone();
                other.insert(place, (name.to_owned(), b"{}\n".to_vec()));
                refused(&studio, bench, &write(&other)).await;
            }
        }
        // Twice the same: each of them.
        for place in 0..files.len() {
            let mut other = files.clone();
            other.insert(place, files[place].clone());
            if other.last().unwrap().0 == "checksums.txt" {
                seal(&mut other);
            }
            refused(&studio, bench, &write(&other)).await;
        }
        // Without one, and in another order.
        for place in 0..files.len() - 1 {
            let mut other = files.clone();
            other.swap(place, place + 1);
            refused(&studio, bench, &write(&other)).await;
            other = files.clone();
            other.remove(place);
            seal(&mut other);
            refused(&studio, bench, &write(&other)).await;
        }
        // Links, folders, devices, long names.
        for kind in *b"1234567xgLKS" {
            let mut all = entry(&files[0].0, &files[0].1);
            all.extend(header("blobs/link", 0, kind, "/etc/passwd"));
            for (name, bytes) in &files[1..] {
                all.extend(entry(name, bytes));
            }
            all.resize(all.len() + 1024, 0);
            let said = refused(&studio, bench, &all).await;
            assert!(said.contains("is not one of ours"), "{said}");
        }
        assert!(!bench.folder.path().join("evil").exists());
    }

    async fn what_a_bundle_says_of_itself_is_checked(bench) {
        let source = another(bench).await;
        let tree = everything(&source).await;
        export(&source, &tree, bench).await;
        let files = unpacked::read(&fs::read(file(bench)).unwrap());
        let studio = bench.create().await;
        let id = tree.project.id.to_string();
        let front = tree.characters[0].variations[0].id.to_string();
        let other_id = "0192a0f0-7d3c-7a51-8f10-0123456789ab";
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        let lies: &[(&str, &str, &str, &str)] = &[
            ("bundle.json", "\"version\": 1", "\"version\": 2", "use a newer"),
            ("bundle.json", "\"schemaVersion\": ", "\"schemaVersion\": 9", ""),
            ("bundle.json", "\"rows\": 2", "\"rows\": 3", "rows"),
            ("bundle.json", "\"rows\": 2", "\"rows\": 18446744073709551615", ""),
            ("bundle.json", "\"count\": ", "\"count\": 1", "blobs"),
            ("bundle.json", id.as_str(), other_id, "another project"),
            ("records/project", &front, other_id, "nothing in the bundle has the id"),
            ("records/project", "\"settings\":{", "\"settings\":{\"a\":1,\"a\":2,", "twice"),
            ("records/project", "\"settings\":{\"style\":\"pixel\"}", &format!("\"settings\":{deep}"), ""),
            ("records/project", "\"name\":", "\"name\":\"x\",\"name\":", "twice"),
            ("records/project", "\"name\":", "\"evil\":1,\"name\":", "no column"),
            ("records/project", "Alley cats", "Alley\\u0000cats", "NUL"),
            ("records/character", "\"segment\":\"Tabby\"", "\"segment\":\"../../evil\"", "part of a path"),
            ("records/character", "\"segment\":\"Tabby\"", "\"segment\":\"a/b\"", "part of a path"),
            ("records/character", id.as_str(), other_id, "another project"),
            ("records/asset-", "front view", "back view", "record"),
            ("records/asset-", "\"width\":8", "\"width\":9", "width"),
            ("records/asset-", "image/png", "image/gif", "mime_type"),
            ("records/asset-", "\"record_hash\":\"", "\"record_hash\":\"x", ""),
            ("records/frame", "\"frame_index\":4", "\"frame_index\":7", "gaps"),
            ("records/frame", "\"frame_index\":1", "\"frame_index\":-1", "below 0"),
            ("records/asset_reference", "\"role\":\"style\"", "\"role\":\"evil\"", "words"),
            ("records/asset_reference", "\"position\":0", "\"position\":4294967296", "position"),
            ("records/asset_tag", "\"tag\":\"", "\"tag\":\"\",\"x\":\"", ""),
        ];
        for (place, from, to, expected) in lies {
            let mut other = files.clone();
            edit(&mut other, place, from, to);
            seal(&mut other);
            for how in [SAME, COPY] {
                let said = refused_with(&studio, bench, &write(&other), how).await;
                let hinted = said.contains(expected) || *expected == "use a newer";
                assert!(hinted, "{place} {from} -> {to}: {said}");
                assert_nothing(&studio).await;
            }
        }
        // Bytes that are no image, that nobody names, of another size.
        let blob = files.iter().position(|(name, _)| name.starts_with("blobs/")).unwrap();
        for bytes in [&b"no image"[..], &png(123_456)] {
            let mut other = files.clone();
            other[blob] = (format!("blobs/{}", Sha256::of(bytes)), bytes.to_vec());
            seal(&mut other);
            refused(&studio, bench, &write(&other)).await;
        }
        let mut other = files.clone();
        other[blob].1.push(0);
        seal(&mut other);
        refused(&studio, bench, &write(&other)).await;
        // It is none of these that was wrong with it.
        studio.import_bundle(file(bench), SAME, |_, _| ()).await.unwrap();
    }
}

const SIGNS: &[u8] = b"0123456789\"{}[],:\\nul \xff/.";

/// Random changes to rows that their author has signed for: refused, or a project that is whole.
#[test]
fn whatever_rows_say_nothing_breaks() {
    crate::support::run_on_sqlite(async |bench| {
        let source = another(bench).await;
        let tree = everything(&source).await;
        export(&source, &tree, bench).await;
        let files = unpacked::read(&fs::read(file(bench)).unwrap());
        let studio = bench.create().await;
        studio
            .create_project(NewProject::new("Mine"))
            .await
            .unwrap();
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap()
        };
        let path = bench.folder.path().join("bad.pegbar");
        let rounds = if std::env::var_os("PEGBAR_FUZZ").is_some() {
            20_000
        } else {
            300
        };
        for _ in 0..rounds {
            let mut other = files.clone();
            let records: Vec<usize> = (0..other.len())
                .filter(|place| {
                    let name = &other[*place].0;
                    name.starts_with("records/") || name == "bundle.json"
                })
                .collect();
            let text = &mut other[records[next(records.len())]].1;
            for _ in 0..=next(3) {
                let at = next(text.len());
                match next(4) {
                    0 => text[at] = SIGNS[next(SIGNS.len())],
                    1 => drop(text.remove(at)),
                    2 => text.insert(at, text[at]),
                    _ => {
                        let end = (at + next(60)).min(text.len());
                        let piece = text[at..end].to_vec();
                        let to = next(text.len());
                        text.splice(to..to, piece);
                    }
                }
                if text.is_empty() {
                    text.push(b'\n');
                }
            }
            seal(&mut other);
            fs::write(&path, write(&other)).unwrap();
            match studio.import_bundle(&path, COPY, |_, _| ()).await {
                Ok(report) => {
                    let options = pegbar::VerifyOptions { records_only: true };
                    let scope = pegbar::VerifyScope::Project(report.project_id);
                    let whole = studio.verify(&scope, options, |_, _| ()).await.unwrap();
                    assert!(whole.is_whole(), "{whole:?}");
                    studio.delete_project(report.project_id).await.unwrap();
                }
                Err(error) => assert_ne!(error.code(), "database", "{error:?}"),
            }
        }
        let projects = studio
            .list_projects(&Default::default(), Default::default())
            .await
            .unwrap();
        assert_eq!(projects.rows.len(), 1);
    });
}
