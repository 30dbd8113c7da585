-- Orders at electronic identifications (BankID, Freja), and the devices that take push messages.

CREATE TABLE orders (
    realm_id uuid NOT NULL REFERENCES realms,
    id uuid NOT NULL,
    provider text NOT NULL CHECK (provider IN ('bankid', 'freja')),
    purpose text NOT NULL CHECK (purpose IN ('login', 'sign')),
    mark bytea NOT NULL,                        -- digest of the reference by which whoever began it asks
    holder bytea NOT NULL,                      -- digest of the session or secret of whoever began it
    user_id uuid,                               -- who that was; later whom the order signed in
    sealed bytea NOT NULL,                      -- the provider's reference, the code's secret, and what the order brought
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'complete', 'failed')),
    hint text NOT NULL DEFAULT '',              -- the provider's word for how it goes on
    asked_at timestamptz,                       -- when the provider was last asked
    asking boolean NOT NULL DEFAULT false,      -- whether its answer is waited for
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    bound_at timestamptz,                       -- when it tied its person to an account
    PRIMARY KEY (realm_id, id)
);
CREATE UNIQUE INDEX orders_mark_key ON orders (realm_id, mark);
CREATE INDEX orders_by_expiry ON orders (realm_id, expires_at);

-- Whom an electronic identification means: the digits of the personal number, however it was written.
CREATE INDEX users_by_personal_number ON users (realm_id, regexp_replace(personal_number, '[^0-9]', '', 'g'))
    WHERE personal_number IS NOT NULL;
-- A credential of kind bankid ties a person to a number: nothing is secret in it, and nobody else has the same.
CREATE UNIQUE INDEX credentials_bankid ON credentials (realm_id, lookup) WHERE kind = 'bankid';
CREATE UNIQUE INDEX credentials_one_bankid ON credentials (realm_id, user_id) WHERE kind = 'bankid';

CREATE TABLE push_registrations (
    realm_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    mark bytea NOT NULL,                        -- digest of the token
    sealed bytea NOT NULL,                      -- the token with which the provider reaches the app on the device
    device text COLLATE "C" NOT NULL DEFAULT '', -- what the app calls the device
    platform text NOT NULL DEFAULT '' CHECK (platform IN ('', 'ios', 'android', 'web')),
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,               -- when it was last registered
    PRIMARY KEY (realm_id, id),
    CONSTRAINT push_registrations_user FOREIGN KEY (realm_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE UNIQUE INDEX push_registrations_mark_key ON push_registrations (realm_id, mark);
CREATE INDEX push_registrations_by_user ON push_registrations (realm_id, user_id, seen_at);
