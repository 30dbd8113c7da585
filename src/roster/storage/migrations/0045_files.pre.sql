-- Files that people and programs store.

CREATE TABLE files (
    realm_id uuid NOT NULL REFERENCES realms,
    id uuid NOT NULL,
    key text NOT NULL,                          -- folder and object name
    name text NOT NULL,                         -- what its sender called it
    media_type text NOT NULL,
    size bigint NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    PRIMARY KEY (realm_id, id)
);

CREATE TABLE file_pieces (
    realm_id uuid NOT NULL,
    file_id uuid NOT NULL,
    number integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (realm_id, file_id, number),
    FOREIGN KEY (realm_id, file_id) REFERENCES files ON DELETE CASCADE
);
ALTER TABLE file_pieces ALTER COLUMN data SET STORAGE EXTERNAL; -- pictures and films are compressed already
