-- What happened: the audit trail (one partition a month, purged by dropping it) and the outbox of events.

CREATE TABLE audit_entries (
    realm_id uuid NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    action text NOT NULL,                       -- noun.verb
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL DEFAULT '',
    acting_for uuid,
    acting_for_name text NOT NULL DEFAULT '',
    session_id uuid,
    device_id uuid,
    dialect text NOT NULL DEFAULT '',
    request_id text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT '',
    subject_kind text NOT NULL DEFAULT '',
    subject_id uuid,
    changes jsonb NOT NULL DEFAULT '{}',        -- field -> [before, after]; never a secret
    PRIMARY KEY (realm_id, at, id)
) PARTITION BY RANGE (at);
CREATE INDEX audit_entries_by_subject ON audit_entries (realm_id, subject_id, at);
CREATE INDEX audit_entries_by_actor ON audit_entries (realm_id, actor_id, at) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_entries_by_acting_for ON audit_entries (realm_id, acting_for) WHERE acting_for IS NOT NULL;
CREATE INDEX audit_entries_about_roles ON audit_entries (realm_id, at) WHERE subject_kind = 'role';
CREATE TABLE audit_entries_rest PARTITION OF audit_entries DEFAULT;

-- Readers take what every earlier transaction has finished (transaction < xmin of their snapshot), so that no event is
-- skipped because a slower transaction commits later; (transaction, position) is the order and the cursor.
CREATE TABLE outbox_events (
    realm_id uuid NOT NULL,
    id uuid NOT NULL,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    type text NOT NULL,
    subject_id uuid,
    payload jsonb NOT NULL DEFAULT '{}',        -- identifiers and field names only, no personal data
    PRIMARY KEY (realm_id, id)
);
CREATE INDEX outbox_events_in_order ON outbox_events (transaction, position);
