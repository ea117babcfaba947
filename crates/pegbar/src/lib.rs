//! Pegbar, the asset database for generated animation.
//!
//! A studio is a folder: a database (SQLite, or PostgreSQL when one machine is no longer
//! enough), the bytes of every image, and a tree of files in a conventional layout. In it are
//! projects, their characters in variations, their animations, and the frames of those; every
//! image is an [`Asset`] with the record of what it was made from.
//!
//! [`Studio`] is the handle. A whole project in one call:
//!
//! ```
//! use pegbar::{NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject};
//! use pegbar::{ProjectTree, ReferenceRole, Studio};
//!
//! # fn png(shade: u8) -> Vec<u8> {
//! #     let mut bytes = std::io::Cursor::new(Vec::new());
//! #     let image = image::RgbaImage::from_pixel(8, 8, image::Rgba([shade, 90, 60, 255]));
//! #     image.write_to(&mut bytes, image::ImageFormat::Png).expect("a small PNG");
//! #     bytes.into_inner()
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> pegbar::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! let studio = Studio::create(folder.path()).await?;
//! let front = studio.new_id(); // ids are known before anything is there
//! let first = studio.new_id();
//!
//! let tree: ProjectTree = studio
//!     .create_project(
//!         NewProject::new("Alley cats").tag("game").thumbnail(front).character(
//!             NewCharacter::new("Tabby")
//!                 .user_prompt("a small orange cat")
//!                 .variation(NewAsset::from_bytes(png(200)).id(front).prompt("front view"))
//!                 .variation(NewAsset::from_bytes(png(180)).prompt("side view"))
//!                 .primary(front)
//!                 .animation(
//!                     NewAnimation::new("Walk")
//!                         .frame(NewFrame::new(
//!                             NewAsset::from_bytes(png(10))
//!                                 .id(first)
//!                                 .prompt("contact pose")
//!                                 .made_from(front, ReferenceRole::Character),
//!                         ))
//!                         .frame(NewFrame::new(
//!                             NewAsset::from_bytes(png(20))
//!                                 .prompt("passing pose")
//!                                 .made_from(front, ReferenceRole::Character)
//!                                 .made_from(first, ReferenceRole::PreviousFrame),
//!                         )),
//!                 ),
//!         ),
//!     )
//!     .await?;
//!
//! let walk = &tree.characters[0].animations[0];
//! assert_eq!(walk.frames[1].asset.reference_asset_ids(), [front, first]);
//! let file = studio.assets_folder().join(walk.frames[1].asset.file_path.as_ref().unwrap());
//! assert!(file.ends_with("frames/Walk/Tabby_Walk_1.png") && file.exists());
//! # Ok(())
//! # }
//! ```

mod adopt;
mod animation;
mod annotation;
mod archive;
mod asset;
mod backup;
mod blob;
mod bundle;
mod change;
mod character;
mod claim;
mod create;
mod credentials;
mod db;
mod delete;
mod diff;
mod disk;
mod doctor;
mod error;
mod export;
mod fingerprint;
mod frame;
mod generation;
mod hash;
mod head;
mod id;
mod image_file;
mod import;
mod integrity;
mod json;
mod lineage;
mod lock;
mod metadata;
mod natural;
#[cfg(feature = "openapi")]
mod openapi;
mod page;
mod parallel;
mod planted;
mod project;
mod record;
mod reference;
mod relocate;
mod reproduce;
mod request;
mod rows;
mod scrub;
mod search;
mod segment;
mod sidecar;
mod studio;
mod tag;
mod text;
mod tiff;
mod time;
mod token;
mod trash;
mod tree;
mod undo;
mod variation;
mod verify;
mod view;

