-- Requests that programs want made at certain times.

CREATE TABLE timers (
    realm_id uuid NOT NULL REFERENCES realms,
    id text COLLATE "C" NOT NULL,
    subject text NOT NULL,
    cron text,
    at timestamptz,
    name text,
    description text,
    max_failures integer NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    tags text[] NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'initial' CHECK (state IN
        ('initial', 'scheduled', 'scheduled_after_failure', 'running', 'completed', 'failed', 'removed')),
    failures integer NOT NULL DEFAULT 0,
    generation integer NOT NULL DEFAULT 0,      -- of what runs now: one that was replaced meanwhile notes nothing
    due_at timestamptz,                         -- none when it is over
    created_at timestamptz NOT NULL,
    PRIMARY KEY (realm_id, id)
);
CREATE INDEX timers_due ON timers (realm_id, due_at) WHERE due_at IS NOT NULL;
