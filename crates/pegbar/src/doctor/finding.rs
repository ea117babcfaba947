//! What can be wrong with a studio: each finding with its facts, what it means and what mends it.

mod declare;
mod words;

use serde::Serialize;

use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, DeletionId, FrameId, ProjectId, StoreId};
use crate::time::MillisSinceEpoch;
use declare::findings;
pub use words::Severity;
pub(super) use words::{by_code, in_words};

findings! {
    /// The file says which database the folder belongs to, and it is gone.
    StoreIdMissing {
        /// Where it should be.
        path: String,
    } = "store_id_missing", Damage, says "{path} is gone",
    means "The folder does not say which database it belongs to: it is not the studio's, or its disk is not mounted.",
    mend "Mount the disk, or put .pegbar/store-id back from a backup; until then nothing is repaired.";

    /// The folder belongs to another database.
    StoreIdDiffers {
        /// The file that says so.
        path: String,
        /// What it says; `None` where that is no id.
        found: Option<StoreId>,
        /// What the database says.
        expected: Option<StoreId>,
    } = "store_id_differs", Damage, says "{path} does not name this database's store",
    means "Folder and database belong to different studios.",
    mend "Use the folder that the database belongs to, or the database of this folder.";

    /// The store of blobs is away as a whole.
    BlobsUnmounted {
        /// The folder.
        path: String,
        /// What is wrong with it.
        reason: String,
    } = "blobs_unmounted", Damage, says "{path}: {reason}",
    means "The store's folder is absent, empty or a link to nothing while rows name blobs: most likely its disk is not mounted.",
    mend "Mount the disk that .pegbar/blobs is on, or put the folder back from a backup; until then nothing is repaired.";

    /// The folder of the view is a link to a disk that is away.
    ViewUnmounted {
        /// The folder.
        path: String,
        /// What is wrong with it.
        reason: String,
    } = "view_unmounted", Attention, says "{path}: {reason}",
    means "public/assets is a link to a place that is not there.",
    mend "Mount the disk that it is on, or remove the link and run `pegbar sync`.";

    /// The store does not have bytes that an asset has.
    BlobMissing {
        /// The hash of the bytes.
        sha256: Sha256,
        /// Where the store should have them, below the studio's folder.
        path: String,
        /// An asset that has these bytes.
        asset_id: AssetId,
        /// The project that it is in.
        project_id: ProjectId,
    } = "blob_missing", Damage, says "{path} is missing: the bytes of the asset {asset_id}",
    means "The bytes of an asset are not in the store.",
    mend "`pegbar doctor --repair` restores them where another file has them; else restore a backup, or add the same image again.";

    /// A blob has more or fewer bytes than were taken in.
    BlobResized {
        /// The hash of the bytes that were taken in.
        sha256: Sha256,
        /// Where the store has it, below the studio's folder.
        path: String,
        /// How many bytes were taken in.
        recorded: u64,
        /// How many there are.
        found: u64,
    } = "blob_resized", Damage, says "{path} has {found} bytes instead of {recorded}",
    means "A blob was cut short or has grown: its bytes are not those that were taken in.",
    mend "`pegbar doctor --repair` restores them where another file has them; else restore a backup, or add the same image again.";

    /// A blob has other bytes than its name says; found by hashing.
    BlobAltered {
        /// The hash of the bytes that were taken in.
        sha256: Sha256,
        /// Where the store has it, below the studio's folder.
        path: String,
        /// The hash of the bytes that it has.
        found: Sha256,
    } = "blob_altered", Damage, says "{path} has other bytes: their SHA-256 is {found}",
    means "A blob has other bytes than were taken in; `--deep` or scrubbing found it by hashing.",
    mend "`pegbar doctor --repair` restores them where another file has them; else restore a backup, or add the same image again.";

    /// A blob can't be read.
    BlobUnreadable {
        /// The hash of the bytes that were taken in.
        sha256: Sha256,
        /// Where the store has it, below the studio's folder.
        path: String,
        /// What the system said.
        reason: String,
    } = "blob_unreadable", Damage, says "{path} can't be read: {reason}",
    means "The disk does not give a blob's bytes; `--deep` or scrubbing tried to read it.",
    mend "Copy what can be read off that disk; then `pegbar doctor --repair`, or restore a backup.";

    /// Somebody may write into a blob.
    BlobWritable {
        /// Where it is, below the studio's folder.
        path: String,
    } = "blob_writable", Attention, says "{path} is writable",
    means "A blob is not read-only: an editor could change it by mistake.",
    mend "`pegbar doctor --repair` takes the right to write away.";

    /// The file system has no rights of files.
    NoRights {
        /// The folder of the blobs, below the studio's folder.
        path: String,
    } = "no_rights", Note, says "{path} is on a file system that keeps no rights of files",
    means "The blobs are on a file system that keeps no rights of files, like exFAT and some network shares: nothing holds an editor back from changing one by mistake.",
    mend "Nothing needs to be done; `pegbar scrub` finds a blob that was changed.";

    /// A blob that nothing names.
    OrphanBlob {
        /// Its hash, by its name.
        sha256: Sha256,
        /// Where it is, below the studio's folder.
        path: String,
        /// Its size in bytes.
        file_size: u64,
    } = "orphan_blob", Note, says "{path} ({file_size} bytes) belongs to nothing",
    means "No asset and no trash names a blob: an upload that was not used, a change that did not come to its end, or a purge that left it for later.",
    mend "Nothing needs to be done; `pegbar trash purge --unnamed` removes those that were taken in more than a day ago.";

    /// A file among the blobs that is no blob.
    StrayFile {
        /// Where it is, below the studio's folder.
        path: String,
    } = "stray_file", Note, says "{path} is no blob",
    means "Something that is no blob lies among the blobs.",
    mend "Look at it, and move it elsewhere.";

    /// The trash names bytes that the store does not have.
    TrashBlobMissing {
        /// The hash of the bytes.
        sha256: Sha256,
        /// Where the store should have them, below the studio's folder.
        path: String,
        /// A deletion that they went with.
        deletion_id: DeletionId,
    } = "trash_blob_missing", Damage, says "{path} is missing: bytes in the trash, of the deletion {deletion_id}",
    means "Bytes that a deletion could be undone with are not in the store.",
    mend "`pegbar doctor --repair` restores them where another file has them; else restore a backup.";

    /// A file of the view is gone.
    ViewFileMissing {
        /// Its path below `public/assets`.
        path: String,
        /// The project that it belongs to.
        project_id: ProjectId,
        /// The asset that it shows.
        asset_id: AssetId,
    } = "view_file_missing", Attention, says "public/assets/{path} is gone",
    means "A file below public/assets is gone; the store has its bytes.",
    mend "`pegbar sync` or `pegbar doctor --repair` writes it again.";

    /// A file of the view has other bytes than Pegbar wrote.
    ViewFileEdited {
        /// Its path below `public/assets`.
        path: String,
        /// The project that it belongs to.
        project_id: ProjectId,
        /// The asset that it should show.
        asset_id: AssetId,
        /// How many bytes were written.
        recorded: u64,
        /// How many there are; `None` where it is no file.
        found: Option<u64>,
    } = "view_file_edited", Attention, says "public/assets/{path} is not what Pegbar wrote",
    means "Somebody edited or replaced a file below public/assets; the original is in the store.",
    mend "`pegbar doctor --repair` moves it to .pegbar/kept and writes the original; `pegbar kept add` makes a take of it.";

    /// A file of the view has another time than when it was written.
    ViewFileTouched {
        /// Its path below `public/assets`.
        path: String,
        /// The project that it belongs to.
        project_id: ProjectId,
        /// The asset that it should show.
        asset_id: AssetId,
    } = "view_file_touched", Attention, says "public/assets/{path} was changed or copied since it was written",
    means "A file below public/assets has its size and another time: it was copied, or edited in place. `--deep` tells which.",
    mend "`pegbar sync` or `pegbar doctor --repair` looks at its bytes and keeps what was edited.";

    /// A file in a project's folder that Pegbar did not write.
    ForeignFile {
        /// Its path below `public/assets`.
        path: String,
    } = "foreign_file", Note, says "public/assets/{path} is not Pegbar's",
    means "A file that is not Pegbar's lies in a project's folder. It stays where it is.",
    mend "Nothing needs to be done; `pegbar take add` or `pegbar import folder` takes it in.";

    /// A file should be there that was never written.
    ViewFileUnwritten {
        /// Its path below `public/assets`.
        path: String,
        /// The project that it belongs to.
        project_id: ProjectId,
        /// The asset that it should show.
        asset_id: AssetId,
    } = "view_file_unwritten", Attention, says "public/assets/{path} was not written",
    means "The rows ask for a file below public/assets that was not written, and no note says that it still will be.",
    mend "`pegbar sync` or `pegbar doctor --repair` writes it.";

    /// A file was written that should not be there any more.
    ViewFileUnwanted {
        /// Its path below `public/assets`.
        path: String,
        /// The project that it belongs to.
        project_id: ProjectId,
        /// The asset that it shows.
        asset_id: AssetId,
    } = "view_file_unwanted", Attention, says "public/assets/{path} should not be there any more",
    means "A file below public/assets shows something that the rows no longer ask for there, and no note says that it still will go.",
    mend "`pegbar sync` or `pegbar doctor --repair` removes it.";

    /// A half-done file of an interrupted change of the view.
    ViewLeftover {
        /// Its path below `public/assets`.
        path: String,
        /// The project in whose folder it is.
        project_id: ProjectId,
    } = "view_leftover", Attention, says "public/assets/{path} was left on its way",
    means "A process that is gone left a file below public/assets on its way.",
    mend "`pegbar sync` or `pegbar doctor --repair` takes it up: what is not in the store is kept.";

    /// A link stands in the place of a folder of the view.
    ViewLink {
        /// Its path below `public/assets`.
        path: String,
        /// The project in whose folder it is.
        project_id: ProjectId,
    } = "view_link", Attention, says "public/assets/{path} is a link in the place of a folder",
    means "Somebody put a link in the place of a folder below public/assets; nothing behind it is touched.",
    mend "`pegbar sync` or `pegbar doctor --repair` moves the link to .pegbar/kept and writes the folder again.";

    /// A change of the view was interrupted.
    ViewInterrupted {
        /// The file that says so.
        path: String,
        /// How many files were on their way.
        files: u64,
    } = "view_interrupted", Attention, says "{path}: {files} files were on their way",
    means "A process that is gone was bringing files below public/assets up to date.",
    mend "The next command that opens the studio finishes it; `pegbar doctor --repair` too.";

    /// Parts of the view have been stale for long.
    OutboxStale {
        /// The project.
        project_id: ProjectId,
        /// How many notes there are.
        rows: u64,
        /// When the first was made.
        since: MillisSinceEpoch,
    } = "outbox_stale", Attention, says "project {project_id}: {rows} notes of stale files since {since}",
    means "Changes are committed that the files below public/assets have not followed, and no process is at it.",
    mend "The next command that opens the studio does it; `pegbar doctor --repair` too.";

    /// An animation's frames have a gap in their order.
    FrameGap {
        /// The project.
        project_id: ProjectId,
        /// The animation.
        animation_id: AnimationId,
        /// How many frames it has.
        frames: u64,
        /// The last index, from 0.
        last_index: u64,
    } = "frame_gap", Attention, says "animation {animation_id}: {frames} frames, and the last index is {last_index}",
    means "The indices of an animation's frames have gaps: another program removed some.",
    mend "`pegbar sync` or `pegbar doctor --repair` closes them; ids and order stay.";

    /// Two frames of an animation have one index.
    FrameDouble {
        /// The project.
        project_id: ProjectId,
        /// The animation.
        animation_id: AnimationId,
        /// How many frames share an index with another one before them.
        doubles: u64,
    } = "frame_double", Damage, says "animation {animation_id}: {doubles} frames share an index with another",
    means "Two frames of one animation have the same index: the database's own index did not hold.",
    mend "`pegbar doctor --repair` numbers them anew, by index and then by id; look at the order afterwards.";

    /// A frame shows an asset that is not there.
    DanglingFrame {
        /// The project.
        project_id: ProjectId,
        /// The frame.
        frame_id: FrameId,
        /// The animation that it is in.
        animation_id: AnimationId,
        /// The asset that it names.
        asset_id: AssetId,
    } = "dangling_frame", Damage, says "frame {frame_id} of the animation {animation_id} shows the asset {asset_id}, which is not there",
    means "A frame shows an asset that is not there: a program wrote without foreign keys.",
    mend "`pegbar frame replace` gives it another image, `pegbar frame remove` removes it; or restore a backup.";

    /// A character's primary variation is not there.
    DanglingPrimary {
        /// The project.
        project_id: ProjectId,
        /// The character.
        character_id: CharacterId,
        /// The asset that it names.
        asset_id: AssetId,
    } = "dangling_primary", Damage, says "character {character_id}: its primary variation {asset_id} is not there",
    means "The primary variation of a character is not one of its variations.",
    mend "`pegbar variation primary` chooses another.";

    /// A project's thumbnail is not there.
    DanglingThumbnail {
        /// The project.
        project_id: ProjectId,
        /// The asset that it names.
        asset_id: AssetId,
    } = "dangling_thumbnail", Damage, says "project {project_id}: its thumbnail {asset_id} is not there",
    means "The thumbnail of a project is not one of its assets.",
    mend "`pegbar project edit --thumbnail` chooses another.";

    /// Rows point at something that is not there.
    DanglingRows {
        /// The table of the rows.
        table: String,
        /// The table of what they should point at.
        parent: String,
        /// How many rows there are.
        rows: u64,
    } = "dangling_rows", Damage, says "{rows} of the table {table} point at no {parent}",
    means "Rows point at something that is not there: a program wrote without foreign keys.",
    mend "Keep a copy of the database first; then restore a backup, or remove those rows.";

    /// A record does not have its hash.
    RecordBroken {
        /// The project.
        project_id: ProjectId,
        /// The asset.
        asset_id: AssetId,
        /// What is wrong.
        reason: String,
    } = "record_broken", Damage, says "asset {asset_id}: {reason}",
    means "The record of an asset is not what was recorded.",
    mend "`pegbar verify` says what differs; restore the row from a backup.";

    /// An input of a recorded asset has no hash.
    InputUnhashed {
        /// The project.
        project_id: ProjectId,
        /// The asset.
        asset_id: AssetId,
        /// The position of the input, from 0.
        position: u32,
        /// The input.
        input_id: AssetId,
    } = "input_unhashed", Damage, says "asset {asset_id}: its input {position}, {input_id}, has no hash",
    means "An asset has a record, and a row of its inputs lacks the hash of the bytes that were sent.",
    mend "`pegbar verify` says what the record has; restore the row from a backup.";

    /// Another program wrote an asset's row.
    NotAdopted {
        /// The project.
        project_id: ProjectId,
        /// The asset.
        asset_id: AssetId,
        /// The file that its row names.
        file_path: Option<String>,
    } = "not_adopted", Attention, says "asset {asset_id} has not been adopted",
    means "Another program wrote the row of an asset: the store does not have its bytes, and it has no record.",
    mend "`pegbar adopt` takes its file in.";

    /// A process that is gone left files that it was writing.
    TmpLeftover {
        /// Where they are, below the studio's folder.
        path: String,
    } = "tmp_leftover", Attention, says "{path} was left by a process that is gone",
    means "A process that is gone left files that it was writing. If the power went, images that it had taken in may be there alone.",
    mend "The next command that opens the studio puts back what is needed, and removes the rest; `pegbar doctor --repair` too.";

    /// A folder can't be written.
    FolderNotWritable {
        /// Where it is, below the studio's folder.
        path: String,
    } = "folder_not_writable", Attention, says "{path} is not writable",
    means "Pegbar may not write into one of its folders.",
    mend "`pegbar doctor --repair` gives its owner the right to write; else `chown` and `chmod` it.";

    /// A file or folder can't be read.
    NotReadable {
        /// Where it is, below the studio's folder.
        path: String,
    } = "not_readable", Attention, says "{path} is not readable",
    means "Pegbar may not read one of its files or folders.",
    mend "`pegbar doctor --repair` gives its owner the right to read; else `chown` and `chmod` it.";

    /// The studio is on a read-only file system.
    ReadOnlyFileSystem {
        /// The folder.
        path: String,
    } = "read_only_file_system", Note, says "{path} is on a read-only file system",
    means "The studio lies on a file system that is mounted read-only: it can be read, and nothing changed.",
    mend "Mount it read-write to work with it.";

    /// The engine found its own data damaged.
    DatabaseDamaged {
        /// What the engine said.
        reason: String,
    } = "database_damaged", Damage, says "the database says: {reason}",
    means "The database engine found its own data damaged.",
    mend "Keep a copy of the database as it is, then restore a backup.";

    /// An index of the database can't be relied on.
    IndexInvalid {
        /// The table it belongs to.
        table: String,
        /// Its name.
        index: String,
    } = "index_invalid", Damage, says "the index {index} of the table {table} is not valid",
    means "PostgreSQL does not use or fill an index of Pegbar's: making it did not come to its end.",
    mend "`REINDEX INDEX` it.";

    /// A constraint of Pegbar's is gone.
    ConstraintMissing {
        /// Its name.
        constraint: String,
    } = "constraint_missing", Damage, says "the constraint {constraint} is gone",
    means "A constraint of Pegbar's was removed from the database: rows may break its rule unnoticed.",
    mend "Restore the schema from a backup, or add the constraint again as the migrations have it.";

    /// A constraint is there, and not enforced.
    ConstraintUnchecked {
        /// The table it belongs to.
        table: String,
        /// Its name.
        constraint: String,
    } = "constraint_unchecked", Damage, says "the constraint {constraint} of the table {table} is not enforced",
    means "A constraint of Pegbar's is there, and PostgreSQL does not enforce it for every row.",
    mend "`ALTER TABLE … VALIDATE CONSTRAINT …`, and `ENABLE TRIGGER ALL` where they were disabled.";

    /// The server has read pages whose checksums were wrong.
    ChecksumFailures {
        /// How many since the statistics were reset.
        failures: u64,
    } = "checksum_failures", Damage, says "{failures} pages had wrong checksums",
    means "PostgreSQL has read pages of this database whose checksums were wrong.",
    mend "Look at the server's log and its disk, then restore a backup; pg_stat_reset() resets the count.";

    /// Differences that could not be judged.
    Unsettled {
        /// How many.
        differences: u64,
    } = "unsettled", Note, says "{differences} differences could not be judged while another process is at work",
    means "Another process was at work on the files below public/assets all the time, so that some differences could not be judged.",
    mend "Run `pegbar doctor` again when it is done.";
}
