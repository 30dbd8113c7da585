-- Places with a name, and groups of them. Roles may be limited to places that nobody has registered.

CREATE TABLE places (
    realm_id uuid NOT NULL REFERENCES realms,
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('facility', 'facility_group', 'zone')),
    key text COLLATE "C" NOT NULL,              -- what roles and assignments name it by
    name text NOT NULL DEFAULT '',
    name_key text COLLATE "C" NOT NULL DEFAULT '',
    members text[] NOT NULL DEFAULT '{}',       -- keys of the facilities of a group; other kinds have none
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (realm_id, kind, key)
);
CREATE UNIQUE INDEX places_id ON places (realm_id, id);
