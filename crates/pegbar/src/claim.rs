//! Claims: what a file, or the app it comes from, says of an asset. Never mixed with what
//! Pegbar recorded.

use std::collections::HashMap;

use serde::Serialize;
use uuid::Uuid;

use crate::asset;
use crate::blob::ImageFormat;
use crate::change::{ChangeKind, EntityKind};
use crate::db::entity::entity;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::db::{Session, blocking};
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::json::Json;
use crate::parallel;
use crate::project;
use crate::studio::Studio;
use crate::text::{check_name, check_text};
use crate::view::Stale;

entity! {
    /// What a file, or the app it comes from, says of an asset. It may be wrong, and never
    /// becomes a prompt, a setting or a reference of the asset.
    pub struct Claim in asset_claim {
        /// The asset.
        pub asset_id: AssetId,
        #[serde(skip)]
        pub(crate) project_id: ProjectId,
        /// Its place among the asset's claims, from 0.
        pub position: u32,
        /// The program that says so, in lower case: `megabananas` …
        pub tool: String,
        /// What it says, as far as it is understood.
        pub fields: Json,
        /// The text as it was found; may be empty.
        pub raw: String,
    }
}

statements! {
    FILES = "SELECT id, sha256, mime_type FROM asset WHERE project_id = $1 AND id > $2 \
             AND sha256 IS NOT NULL AND bytes_dropped_at IS NULL ORDER BY id LIMIT 100";
    STILL_THERE = "SELECT id FROM asset WHERE project_id = $1 AND id {in $2}";
    COUNT_FILES = "SELECT count(*) FROM asset WHERE project_id = $1 \
                   AND sha256 IS NOT NULL AND bytes_dropped_at IS NULL";
    OF_ASSET = "SELECT {asset_claim} FROM asset_claim WHERE project_id = $1 AND asset_id = $2 \
                ORDER BY position";
    OF_ASSETS = "SELECT {asset_claim} FROM asset_claim WHERE project_id = $1 \
                 AND asset_id {in $2} ORDER BY asset_id, position";
}

/// Returns the claims about assets of one project, in order.
pub(crate) async fn of_assets(
    session: &mut Session,
    project: ProjectId,
    assets: &[Uuid],
) -> Result<Vec<Claim>> {
    let parameters = [Value::Id(project.0), Value::Ids(assets)];
    session.list(&OF_ASSETS, &parameters).await
}

/// A claim about an asset that is about to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClaim {
    /// The program that says so: 1 to 255 bytes.
    pub tool: String,
    /// What it says, as far as it is understood.
    pub fields: Json,
    /// The text as it was found, at most 1 MiB.
    pub raw: String,
}

impl NewClaim {
    /// Begins a claim that says nothing yet.
    pub fn new(tool: impl Into<String>) -> Self {
        Self {
            tool: tool.into(),
            fields: Json::empty_object(),
            raw: String::new(),
        }
    }

    /// Sets what it says, as far as it is understood.
    #[must_use]
    pub fn fields(self, fields: Json) -> Self {
        Self { fields, ..self }
    }

    /// Sets the text as it was found.
    #[must_use]
    pub fn raw(self, raw: impl Into<String>) -> Self {
        Self {
            raw: raw.into(),
            ..self
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_name("claims.tool", &self.tool)?;
        check_text("claims.raw", &self.raw)
    }

    /// Says whether a claim is this one, read from the same place of the same file.
    pub(crate) fn says(&self, tool: &str, raw: &str, fields: &Json) -> bool {
        self.tool == tool && self.raw == raw && self.fields.get("foundIn") == fields.get("foundIn")
    }

    pub(crate) fn into_row(self, project: ProjectId, asset: AssetId, position: u32) -> Claim {
        Claim {
            asset_id: asset,
            project_id: project,
            position,
            tool: self.tool,
            fields: self.fields,
            raw: self.raw,
        }
    }
}

/// Adds what a file says behind the claims that the caller gave, which may be the same.
pub(crate) fn add_unsaid(claims: &mut Vec<NewClaim>, found: Vec<NewClaim>) {
    for new in found {
        let is_same = |claim: &NewClaim| new.says(&claim.tool, &claim.raw, &claim.fields);
        if !claims.iter().any(is_same) {
            claims.push(new);
        }
    }
}

/// What reading the claims of files did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReadClaims {
    /// How many assets' files were read.
    pub assets: u64,
    /// How many of them say something of themselves.
    pub speaking: u64,
    /// How many claims were added.
    pub added: u64,
}

/// The bytes of an asset.
struct AssetFile {
    asset: AssetId,
    sha256: Sha256,
    format: Option<ImageFormat>,
}

/// What files say, by their assets.
pub(crate) type Found = Vec<(AssetId, Vec<NewClaim>)>;

