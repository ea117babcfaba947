//! Adopting, killed at each mutating system call: the next one goes on, and every row gets
//! its own image.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use pegbar::{AdoptOptions, Studio};

use crate::trace::{self, Outcome, Victim};
use crate::{Base, block_on, state, unsealed};

/// Makes rows of another program of all that is there: nothing is known of the files, which
/// lie in an app's folder or at each other's conventional paths.
fn forget(root: &Path) {
    let connection = rusqlite::Connection::open(root.join(".pegbar/pegbar.db")).unwrap();
    let frames = "SELECT hex(a.id), a.file_path FROM asset a WHERE kind = 'frame' ORDER BY id";
    let mut statement = connection.prepare(frames).unwrap();
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let frames = statement.query_map([], read).unwrap();
    let frames: Vec<(String, String)> = frames.map(Result::unwrap).collect();
    let assets = root.join("public/assets");
    fs::create_dir_all(assets.join("uploads")).unwrap();
    for (number, (_, path)) in frames.iter().enumerate() {
        fs::rename(assets.join(path), assets.join(format!("uploads/{number}"))).unwrap();
    }
    for (number, (id, _)) in frames.iter().enumerate() {
        // The first stays outside the convention; the others move one on.
        let path = match number {
            0 => "uploads/0.png",
            _ => &frames[(number + 1) % frames.len()].1,
        };
        fs::rename(assets.join(format!("uploads/{number}")), assets.join(path)).unwrap();
        let set = format!("UPDATE asset SET file_path = '/assets/{path}' WHERE id = x'{id}'");
        connection.execute_batch(&set).unwrap();
    }
    drop(statement);
    let forgetting = "UPDATE asset SET sha256 = NULL, file_size = NULL, width = NULL, \
         height = NULL, mime_type = NULL, image_count = NULL, record = NULL, record_hash = NULL; \
         UPDATE asset_reference SET sha256 = NULL; DELETE FROM view_file; \
         UPDATE animation SET segment = NULL, segment_key = NULL; \
         UPDATE character SET segment = NULL, segment_key = NULL;";
    unsealed::tamper_sqlite(&connection, forgetting).unwrap();
    fs::remove_dir_all(root.join(".pegbar/blobs")).unwrap();
}

#[test]
fn adopt_goes_on_after_a_kill_at_any_step() {
    if !trace::supported() {
        return;
    }
    let base = Base::new();
    let expected = block_on(state(&base.folder.path().join("studio")));
    forget(&base.folder.path().join("studio"));
    let attempt = tempfile::tempdir().unwrap();
    let mut killed = 0;
    for n in 1.. {
        let root = base.copy(&attempt.path().join(n.to_string()));
        let mut victim = Victim::new(env!("CARGO_BIN_EXE_pegbar"), base.folder.path());
        victim.args = vec!["--studio".into(), root.clone().into(), "adopt".into()];
        let run = trace::kill_at(&victim, n).unwrap();
        let at = match &run.outcome {
            Outcome::Killed { call } => call.to_string(),
            Outcome::Finished { status } => {
                assert!(status.success(), "{}", run.stderr);
                "the end".to_owned()
            }
        };
        // Opening gives the files' places to those that are adopted.
        block_on(async {
            let studio = Studio::open(&root).await.unwrap();
            let options = AdoptOptions::default();
            let report = studio.adopt(options, |_, _| {}).await.unwrap();
            assert_eq!(report.findings, [], "killed at {at}");
            assert_eq!(report.foreign.count, 0, "killed at {at}: {report:?}");
        });
        let uploads = root.join("public/assets/uploads");
        assert_eq!(fs::read_dir(&uploads).unwrap().count(), 0, "killed at {at}");
        assert_eq!(block_on(state(&root)), expected, "killed at {at}");
        fs::remove_dir_all(attempt.path().join(n.to_string())).unwrap();
        if let Outcome::Finished { .. } = run.outcome {
            break;
        }
        killed += 1;
    }
    assert!(killed >= 60, "only {killed} kills");
    let line = format!("adopt: {killed} kills, each of which the next adoption made good\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
