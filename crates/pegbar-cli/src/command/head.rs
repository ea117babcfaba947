//! `pegbar head`.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use pegbar::{Error, Head, HeadProject, MillisSinceEpoch, PublicKey, Sha256, SigningKey};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::find::InProject;
use crate::output::Output;
use crate::sheet::refused_by_system;
use crate::text::{count, quoted};

/// The variable that may hold the private key itself, where a file is no good place for it.
const SIGNING_KEY: &str = "PEGBAR_SIGNING_KEY";

/// No key in PEM is larger, in bytes.
const MAX_KEY_FILE: u64 = 1 << 16;

/// Export, sign and check heads: one hash over the records of a project, to give away
///
/// Whoever keeps a head can tell later that no record of the project was changed since, without
/// the studio. `pegbar verify --head` names in the studio what is not as it was.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar head keygen studio.key
  pegbar head export \"Alley cats\" --sign studio.key -o cats.head
  pegbar head check cats.head --key studio.key.pub")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Keygen(Keygen),
    Export(Export),
    Check(Check),
}

/// Make a key that signs heads: FILE, which stays with you, and FILE.pub, which you give away
///
/// An Ed25519 key in PEM, as openssl has it too. The private one is not encrypted, and can be
/// read by you alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar head keygen studio.key")]
struct Keygen {
    /// The file for the private key; it may not be there yet
    file: PathBuf,
}

/// Write the head of a project: its assets, the hash of each record, and one hash over all
///
/// To standard output, or into a file. It holds no prompt and no image.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pegbar head export \"Alley cats\" --sign studio.key -o cats.head"
)]
struct Export {
    /// The project; not needed where the studio has one
    #[arg(env = "PEGBAR_PROJECT", hide_env = true)]
    project: Option<String>,
    /// Sign it with the private key in this file; else with the one in
    /// `PEGBAR_SIGNING_KEY`, if it is set
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// The file; else standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file, whatever it is
    #[arg(long, requires = "output")]
    force: bool,
}

/// Check a head: that it is whole, unaltered and signed with a key; no studio is needed
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar head check cats.head --key studio.key.pub")]
struct Check {
    /// The head, or - for standard input
    file: PathBuf,
    /// The public key that it has to be signed with
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// A head as programs read it, without its assets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    path: Option<&'a Path>,
    project: &'a HeadProject,
    time: MillisSinceEpoch,
    head: Sha256,
    asset_count: u64,
    without_record: u64,
    /// The key that it is signed with.
    key_id: Option<Sha256>,
    /// The key is the one that was named.
    is_trusted: bool,
}

