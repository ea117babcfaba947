//! A head that was given away shows what was changed since, and nobody can change it unseen.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use pegbar::{
    AssetId, Error, Head, NewProject, PublicKey, Sha256, SigningKey, Studio, VerifyOptions,
    VerifyScope,
};

use crate::support::{asset, skipped};
use crate::verify::{chain, rewrite, tamper};

fn written(head: &Head) -> String {
    let mut bytes = Vec::new();
    head.write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn read(text: &str) -> pegbar::Result<Head> {
    Head::read(text.as_bytes(), "cats.head")
}

/// Returns what is wrong with a head, and the hint.
fn unproven(text: &str) -> String {
    match read(text) {
        Err(Error::Unproven { name, reason, hint }) => {
            assert_eq!(name, "cats.head");
            assert!(!hint.is_empty());
            reason
        }
        other => panic!("{other:?}"),
    }
}

async fn signed(studio: &Studio) -> (Head, SigningKey) {
    let chain = chain(studio).await;
    let mut head = studio.export_head(chain.project).await.unwrap();
    let key = SigningKey::generate().unwrap();
    head.sign(&key).unwrap();
    (head, key)
}

/// Runs a program if it is there.
fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<(bool, String)> {
    let mut command = Command::new(program);
    let Ok(output) = command.args(arguments).current_dir(folder).output() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "{program} is required in CI"
        );
        skipped(&format!("there is no {program}"));
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Some((output.status.success(), text.into_owned()))
}

both_engines! {
    async fn a_head_is_read_back_as_it_was_exported(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut head = studio.export_head(chain.project).await.unwrap();
        assert_eq!(read(&written(&head)).unwrap(), head);
        assert_eq!((head.assets().len(), head.without_record()), (5, 0));
        let project = head.project();
        assert_eq!((project.id, project.name.as_str()), (chain.project, "Cats"));
        for asset in head.assets() {
            let row = studio.get_asset(asset.id).await.unwrap();
            assert_eq!(row.record_hash, Some(asset.record_hash));
        }
        assert!(head.assets().is_sorted_by(|one, two| one.id < two.id));
        let key = SigningKey::generate().unwrap();
        assert_eq!(head.public_key(), None);
        head.sign(&key).unwrap();
        let again = read(&written(&head)).unwrap();
        assert_eq!(again, head);
        again.check_signed_by(&key.public_key(), "cats.head").unwrap();
        // The records alone make the hash: not the time, not the name.
        let second = studio.export_head(chain.project).await.unwrap();
        assert_eq!(second.hash(), head.hash());
    }

    async fn the_head_of_nothing_and_of_many_can_be_read(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let empty = studio.export_head(project).await.unwrap();
        assert_eq!(empty.hash(), Sha256::of(b""));
        assert_eq!(read(&written(&empty)).unwrap(), empty);
        let image = studio.store_image(&pegbar::ImageSource::Bytes(crate::support::png(7))).unwrap();
        let new = || pegbar::NewAsset::new(pegbar::ImageSource::Stored(image));
        studio.create_assets(project, (0..1203).map(|_| new()).collect()).await.unwrap();
        let head = studio.export_head(project).await.unwrap();
        assert_eq!(head.assets().len(), 1203);
        assert_eq!(read(&written(&head)).unwrap(), head);
        let comparison = studio.compare_head(&head).await.unwrap();
        assert_eq!((comparison.unchanged, comparison.new.count), (1203, 0));
        let comparison = studio.compare_head(&empty).await.unwrap();
        assert_eq!((comparison.unchanged, comparison.new.count), (0, 1203));
        assert!(comparison.holds());
    }

    async fn a_leaf_changed_with_its_record_and_hash_is_found_by_a_head(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let head = studio.export_head(chain.project).await.unwrap();
        let mut raw = bench.raw().await;
        rewrite(&mut raw, chain.second, "passing", "resting").await;
        // Everything in the database fits together.
        let everything = VerifyScope::Everything;
        let report = studio.verify(&everything, VerifyOptions::default(), |_, _| {}).await;
        assert_eq!(report.unwrap().damaged_count, 0);
        let comparison = studio.compare_head(&head).await.unwrap();
        assert!(!comparison.holds());
        assert_eq!((comparison.unchanged, comparison.changed.count), (4, 1));
        let changed = &comparison.changed.first[0];
        assert_eq!(changed.asset_id, chain.second);
        let recorded = head.assets().iter().find(|it| it.id == chain.second).unwrap();
        assert_eq!(changed.recorded, recorded.record_hash);
        let now = studio.get_asset(chain.second).await.unwrap();
        assert_eq!(changed.found, now.record_hash);
    }

    async fn what_went_and_what_came_since_a_head_is_told_apart(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let spare = studio.create_asset(chain.project, asset(9)).await.unwrap().id;
        let head = studio.export_head(chain.project).await.unwrap();
        let new = studio.create_asset(chain.project, asset(10)).await.unwrap().id;
        studio.delete_asset(spare).await.unwrap();
        let mut raw = bench.raw().await;
        let style = raw.id(chain.style.0);
        tamper(&mut raw, &format!(
            "UPDATE asset SET record = NULL, record_hash = NULL WHERE id = {style}")).await;
        let comparison = studio.compare_head(&head).await.unwrap();
        assert_eq!(comparison.gone.first, [spare]);
        assert_eq!(comparison.new.first, [new]);
        assert_eq!(comparison.changed.count, 1);
        assert_eq!(comparison.changed.first[0].asset_id, chain.style);
        assert_eq!(comparison.changed.first[0].found, None);
        assert_eq!(comparison.unchanged, 4);
        studio.delete_project(chain.project).await.unwrap();
        let error = studio.compare_head(&head).await.unwrap_err();
        assert_eq!(error.code(), "not_found");
    }

    async fn a_head_says_how_many_have_no_record_and_never_covers_a_damaged_one(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let second = raw.id(chain.second.0);
        tamper(&mut raw, &format!(
            "UPDATE asset SET record_hash = '{}' WHERE id = {second}", Sha256::of(b"x"))).await;
        let error = studio.export_head(chain.project).await.unwrap_err();
        assert_eq!(error.code(), "damaged");
        let message = error.to_string();
        assert!(message.contains(&chain.second.to_string()), "{message}");
        tamper(&mut raw, &format!(
            "UPDATE asset SET record_hash = NULL WHERE id = {second}")).await;
        assert_eq!(studio.export_head(chain.project).await.unwrap_err().code(), "damaged");
        tamper(&mut raw, &format!("UPDATE asset SET record = NULL WHERE id = {second}")).await;
        let head = studio.export_head(chain.project).await.unwrap();
        assert_eq!((head.assets().len(), head.without_record()), (4, 1));
    }
}

