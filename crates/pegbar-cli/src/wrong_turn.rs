//! What people type who do not know the words yet, and what they may have meant.

/// Returns our word for one of another program's.
pub(crate) fn known_word(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "ls" | "dir" | "all" => "list",
        "rm" | "del" | "destroy" | "trash" => "delete",
        "new" | "make" | "mk" | "mkdir" => "create",
        "get" | "view" | "info" | "cat" | "inspect" => "show",
        "set" | "update" | "change" | "modify" => "edit",
        "rename" | "ren" => "mv",
        "insert" | "append" | "upload" | "push" => "add",
        "characters" => "character",
        "projects" => "project",
        "animations" => "animation",
        "assets" | "image" | "images" | "reference" | "references" => "asset",
        "frames" => "frame",
        "takes" => "take",
        "tags" => "tag",
        "sheet" | "preview" => "contact-sheet",
        "settings" | "configure" => "config",
        "complete" | "completion" => "completions",
        "start" | "create-studio" => "init",
        _ => return None,
    })
}
