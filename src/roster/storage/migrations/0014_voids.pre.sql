-- What processes remember about whoever asks is void as soon as the database says so: with the id of the person, the
-- device or the realm that it was about, or `*` for all of it. Whatever statement changes one of the rows that decide
-- whether somebody may still ask says so twice: to its own connection, which marks it for all processes beside it before
-- the change is answered, and, once committed, to everybody who listens.

-- A change of many people voids their whole realm: a hundred names in one transaction are told one by one.
CREATE FUNCTION void_remembered(realm_id uuid, about uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    told text := coalesce(nullif(current_setting('roster.voided', true), ''), '0'); -- how many, later the realm
    name text := about::text;
BEGIN
    IF told = realm_id::text THEN
        RETURN;
    END IF;
    IF length(told) < 3 THEN
        told := (told::integer + 1)::text;
    ELSE
        told := realm_id::text;
        name := told;
    END IF;
    PERFORM set_config('roster.voided', told, true);
    RAISE INFO USING MESSAGE = 'roster_void ' || name; -- no level of messages that are sent leaves out this one
    PERFORM pg_notify('roster_void', name);
END $$;

CREATE FUNCTION remembered_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'realms' THEN
        PERFORM void_remembered(OLD.id, OLD.id);
    ELSIF TG_TABLE_NAME IN ('users', 'devices') THEN
        PERFORM void_remembered(OLD.realm_id, OLD.id);
    ELSE
        PERFORM void_remembered(OLD.realm_id, OLD.user_id);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION remembered_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE INFO 'roster_void *';
    PERFORM pg_notify('roster_void', '*');
    RETURN NULL;
END $$;

-- Only what is remembered counts: neither new rows nor profiles, renewals of a session, or when something was last used.
-- The columns are named twice because a statement that sets none of them need not read the condition, which takes longer
-- than the change of a row.
CREATE TRIGGER remembered_realm AFTER UPDATE ON realms FOR EACH ROW WHEN (
    (OLD.id, OLD.slug, OLD.display_name, OLD.status, OLD.settings, OLD.version, OLD.access_version)
    IS DISTINCT FROM (NEW.id, NEW.slug, NEW.display_name, NEW.status, NEW.settings, NEW.version, NEW.access_version)
) EXECUTE FUNCTION remembered_changed();

CREATE TRIGGER remembered_user
AFTER UPDATE OF realm_id, id, username, username_key, status, access_version, locale, deleted_at, email, email_verified_at
ON users FOR EACH ROW WHEN (
    (OLD.realm_id, OLD.id, OLD.username, OLD.username_key, OLD.status, OLD.access_version, OLD.locale, OLD.deleted_at,
        OLD.email IS NULL OR OLD.email_verified_at IS NOT NULL)
    IS DISTINCT FROM (NEW.realm_id, NEW.id, NEW.username, NEW.username_key, NEW.status, NEW.access_version, NEW.locale,
        NEW.deleted_at, NEW.email IS NULL OR NEW.email_verified_at IS NOT NULL)
) EXECUTE FUNCTION remembered_changed();

CREATE TRIGGER remembered_session
AFTER UPDATE OF realm_id, id, user_id, ended_at, factors, authenticated_at, device_id ON sessions FOR EACH ROW WHEN (
    (OLD.realm_id, OLD.id, OLD.user_id, OLD.ended_at, OLD.factors, OLD.authenticated_at, OLD.device_id)
    IS DISTINCT FROM (NEW.realm_id, NEW.id, NEW.user_id, NEW.ended_at, NEW.factors, NEW.authenticated_at, NEW.device_id)
) EXECUTE FUNCTION remembered_changed();

CREATE TRIGGER remembered_session_end AFTER UPDATE OF expires_at ON sessions FOR EACH ROW
    WHEN (NEW.expires_at < OLD.expires_at) EXECUTE FUNCTION remembered_changed();

CREATE TRIGGER remembered_credential AFTER UPDATE ON credentials FOR EACH ROW WHEN (
    (OLD.realm_id, OLD.id, OLD.user_id, OLD.kind, OLD.state, OLD.version, OLD.lookup, OLD.sealed)
    IS DISTINCT FROM (NEW.realm_id, NEW.id, NEW.user_id, NEW.kind, NEW.state, NEW.version, NEW.lookup, NEW.sealed)
    OR OLD.expires_at IS DISTINCT FROM NEW.expires_at
) EXECUTE FUNCTION remembered_changed();

CREATE TRIGGER remembered_device AFTER UPDATE ON devices FOR EACH ROW WHEN (
    (OLD.realm_id, OLD.id, OLD.status, OLD.deleted_at)
    IS DISTINCT FROM (NEW.realm_id, NEW.id, NEW.status, NEW.deleted_at)
) EXECUTE FUNCTION remembered_changed();

CREATE TRIGGER remembered_realm_gone AFTER DELETE ON realms FOR EACH ROW EXECUTE FUNCTION remembered_changed();
CREATE TRIGGER remembered_user_gone AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION remembered_changed();
CREATE TRIGGER remembered_session_gone AFTER DELETE ON sessions FOR EACH ROW WHEN (OLD.ended_at IS NULL)
    EXECUTE FUNCTION remembered_changed();
CREATE TRIGGER remembered_credential_gone AFTER DELETE ON credentials FOR EACH ROW EXECUTE FUNCTION remembered_changed();
CREATE TRIGGER remembered_device_gone AFTER DELETE ON devices FOR EACH ROW EXECUTE FUNCTION remembered_changed();

CREATE TRIGGER remembered_realms_gone AFTER TRUNCATE ON realms EXECUTE FUNCTION remembered_truncated();
CREATE TRIGGER remembered_users_gone AFTER TRUNCATE ON users EXECUTE FUNCTION remembered_truncated();
CREATE TRIGGER remembered_sessions_gone AFTER TRUNCATE ON sessions EXECUTE FUNCTION remembered_truncated();
CREATE TRIGGER remembered_credentials_gone AFTER TRUNCATE ON credentials EXECUTE FUNCTION remembered_truncated();
CREATE TRIGGER remembered_devices_gone AFTER TRUNCATE ON devices EXECUTE FUNCTION remembered_truncated();
