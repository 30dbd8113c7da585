-- Partitions of the audit trail are made and dropped by functions, because their names depend on the month.

CREATE FUNCTION make_audit_month(first timestamptz, next timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := 'audit_entries_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF audit_entries FOR VALUES FROM (%L) TO (%L)', name, first, next);
    END IF;
END $$;

CREATE FUNCTION drop_audit_months(before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    name text;
    dropped integer := 0;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_entries'::regclass
          AND c.relname ~ '^audit_entries_\d{4}_\d\d$'
          AND c.relname < 'audit_entries_' || to_char(before AT TIME ZONE 'UTC', 'YYYY_MM')
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