impl<'a> Summary<'a> {
    fn of(head: &'a Head, path: Option<&'a Path>) -> Self {
        Self {
            path,
            project: head.project(),
            time: head.time(),
            head: head.hash(),
            asset_count: head.assets().len() as u64,
            without_record: head.without_record(),
            key_id: head.public_key().map(|key| key.id()),
            is_trusted: false,
        }
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    match args.action {
        Action::Keygen(keygen) => keygen.run(output),
        Action::Export(export) => export.run(context).await,
        Action::Check(check) => check.run(output),
    }
}

impl Keygen {
    fn run(self, output: &Output) -> Result<(), CommandError> {
        let mut public = self.file.clone().into_os_string();
        public.push(".pub");
        let public = PathBuf::from(public);
        for file in [&self.file, &public] {
            if file.symlink_metadata().is_ok() {
                return Err(is_there(file, "name another file: a key is never replaced"));
            }
        }
        let key = SigningKey::generate()?;
        create(&self.file, &key.to_pem(), 0o600)?;
        if let Err(error) = create(&public, &key.public_key().to_pem(), 0o644) {
            // Nobody has it yet, and half a pair is of no use.
            let _ = fs::remove_file(&self.file);
            return Err(error);
        }
        let id = key.public_key().id();
        if output.is_json() {
            return output.json(&serde_json::json!({
                "keyId": id,
                "privateKey": self.file.display().to_string(),
                "publicKey": public.display().to_string(),
            }));
        }
        output.line(format_args!("made the key {id}"))?;
        let (file, public) = (self.file.display(), public.display());
        output.line(format_args!("  {file}  signs: it stays with you"))?;
        output.line(format_args!("  {public}  checks: give it away"))
    }
}

impl Export {
    async fn run(self, context: &Context) -> Result<(), CommandError> {
        let output = &context.output;
        if let Some(file) = &self.output
            && file.symlink_metadata().is_ok()
            && !self.force
        {
            let hint = "name another file, or say --force to replace it";
            return Err(is_there(file, hint));
        }
        // Before the studio is opened: it may be the wrong file.
        let key = signing_key(self.sign.as_deref(), output)?;
        let studio = context.studio().await?;
        let within = InProject {
            project: self.project,
        };
        let project = within.one(&studio).await?;
        let mut head = studio.export_head(project.id).await?;
        if let Some(key) = &key {
            head.sign(key)?;
        }
        if head.without_record() > 0 {
            let left = count(head.without_record(), "asset");
            output.warning(format_args!(
                "the head says nothing of {left} without a record; `pegbar adopt` completes them"
            ));
        }
        let Some(file) = &self.output else {
            let mut bytes = Vec::new();
            head.write(&mut bytes).map_err(CommandError::Output)?;
            return output.verbatim(&bytes);
        };
        write(&head, file)?;
        let summary = Summary::of(&head, Some(file));
        if output.is_json() {
            return output.json(&summary);
        }
        output.line(format_args!("wrote {}", file.display()))?;
        print(output, &summary)
    }
}

impl Check {
    fn run(self, output: &Output) -> Result<(), CommandError> {
        let head = read(&self.file, self.key.as_deref())?;
        let mut summary = Summary::of(&head, None);
        summary.is_trusted = self.key.is_some();
        if output.is_json() {
            return output.json(&summary);
        }
        print(output, &summary)?;
        match (summary.key_id, summary.is_trusted) {
            (Some(_), false) => output.note("say --key FILE to check that it is a key you trust"),
            (None, _) => output.warning("anybody could have written it"),
            _ => {}
        }
        Ok(())
    }
}

fn print(output: &Output, summary: &Summary<'_>) -> Result<(), CommandError> {
    let mut fields = vec![
        ("project", quoted(&summary.project.name)),
        ("project id", summary.project.id.to_string()),
        ("exported", summary.time.to_string()),
        ("assets", summary.asset_count.to_string()),
    ];
    if summary.without_record > 0 {
        fields.push(("without record", summary.without_record.to_string()));
    }
    fields.push((
        "signed by",
        match (summary.key_id, summary.is_trusted) {
            (Some(key), true) => format!("{key}, the key that was given"),
            (Some(key), false) => key.to_string(),
            (None, _) => "nobody".to_owned(),
        },
    ));
    output.fields(&format!("head {}", summary.head), &fields)
}

/// Reads a head and checks it; where a key is named, that it is signed with that one.
pub(super) fn read(file: &Path, key: Option<&Path>) -> Result<Head, CommandError> {
    let trusted = match key {
        Some(path) => Some(parse(path, &read_key(path)?, PublicKey::from_pem)?),
        None => None,
    };
    let is_piped = file == Path::new("-");
    let name = if is_piped {
        "the head".to_owned()
    } else {
        file.display().to_string()
    };
    let head = if is_piped {
        Head::read(io::stdin().lock(), &name)?
    } else {
        let from = File::open(file);
        let from = from.map_err(|error| refused_by_system("reading", file, &error))?;
        Head::read(BufReader::new(from), &name)?
    };
    if let Some(trusted) = trusted {
        head.check_signed_by(&trusted, &name)?;
    }
    Ok(head)
}

/// Returns the key to sign with, where there is one.
fn signing_key(file: Option<&Path>, output: &Output) -> Result<Option<SigningKey>, CommandError> {
    if let Some(path) = file {
        let key = parse(path, &read_key(path)?, SigningKey::from_pem)?;
        if can_be_read_by_others(path) {
            let path = path.display();
            output.warning(format_args!("others can read {path}: `chmod 600 {path}`"));
        }
        return Ok(Some(key));
    }
    match std::env::var(SIGNING_KEY) {
        // What it holds is not repeated: it may be part of a key.
        Ok(text) if !text.is_empty() && !text.contains("-----BEGIN") => {
            let message = format!("{SIGNING_KEY} holds no key in PEM");
            Err(CommandError::refused("invalid", message).hint(format!(
                "the variable holds the text of the key itself, not the path of a file: say \
                 --sign FILE, or {SIGNING_KEY}=\"$(cat FILE)\""
            )))
        }
        Ok(text) if !text.is_empty() => Ok(Some(parse(
            Path::new(SIGNING_KEY),
            &text,
            SigningKey::from_pem,
        )?)),
        _ => Ok(None),
    }
}

fn parse<K>(
    path: &Path,
    text: &str,
    from_pem: impl Fn(&str) -> pegbar::Result<K>,
) -> Result<K, CommandError> {
    from_pem(text).map_err(|error| match error {
        Error::Invalid { reason, .. } => {
            CommandError::refused("invalid", format!("{}: {reason}", path.display()))
                .hint("`pegbar head keygen FILE` makes a key, and its public one in FILE.pub")
        }
        error => error.into(),
    })
}

fn read_key(path: &Path) -> Result<String, CommandError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| {
        let limited = file.take(MAX_KEY_FILE);
        BufReader::new(limited).read_to_string(&mut text)
    });
    match read {
        Ok(_) => Ok(text),
        // What is no text is no key, and is refused as that.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(String::new()),
        Err(error) => Err(refused_by_system("reading", path, &error)),
    }
}

#[cfg(unix)]
fn can_be_read_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn can_be_read_by_others(_: &Path) -> bool {
    false
}

fn is_there(file: &Path, hint: &str) -> CommandError {
    let message = format!("{} is there already", file.display());
    CommandError::refused("conflict", message).hint(hint)
}

/// Creates a file that nobody else may have created meanwhile.
#[cfg_attr(not(unix), expect(unused_variables, reason = "there are no modes"))]
fn create(path: &Path, text: &str, mode: u32) -> Result<(), CommandError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let written = options.open(path).and_then(|mut file| {
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all());
        if written.is_err() {
            let _ = fs::remove_file(path);
        }
        written
    });
    written.map_err(|error| refused_by_system("writing", path, &error))
}

/// Writes a head into a file that is there at once, whole.
fn write(head: &Head, path: &Path) -> Result<(), CommandError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let draft = path.with_file_name(name);
    let written = File::create(&draft).and_then(|file| {
        let mut buffered = BufWriter::new(file);
        head.write(&mut buffered)?;
        buffered
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()?;
        fs::rename(&draft, path)
    });
    written.map_err(|error| {
        // It may not be there.
        let _ = fs::remove_file(&draft);
        refused_by_system("writing", path, &error)
    })
}
