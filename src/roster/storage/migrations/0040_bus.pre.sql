-- How far the outbox has been told on the bus: a place in the order of events that moves when the bus has acknowledged.

CREATE TABLE bus_cursors (
    realm_id uuid NOT NULL REFERENCES realms ON DELETE CASCADE,
    name text NOT NULL,                         -- of the reader
    transaction xid8 NOT NULL,
    position bigint NOT NULL,
    holder uuid NOT NULL,                       -- the one process that tells it now
    held_until timestamptz NOT NULL,
    PRIMARY KEY (realm_id, name)
);
