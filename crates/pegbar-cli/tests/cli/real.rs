//! Images that real generators made.

use std::fs;
use std::path::Path;

use crate::support::{real_inputs, shown};

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<String> = entries
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    files.sort();
    files
}

both_engines! {
    fn images_of_real_generators_are_taken_in_byte_for_byte(bench) {
        let Some(real) = real_inputs() else { return };
        bench.ok(&["project", "create", "Alley cats"]);
        bench.ok(&["character", "create", "Tabby", "--user-prompt", "a small orange cat"]);
        let sources = [files(&real.join("gemini")), files(&real.join("pixellab-tabby/rotations"))].concat();
        let mut arguments = vec!["variation", "add", "Tabby", "--model", "various"];
        arguments.extend(sources.iter().map(String::as_str));
        let added = bench.json(&arguments);
        let added = added.as_array().unwrap();
        assert_eq!(added.len(), sources.len());
        for (asset, source) in added.iter().zip(&sources) {
            assert_eq!(fs::read(bench.view(&asset["filePath"])).unwrap(), fs::read(source).unwrap());
        }
        assert_eq!(added[0]["mimeType"], "image/jpeg", "whatever its name says");
        let extension = |name: &serde_json::Value| {
            let name = Path::new(name.as_str().unwrap());
            name.extension().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(extension(&added[0]["originalName"]), "png");
        assert_eq!(extension(&added[0]["filePath"]), "jpg");

        bench.ok(&["animation", "create", "Tabby", "Run"]);
        let run = files(&real.join("pixellab-tabby/animations/running-8-frames/east"));
        let mut arguments = vec!["frame", "add", "Run"];
        arguments.extend(run.iter().map(String::as_str));
        let tree = bench.json(&arguments);
        let names: Vec<_> = run.iter().map(|file| file.rsplit('/').next().unwrap()).collect();
        assert_eq!(shown(&tree), names);
        bench.ok(&["frame", "move", "Run", "0", "--to", "3"]);
        let tree = bench.json(&["animation", "show", "Run"]);
        for (index, frame) in tree["frames"].as_array().unwrap().iter().enumerate() {
            let path = &frame["asset"]["filePath"];
            let expected = format!("/frames/Run/Tabby_Run_{index}.png");
            assert!(path.as_str().unwrap().ends_with(&expected), "{path}");
            let source = &run[(index + 1) % run.len()];
            assert_eq!(fs::read(bench.view(path)).unwrap(), fs::read(source).unwrap());
        }
    }
}
