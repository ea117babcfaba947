-- Which bytes the store must have is read in the order of their hashes: with these columns in
-- the index, without a look at the rows, which hold the records.
DROP INDEX asset_sha256_idx;
CREATE INDEX asset_sha256_idx ON asset (sha256, file_size, bytes_dropped_at);

-- How far the blobs have been hashed again, in the order of their hashes: one row.
CREATE TABLE scrub (
    slot          {int}  NOT NULL PRIMARY KEY DEFAULT 1,
    position      {text} NOT NULL DEFAULT '',
    pass          {big}  NOT NULL DEFAULT 1,
    blobs         {big}  NOT NULL DEFAULT 0,
    bytes         {big}  NOT NULL DEFAULT 0,
    began_at      {time} NOT NULL,
    last_began_at {time},
    last_ended_at {time},
    last_blobs    {big},
    last_bytes    {big},
    CONSTRAINT scrub_slot_check CHECK (slot = 1)
){strict};

-- The blobs that one process hashes at the moment: those after `after_sha256` up to
-- `last_sha256`. A process that is gone leaves its claim to the next.
CREATE TABLE scrub_claim (
    id           {id}   NOT NULL PRIMARY KEY,
    after_sha256 {text} NOT NULL,
    last_sha256  {text} NOT NULL,
    claimed_at   {time} NOT NULL
){strict};

-- A blob whose bytes were not what its name says, and how its file looked then: a file that
-- looks otherwise now was replaced.
CREATE TABLE scrub_finding (
    sha256      {text} NOT NULL PRIMARY KEY,
    found       {text},
    reason      {text},
    file_size   {big}  NOT NULL,
    modified_ns {big}  NOT NULL,
    found_at    {time} NOT NULL
){strict};
