-- Signed requests (Hawk): what was signed once is not taken again.

-- Unlogged: a line for each request, worth something for two minutes only. After a crash of the database it is empty.
CREATE UNLOGGED TABLE request_nonces (
    realm_id uuid NOT NULL,
    mark bytea NOT NULL,                        -- digest of credential, time and nonce
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (realm_id, mark)
);