/// Does it once; what is read needs no database.
fn on_sqlite(promise: impl AsyncFnOnce(&Studio)) {
    crate::support::run_on_sqlite(async |bench| promise(&bench.create().await).await);
}

#[test]
fn every_altered_line_is_found() {
    on_sqlite(async |studio| {
        let (head, key) = signed(studio).await;
        let text = written(&head);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 7);
        let with = |number: usize, line: &str| {
            let mut lines = lines.clone();
            lines[number - 1] = line;
            lines.join("\n") + "\n"
        };
        let is_by = format!("is not by the key {}", key.public_key().id());

        // The statement.
        for change in [
            "Cats→Dogs",
            "\"time\":\"2→\"time\":\"1",
            "\"withoutRecord\":0→\"withoutRecord\":1",
        ] {
            let (before, after) = change.split_once('→').unwrap();
            let altered = lines[0].replace(before, after);
            assert_ne!(altered, lines[0]);
            let reason = unproven(&with(1, &altered));
            assert!(
                reason.starts_with("line 2: the signature") && reason.ends_with(&is_by),
                "{reason}"
            );
        }
        let spaced = lines[0].replace(",\"format\"", ", \"format\"");
        assert_eq!(
            unproven(&with(1, &spaced)),
            "line 1: it is not written in canonical form"
        );
        let newer = lines[0].replace("\"format\":1", "\"format\":2");
        assert_eq!(
            unproven(&with(1, &newer)),
            "line 1: its format is 2, and 1 is known"
        );
        let other = lines[0].replace("pegbar head", "invoice");
        assert!(unproven(&with(1, &other)).starts_with("line 1: it is no head: its kind is"));
        let extra = lines[0].replace("{\"assetCount\"", "{\"a\":1,\"assetCount\"");
        assert!(unproven(&with(1, &extra)).starts_with("line 1: unknown field `a`"));

        // The signature.
        let another = SigningKey::generate().unwrap().public_key().to_string();
        let mine = key.public_key().to_string();
        let reason = unproven(&with(2, &lines[1].replace(&mine, &another)));
        assert!(
            reason.starts_with("line 2: the signature of line 1 is not by the key"),
            "{reason}"
        );
        let half = r#"{"publicKey":null,"signature":"AA=="}"#;
        assert_eq!(
            unproven(&with(2, half)),
            "line 2: a key or a signature alone"
        );
        let cut = lines[1].replace("\"signature\":\"", "\"signature\":\"AAAA");
        assert!(unproven(&with(2, &cut)).starts_with("line 2: signature: "));

        // The assets.
        let wrong = Sha256::of(b"x").to_string();
        let hash = head.assets()[2].record_hash.to_string();
        let reason = unproven(&with(5, &lines[4].replace(&hash, &wrong)));
        assert!(
            reason.starts_with("the listed assets give the hash"),
            "{reason}"
        );
        let twice = format!("{}\n{}", lines[4], lines[4]);
        let reason = unproven(&with(5, &twice));
        assert_eq!(
            reason,
            format!("line 6: the asset {} stands twice", head.assets()[2].id)
        );
        let swapped = with(5, &format!("{}\n{}", lines[5], lines[4]));
        let reason = unproven(&swapped);
        assert_eq!(
            reason,
            format!(
                "line 6: the asset {} is not in the order of ids",
                head.assets()[2].id
            )
        );
        let last: AssetId = "ffffffff-ffff-7fff-bfff-ffffffffffff".parse().unwrap();
        let more = format!("{text}{{\"id\":\"{last}\",\"recordHash\":\"{hash}\"}}\n");
        assert_eq!(unproven(&more), "line 8: more than the 5 assets stated");
        let upper = lines[4].replace(&hash, &hash.to_uppercase());
        assert_eq!(
            unproven(&with(5, &upper)),
            "line 5: it is not written in canonical form"
        );
        let reason = unproven(&text.replace('\n', "\r\n"));
        assert_eq!(reason, "line 1: it is not written in canonical form");
    });
}

