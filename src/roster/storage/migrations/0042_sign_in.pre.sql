-- Texts without a form of ours that stand for a session, and codes sent as text messages.

CREATE TABLE session_texts (
    realm_id uuid NOT NULL,
    digest bytea NOT NULL,                      -- of the text; the text itself is stored nowhere
    kind text NOT NULL CHECK (kind IN ('refresh', 'imported')),
    session_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    spent_at timestamptz,                       -- of refresh tokens that are exchanged for another
    PRIMARY KEY (realm_id, digest),
    CONSTRAINT session_texts_session FOREIGN KEY (realm_id, session_id) REFERENCES sessions ON DELETE CASCADE
);
CREATE INDEX session_texts_by_session ON session_texts (realm_id, session_id);

CREATE TABLE sms_codes (
    realm_id uuid NOT NULL,
    user_id uuid NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('enable', 'sign_in')),
    mac bytea NOT NULL,                         -- keyed, of the code; the code itself is stored nowhere
    sealed bytea,                               -- the number that is being confirmed
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (realm_id, user_id, purpose),
    CONSTRAINT sms_codes_user FOREIGN KEY (realm_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX sms_codes_by_expiry ON sms_codes (realm_id, expires_at);

CREATE UNIQUE INDEX credentials_sms ON credentials (realm_id, user_id) WHERE kind = 'sms';
