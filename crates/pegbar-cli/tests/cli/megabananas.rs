//! `import megabananas`, and finding what was imported by its old id.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::support::{Bench, administer, say_skipped};

/// As much of the app's tables as the import needs.
const APP: &str = r#"
CREATE TABLE "Project" ("id" TEXT PRIMARY KEY, "name" TEXT NOT NULL);
CREATE TABLE "Asset" ("id" TEXT PRIMARY KEY, "projectId" TEXT NOT NULL, "filePath" TEXT NOT NULL,
    "type" TEXT NOT NULL, "characterId" TEXT, "referenceAssetIds" TEXT[]);
CREATE TABLE "Character" ("id" TEXT PRIMARY KEY, "projectId" TEXT NOT NULL, "name" TEXT NOT NULL);
CREATE TABLE "Animation" ("id" TEXT PRIMARY KEY, "projectId" TEXT NOT NULL,
    "characterId" TEXT NOT NULL, "name" TEXT NOT NULL);
CREATE TABLE "Frame" ("id" TEXT PRIMARY KEY, "animationId" TEXT NOT NULL,
    "assetId" TEXT NOT NULL, "frameIndex" INTEGER NOT NULL);
INSERT INTO "Project" VALUES ('project-old', 'Alley cats');
INSERT INTO "Character" VALUES ('character-old', 'project-old', 'Tabby');
INSERT INTO "Animation" VALUES ('animation-old', 'project-old', 'character-old', 'Walk');
INSERT INTO "Asset" VALUES
    ('front-old', 'project-old', '/assets/front.png', 'character', 'character-old', '{gone}'),
    ('take-old', 'project-old', '/assets/take.png', 'frame', NULL, '{front-old}'),
    ('missing-old', 'project-old', '/assets/missing.png', 'frame', NULL, '{front-old}');
INSERT INTO "Frame" VALUES ('frame-1', 'animation-old', 'missing-old', 1),
    ('frame-old', 'animation-old', 'take-old', 2);
"#;

/// An app: the address of its database, and its folder `public`.
struct App {
    server: String,
    name: String,
    url: String,
    public: PathBuf,
}

impl App {
    fn new(bench: &Bench) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("PEGBAR_TEST_POSTGRES") else {
            say_skipped("import megabananas");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pegbar_cli_app_{}_{number}", std::process::id());
        administer(&server, &format!("CREATE DATABASE {name}"));
        let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
        administer(&url, APP);
        let public = bench.root().join("../app/public");
        let assets = public.join("assets");
        fs::create_dir_all(&assets).unwrap();
        for (name, number) in [("front.png", 1), ("take.png", 2)] {
            let image = bench.png(&format!("app-{name}"), number);
            fs::rename(image, assets.join(name)).unwrap();
        }
        fs::write(assets.join("notes.txt"), "mine").unwrap();
        Some(Self {
            server,
            name,
            url,
            public,
        })
    }

    fn public(&self) -> &str {
        self.public.to_str().unwrap()
    }

    fn remove(self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        administer(&self.server, &statement);
    }
}

both_engines! {
    fn an_app_is_imported_once_and_every_finding_is_written(bench) {
        let Some(app) = App::new(bench) else { return };
        let report = bench.root().join("../findings.jsonl");
        let arguments = ["import", "megabananas", "--assets", app.public(), "--report",
            report.to_str().unwrap()];
        let mut command = bench.command(&arguments);
        let ran = command.env("MEGABANANAS_DATABASE_URL", &app.url).output().unwrap();
        let [stdout, stderr] = [ran.stdout, ran.stderr].map(|text| String::from_utf8(text).unwrap());
        assert_eq!(ran.status.code(), Some(0), "{stderr}");
        let created = "imported 1 project, 1 character, 1 variation, 1 animation, 1 frame and 1 take";
        assert!(stdout.contains(created), "{stdout}");
        assert!(stderr.contains("left out: 2\n  Asset missing-old: "), "{stderr}");
        assert!(stderr.contains("Frame frame-old: 2 is 0 here"), "{stderr}");
        assert!(stderr.contains("not taken in: 1\n  notes.txt"), "{stderr}");
        let findings = fs::read_to_string(&report).unwrap();
        let findings: Vec<Value> =
            findings.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<_> = findings.iter().map(|finding| &finding["finding"]).collect();
        assert_eq!(kinds, ["leftOut", "leftOut", "renumbered", "skipped"]);
        assert_eq!(findings[0]["row"]["filePath"], "/assets/missing.png");

        let again = ["import", "megabananas", &app.url, "--assets", app.public()];
        let report = bench.json(&again);
        assert_eq!((&report["known"], &report["created"]["takes"]), (&json!(2), &json!(0)));
        assert_eq!(report["leftOut"]["count"], 2);
        let said = bench.ok(&again);
        assert!(said.contains("nothing is new in the app\nthere already: 2 images"), "{said}");
        assert_eq!(bench.run(&["sync"]).stdout.trim(), "every file is as it should be");
        app.remove();
    }

    fn a_thing_is_meant_by_the_id_it_had_in_its_app(bench) {
        let Some(app) = App::new(bench) else { return };
        bench.ok(&["import", "megabananas", &app.url, "--assets", app.public()]);
        bench.ok(&["project", "create", "Others"]);
        for (group, name) in [("project", "Alley cats"), ("character", "Tabby"), ("animation", "Walk")] {
            let old = format!("{group}-old");
            let shown = bench.json(&[group, "show", name]);
            assert_eq!(bench.json(&[group, "show", &old]), shown, "{group}");
        }
        let take = bench.json(&["asset", "show", "take-old"]);
        assert_eq!(take["sourceId"], "take-old");
        assert_eq!(take["claims"][0]["tool"], "megabananas");
        assert_eq!(take["claims"][0]["fields"]["referenceAssetIds"], json!(["front-old"]));
        assert_eq!(take["referenceAssetIds"], json!([]));
        let text = bench.ok(&["asset", "show", "take-old"]);
        let head = "claims (what the file or its app says, not recorded by Pegbar)\n  0  megabananas\n";
        assert!(text.contains(head), "{text}");
        let prompted = bench.json(&["frame", "prompt", "frame-old", "--set", "lift"]);
        assert_eq!(prompted["frames"][0]["frame"]["sourceId"], "frame-old");
        assert_eq!(prompted["frames"][0]["frame"]["framePrompt"], "lift");
        let refused = bench.refused_json(1, &["frame", "prompt", "frame-older", "--clear"]);
        assert_eq!(refused["code"], "not_found");
        app.remove();
    }
}

#[test]
fn no_message_repeats_the_password_of_the_app() {
    let bench = Bench::new();
    let folder = bench.root();
    let folder = folder.to_str().unwrap();
    let unreachable = "postgres://me:hunter2@127.0.0.1:1/app";
    for address in [unreachable, "mysql://me:hunter2@host/app"] {
        let arguments = ["import", "megabananas", address, "--assets", folder];
        let refused = bench.refused(1, &arguments);
        assert!(!refused.contains("hunter2"), "{refused}");
        assert!(refused.contains("hint: "), "{refused}");
    }
    let arguments = ["import", "megabananas", unreachable, "--assets", "nowhere"];
    let refused = bench.refused(1, &arguments);
    assert!(refused.contains("there is no folder nowhere"), "{refused}");
}
