-- The trash, to be looked into: one row for each deletion, with what it changed of what stays.
CREATE TABLE deletion (
    id         {id}   NOT NULL PRIMARY KEY,
    project_id {id}   NOT NULL,
    project    {text} NOT NULL,
    kind       {text} NOT NULL,
    name       {text} NOT NULL,
    characters {big}  NOT NULL DEFAULT 0,
    animations {big}  NOT NULL DEFAULT 0,
    frames     {big}  NOT NULL DEFAULT 0,
    assets     {big}  NOT NULL DEFAULT 0,
    file_size  {big}  NOT NULL DEFAULT 0,
    effects    {json} NOT NULL DEFAULT '{}',
    deleted_at {time} NOT NULL
){strict};
CREATE INDEX deletion_project_idx ON deletion (project_id, id);
CREATE INDEX deletion_deleted_at_idx ON deletion (deleted_at, id);

-- What was deleted before there was such a row.
INSERT INTO deletion (id, project_id, project, kind, name, characters, animations, frames, assets,
    deleted_at)
SELECT t.deletion_id, t.project_id,
    coalesce((SELECT p.name FROM project p WHERE p.id = t.project_id),
        max(CASE WHEN t.entity = 'project' THEN t.content ->> 'name' END), ''),
    CASE min(CASE t.entity WHEN 'project' THEN 1 WHEN 'character' THEN 2 WHEN 'animation' THEN 3
            WHEN 'asset' THEN 4 WHEN 'frame' THEN 5 WHEN 'asset_annotation' THEN 6 ELSE 7 END)
        WHEN 1 THEN 'project' WHEN 2 THEN 'character' WHEN 3 THEN 'animation' WHEN 4 THEN 'asset'
        WHEN 5 THEN 'frames' WHEN 6 THEN 'annotation' ELSE 'bytes' END,
    coalesce(max(CASE WHEN t.entity = 'project' THEN t.content ->> 'name' END),
        max(CASE WHEN t.entity = 'character' THEN t.content ->> 'name' END),
        max(CASE WHEN t.entity = 'animation' THEN t.content ->> 'name' END),
        max(CASE WHEN t.entity = 'asset' THEN t.content ->> 'original_name' END), ''),
    sum(CASE WHEN t.entity = 'character' THEN 1 ELSE 0 END),
    sum(CASE WHEN t.entity = 'animation' THEN 1 ELSE 0 END),
    sum(CASE WHEN t.entity = 'frame' THEN 1 ELSE 0 END),
    sum(CASE WHEN t.entity = 'asset' THEN 1 ELSE 0 END),
    min(t.deleted_at)
FROM trash t GROUP BY t.deletion_id, t.project_id;

-- What is still known of an asset that was purged: its record outlives its bytes.
CREATE TABLE tombstone (
    asset_id      {id}   NOT NULL,
    deletion_id   {id}   NOT NULL,
    project_id    {id}   NOT NULL,
    project       {text} NOT NULL,
    kind          {asset_kind} NOT NULL,
    original_name {text},
    mime_type     {text},
    file_size     {big},
    sha256        {text},
    record        {text},
    record_hash   {text},
    inputs        {json} NOT NULL DEFAULT '[]',
    deleted_at    {time} NOT NULL,
    purged_at     {time} NOT NULL,
--sqlite CONSTRAINT tombstone_kind_check CHECK (kind IN ('reference', 'character', 'frame')),
    PRIMARY KEY (asset_id, deletion_id)
){strict_without_rowid};
CREATE INDEX tombstone_record_hash_idx ON tombstone (record_hash);
CREATE INDEX tombstone_sha256_idx ON tombstone (sha256);

-- Blobs whose last name in the trash has gone: swept once nothing has named them for a while.
CREATE TABLE released_blob (
    sha256      {text} NOT NULL PRIMARY KEY,
    released_at {time} NOT NULL
){strict_without_rowid};

-- Whether a blob still has files below public/assets.
CREATE INDEX view_file_sha256_idx ON view_file (sha256);
