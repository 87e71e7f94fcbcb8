-- Everything of ours, in a schema of its own. Read the rustdoc of `Postgres` first: it has the rules.

CREATE TABLE {schema}.meta (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    secret bytea NOT NULL
);

-- Each time an instance becomes the sequencer it begins an epoch; the one before ended where it stood.
CREATE TABLE {schema}.epochs (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token text NOT NULL UNIQUE,
    began bigint NOT NULL,
    ended bigint
);

-- One row, updated by the sequencer alone; room in its page keeps those updates off the index. Entries up
-- to `removed` are gone; `floor` is the last of them that anybody could miss.
CREATE TABLE {schema}.head (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch integer,
    sequence bigint NOT NULL DEFAULT 0,
    removed bigint NOT NULL DEFAULT 0,
    floor bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    keys bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
INSERT INTO {schema}.head DEFAULT VALUES;

-- The window: the log that every instance follows. `kind` is 0 durable, 1 live-only, 2 revoke,
-- 3 reauthorize, 4 grant, 5 withdraw. `ticket` and `position` tell a sender which of these are its own.
CREATE TABLE {schema}.entries (
    sequence bigint PRIMARY KEY,
    epoch integer NOT NULL,
    at bigint NOT NULL,
    kind smallint NOT NULL,
    channels text NOT NULL,
    body bytea NOT NULL,
    subject text,
    granted text,
    ticket bigint,
    position integer NOT NULL
);

-- CACHE 1: a later call gets a larger number, whichever session makes it. The order rests on this.
CREATE SEQUENCE {schema}.outbox_order CACHE 1;

-- What is committed and has no place yet. A batch is what stays together.
CREATE TABLE {schema}.outbox (
    batch bigint NOT NULL DEFAULT nextval('{schema}.outbox_order'),
    position integer NOT NULL DEFAULT 1,
    kind smallint NOT NULL,
    channels text NOT NULL,
    body bytea NOT NULL,
    subject text,
    granted text,
    ticket bigint,
    key bytea,
    PRIMARY KEY (batch, position)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);

-- What each instance's sender has inserted last, so that it may try again what may have been committed.
CREATE TABLE {schema}.senders (
    instance text PRIMARY KEY,
    ticket bigint NOT NULL,
    at bigint NOT NULL
) WITH (fillfactor = 50);

-- Idempotency keys; `first` is filled in when their events get their places.
CREATE TABLE {schema}.keys (
    name bytea PRIMARY KEY,
    digest bytea NOT NULL,
    ticket bigint NOT NULL,
    count integer NOT NULL,
    at bigint NOT NULL,
    epoch integer,
    first bigint
);
CREATE INDEX keys_at ON {schema}.keys (at);

CREATE TABLE {schema}.revocations (
    revoked text PRIMARY KEY,
    at bigint NOT NULL
);

CREATE TABLE {schema}.grants (
    user_id text NOT NULL,
    group_name text NOT NULL,
    since bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (user_id, group_name)
);

-- One row per user: which instances hold a lease, until when. `{}` says that the end was told.
CREATE TABLE {schema}.leases (
    user_id text PRIMARY KEY,
    holders jsonb NOT NULL,
    until bigint NOT NULL,
    changed boolean NOT NULL
);

CREATE TABLE {schema}.connections (
    id text PRIMARY KEY,
    instance text NOT NULL,
    user_id text NOT NULL,
    login text,
    opened_at bigint NOT NULL,
    until bigint NOT NULL
);

-- The store's clock: Unix milliseconds, as of the call.
CREATE FUNCTION {schema}.clock() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- Those of the holders whose lease has not ended.
CREATE FUNCTION {schema}.living(holders jsonb, now bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, value) FILTER (WHERE value::bigint > now), '{}')
    FROM jsonb_each(holders)
$$;

-- Makes the calling session the sequencer, if no other one is: an epoch begins where the last one ends.
CREATE FUNCTION {schema}.begin_epoch(lock bigint, new_token text, OUT my_epoch integer, OUT my_sequence bigint)
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_lock(lock) THEN
        RETURN;
    END IF;
    SELECT sequence INTO STRICT my_sequence FROM {schema}.head FOR UPDATE;
    UPDATE {schema}.epochs SET ended = my_sequence WHERE ended IS NULL;
    INSERT INTO {schema}.epochs (token, began) VALUES (new_token, my_sequence) RETURNING number INTO my_epoch;
    UPDATE {schema}.head SET epoch = my_epoch;
    DELETE FROM {schema}.epochs WHERE number <= my_epoch - 1024;
END
$$;

