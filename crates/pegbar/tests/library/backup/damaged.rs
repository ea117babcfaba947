//! Backups that are not what was written.

use std::fs;
use std::path::{Path, PathBuf};

use pegbar::{DatabaseAddress, Studio};

use super::{into, restore, target};
use crate::support::alley::alley;
use crate::support::files_below;

fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Restores, and finds that it is refused and leaves nothing.
async fn refused(from: &Path, to: &Path) -> String {
    let options = into(DatabaseAddress::Sqlite);
    let refused = Studio::restore_backup(from, to, options, |_, _| ()).await;
    let error = refused.map(|_| ()).unwrap_err();
    assert!(!to.exists(), "{error}");
    error.to_string()
}

/// What changed says nothing, as the time in a packed file: the backup is what it was.
async fn restores(from: &Path, to: &Path, before: &pegbar::ProjectTree) -> bool {
    let (restored, _) = restore(from, to, into(DatabaseAddress::Sqlite)).await;
    let is_same = restored.get_project_tree(before.project.id).await.unwrap() == *before;
    drop(restored);
    fs::remove_dir_all(to).unwrap();
    is_same
}

both_engines! {
    async fn a_changed_byte_anywhere_is_found_and_not_restored(bench) {
        let studio = bench.create().await;
        alley(&studio).await;
        let report = studio.back_up(target(bench), |_, _| ()).await.unwrap();
        let to = bench.folder.path().join("restored");
        let all = files_below(&target(bench));
        let named = all.iter().filter(|(path, _)| path != "lock");
        let mut checked = 0;
        for (path, _) in named {
            if path.ends_with("pegbar-backup.json") {
                continue;
            }
            let place = target(bench).join(path);
            let bytes = &fs::read(&place).unwrap();
            // Of a packed file, what stands in its header changes nothing.
            for at in [bytes.len() / 2, bytes.len() - 1] {
                let mut other = bytes.clone();
                other[at] ^= 0x20;
                replace(&place, &other);
                let found = Studio::verify_backup(target(bench), None, |_, _| ()).unwrap();
                let is_space = path.ends_with("manifest.json") && at == bytes.len() - 1;
                assert!(!found.flaws.is_empty() || is_space, "{path} {at}");
                if !is_space {
                    refused(&target(bench), &to).await;
                }
            }
            for length in (0..bytes.len()).step_by(1024) {
                replace(&place, &bytes[..length]);
                let found = Studio::verify_backup(target(bench), None, |_, _| ()).unwrap();
                assert!(!found.flaws.is_empty(), "{path} cut at {length}");
                refused(&target(bench), &to).await;
            }
            replace(&place, bytes);
            checked += 1;
        }
        assert!(checked > 20, "{checked}");
        assert!(Studio::verify_backup(target(bench), Some(&report.snapshot.name), |_, _| ()).unwrap().flaws.is_empty());
        restore(&target(bench), &to, into(DatabaseAddress::Sqlite)).await;
    }

    async fn an_archive_is_a_backup_and_one_that_is_cut_is_none(bench) {
        let studio = bench.create().await;
        let before = alley(&studio).await;
        let archive = bench.folder.path().join("studio.tar");
        let report = studio.back_up_archive(&archive, |_, _| ()).await.unwrap();
        assert_eq!(report.copied, report.snapshot.blobs);
        let again = studio.back_up_archive(&archive, |_, _| ()).await.unwrap_err();
        assert_eq!(again.code(), "conflict");
        assert_eq!(Studio::list_backups(&archive).unwrap(), [report.snapshot]);
        let checked = Studio::verify_backup(&archive, None, |_, _| ()).unwrap();
        assert_eq!((checked.flaws, checked.blobs), (Vec::new(), report.copied));
        let to = bench.folder.path().join("restored");
        let bytes = fs::read(&archive).unwrap();
        let bad = bench.folder.path().join("bad.tar");
        for length in (0..bytes.len()).step_by(1024) {
            fs::write(&bad, &bytes[..length]).unwrap();
            assert!(Studio::list_backups(&bad).is_err(), "cut at {length}");
            refused(&bad, &to).await;
        }
        for at in (0..bytes.len()).step_by(499) {
            let mut other = bytes.clone();
            other[at] ^= 1 << (at % 8);
            fs::write(&bad, &other).unwrap();
            let found = Studio::verify_backup(&bad, None, |_, _| ());
            let is_found = !found.is_ok_and(|found| found.flaws.is_empty());
            let header = at % 512 < 10;
            assert!(is_found || header || restores(&bad, &to, &before).await, "{at}");
        }
        let files = crate::bundle::unpacked::read(&bytes);
        for name in ["../evil", "/evil", "evil", "blobs/../../evil", "pegbar-backup.json"] {
            let mut other = files.clone();
            other.insert(1, (name.to_owned(), b"evil".to_vec()));
            fs::write(&bad, crate::bundle::unpacked::write(&other)).unwrap();
            refused(&bad, &to).await;
        }
        let (restored, _) = restore(&archive, &to, into(DatabaseAddress::Sqlite)).await;
        assert_eq!(restored.get_project_tree(before.project.id).await.unwrap(), before);
        let left = fs::read_dir(bench.folder.path()).unwrap().count();
        assert_eq!(left, 4, "studio, archive, bad, restored");
    }

    async fn an_archive_replaces_nothing_that_appears_while_it_is_written(bench) {
        let studio = bench.create().await;
        alley(&studio).await;
        let archive = bench.folder.path().join("studio.tar");
        let appears = |_, _| fs::write(&archive, "another's").unwrap();
        let refused = studio.back_up_archive(&archive, appears).await.unwrap_err();
        assert_eq!(refused.code(), "conflict");
        assert_eq!(fs::read(&archive).unwrap(), b"another's");
        let left = fs::read_dir(bench.folder.path()).unwrap().count();
        assert_eq!(left, 2, "studio, archive");
    }

    async fn despite_damage_a_kept_file_is_named_and_the_rest_is_restored(bench) {
        let studio = bench.create().await;
        let before = alley(&studio).await;
        let frames = &before.characters[0].animations[0].frames;
        let edits = ["edited", "edited again"];
        for (frame, edit) in frames.iter().zip(edits) {
            let file = studio.assets_folder().join(frame.asset.file_path.as_ref().unwrap());
            fs::remove_file(&file).unwrap();
            fs::write(&file, edit).unwrap();
        }
        studio.sync(|_, _| ()).await.unwrap();
        let [edited, again] = edits.map(|edit| {
            let kept = studio.list_kept().unwrap();
            let kept = kept.into_iter().find(|kept| fs::read(&kept.kept_as).unwrap() == edit.as_bytes());
            let path = kept.unwrap().kept_as;
            path.strip_prefix(studio.root()).unwrap().to_str().unwrap().replace('\\', "/")
        });
        studio.back_up(target(bench), |_, _| ()).await.unwrap();
        drop(studio);
        let blob = |edit: &str| {
            let name = pegbar::Sha256::of(edit.as_bytes()).to_string();
            target(bench).join("blobs").join(&name[..2]).join(name)
        };
        let to = bench.folder.path().join("restored");
        let despite = async || {
            let mut options = into(DatabaseAddress::Sqlite);
            options.despite_damage = true;
            let (restored, report) = restore(&target(bench), &to, options).await;
            assert_eq!(restored.get_project_tree(before.project.id).await.unwrap(), before);
            let kept = restored.list_kept().unwrap();
            let kept: Vec<_> = kept.iter().map(|kept| fs::read(&kept.kept_as).unwrap()).collect();
            drop(restored);
            fs::remove_dir_all(&to).unwrap();
            (report, kept)
        };
        replace(&blob(edits[0]), b"bitten");
        let error = refused(&target(bench), &to).await;
        assert!(error.contains("other bytes") && error.contains(&edited), "{error}");
        let (report, kept) = despite().await;
        assert_eq!((report.files, kept), (1, vec![edits[1].as_bytes().to_owned()]));
        assert_eq!(report.missing.len(), 1);
        assert_eq!(report.missing[0].sha256, pegbar::Sha256::of(edits[0].as_bytes()));
        let reason = &report.missing[0].reason;
        assert!(reason.contains("other bytes") && reason.contains(&edited), "{reason}");
        fs::remove_file(blob(edits[1])).unwrap();
        let (report, kept) = despite().await;
        assert_eq!((report.files, kept.len()), (0, 0));
        assert_eq!(report.missing.len(), 2);
        let reasons: Vec<_> = report.missing.iter().map(|blob| &blob.reason).collect();
        let is_named = |path: &str, what: &str| {
            reasons.iter().any(|reason| reason.contains(path) && reason.contains(what))
        };
        assert!(is_named(&edited, "other bytes") && is_named(&again, "does not have it"), "{reasons:?}");
    }

    async fn a_snapshot_without_a_manifest_is_none(bench) {
        let studio = bench.create().await;
        let before = alley(&studio).await;
        let first = studio.back_up(target(bench), |_, _| ()).await.unwrap();
        // An interrupted one.
        let partial = target(bench).join("snapshots/.partial");
        fs::create_dir(&partial).unwrap();
        fs::write(partial.join("blobs.txt.gz"), "half").unwrap();
        assert_eq!(Studio::list_backups(target(bench)).unwrap().len(), 1);
        let second = studio.back_up(target(bench), |_, _| ()).await.unwrap();
        assert_ne!(first.snapshot.name, second.snapshot.name);
        assert!(!partial.exists());
        fs::remove_file(second.folder.join("manifest.json")).unwrap();
        let found = Studio::verify_backup(target(bench), None, |_, _| ()).unwrap();
        assert_eq!(found.flaws.len(), 1);
        let mut options = into(DatabaseAddress::Sqlite);
        options.snapshot = Some(first.snapshot.name);
        let to = bench.folder.path().join("restored");
        let (restored, _) = restore(&target(bench), &to, options).await;
        restored.get_project(before.project.id).await.unwrap();
    }

    async fn an_interrupted_restore_is_no_studio_and_begins_again(bench) {
        let studio = bench.create().await;
        let before = alley(&studio).await;
        studio.back_up(target(bench), |_, _| ()).await.unwrap();
        drop(studio);
        super::super::empty(bench).await;
        let to = bench.folder.path().join("restored");
        let private: PathBuf = to.join(".pegbar");
        fs::create_dir_all(private.join("blobs/00")).unwrap();
        let id = "0192a0f0-7d3c-7a51-8f10-0123456789ab";
        let text = format!("{{\"storeId\":\"{id}\",\"manifest\":\"{}\"}}", "0".repeat(64));
        for text in [text.as_str(), "", "{\"sto"] {
            fs::write(private.join("restoring.json"), text).unwrap();
            fs::write(private.join("pegbar.db"), "half a database").unwrap();
            fs::create_dir_all(private.join("tmp/restore")).unwrap();
            fs::write(private.join("tmp/restore/0"), "half an image").unwrap();
            assert!(Studio::open(&to).await.is_err());
            let (restored, _) = restore(&target(bench), &to, into(bench.database.clone())).await;
            restored.get_project(before.project.id).await.unwrap();
            drop(restored);
            super::super::empty(bench).await;
            fs::remove_dir_all(&to).unwrap();
            fs::create_dir_all(&private).unwrap();
        }
    }

    async fn a_restore_that_was_cut_off_before_it_noted_anything_begins_again(bench) {
        let studio = bench.create().await;
        let before = alley(&studio).await;
        studio.back_up(target(bench), |_, _| ()).await.unwrap();
        drop(studio);
        super::super::empty(bench).await;
        let to = bench.folder.path().join("restored");
        let foreign = to.join(".pegbar/notes.txt");
        fs::create_dir_all(to.join(".pegbar")).unwrap();
        fs::write(&foreign, "somebody's").unwrap();
        let options = || into(bench.database.clone());
        let refused = Studio::restore_backup(target(bench), &to, options(), |_, _| ()).await;
        assert_eq!(refused.unwrap_err().code(), "conflict");
        assert_eq!(fs::read(&foreign).unwrap(), b"somebody's");
        fs::remove_file(&foreign).unwrap();
        let (restored, _) = restore(&target(bench), &to, options()).await;
        restored.get_project(before.project.id).await.unwrap();
    }
}
