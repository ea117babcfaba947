//! Files of assets, written into a folder that is somebody else's: as they are, or as copies
//! that say what made them, with a sidecar beside each.

mod file;
mod said;

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Serialize;
use uuid::Uuid;

use super::select::{ExportScope, Selection};
use super::xmp::{Copied, Splice, Statement};
use crate::asset::Asset;
use crate::db::blocking;
use crate::error::{Error, IoContext, Result};
use crate::id::{AssetId, ProjectId};
use crate::import::Listed;
use crate::parallel;
use crate::sidecar::{CopyOf, Sidecar};
use crate::studio::Studio;
use crate::verify;
use file::{Target, Tidied, Written};
use said::Places;

#[cfg(test)]
pub(crate) use said::STATEMENTS;

/// How many files are on their way at once, with their claims.
const BATCH: usize = 64;

/// What is exported, where, and how.
#[derive(Clone, Debug)]
pub struct ImageExport {
    /// Which assets.
    pub scope: ExportScope,
    /// The folder, created if need be. In it the files lie as below a project's folder in
    /// `public/assets`.
    pub folder: PathBuf,
    /// Whether what they were made from comes along, back to the beginning.
    pub with_inputs: bool,
    /// What copies say of their images; `None` for files byte for byte.
    pub xmp: Option<XmpOptions>,
    /// Whether each file gets a sidecar, from which it can be imported again.
    pub sidecars: bool,
    /// Whether files that are in the way are replaced.
    pub replace: bool,
}

impl ImageExport {
    /// Begins an export, byte for byte and without sidecars, that replaces nothing.
    pub fn new(scope: ExportScope, folder: impl Into<PathBuf>) -> Self {
        Self {
            scope,
            folder: folder.into(),
            with_inputs: false,
            xmp: None,
            sidecars: false,
            replace: false,
        }
    }
}

/// How copies say what made their images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XmpOptions {
    /// Who wrote the prompts, where that is known.
    pub prompt_writer: Option<String>,
    /// Takes signatures (C2PA) out of the copies that say something more, since any change breaks
    /// them; otherwise a signed file stays as it is. Files to which nothing is added, uploads
    /// among them, keep their signatures either way, and are listed.
    pub strip_credentials: bool,
}

/// What an export of images did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportedImages {
    /// How many files of images were written.
    pub written: u64,
    /// How many were there already, byte for byte.
    pub unchanged: u64,
    /// How many of both say what made their image.
    pub with_xmp: u64,
    /// How many of these have lost the signature (C2PA) that their original has.
    pub stripped: u64,
    /// How many sidecars were written or there already.
    pub sidecars: u64,
    /// How many of them have no file beside: those of assets whose bytes were dropped.
    pub without_file: u64,
    /// The size of the files that were written, in bytes.
    pub bytes: u64,
    /// Files that stayed byte for byte although they were to say more, or to lose their
    /// signatures.
    pub kept: Listed<KeptFile>,
    /// Assets of which there is no file to give.
    pub left_out: Listed<LeftOutAsset>,
    /// Files in the folder that are other ones, and were not touched.
    pub in_the_way: Listed<String>,
}

/// A file that stayed as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptFile {
    /// The file, relative to the folder.
    pub path: String,
    /// Why nothing was added to it.
    pub reason: String,
    /// Whether it is signed (C2PA), and still is.
    pub is_signed: bool,
}

/// An asset of which there is no file to give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOutAsset {
    /// The asset.
    pub asset_id: AssetId,
    /// Why.
    pub reason: String,
}

/// A file to write, and what its sidecar says but for the copy.
struct Job {
    asset: Asset,
    /// Relative to the folder, with `/`.
    path: String,
    sidecar: Option<Sidecar>,
}