#[test]
fn a_head_that_was_cut_off_anywhere_is_refused() {
    on_sqlite(async |studio| {
        let (head, _) = signed(studio).await;
        let text = written(&head);
        for end in 0..text.len() {
            let reason = unproven(&text[..end]);
            if end > 0 && !text[..end].ends_with('\n') {
                assert!(
                    reason.ends_with(": the file ends within it"),
                    "{end}: {reason}"
                );
            }
        }
        assert_eq!(unproven(""), "the file is empty");
        let lines: Vec<&str> = text.lines().collect();
        let reason = unproven(&(lines[..6].join("\n") + "\n"));
        assert_eq!(reason, "4 assets are listed, and 5 are stated");
        assert_eq!(
            unproven(&format!("{}\n", lines[0])),
            "line 1: the file ends behind it"
        );
        assert_eq!(
            unproven(&"x".repeat(5000)),
            "line 1: it is longer than any line of a head"
        );
        let bytes: &[u8] = &[0xff, b'\n'];
        let error = Head::read(bytes, "cats.head").unwrap_err();
        assert_eq!(
            error.to_string(),
            "cats.head: line 1: it is not UTF-8, as a head is"
        );
    });
}

#[test]
fn a_key_that_is_not_trusted_is_told_from_the_one_that_is() {
    on_sqlite(async |studio| {
        let (mut head, key) = signed(studio).await;
        let trusted = key.public_key();
        head.check_signed_by(&trusted, "cats.head").unwrap();
        let stranger = SigningKey::generate().unwrap();
        head.sign(&stranger).unwrap();
        // It holds together, and is by somebody else.
        let head = read(&written(&head)).unwrap();
        let error = head.check_signed_by(&trusted, "cats.head").unwrap_err();
        let (by, not_by) = (stranger.public_key().id(), trusted.id());
        assert_eq!(
            error.to_string(),
            format!("cats.head: it is signed by the key {by}, not by {not_by}")
        );
        assert_eq!(error.code(), "unproven");
        let unsigned = studio.export_head(head.project().id).await.unwrap();
        let error = unsigned.check_signed_by(&trusted, "cats.head").unwrap_err();
        assert_eq!(error.to_string(), "cats.head: it is not signed");
    });
}

