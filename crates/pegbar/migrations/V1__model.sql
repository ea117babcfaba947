-- The data model. One source for both engines; `db/dialect.rs` renders it:
--   {id} {time} {json} {text} {int} {big} {now} {strict} ...  types, by engine
--   a line that starts with `--sqlite ` or `--postgres `      that engine only
--
-- Rules that hold for every table below `project`:
--   * it carries project_id, and every foreign key is composite (project_id, x_id),
--     so that no row can point into another project;
--   * what belongs to something goes with it (CASCADE); what merely points at
--     something (NO ACTION, checked at COMMIT) keeps it from going alone.

--postgres CREATE TYPE asset_kind AS ENUM ('reference', 'character', 'frame');
--postgres CREATE TYPE reference_role AS ENUM ('character', 'previous_frame', 'style', 'pose', 'other');
--postgres CREATE TYPE generation_status AS ENUM ('succeeded', 'failed');

-- Which blob store this database belongs to: one row.
CREATE TABLE store (
    id         {id}   NOT NULL PRIMARY KEY,
    slot       {int}  NOT NULL DEFAULT 1,
    created_at {time} NOT NULL DEFAULT {now},
    CONSTRAINT store_slot_check CHECK (slot = 1)
){strict};
CREATE UNIQUE INDEX store_slot_key ON store (slot);

CREATE TABLE project (
    id           {id}   NOT NULL PRIMARY KEY,
    source_id    {text},
    name         {text} NOT NULL,
    description  {text} NOT NULL DEFAULT '',
    thumbnail_id {id},
    settings     {json} NOT NULL DEFAULT '{}',
    created_at   {time} NOT NULL DEFAULT {now},
    updated_at   {time} NOT NULL DEFAULT {now}
--sqlite , CONSTRAINT project_thumbnail_fkey FOREIGN KEY (id, thumbnail_id) REFERENCES asset (project_id, id) DEFERRABLE INITIALLY DEFERRED
    , CONSTRAINT project_name_check CHECK (name <> '' AND octet_length(name) <= 255)
){strict};
CREATE INDEX project_created_at_idx ON project (created_at, id);
CREATE INDEX project_name_idx ON project (name);
CREATE INDEX project_thumbnail_idx ON project (id, thumbnail_id);