/// What became of one file.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is counted by itself")]
struct Done {
    written: Option<u64>,
    in_the_way: Vec<String>,
    has_xmp: bool,
    is_stripped: bool,
    has_sidecar: bool,
    /// The asset's bytes were dropped: there is only a sidecar to write.
    is_dropped: bool,
    kept: Option<KeptFile>,
    left_out: Option<LeftOutAsset>,
}

/// What is written of an image.
enum Content {
    /// The bytes that the studio has.
    Original(File),
    /// These.
    Bytes(Vec<u8>),
}

impl Studio {
    /// Writes the images of assets into a folder.
    ///
    /// With [`XmpOptions`], the file of a generated asset is a copy that says so in XMP: the
    /// IPTC's properties for the digital source type, the prompt, the model and its version (where the
    /// settings have `modelVersion`), an id, and what it was made from. What the file itself
    /// says of these stays, and so does everything else in it: pixels, profiles, notes. A
    /// file that is signed (C2PA) stays as it is, and is listed, unless its signature is to go.
    /// Uploads are copied byte for byte: nothing is recorded of how they came about. The
    /// studio's own bytes never change.
    ///
    /// With sidecars, `NAME.pegbar.json` beside each file has its record and where it belongs;
    /// [`Studio::import_sidecars`] reads them. An asset whose bytes were dropped has a sidecar
    /// and no file, so that what was made from it can be imported. Without sidecars, it is
    /// listed as left out; so is one of which more is said than a sidecar holds (32 MiB, 1000
    /// claims, 10 000 annotations).
    ///
    /// Each file is there at once, whole, or not at all; one that is there with other bytes is
    /// listed and stays, unless `replace` says otherwise. Exporting again, after an
    /// interruption too, writes what is missing, and removes what a killed one left half
    /// written. Bytes that are not those of the record,
    /// and rows that contradict it, are refused.
    ///
    /// `progress` is called with how many assets are done and how many there are.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] for assets of several projects, and a folder
    /// within the studio's own; [`Error::Damaged`] names a blob or an asset; [`Error::Io`]. Files that
    /// were written before stay.
    pub async fn export_images(
        &self,
        export: &ImageExport,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<ExportedImages> {
        let folder = self.export_folder(&export.folder)?;
        let mut session = self.database().snapshot().await?;
        let selection = Selection::load(&mut session, &export.scope, export.with_inputs).await?;
        let total = selection.count(&mut session).await?;
        let mut places = None;
        if export.sidecars {
            places = Some(Places::load(&mut session, &selection.project).await?);
        }
        let mut report = ExportedImages::default();
        let tidied = Tidied::default();
        let mut done = 0;
        progress(done, total);
        let mut after = None;
        loop {
            let page = selection.page(&mut session, after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            let mut page = page.into_iter().peekable();
            while page.peek().is_some() {
                let batch: Vec<Asset> = page.by_ref().take(BATCH).collect();
                done += batch.len() as u64;
                let jobs = jobs(batch, selection.project.id, places.as_ref(), &mut report);
                let ids: Vec<Uuid> = jobs.iter().map(|job| job.asset.id.0).collect();
                verify::check_rows(&mut session, selection.project.id, &ids).await?;
                let jobs = match &places {
                    Some(places) => places.say(&mut session, jobs, &mut report).await?,
                    None => jobs,
                };
                let write = |job: &Job| self.export_image(&folder, export, &tidied, job);
                for written in blocking(|| parallel::each(&jobs, write)) {
                    report.add(written?);
                }
                progress(done, total);
            }
        }
        session.end().await?;
        Ok(report)
    }

    /// Creates the folder, and returns it without links; refuses one that is ours.
    fn export_folder(&self, folder: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(folder).at("creating", folder)?;
        let place = folder.canonicalize().at("opening", folder)?;
        for own in [self.assets_folder(), self.private_folder()] {
            if own.canonicalize().is_ok_and(|own| place.starts_with(own)) {
                let reason = format!("{} is the studio's own; name another", folder.display());
                return Err(Error::invalid("folder", reason));
            }
        }
        Ok(place)
    }

    fn export_image(
        &self,
        folder: &Path,
        export: &ImageExport,
        tidied: &Tidied,
        job: &Job,
    ) -> Result<Done> {
        let mut done = Done::default();
        let target = Target {
            folder,
            path: &job.path,
            draft: job.asset.id,
            replace: export.replace,
            tidied,
        };
        if job.asset.bytes_dropped_at.is_some() {
            done.is_dropped = true;
            if let Some(text) = done.sidecar_text(job, None) {
                done.write_sidecar(&target, &text)?;
            }
            return Ok(done);
        }
        let statement = export.xmp.as_ref().and_then(|xmp| {
            let statement = Statement::of(&job.asset, xmp.prompt_writer.as_deref());
            Some((xmp, statement?))
        });
        let strips = export.xmp.as_ref().is_some_and(|xmp| xmp.strip_credentials);
        let mut copy = None;
        let (mut image, ..) = self.open_unhashed(&job.asset)?;
        let size = job.asset.file_size.unwrap_or(u64::MAX);
        let mut alone = None;
        let content = match &statement {
            None if strips => {
                alone = parallel::alone_if_large(size);
                let bytes = file::read_original(&mut image, &job.asset)?;
                done.kept = kept_signature(UPLOADED, &bytes, job);
                Content::Bytes(bytes)
            }
            None => Content::Original(image),
            Some((xmp, statement)) => {
                alone = parallel::alone_if_large(size);
                let bytes = file::read_original(&mut image, &job.asset)?;
                match file::copied(&bytes, &job.asset, statement, xmp.strip_credentials) {
                    Copied::Changed(splices) => {
                        let changed = Splice::apply(&splices, &bytes);
                        copy = Some(said::copy_of(&splices, &bytes, &changed));
                        done.has_xmp = true;
                        done.is_stripped = strips && file::is_signed(&bytes, &job.asset);
                        Content::Bytes(changed)
                    }
                    unchanged => {
                        done.has_xmp = unchanged == Copied::SaysSo;
                        done.kept = match unchanged {
                            Copied::SaysSo if strips => kept_signature(SAYS_SO, &bytes, job),
                            unchanged => kept(unchanged, &bytes, job),
                        };
                        Content::Bytes(bytes)
                    }
                }
            }
        };
        // Before the file: what is left out has neither.
        let text = done.sidecar_text(job, copy);
        if let Some(left_out) = done.left_out {
            return Ok(Done {
                left_out: Some(left_out),
                ..Done::default()
            });
        }
        let written = match content {
            Content::Original(mut image) => target.write_original(&mut image, &job.asset)?,
            Content::Bytes(bytes) => target.write(&bytes)?,
        };
        drop(alone);
        match written {
            Written::New(size) => done.written = Some(size),
            Written::There => {}
            Written::InTheWay => {
                done.in_the_way.push(job.path.clone());
                return Ok(done);
            }
        }
        if let Some(text) = text {
            done.write_sidecar(&target, &text)?;
        }
        Ok(done)
    }
}

const UPLOADED: &str = "it is an upload: nothing is recorded to say of it, so its signature (C2PA) \
                        holds and stays";
const SAYS_SO: &str = "it says all of it already, so its signature (C2PA) holds and stays";

impl Done {
    /// Makes the text of an asset's sidecar, if it is to have one; notes why there can be none.
    fn sidecar_text(&mut self, job: &Job, copy: Option<CopyOf>) -> Option<String> {
        let sidecar = Sidecar {
            copy,
            ..job.sidecar.clone()?
        };
        match said::text(&sidecar) {
            Ok(text) => Some(text),
            Err(reason) => {
                let asset_id = job.asset.id;
                self.left_out = Some(LeftOutAsset { asset_id, reason });
                None
            }
        }
    }

    fn write_sidecar(&mut self, target: &Target<'_>, text: &str) -> Result<()> {
        let path = format!("{}{}", target.path, crate::sidecar::SUFFIX);
        let target = Target {
            path: &path,
            ..*target
        };
        match target.write(text.as_bytes())? {
            Written::InTheWay => self.in_the_way.push(path),
            _ => self.has_sidecar = true,
        }
        Ok(())
    }
}

fn kept(copied: Copied, bytes: &[u8], job: &Job) -> Option<KeptFile> {
    let reason = match copied {
        Copied::Changed(_) | Copied::SaysSo => return None,
        Copied::Signed => {
            "it is signed (C2PA), and any change would break the signature".to_owned()
        }
        Copied::Refused(reason) => reason,
    };
    Some(KeptFile {
        path: job.path.clone(),
        reason,
        is_signed: file::is_signed(bytes, &job.asset),
    })
}

/// Tells of a file to which nothing is added that it keeps its signature, if it has one.
fn kept_signature(reason: &str, bytes: &[u8], job: &Job) -> Option<KeptFile> {
    file::is_signed(bytes, &job.asset).then(|| KeptFile {
        path: job.path.clone(),
        reason: reason.to_owned(),
        is_signed: true,
    })
}

/// Finds out where each file goes; lists the assets that have none. One whose bytes were
/// dropped has a place only for its sidecar.
fn jobs(
    assets: Vec<Asset>,
    project: ProjectId,
    places: Option<&Places<'_>>,
    report: &mut ExportedImages,
) -> Vec<Job> {
    let mut jobs = Vec::with_capacity(assets.len());
    for asset in assets {
        let path = match (asset.bytes_dropped_at, asset.record_hash) {
            (Some(time), _) => places
                .and_then(|places| places.home_of_dropped(&asset))
                .ok_or_else(|| format!("its bytes were dropped at {time}")),
            (_, None) => Err(NOT_ADOPTED.to_owned()),
            _ => path_of(&asset, project).ok_or_else(|| NOT_ADOPTED.to_owned()),
        };
        match path {
            Ok(path) => jobs.push(Job {
                asset,
                path,
                sidecar: None,
            }),
            Err(reason) => report.left_out.push(LeftOutAsset {
                asset_id: asset.id,
                reason,
            }),
        }
    }
    jobs
}

const NOT_ADOPTED: &str = "another program wrote its row; run `pegbar adopt` first";

/// Returns the path of an asset's home below the project's folder, if it is one that we give.
fn path_of(asset: &Asset, project: ProjectId) -> Option<String> {
    within(asset.file_path.as_deref()?, project)
}

/// Returns a path as one below the project's folder, if it can't lead out of it.
fn within(path: &str, project: ProjectId) -> Option<String> {
    let path = path.strip_prefix(&project.to_string())?.strip_prefix('/')?;
    let is_safe = path.split('/').all(|part| {
        let is_plain = !part.is_empty() && part != "." && part != "..";
        is_plain && !part.contains(['\\', '\0', ':'])
    });
    is_safe.then(|| path.to_owned())
}

impl ExportedImages {
    fn add(&mut self, done: Done) {
        match done.written {
            Some(size) => {
                self.written += 1;
                self.bytes += size;
            }
            None if done.is_dropped => self.without_file += u64::from(done.has_sidecar),
            None if done.left_out.is_some() => {}
            None if done.in_the_way.is_empty() || done.has_sidecar => self.unchanged += 1,
            None => {}
        }
        if let Some(left_out) = done.left_out {
            self.left_out.push(left_out);
        }
        self.with_xmp += u64::from(done.has_xmp);
        self.stripped += u64::from(done.is_stripped);
        self.sidecars += u64::from(done.has_sidecar);
        for path in done.in_the_way {
            self.in_the_way.push(path);
        }
        if let Some(kept) = done.kept {
            self.kept.push(kept);
        }
    }
}