#[test]
fn openssl_checks_the_signature_and_makes_keys_that_sign() {
    on_sqlite(async |studio| {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (mut head, key) = signed(studio).await;
        let check = |head: &Head, key: &PublicKey| {
            let text = written(head);
            let mut lines = text.lines();
            fs::write(folder.join("statement"), lines.next().unwrap()).unwrap();
            let seal: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
            fs::write(folder.join("base64"), seal["signature"].as_str().unwrap()).unwrap();
            fs::write(folder.join("key.pub"), key.to_pem()).unwrap();
            run(
                "openssl",
                &["base64", "-d", "-A", "-in", "base64", "-out", "signature"],
                folder,
            )?;
            run(
                "openssl",
                &[
                    "pkeyutl",
                    "-verify",
                    "-pubin",
                    "-inkey",
                    "key.pub",
                    "-rawin",
                    "-in",
                    "statement",
                    "-sigfile",
                    "signature",
                ],
                folder,
            )
        };
        let Some((is_valid, said)) = check(&head, &key.public_key()) else {
            return;
        };
        assert!(is_valid, "{said}");
        let stranger = SigningKey::generate().unwrap().public_key();
        assert!(!check(&head, &stranger).unwrap().0);
        // What openssl has made.
        run(
            "openssl",
            &["genpkey", "-algorithm", "ed25519", "-out", "key"],
            folder,
        )
        .unwrap();
        run(
            "openssl",
            &["pkey", "-in", "key", "-pubout", "-out", "key.pub"],
            folder,
        )
        .unwrap();
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let (key, public) = (SigningKey::from_pem(&text("key")).unwrap(), text("key.pub"));
        assert_eq!(key.to_pem(), text("key"));
        assert_eq!(key.public_key().to_pem(), public);
        head.sign(&key).unwrap();
        let (is_valid, said) = check(&head, &PublicKey::from_pem(&public).unwrap()).unwrap();
        assert!(is_valid, "{said}");
        // What a key is called.
        let der = run(
            "openssl",
            &[
                "pkey", "-pubin", "-in", "key.pub", "-outform", "DER", "-out", "der",
            ],
            folder,
        );
        assert!(der.unwrap().0);
        assert_eq!(
            key.public_key().id(),
            Sha256::of(&fs::read(folder.join("der")).unwrap())
        );
    });
}

/// The script in the docs.
fn script() -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/provenance.md");
    let docs = fs::read_to_string(docs).unwrap();
    let (_, behind) = docs.split_once("```python\n").unwrap();
    behind.split_once("```").unwrap().0.to_owned()
}

#[test]
fn a_stranger_checks_a_head_with_the_script_of_the_docs() {
    on_sqlite(async |studio| {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (head, key) = signed(studio).await;
        let text = written(&head);
        fs::write(folder.join("check_head.py"), script()).unwrap();
        fs::write(folder.join("key.pub"), key.public_key().to_pem()).unwrap();
        let check = |text: &str| {
            fs::write(folder.join("cats.head"), text).unwrap();
            run(
                "python3",
                &["check_head.py", "cats.head", "key.pub"],
                folder,
            )
        };
        let Some((is_right, said)) = check(&text) else {
            return;
        };
        assert!(is_right, "{said}");
        let mut expected = format!("5 assets of \"Cats\", {}\n", head.time());
        writeln!(expected, "head {}", head.hash()).unwrap();
        assert_eq!(said, expected);
        let altered = text.replace(
            &head.assets()[0].record_hash.to_string(),
            &Sha256::of(b"x").to_string(),
        );
        let (is_right, said) = check(&altered).unwrap();
        assert!(!is_right && said.contains("the list was altered"), "{said}");
        let altered = text.replace("Cats", "Dogs");
        let (is_right, said) = check(&altered).unwrap();
        assert!(
            !is_right && said.contains("not signed by this key"),
            "{said}"
        );
        let shorter = text.rsplit_once("\n{").unwrap().0.to_owned() + "\n";
        let (is_right, said) = check(&shorter).unwrap();
        assert!(!is_right && said.contains("the list was altered"), "{said}");
    });
}
