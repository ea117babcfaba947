//! Places that are not as they should be: read-only, full, newer, in use, in a git checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Bench, Ran, each, images, ran, shown, skipped};

both_engines! {
    fn a_newer_database_is_refused_and_left_alone(bench) {
        bench.ok(&["project", "create", "Cats"]);
        let insert = "INSERT INTO pegbar_migration (version, name, applied_on, checksum) \
                      VALUES (999, 'later', '2030-01-01T00:00:00Z', '0')";
        bench.administer(insert);
        let refused = bench.refused(1, &["project", "create", "Dogs"]);
        let expected = "error: the database has schema version 999; this Pegbar knows up to ";
        assert!(refused.starts_with(expected), "{refused}");
        let hint = "\nhint: use a newer Pegbar; the database was left alone\n";
        assert!(refused.ends_with(hint), "{refused}");
        assert_eq!(bench.refused_json(1, &["project", "list"])["code"], "unavailable");
        bench.administer("DELETE FROM pegbar_migration WHERE version = 999");
        assert_eq!(each(&bench.json(&["project", "list"]), "name"), ["Cats"]);
    }

    fn two_processes_at_once_lose_nothing(bench) {
        bench.with_walk(1);
        let rounds = 6;
        let add = |process: usize, round: usize| -> Vec<String> {
            let name = |n| format!("p{process}_r{round}_{n}.png");
            let number = |n| u32::try_from(1000 * process + 10 * round + n).unwrap();
            (0..3).map(|n| bench.png(&name(n), number(n))).collect()
        };
        let processes: Vec<Vec<Vec<String>>> = (1..3)
            .map(|process| (0..rounds).map(|round| add(process, round)).collect())
            .collect();
        std::thread::scope(|threads| {
            for files in &processes {
                threads.spawn(move || {
                    for round in files {
                        let files: Vec<&str> = round.iter().map(String::as_str).collect();
                        bench.ok(&[&["frame", "add", "Tabby/Walk"], &files[..2]].concat());
                        bench.ok(&["asset", "add", files[2]]);
                    }
                });
            }
        });
        let tree = bench.json(&["animation", "show", "Walk"]);
        let frames = tree["frames"].as_array().unwrap();
        assert_eq!(frames.len(), 1 + 2 * rounds * 2);
        for (index, shown) in frames.iter().enumerate() {
            assert_eq!(shown["frame"]["frameIndex"], index);
        }
        let names = shown(&tree);
        for process in &processes {
            let added: Vec<&str> = process.iter().flat_map(|round| &round[..2])
                .map(|file| file.rsplit('/').next().unwrap()).collect();
            let own: Vec<&str> = names.iter().copied().filter(|name| added.contains(name)).collect();
            assert_eq!(own, added, "in the order in which they were added");
        }
        let references = bench.json(&["asset", "list", "--kind", "reference"]);
        assert_eq!(references.as_array().unwrap().len(), 2 * rounds);
        for asset in frames.iter().map(|frame| &frame["asset"]).chain(references.as_array().unwrap()) {
            let source = bench.path().join(asset["originalName"].as_str().unwrap());
            assert_eq!(fs::read(bench.view(&asset["filePath"])).unwrap(), fs::read(source).unwrap());
        }
        assert_eq!(bench.ok(&["sync"]), "every file is as it should be\n");
    }

    fn in_a_git_checkout_only_the_tree_of_files_is_seen(bench) {
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.current_dir(bench.root()).args(arguments);
            for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"] {
                git.env(name, "/dev/null");
            }
            git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
            git.output().map(|output| ran(&output))
        };
        let Ok(begun) = git(&["init", "--quiet"]) else {
            return skipped("git checkouts, since there is no git");
        };
        assert_eq!(begun.code, Some(0), "{begun:?}");
        fs::write(bench.root().join("index.html"), "my web app").unwrap();
        bench.with_walk(2);
        let status = git(&["status", "--porcelain", "--untracked-files=all"]).unwrap();
        let seen: Vec<&str> = status.stdout.lines().collect();
        assert_eq!(seen.len(), 4, "{seen:?}");
        assert_eq!(seen[0], "?? index.html");
        assert!(seen[1..].iter().all(|line| line.starts_with("?? public/assets/")), "{seen:?}");
        // What git removes is there again, and what it brings back is what it was.
        git(&["add", "--all"]).unwrap();
        let id = ["-c", "user.name=Me", "-c", "user.email=me@example.org"];
        git(&[&id[..], &["commit", "--quiet", "-m", "All"]].concat()).unwrap();
        bench.ok(&["frame", "move", "Walk", "0", "--to", "1"]);
        let status = git(&["status", "--porcelain"]).unwrap();
        assert_eq!(status.stdout.lines().count(), 2, "{status:?}");
        git(&["checkout", "--quiet", "."]).unwrap();
        assert_eq!(bench.ok(&["sync"]), "wrote 2 files, removed 0\n");
        assert!(bench.root().join(".pegbar/store-id").exists());
    }
}