pub use adopt::{AdoptOptions, AdoptReport, Disagreement, Finding, Subject};
pub use animation::{
    Animation, AnimationFilter, AnimationPatch, Manifest, ManifestFrame, NewAnimation,
};
pub use annotation::{Annotation, NewAnnotation};
pub use asset::{
    Asset, AssetFilter, AssetKind, AssetPatch, ImageSource, NewAsset, Showing, Whereabouts,
};
pub use backup::{
    AbsentBlob, BackupFlaw, BackupReport, BackupSnapshot, BackupVerifyReport, RestoreOptions,
    RestoreReport,
};
pub use blob::{ImageFormat, ImageReceiver, Limits, StoredImage};
pub use bundle::{BundleImport, ExportedBundle, ImportedBundle};
pub use change::{
    ChangeKind, ChangedEntity, EntityKind, MAX_CHANGED_ENTITIES, ProjectChange, ProjectChanges,
};
pub use character::{Character, CharacterFilter, CharacterPatch, NewCharacter};
pub use claim::{Claim, NewClaim, ReadClaims};
#[cfg(feature = "c2pa")]
pub use credentials::{
    AnchorVerdict, AssertionVerdict, BytesVerdict, CertificateVerdict, CredentialsReport,
    CredentialsStatus, CredentialsVerdict, IngredientVerdict, SignatureVerdict, StatusKind,
    TimestampVerdict,
};
pub use credentials::{
    C2paAction, C2paCredentials, C2paIngredient, C2paManifest, C2paName, C2paTimeSource,
    C2paValidity,
};
pub use db::sql::Engine;
pub use db::{DatabaseAddress, Migrated, latest_version};
pub use delete::{
    Deletion, DeletionPlan, DeletionTarget, DroppedBytes, MAX_PLANNED, PlannedEntity,
};
pub use diff::{
    AnimationDiff, AssetDiff, Change, ClaimChange, FrameDiff, FramePlace, InputChange,
    InputChangeKind, InputPlace, SettingChange, SpanKind, TextDiff, TextSpan,
};
pub use doctor::{
    DoctorEvent, DoctorFinding, DoctorOptions, DoctorReport, FindingKind, Repair, RepairOptions,
    RepairOutcome, RepairReport, Severity,
};
pub use error::{Error, MAX_NAMED_USERS, Result, User};
pub use export::{
    ExportScope, ExportedImages, ImageExport, KeptFile, LeftOutAsset, ProvCounts, XmpOptions,
};
pub use fingerprint::{AsSeen, Fingerprint, NotAFingerprint};
pub use frame::{Frame, FrameImage, NewFrame};
pub use generation::{
    Generation, GenerationFilter, GenerationInput, GenerationOutput, GenerationStatus, InputSource,
    NewGeneration, NotAPrice, Outcome, OutputPlace, Price, RecordedGeneration, SentInput,
    SentRequest,
};
pub use hash::{NotASha256, Sha256};
pub use head::{
    ChangedRecord, Head, HeadAsset, HeadComparison, HeadProject, PublicKey, SigningKey,
};
pub use id::{
    AnimationId, AnnotationId, AssetId, CharacterId, DeletionId, FrameId, GenerationId, Id,
    ProjectId, StoreId, TokenId,
};
pub use image_file::ImageFile;
pub use import::{
    ChangedFile, CreatedRows, FolderMapping, FolderOptions, FolderPlan, FolderReport, ImportReport,
    ImportedRows, Listed, MAX_LISTED, PlannedAnimation, PlannedCharacter, PlannedImage,
    ReplacedImage, SkippedFile, UnplacedImage,
};
pub use import::{
    ImportedProject, MegabananasEvent, MegabananasFinding, MegabananasOptions, MegabananasReport,
    MegabananasRows,
};
pub use import::{RefusedSidecar, SidecarPlan, SidecarReport, SidecarTarget};
pub use integrity::{BrokenKey, IntegrityReport};
pub use json::{Json, JsonError};
pub use lineage::{
    DEFAULT_LINEAGE_LIMIT, DescendedAnimation, DescendedFrame, Lineage, LineageDirection,
    LineageEdge, LineageNode, LineageOptions, LineageSide, MAX_LINEAGE_LIMIT, StaleAnimation,
    StaleCause, StaleFrame, StaleOptions, StaleReason, StaleScope,
};
pub use natural::natural_order;
pub use page::{MAX_PAGE_SIZE, Page, PageRequest};
pub use project::{NewProject, Project, ProjectCounts, ProjectFilter, ProjectPatch};
pub use reference::{NewReference, Reference, ReferenceRole, References};
pub use relocate::{MovedDatabase, MovedTable};
pub use reproduce::{MissingPart, Reproduction, RequestAgain, RequestInput};
pub use request::BegunRequest;
pub use scrub::{ScrubOptions, ScrubPass, ScrubReport, ScrubStatus};
pub use search::{
    AssetSearch, FoundAsset, MadeFrom, MatchedField, ModelFilter, SearchFilter, SettingFilter,
    TextMatch,
};
pub use studio::{Notice, Studio, StudioOptions, ViewUpdates};
pub use tag::{TagCount, Tagged};
pub use text::{MAX_NAME_BYTES, MAX_SOURCE_BYTES, MAX_TAG_BYTES, MAX_TEXT_BYTES};
pub use time::{Clock, FixedClock, MillisSinceEpoch, SystemClock};
pub use token::{NewToken, Token, TokenAccess};
pub use trash::{
    DeletionEffects, DeletionKind, KeptTake, MissingBlob, PromotedVariation, PurgeOptions,
    PurgeReport, PurgeScope, RenamedSegment, RestoredDeletion, Tombstone, TombstoneFilter,
    TrashEntry, TrashFilter,
};
pub use tree::{AnimationTree, CharacterTree, FrameTree, ProjectTree};
pub use undo::{ActionKind, LastAction, Obstacle, Undone};
pub use verify::{
    Damage, DamagedAsset, DamagedGeneration, Dependents, DroppedUse, MAX_DAMAGED, MAX_DEPENDENTS,
    MAX_NAMED_DEPENDENTS, ShownBy, VerifyOptions, VerifyReport, VerifyScope,
};
pub use view::{DamagedBytes, Kept, MissingBytes, ViewReport};
