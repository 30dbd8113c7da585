-- Mail that programs write: templates, and mails that are held so that many of one kind become few.

CREATE TABLE letter_templates (
    realm_id uuid NOT NULL REFERENCES realms,
    id uuid NOT NULL,
    owner text,                                 -- whatever their writers tell them apart by
    subject text NOT NULL,
    html text NOT NULL,
    layout_id uuid,
    version integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    PRIMARY KEY (realm_id, id),
    FOREIGN KEY (realm_id, layout_id) REFERENCES letter_templates
);

CREATE TABLE letter_groups (
    realm_id uuid NOT NULL REFERENCES realms,
    id uuid NOT NULL,
    key text NOT NULL,
    recipient text NOT NULL,
    level integer NOT NULL DEFAULT 0,
    held integer NOT NULL DEFAULT 0,
    sealed bytea,                               -- the last mail that is held
    due_at timestamptz NOT NULL,
    PRIMARY KEY (realm_id, id)
);
CREATE UNIQUE INDEX letter_groups_key ON letter_groups (realm_id, key, recipient);
CREATE INDEX letter_groups_due ON letter_groups (due_at);
