-- Outgoing messages, and imports and exports.

CREATE TABLE messages (
    realm_id uuid NOT NULL REFERENCES realms,
    id uuid NOT NULL,
    user_id uuid,
    channel text NOT NULL CHECK (channel IN ('mail', 'sms', 'push')),
    recipient text NOT NULL,
    template text NOT NULL,
    locale text,
    sealed bytea,                               -- the template's values, which hold one-time links; gone once sent
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    error text,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    PRIMARY KEY (realm_id, id)
);
CREATE INDEX messages_due ON messages (due_at) WHERE state = 'queued';
CREATE INDEX messages_by_created ON messages (realm_id, created_at, id);

CREATE TABLE transfers (
    realm_id uuid NOT NULL REFERENCES realms,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('import', 'export')),
    format text NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    dry_run boolean NOT NULL DEFAULT false,
    options jsonb NOT NULL DEFAULT '{}',
    name text NOT NULL DEFAULT '',              -- of the file
    fingerprint text,                           -- of the file's content: a second run of the same file resumes
    bytes_total bigint,
    bytes_done bigint NOT NULL DEFAULT 0,
    checkpoint bigint NOT NULL DEFAULT 0,       -- rows of the source already merged
    rows_created bigint NOT NULL DEFAULT 0,
    rows_updated bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_failed bigint NOT NULL DEFAULT 0,
    summary jsonb NOT NULL DEFAULT '{}',        -- what was changed besides people: roles made, fields changed, passwords
    actor jsonb NOT NULL DEFAULT '{}',          -- on whose behalf; what they may do is looked up when it runs
    error text,
    created_at timestamptz NOT NULL,
    created_by uuid,
    started_at timestamptz,
    seen_at timestamptz,                        -- last sign of life of the worker
    finished_at timestamptz,
    PRIMARY KEY (realm_id, id)
);
CREATE INDEX transfers_by_created ON transfers (realm_id, created_at, id);
CREATE INDEX transfers_by_fingerprint ON transfers (realm_id, fingerprint) WHERE fingerprint IS NOT NULL;

CREATE TABLE transfer_chunks (
    realm_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    part text NOT NULL CHECK (part IN ('source', 'report', 'output')),
    number integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (realm_id, transfer_id, part, number),
    CONSTRAINT transfer_chunks_transfer FOREIGN KEY (realm_id, transfer_id) REFERENCES transfers ON DELETE CASCADE
);

-- Whom an import has come across already, so that a file names nobody twice; gone when the import is over.
CREATE TABLE transfer_seen (
    realm_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    key uuid NOT NULL,                          -- the person; in a dry run, which makes nobody, a digest of their name
    line bigint NOT NULL,                       -- row of the source
    PRIMARY KEY (realm_id, transfer_id, key)
);

-- The id that people had in Keycloak, by which a second import finds them again.
CREATE INDEX users_by_keycloak ON users (realm_id, (facets #>> '{keycloak,id}')) WHERE facets ? 'keycloak';
