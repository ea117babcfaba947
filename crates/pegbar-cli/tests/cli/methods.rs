//! What the library can do, the command line can do.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::output::COMMANDS;

/// Every public method of `Studio`, and the command that does it.
const METHODS: &[(&str, &str)] = &[
    ("adopt", "adopt"),
    ("annotate_asset", "asset annotate"),
    ("append_frames", "frame add"),
    ("assets_folder", "open"),
    ("back_up", "backup"),
    ("back_up_archive", "backup"),
    ("change_tags", "tag add"),
    // For those who balance load.
    ("check_reachable", "serve"),
    ("compare_head", "verify"),
    ("count_project", "project show"),
    ("count_tags", "tag list"),
    ("create", "init"),
    ("create_animation", "animation create"),
    // One of many.
    ("create_asset", "asset add"),
    ("count_imported", "import folder"),
    ("create_assets", "asset add"),
    ("create_character", "character create"),
    ("create_project", "project create"),
    ("create_takes", "take add"),
    ("create_token", "token create"),
    ("create_variation", "variation add"),
    ("create_variations", "variation add"),
    ("create_with", "init"),
    ("delete_animation", "animation delete"),
    ("delete_annotation", "asset annotate"),
    ("delete_asset", "asset delete"),
    // What every deletion does, once its plan was shown.
    ("delete_as_planned", "asset delete"),
    ("delete_character", "character delete"),
    ("delete_project", "project delete"),
    ("diff_animations", "diff"),
    ("diff_assets", "diff"),
    ("doctor", "doctor"),
    ("drop_bytes", "asset drop-bytes"),
    ("engine", "config"),
    ("export_bundle", "export bundle"),
    ("export_head", "head export"),
    ("export_images", "export images"),
    ("export_prov", "export prov"),
    // By the end of an id.
    ("find_frames", "frame show"),
    ("find_frames_by_source_id", "frame show"),
    ("find_deletions", "trash show"),
    ("frames_from", "lineage frames"),
    ("get_animation", "animation show"),
    ("get_animation_tree", "animation show"),
    ("get_asset", "asset show"),
    ("get_character", "character show"),
    ("get_character_tree", "character show"),
    ("get_deletion", "trash show"),
    ("get_frame", "frame show"),
    ("get_generation", "generation show"),
    // For players.
    ("get_manifest", "serve"),
    // The project of an import that is created where there is none.
    ("get_or_create_project", "import folder"),
    ("get_project", "project show"),
    ("get_project_tree", "tree"),
    ("get_tombstone", "asset show"),
    // What is asked for over HTTP.
    ("image_at_path", "serve"),
    ("image_of_asset", "serve"),
    ("image_with_hash", "serve"),
    ("import_bundle", "import bundle"),
    ("import_folder", "import folder"),
    ("import_megabananas", "import megabananas"),
    ("import_pixellab", "import pixellab"),
    ("import_sidecars", "import sidecars"),
    ("insert_frames", "frame add"),
    // Where a follower begins who wants only what is new.
    ("last_action", "undo"),
    ("last_change", "changes"),
    ("lineage", "lineage"),
    ("list_animations", "animation list"),
    ("list_backups", "backup"),
    ("list_annotations", "asset show"),
    ("list_assets", "asset list"),
    ("list_changes", "changes"),
    ("list_characters", "character list"),
    ("list_deletions", "trash list"),
    ("list_claims", "asset show"),
    ("list_frames", "frame list"),
    ("list_frames_showing", "take list"),
    ("list_generations", "generation list"),
    ("list_kept", "kept list"),
    ("list_projects", "project list"),
    ("list_takes", "take list"),
    ("list_tokens", "token list"),
    ("list_tombstones", "asset show"),
    ("list_variations", "variation list"),
    ("migrate_to", "migrate-to"),
    ("migrated", "migrate"),
    ("move_frame", "frame move"),
    ("move_frame_to_animation", "mv"),
    // Where an id is not given with --id, one is made.
    ("new_id", "asset add"),
    // Every command opens the studio.
    ("open", "tree"),
    ("open_image", "asset save"),
    ("open_image_file", "serve"),
    ("open_image_file_unhashed", "serve"),
    ("open_read_only", "doctor"),
    ("open_unrecovered", "doctor"),
    ("open_with", "tree"),
    ("plan_sidecars", "import sidecars"),
    ("plan_deletion", "project delete"),
    ("purge", "trash purge"),
    ("read_claims", "asset read-claims"),
    ("read_credentials", "asset credentials"),
    // From a network, piece by piece.
    ("receive_image", "serve"),
    ("record_generation", "generation record"),
    ("remove_frame", "frame remove"),
    ("repair", "doctor"),
    ("replace_frame", "frame replace"),
    ("reproduce", "reproduce"),
    ("reproduce_with_inputs", "reproduce"),
    ("restore", "trash restore"),
    ("restore_backup", "restore"),
    ("revoke_token", "token revoke"),
    ("root", "init"),
    ("scrub", "scrub"),
    ("scrub_status", "scrub"),
    ("search", "search"),
    ("search_assets", "search"),
    ("set_frame_order", "frame order"),
    ("set_frame_prompt", "frame prompt"),
    ("set_primary", "variation primary"),
    ("stale_frames", "lineage stale"),
    // A step of adding, whose handle lives no longer than the process.
    ("store_image", "asset add"),
    ("sync", "sync"),
    // Every command tells them when it ends.
    ("take_notices", "sync"),
    ("undo", "undo"),
    ("update_animation", "animation edit"),
    ("update_asset", "asset edit"),
    ("update_character", "character edit"),
    ("update_project", "project edit"),
    // At the opening, and at the end of an import.
    ("update_view", "import pixellab"),
    // With the cargo feature `c2pa`.
    ("validate_credentials", "asset credentials"),
    ("verify", "verify"),
    ("verify_backup", "backup"),
    // What the assets of a lineage are called.
    ("whereabouts", "lineage"),
];

/// Methods for servers, which answer others: who asks, and whether the same was asked before.
const FOR_SERVERS: &[&str] = &["begin_request", "check_token", "finish_request"];

/// The public methods of `Studio` in the library's source.
fn methods_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            methods_below(&path, found);
            continue;
        }
        let mut is_within = false;
        for line in fs::read_to_string(&path).unwrap().lines() {
            match line {
                "impl Studio {" => is_within = true,
                "}" => is_within = false,
                _ if is_within => {
                    let method = ["    pub fn ", "    pub async fn "]
                        .iter()
                        .find_map(|start| line.strip_prefix(start));
                    let name = method.and_then(|rest| rest.split(['(', '<']).next());
                    found.extend(name.map(str::to_owned));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn what_the_library_can_do_the_command_line_can_do() {
    let mut found = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pegbar/src");
    methods_below(&source, &mut found);
    let known: BTreeSet<String> = METHODS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(known.len(), METHODS.len(), "no method stands twice");
    let for_servers: BTreeSet<String> = FOR_SERVERS.iter().map(|name| (*name).to_owned()).collect();
    assert!(known.is_disjoint(&for_servers), "no method stands twice");
    let known: BTreeSet<String> = &known | &for_servers;
    let new: Vec<_> = found.difference(&known).collect();
    assert!(
        new.is_empty(),
        "no command is named for {new:?}: add one, and its line here"
    );
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "the library has no more {gone:?}");
    for (method, command) in METHODS {
        assert!(
            COMMANDS.contains(command),
            "{method}: there is no `pegbar {command}`"
        );
    }
}