/// Runs the program as a user for whom permissions are binding; `None`, and said so, where
/// there is none.
fn as_nobody(bench: &Bench, arguments: &[&str]) -> Option<Ran> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        return Some(bench.run(arguments));
    }
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let try_it = bench.command_through(&nobody, &["--version"]).output();
    if !try_it.is_ok_and(|tried| tried.status.success()) {
        skipped("read-only folders, since root may write anywhere and setpriv does not help");
        return None;
    }
    let output = bench.command_through(&nobody, arguments).output();
    Some(ran(&output.unwrap()))
}

/// Sets who may write into everything in a folder.
fn set_mode(folder: &Path, mode: &str) {
    let done = Command::new("chmod")
        .args(["-R", mode])
        .arg(folder)
        .status();
    assert!(done.unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_read_only_studio_can_be_read_and_says_why_it_cannot_be_changed() {
    let bench = Bench::new();
    bench.with_walk(2);
    let image = bench.png("more.png", 77);
    set_mode(bench.path(), "a+rX,a-w");
    let refused = |arguments: &[&str]| {
        let ran = as_nobody(&bench, arguments)?;
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(1), ""),
            "{arguments:?}: {ran:?}"
        );
        Some(ran.stderr)
    };
    let before = bench.json(&["tree"]);
    for arguments in [
        &["project", "create", "Dogs"][..],
        &["asset", "add", &image],
        &["frame", "move", "Walk", "0", "--to", "1"],
        &["project", "delete", "Cats", "--yes"],
    ] {
        let Some(text) = refused(arguments) else {
            return;
        };
        assert!(
            text.contains("read-only") || text.contains("Permission denied"),
            "{text}"
        );
        assert!(text.contains("\nhint: check who owns "), "{text}");
    }
    let studio = bench.path().join("other");
    let init = refused(&["init", studio.to_str().unwrap()]).unwrap();
    assert!(
        init.starts_with("error: creating ") && init.contains("hint: check who owns"),
        "{init}"
    );
    for arguments in [
        &["project", "list"][..],
        &["tree"],
        &["animation", "show", "Walk"],
    ] {
        let ran = as_nobody(&bench, arguments).unwrap();
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        assert!(
            ran.stdout.contains("Cats") || ran.stdout.contains("Walk"),
            "{ran:?}"
        );
    }
    assert_eq!(bench.json(&["tree"]), before);

    // Only the database is read-only.
    set_mode(bench.path(), "a+w");
    for file in fs::read_dir(bench.root().join(".pegbar")).unwrap() {
        let file = file.unwrap().path();
        if file
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("pegbar.db")
        {
            set_mode(&file, "a-w");
        }
    }
    let text = refused(&["project", "create", "Dogs"]).unwrap();
    let expected = "hint: check who owns .pegbar and whether it is mounted read-only";
    assert!(
        text.starts_with("error: the database is read-only\n") && text.contains(expected),
        "{text}"
    );
    set_mode(bench.path(), "a+w");
    bench.ok(&["project", "create", "Dogs"]);
}

/// Where the small disk is mounted, for the run of the test that lives on it.
const DISK: &str = "PEGBAR_TEST_SMALL_DISK";

fn mount(disk: &Path, options: &str) -> bool {
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(disk);
    mount.status().is_ok_and(|status| status.success())
}

/// Runs a test again where a small disk can be mounted that nobody else sees.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_called_that_and_everything_acknowledged_is_there_afterwards() {
    if let Some(disk) = std::env::var_os(DISK).map(PathBuf::from) {
        if !mount(&disk, "size=4m") {
            return skipped("full disks, since no disk can be mounted");
        }
        return fill_up(&disk);
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let binary = std::env::current_exe().unwrap();
    // Root mounts in a namespace of its own; everybody else as root of one.
    let namespaces = ["--mount", "--map-root-user"].map(|first| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", first]);
        unshare
    });
    for mut unshare in namespaces {
        let mut attempt = Command::new("unshare");
        attempt
            .args(unshare.get_args())
            .args(["mount", "-t", "tmpfs", "tmpfs"])
            .arg(&disk);
        if !attempt.output().is_ok_and(|tried| tried.status.success()) {
            continue;
        }
        unshare.arg(&binary).args(["--exact", "--nocapture"]);
        unshare.arg(
            "bad_place::a_full_disk_is_called_that_and_everything_acknowledged_is_there_afterwards",
        );
        let output = unshare
            .env(DISK, &disk)
            .env("TMPDIR", &disk)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        assert!(!text.contains("Not tested"), "{text}");
        return;
    }
    skipped("full disks, since no disk can be mounted");
}