CREATE TABLE character (
    id                  {id}   NOT NULL PRIMARY KEY,
    project_id          {id}   NOT NULL,
    source_id           {text},
    name                {text} NOT NULL,
    segment             {text},
    segment_key         {text},
    description         {text} NOT NULL DEFAULT '',
    user_prompt         {text} NOT NULL DEFAULT '',
    primary_asset_id    {id},
    generation_settings {json} NOT NULL DEFAULT '{}',
    created_at          {time} NOT NULL DEFAULT {now},
    updated_at          {time} NOT NULL DEFAULT {now},
    CONSTRAINT character_project_fkey FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
--sqlite CONSTRAINT character_primary_fkey FOREIGN KEY (project_id, id, primary_asset_id) REFERENCES asset (project_id, character_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT character_name_check CHECK (name <> '' AND octet_length(name) <= 255)
){strict};
CREATE UNIQUE INDEX character_project_id_key ON character (project_id, id);
CREATE UNIQUE INDEX character_segment_key ON character (project_id, segment_key);
CREATE INDEX character_primary_idx ON character (project_id, id, primary_asset_id);
CREATE INDEX character_name_idx ON character (project_id, name);
CREATE INDEX character_created_at_idx ON character (project_id, created_at, id);
CREATE INDEX character_source_id_idx ON character (project_id, source_id);

CREATE TABLE animation (
    id           {id}   NOT NULL PRIMARY KEY,
    project_id   {id}   NOT NULL,
    character_id {id}   NOT NULL,
    source_id    {text},
    name         {text} NOT NULL,
    segment      {text},
    segment_key  {text},
    description  {text} NOT NULL DEFAULT '',
    user_prompt  {text} NOT NULL DEFAULT '',
    version      {big}  NOT NULL DEFAULT 1,
    created_at   {time} NOT NULL DEFAULT {now},
    updated_at   {time} NOT NULL DEFAULT {now},
    CONSTRAINT animation_project_fkey FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    CONSTRAINT animation_character_fkey FOREIGN KEY (project_id, character_id) REFERENCES character (project_id, id) ON DELETE CASCADE,
    CONSTRAINT animation_name_check CHECK (name <> '' AND octet_length(name) <= 255)
){strict};
CREATE UNIQUE INDEX animation_project_id_key ON animation (project_id, id);
CREATE UNIQUE INDEX animation_segment_key ON animation (project_id, character_id, segment_key);
CREATE INDEX animation_character_idx ON animation (project_id, character_id, id);
CREATE INDEX animation_folder_idx ON animation (project_id, segment_key, id);
CREATE INDEX animation_created_at_idx ON animation (project_id, created_at, id);
CREATE INDEX animation_source_id_idx ON animation (project_id, source_id);

-- One request to a model, with its outcome.
CREATE TABLE generation (
    id            {id}   NOT NULL PRIMARY KEY,
    project_id    {id}   NOT NULL,
    request       {json} NOT NULL DEFAULT '{}',
    model         {text},
    status        {generation_status} NOT NULL,
    error         {text},
    duration_ms   {big},
    input_tokens  {big},
    output_tokens {big},
    price         {text},
    created_at    {time} NOT NULL DEFAULT {now},
    CONSTRAINT generation_project_fkey FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE
--sqlite , CONSTRAINT generation_status_check CHECK (status IN ('succeeded', 'failed'))
){strict};
CREATE UNIQUE INDEX generation_project_id_key ON generation (project_id, id);
CREATE INDEX generation_created_at_idx ON generation (project_id, created_at, id);

CREATE TABLE asset (
    id                       {id}   NOT NULL PRIMARY KEY,
    project_id               {id}   NOT NULL,
    source_id                {text},
    source_path              {text},
    kind                     {asset_kind} NOT NULL,
    character_id             {id},
    animation_id             {id},
    generation_id            {id},
    file_path                {text},
    mime_type                {text},
    file_size                {big},
    width                    {int},
    height                   {int},
    sha256                   {text},
    original_name            {text},
    generation_prompt        {text},
    generation_system_prompt {text},
    generation_settings      {json},
    model                    {text},
    record                   {text},
    record_hash              {text},
    bytes_dropped_at         {time},
    created_at               {time} NOT NULL DEFAULT {now},
    updated_at               {time} NOT NULL DEFAULT {now},
    CONSTRAINT asset_project_fkey FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    CONSTRAINT asset_character_fkey FOREIGN KEY (project_id, character_id) REFERENCES character (project_id, id) ON DELETE CASCADE,
    CONSTRAINT asset_animation_fkey FOREIGN KEY (project_id, animation_id) REFERENCES animation (project_id, id) ON DELETE CASCADE,
    CONSTRAINT asset_generation_fkey FOREIGN KEY (project_id, generation_id) REFERENCES generation (project_id, id) DEFERRABLE INITIALLY DEFERRED,
--sqlite CONSTRAINT asset_kind_check CHECK (kind IN ('reference', 'character', 'frame')),
    CONSTRAINT asset_owner_check CHECK (
        (kind = 'character') = (character_id IS NOT NULL)
        AND (kind = 'frame') = (animation_id IS NOT NULL)),
    CONSTRAINT asset_sha256_check CHECK (length(sha256) = 64)
){strict};
CREATE UNIQUE INDEX asset_project_id_key ON asset (project_id, id);
CREATE UNIQUE INDEX asset_character_id_key ON asset (project_id, character_id, id);
CREATE INDEX asset_animation_idx ON asset (project_id, animation_id, id);
CREATE INDEX asset_generation_idx ON asset (project_id, generation_id);
CREATE INDEX asset_kind_idx ON asset (project_id, kind, id);
CREATE INDEX asset_created_at_idx ON asset (project_id, created_at, id);
CREATE INDEX asset_file_path_idx ON asset (file_path);
CREATE INDEX asset_sha256_idx ON asset (sha256);
CREATE INDEX asset_source_path_idx ON asset (project_id, source_path);
CREATE INDEX asset_source_id_idx ON asset (project_id, source_id);

-- An input edge: asset was made from referenced asset, `position` in the order sent.
CREATE TABLE asset_reference (
    project_id          {id}   NOT NULL,
    asset_id            {id}   NOT NULL,
    position            {int}  NOT NULL,
    referenced_asset_id {id}   NOT NULL,
    role                {reference_role} NOT NULL DEFAULT 'other',
    sha256              {text},
    PRIMARY KEY (project_id, asset_id, position),
    CONSTRAINT asset_reference_asset_fkey FOREIGN KEY (project_id, asset_id) REFERENCES asset (project_id, id) ON DELETE CASCADE,
    CONSTRAINT asset_reference_referenced_fkey FOREIGN KEY (project_id, referenced_asset_id) REFERENCES asset (project_id, id) DEFERRABLE INITIALLY DEFERRED,
--sqlite CONSTRAINT asset_reference_role_check CHECK (role IN ('character', 'previous_frame', 'style', 'pose', 'other')),
    CONSTRAINT asset_reference_position_check CHECK (position >= 0),
    CONSTRAINT asset_reference_self_check CHECK (asset_id <> referenced_asset_id)
){strict_without_rowid};
CREATE INDEX asset_reference_referenced_idx ON asset_reference (project_id, referenced_asset_id);

-- What a file says of itself, as found: never mixed with what Pegbar recorded.
CREATE TABLE asset_claim (
    project_id {id}   NOT NULL,
    asset_id   {id}   NOT NULL,
    position   {int}  NOT NULL,
    tool       {text} NOT NULL,
    fields     {json} NOT NULL DEFAULT '{}',
    raw        {text} NOT NULL DEFAULT '',
    PRIMARY KEY (project_id, asset_id, position),
    CONSTRAINT asset_claim_asset_fkey FOREIGN KEY (project_id, asset_id) REFERENCES asset (project_id, id) ON DELETE CASCADE
){strict};

CREATE TABLE frame (
    id           {id}   NOT NULL PRIMARY KEY,
    project_id   {id}   NOT NULL,
    animation_id {id}   NOT NULL,
    asset_id     {id}   NOT NULL,
    frame_index  {int}  NOT NULL,
    frame_prompt {text},
    created_at   {time} NOT NULL DEFAULT {now},
    CONSTRAINT frame_project_fkey FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    CONSTRAINT frame_animation_fkey FOREIGN KEY (project_id, animation_id) REFERENCES animation (project_id, id) ON DELETE CASCADE,
    CONSTRAINT frame_asset_fkey FOREIGN KEY (project_id, asset_id) REFERENCES asset (project_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT frame_index_check CHECK (frame_index >= 0)
){strict};
CREATE UNIQUE INDEX frame_project_id_key ON frame (project_id, id);
CREATE UNIQUE INDEX frame_index_key ON frame (project_id, animation_id, frame_index);
CREATE INDEX frame_asset_idx ON frame (project_id, asset_id);

-- Tags, keyed (project, tag, owner), so that a page by tag is one index range.
CREATE TABLE project_tag (
    project_id {id}   NOT NULL,
    tag        {text} NOT NULL,
    position   {int}  NOT NULL,
    PRIMARY KEY (project_id, tag),
    CONSTRAINT project_tag_project_fkey FOREIGN KEY (project_id) REFERENCES project (id) ON DELETE CASCADE,
    CONSTRAINT project_tag_check CHECK (tag <> '' AND octet_length(tag) <= 64)
){strict_without_rowid};
CREATE INDEX project_tag_tag_idx ON project_tag (tag, project_id);

CREATE TABLE character_tag (
    project_id   {id}   NOT NULL,
    tag          {text} NOT NULL,
    character_id {id}   NOT NULL,
    position     {int}  NOT NULL,
    PRIMARY KEY (project_id, tag, character_id),
    CONSTRAINT character_tag_character_fkey FOREIGN KEY (project_id, character_id) REFERENCES character (project_id, id) ON DELETE CASCADE,
    CONSTRAINT character_tag_check CHECK (tag <> '' AND octet_length(tag) <= 64)
){strict_without_rowid};
CREATE INDEX character_tag_character_idx ON character_tag (project_id, character_id);

CREATE TABLE asset_tag (
    project_id {id}   NOT NULL,
    tag        {text} NOT NULL,
    asset_id   {id}   NOT NULL,
    position   {int}  NOT NULL,
    PRIMARY KEY (project_id, tag, asset_id),
    CONSTRAINT asset_tag_asset_fkey FOREIGN KEY (project_id, asset_id) REFERENCES asset (project_id, id) ON DELETE CASCADE,
    CONSTRAINT asset_tag_check CHECK (tag <> '' AND octet_length(tag) <= 64)
){strict_without_rowid};
CREATE INDEX asset_tag_asset_idx ON asset_tag (project_id, asset_id);

--postgres ALTER TABLE project ADD CONSTRAINT project_thumbnail_fkey FOREIGN KEY (id, thumbnail_id) REFERENCES asset (project_id, id) DEFERRABLE INITIALLY DEFERRED;
--postgres ALTER TABLE character ADD CONSTRAINT character_primary_fkey FOREIGN KEY (project_id, id, primary_asset_id) REFERENCES asset (project_id, character_id, id) DEFERRABLE INITIALLY DEFERRED;

-- What we wrote into public/assets: path, bytes, and how the file looked when we left it.
-- No foreign keys: a file outlives its row until the view has been brought up to date.
CREATE TABLE view_file (
    path         {text} NOT NULL PRIMARY KEY,
    project_id   {id}   NOT NULL,
    asset_id     {id}   NOT NULL,
    animation_id {id},
    sha256       {text} NOT NULL,
    file_size    {big}  NOT NULL,
    modified_ns  {big}  NOT NULL
){strict};
CREATE INDEX view_file_asset_idx ON view_file (project_id, asset_id);
CREATE INDEX view_file_animation_idx ON view_file (project_id, animation_id);

-- Which parts of the view a committed change has left stale.
CREATE TABLE outbox (
    id           {id}   NOT NULL PRIMARY KEY,
    project_id   {id}   NOT NULL,
    animation_id {id},
    asset_id     {id},
    created_at   {time} NOT NULL DEFAULT {now}
){strict};

-- One deletion, and the rows that it moved out, each as JSON.
CREATE TABLE trash (
    deletion_id {id}   NOT NULL,
    entity      {text} NOT NULL,
    position    {big}  NOT NULL,
    project_id  {id}   NOT NULL,
    content     {json} NOT NULL,
    deleted_at  {time} NOT NULL,
    PRIMARY KEY (deletion_id, entity, position)
){strict};
CREATE INDEX trash_project_idx ON trash (project_id, deleted_at);

-- Blobs that the trash still names; a blob named here is not swept.
CREATE TABLE trash_blob (
    deletion_id {id}   NOT NULL,
    sha256      {text} NOT NULL,
    PRIMARY KEY (deletion_id, sha256)
){strict_without_rowid};
CREATE INDEX trash_blob_sha256_idx ON trash_blob (sha256);
