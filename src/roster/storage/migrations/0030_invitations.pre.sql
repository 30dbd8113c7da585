-- An invitation hangs on a pending membership and has its id. Its text is worked out from both and stored nowhere.

CREATE TABLE invitations (
    realm_id uuid NOT NULL,
    id uuid NOT NULL,                           -- of the membership
    generation integer NOT NULL DEFAULT 0,      -- texts of other generations are good for nothing
    created_at timestamptz NOT NULL,
    created_by uuid,
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT invitations_membership FOREIGN KEY (realm_id, id) REFERENCES memberships ON DELETE CASCADE
);

-- Many people invited at once, by a job.
CREATE TABLE invitation_batches (
    realm_id uuid NOT NULL,
    id uuid NOT NULL,
    org_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'failed')),
    people integer NOT NULL,
    invited integer NOT NULL DEFAULT 0,
    updated integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    options jsonb NOT NULL,
    link text NOT NULL,
    actor jsonb NOT NULL,                       -- on whose behalf; what they may do is looked up when it runs
    error text,
    created_at timestamptz NOT NULL,
    created_by uuid,
    finished_at timestamptz,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT invitation_batches_org FOREIGN KEY (realm_id, org_id) REFERENCES orgs ON DELETE CASCADE
);
CREATE INDEX invitation_batches_by_created ON invitation_batches (realm_id, created_at);

CREATE TABLE invitation_sets (
    realm_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    number integer NOT NULL,
    people jsonb NOT NULL,                      -- who is to be invited; gone when they are
    outcomes jsonb,                             -- what became of them; NULL until then
    PRIMARY KEY (realm_id, batch_id, number),
    CONSTRAINT invitation_sets_batch FOREIGN KEY (realm_id, batch_id) REFERENCES invitation_batches ON DELETE CASCADE
);
