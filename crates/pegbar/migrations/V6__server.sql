-- What a server needs beside the entities: who followed a project and was away reads what has
-- changed since, tokens are known by their hashes, and a request that comes again is recognized.

-- It outlives its project: the last change says that it was deleted.
CREATE TABLE change (
    project_id {id}   NOT NULL,
    number     {big}  NOT NULL,
    created_at {time} NOT NULL,
    content    {json} NOT NULL,
    PRIMARY KEY (project_id, number),
    CONSTRAINT change_number_check CHECK (number > 0)
){strict_without_rowid};

CREATE TABLE token (
    id           {id}   NOT NULL PRIMARY KEY,
    name         {text} NOT NULL,
    hash         {text} NOT NULL,
    access       {text} NOT NULL,
    created_at   {time} NOT NULL,
    last_used_at {time},
    revoked_at   {time},
    CONSTRAINT token_name_check CHECK (name <> ''),
    CONSTRAINT token_access_check CHECK (access IN ('read', 'write'))
){strict};
CREATE INDEX token_name_idx ON token (name);

CREATE TABLE idempotent_request (
    scope        {text} NOT NULL,
    key          {text} NOT NULL,
    request_hash {text} NOT NULL,
    reserved     {json} NOT NULL,
    status       {int},
    answer       {text},
    created_at   {time} NOT NULL,
    PRIMARY KEY (scope, key),
    CONSTRAINT idempotent_request_answer_check CHECK ((status IS NULL) = (answer IS NULL))
){strict_without_rowid};
CREATE INDEX idempotent_request_created_idx ON idempotent_request (created_at);
