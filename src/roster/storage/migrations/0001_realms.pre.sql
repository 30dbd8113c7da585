-- Realms (tenants), what belongs to the installation as a whole, and the keys that sign tokens.

CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key_fingerprint text NOT NULL,              -- tells a wrong secret key from the right one, reveals nothing
    created_at timestamptz NOT NULL
);

CREATE TABLE realms (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    slug text COLLATE "C" NOT NULL,
    display_name text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
    settings jsonb NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 0,         -- +1 per change of the realm itself
    access_version bigint NOT NULL DEFAULT 0,   -- +1 when a role or a permission list changes: cached grants are void
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT realms_slug_key UNIQUE (slug),
    CONSTRAINT realms_number_key UNIQUE (number)
);

CREATE TABLE signing_keys (
    realm_id uuid NOT NULL REFERENCES realms,
    kid text NOT NULL,
    algorithm text NOT NULL,
    public_jwk jsonb NOT NULL,
    sealed bytea NOT NULL,                      -- the private key, sealed with the key of the installation
    created_at timestamptz NOT NULL,
    retired_at timestamptz,                     -- no longer signs; still verifies until its last token has expired
    PRIMARY KEY (realm_id, kid)
);
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (realm_id) WHERE retired_at IS NULL;

-- Typed custom fields of people, realm-wide.
CREATE TABLE attribute_definitions (
    realm_id uuid NOT NULL REFERENCES realms,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('text', 'integer', 'number', 'boolean', 'instant', 'list', 'any')),
    label text NOT NULL DEFAULT '',
    required boolean NOT NULL DEFAULT false,
    choices jsonb,                              -- the only values allowed, when given
    visibility text NOT NULL DEFAULT 'private' CHECK (visibility IN ('basic', 'private', 'hidden')),
    writable_by text NOT NULL DEFAULT 'administrator' CHECK (writable_by IN ('self', 'administrator')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (realm_id, name)
);