/// Takes frames and projects in until nothing fits any more, and looks what is there.
fn fill_up(disk: &Path) {
    let bench = Bench::new();
    bench.with_walk(1);
    let sources = disk.parent().unwrap().join("sources");
    fs::create_dir_all(&sources).unwrap();
    let source = |number: u32| {
        let file = sources.join(format!("{number}.png"));
        let filling = vec![u8::try_from(number % 251).unwrap(); 30_000];
        let filling = images::png_chunk(*b"raNd", &filling);
        fs::write(
            &file,
            images::png_with(images::png(number + 1, 5), &[filling]),
        )
        .unwrap();
        file.to_str().unwrap().to_owned()
    };
    let add = |files: &[String]| {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        bench.run(&[&["frame", "add", "Walk"], files.as_slice()].concat())
    };
    let is_full = |ran: &Ran| {
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert!(ran.stderr.contains("error: "), "{}", ran.stderr);
        assert!(ran.stderr.contains("the disk is full"), "{}", ran.stderr);
        assert!(
            ran.stderr
                .contains("free some room and run the command again"),
            "{}",
            ran.stderr
        );
    };
    let mut acknowledged = Vec::new();
    let refused = (0..)
        .step_by(3)
        .map(|n| [n, n + 1, n + 2].map(source))
        .find(|files| {
            let ran = add(files);
            if ran.code == Some(0) {
                acknowledged.extend(files.clone());
                return false;
            }
            is_full(&ran);
            true
        });
    assert!(acknowledged.len() > 9, "{}", acknowledged.len());
    // To the last byte: now the database has no room either.
    let _ = fs::write(disk.join("filling"), vec![1; 8 << 20]);
    let mut projects = vec!["Cats".to_owned()];
    let full = (0..100).map(|n| format!("P{n}")).find_map(|name| {
        let ran = bench.run(&["project", "create", &name]);
        if ran.code == Some(0) {
            projects.push(name);
            return None;
        }
        Some(ran)
    });
    is_full(&full.unwrap());
    let names = |frames: &serde_json::Value| {
        let names = shown(frames).into_iter().skip(1);
        names
            .map(|name| sources.join(name).to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&bench.json(&["animation", "show", "Walk"])),
        acknowledged,
        "while it is full"
    );

    fs::remove_file(disk.join("filling")).unwrap();
    assert!(mount(disk, "remount,size=12m"));
    bench.ok(&["sync"]);
    assert_eq!(bench.ok(&["sync"]), "every file is as it should be\n");
    let tree = bench.json(&["animation", "show", "Walk"]);
    assert_eq!(names(&tree), acknowledged);
    for frame in &tree["frames"].as_array().unwrap()[1..] {
        let asset = &frame["asset"];
        let bytes = fs::read(sources.join(asset["originalName"].as_str().unwrap())).unwrap();
        assert_eq!(fs::read(bench.view(&asset["filePath"])).unwrap(), bytes);
        let sha256 = asset["sha256"].as_str().unwrap();
        let blob = bench
            .root()
            .join(".pegbar/blobs")
            .join(&sha256[..2])
            .join(sha256);
        assert_eq!(fs::read(blob).unwrap(), bytes);
    }
    let mut listed: Vec<String> = each(&bench.json(&["project", "list"]), "name")
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    listed.sort();
    projects.sort();
    assert_eq!(listed, projects);
    let mut find = Command::new("find");
    find.arg(bench.root());
    find.args(["-name", ".pegbar-*", "-o", "-path", "*/.pegbar/tmp/*/*"]);
    let left = find.output().unwrap().stdout;
    assert_eq!(
        String::from_utf8_lossy(&left),
        "",
        "nothing is half-written"
    );
    let refused = refused.unwrap();
    assert_eq!(add(&refused).code, Some(0));
    let tree = bench.json(&["animation", "show", "Walk"]);
    assert_eq!(
        tree["frames"].as_array().unwrap().len(),
        1 + acknowledged.len() + 3
    );

    assert!(mount(disk, "remount,ro"));
    let ran = bench.run(&["project", "create", "Dogs"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("read-only"), "{}", ran.stderr);
    assert_eq!(bench.json(&["animation", "show", "Walk"]), tree);
    assert!(mount(disk, "remount,rw"));
}
