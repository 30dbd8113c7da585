-- Who has written what a replica may not have yet: looked up before somebody's list is read from one. Kept by commits
-- of servers that have replicas, and only for as long as a replica may be behind; the transaction is all that counts,
-- the time is only for forgetting, by the clock of this server alone.

CREATE TABLE recent_writes (
    writer uuid NOT NULL,
    transaction xid8 NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX recent_writes_by_writer ON recent_writes (writer, transaction);

-- Sent together with COMMIT. A transaction that has only read is not noted, and so is given no number.
CREATE FUNCTION note_write(writers uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own xid8 := pg_current_xact_id_if_assigned();
BEGIN
    IF own IS NOT NULL THEN
        INSERT INTO recent_writes (writer, transaction) SELECT writer, own FROM unnest(writers) AS writer;
    END IF;
END $$;