-- Gives every committed row of the outbox its place, whole batches in order of their numbers, until `most`
-- rows or `most_bytes` are reached. Answers how many; null when somebody else writes the log.
--
-- One statement sees one snapshot: of two transactions of which one began after the other had committed,
-- whoever sees the later one's rows sees the earlier one's, and those have the smaller numbers.
CREATE FUNCTION {schema}.step(
    my_epoch integer, my_sequence bigint, most integer, most_bytes bigint, keep_age bigint
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    now CONSTANT bigint := {schema}.clock();
    taken integer;
    size bigint;
    used integer;
    notices integer;
    notice record;
BEGIN
    IF NOT EXISTS (SELECT FROM {schema}.outbox) THEN
        PERFORM FROM {schema}.head WHERE epoch = my_epoch AND sequence = my_sequence;
        RETURN CASE WHEN FOUND THEN 0 END;
    END IF;
    PERFORM FROM {schema}.head WHERE epoch = my_epoch AND sequence = my_sequence FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    WITH due AS (
        DELETE FROM {schema}.outbox WHERE batch <= (
            SELECT max(batch) FROM (
                SELECT batch,
                    sum(octet_length(body)) OVER (ORDER BY batch, position) - octet_length(body) AS before
                FROM {schema}.outbox ORDER BY batch, position LIMIT most
            ) AS first WHERE before < most_bytes
        ) RETURNING *
    ), placed AS (
        SELECT *, my_sequence + row_number() OVER (ORDER BY batch, position) AS sequence FROM due
    ), written AS (
        INSERT INTO {schema}.entries
            (sequence, epoch, at, kind, channels, body, subject, granted, ticket, position)
        SELECT sequence, my_epoch, now, kind, channels, body, subject, granted, ticket, position
        FROM placed ORDER BY sequence
        RETURNING kind, octet_length(body) AS bytes
    ), keyed AS (
        UPDATE {schema}.keys SET epoch = my_epoch, first = placed.sequence
        FROM placed WHERE placed.key = keys.name AND placed.ticket = keys.ticket
        RETURNING 1
    )
    SELECT count(*), coalesce(sum(bytes), 0), count(*) FILTER (WHERE kind >= 2), (SELECT count(*) FROM keyed)
    INTO taken, size, notices, used FROM written;
    UPDATE {schema}.head SET sequence = sequence + taken, bytes = bytes + size, keys = keys + used;
    IF notices > 0 THEN
        FOR notice IN
            SELECT sequence, kind, subject, granted FROM {schema}.entries
            WHERE sequence > my_sequence AND kind >= 2 ORDER BY sequence
        LOOP
            IF notice.kind = 2 THEN
                INSERT INTO {schema}.revocations (revoked, at) VALUES (notice.subject, now)
                ON CONFLICT (revoked) DO UPDATE SET at = excluded.at;
            ELSIF notice.kind = 4 THEN
                -- The first of two grants that crossed stands. One that comes again after a whole window
                -- had been forgotten, and whether the group was lost in between with it.
                INSERT INTO {schema}.grants AS kept (user_id, group_name, since, at)
                VALUES (notice.subject, notice.granted, notice.sequence, now)
                ON CONFLICT (user_id, group_name) DO UPDATE SET since = excluded.since, at = excluded.at
                WHERE kept.at < now - keep_age;
            ELSIF notice.kind = 5 THEN
                DELETE FROM {schema}.grants
                WHERE user_id = notice.subject AND group_name = notice.granted;
            END IF;
        END LOOP;
    END IF;
    RETURN taken;
END
$$;

-- Removes what has left the window, oldest first and at most `most` entries, but never the last, by which a
-- history knows where it stands. Answers how many; null when somebody else writes the log. Touches nothing
-- that a writer writes.
CREATE FUNCTION {schema}.trim_window(
    my_epoch integer, most integer, keep_count bigint, keep_bytes bigint, keep_age bigint
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    now CONSTANT bigint := {schema}.clock();
    head record;
    cut bigint;
    taken integer;
    size bigint;
    missed bigint;
BEGIN
    SELECT * INTO head FROM {schema}.head WHERE epoch = my_epoch FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT max(sequence) INTO cut FROM (
        SELECT sequence, at, sum(octet_length(body)) OVER (ORDER BY sequence) - octet_length(body) AS before
        FROM {schema}.entries ORDER BY sequence LIMIT most
    ) AS oldest
    WHERE sequence < head.sequence AND (
        sequence <= head.sequence - keep_count OR at < now - keep_age OR head.bytes - before > keep_bytes
    );
    IF cut IS NULL THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM {schema}.entries WHERE sequence <= cut
        RETURNING sequence, kind, octet_length(body) AS bytes
    )
    SELECT count(*), coalesce(sum(bytes), 0), coalesce(max(sequence) FILTER (WHERE kind = 0), 0)
    INTO taken, size, missed FROM gone;
    UPDATE {schema}.head SET removed = cut, floor = greatest(floor, missed), bytes = bytes - size;
    RETURN taken;
END
$$;

-- Forgets what has had its time beside the window.
CREATE FUNCTION {schema}.forget(
    my_epoch integer, keep_age bigint, keep_keys bigint, keep_revocations bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now CONSTANT bigint := {schema}.clock();
BEGIN
    DELETE FROM {schema}.keys WHERE at < now - keep_keys;
    UPDATE {schema}.head SET keys = (SELECT count(*) FROM {schema}.keys) WHERE epoch = my_epoch;
    DELETE FROM {schema}.revocations WHERE at < now - keep_revocations;
    -- A day: no connection delivers a statement so much later than it was sent.
    DELETE FROM {schema}.senders WHERE at < now - 86400000;
    -- A lease is remembered for a window beyond its end: so long stand the grants of who is away.
    DELETE FROM {schema}.leases WHERE until < now - keep_age;
    -- By the hubs' clocks, which may be a little behind.
    DELETE FROM {schema}.connections WHERE until < now - 60000;
    DELETE FROM {schema}.grants WHERE at < now - keep_age
        AND NOT EXISTS (SELECT FROM {schema}.leases WHERE leases.user_id = grants.user_id);
END
$$;