/// Adds what files say to their assets, behind the claims that are there; what is one of them
/// already is not added. Returns how many were.
pub(crate) async fn add_found(
    session: &mut Session,
    project: ProjectId,
    found: Found,
) -> Result<u64> {
    let ids: Vec<Uuid> = found.iter().map(|(asset, _)| asset.0).collect();
    let mut there: HashMap<AssetId, Vec<Claim>> = HashMap::new();
    for claim in of_assets(session, project, &ids).await? {
        there.entry(claim.asset_id).or_default().push(claim);
    }
    let mut rows = Vec::new();
    for (asset, claims) in found {
        let there = there.remove(&asset).unwrap_or_default();
        let first = there.iter().map(|claim| claim.position + 1).max();
        let new = claims.into_iter().filter(|new| {
            let is_same = |claim: &Claim| new.says(&claim.tool, &claim.raw, &claim.fields);
            !there.iter().any(is_same)
        });
        let numbered = (first.unwrap_or(0)..).zip(new);
        rows.extend(numbered.map(|(position, claim)| claim.into_row(project, asset, position)));
    }
    session.insert(&rows).await?;
    Ok(rows.len() as u64)
}

impl Studio {
    /// Reads what the files of a project's assets say of themselves, and adds what is not
    /// among their claims yet: for assets that were taken in when Pegbar did not read this,
    /// or not all of it. Repeating it adds nothing.
    ///
    /// A hundred assets are one transaction. `progress` is called before each, and at the end,
    /// with how many assets are done and how many there are.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the project; [`crate::Error::Io`],
    /// [`crate::Error::Unavailable`]: what was done before stays.
    pub async fn read_claims(
        &self,
        project: ProjectId,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<ReadClaims> {
        self.get_project(project).await?;
        let mut session = self.database().read().await?;
        let count = session
            .optional(&COUNT_FILES, &[Value::Id(project.0)], |row| {
                row.at::<i64>(0, "count")
            })
            .await?;
        drop(session);
        let count = count.and_then(|count| u64::try_from(count).ok());
        let count = count.unwrap_or_default();
        let mut done = ReadClaims::default();
        let mut last = AssetId(Uuid::nil());
        loop {
            progress(done.assets, count.max(done.assets));
            let files = self.files_behind(project, last).await?;
            let Some(file) = files.last() else {
                return Ok(done);
            };
            last = file.asset;
            let read = |file: &AssetFile| match file.format {
                Some(format) => self.blobs().claims_of(file.sha256, format),
                None => Ok(Vec::new()),
            };
            let claims = blocking(|| parallel::each(&files, read));
            let mut found = Found::new();
            for (file, claims) in files.iter().zip(claims) {
                let claims = claims?;
                if !claims.is_empty() {
                    found.push((file.asset, claims));
                }
            }
            done.assets += files.len() as u64;
            if found.is_empty() {
                continue;
            }
            let mut session = self.database().write().await?;
            project::lock(&mut session, project).await?;
            // Someone may have deleted some meanwhile.
            let ids: Vec<Uuid> = found.iter().map(|(asset, _)| asset.0).collect();
            let parameters = [Value::Id(project.0), Value::Ids(&ids)];
            let there = session
                .query(&STILL_THERE, &parameters, |row| row.at::<AssetId>(0, "id"))
                .await?;
            found.retain(|(asset, _)| there.contains(asset));
            done.speaking += found.len() as u64;
            let mut stale = Stale::new(project);
            let speaking = found.iter().map(|(asset, _)| *asset);
            stale.tell(EntityKind::Asset, ChangeKind::Updated, speaking);
            let added = add_found(&mut session, project, found).await?;
            if added > 0 {
                done.added += added;
                self.commit_rows(session, stale).await?;
            }
        }
    }

    async fn files_behind(&self, project: ProjectId, last: AssetId) -> Result<Vec<AssetFile>> {
        let parameters = [Value::Id(project.0), Value::Id(last.0)];
        let mut session = self.database().read().await?;
        session
            .query(&FILES, &parameters, |row| {
                let mime_type: Option<String> = row.at(2, "asset.mime_type")?;
                Ok(AssetFile {
                    asset: row.at(0, "asset.id")?,
                    sha256: row.at(1, "asset.sha256")?,
                    format: mime_type.as_deref().and_then(ImageFormat::from_mime_type),
                })
            })
            .await
    }

    /// Lists what files and other programs say of an asset, in order.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the asset.
    pub async fn list_claims(&self, asset: AssetId) -> Result<Vec<Claim>> {
        let mut session = self.database().read().await?;
        let project = asset::project_of(&mut session, asset).await?;
        let owner = [Value::Id(project.0), Value::Id(asset.0)];
        session.list(&OF_ASSET, &owner).await
    }
}
