-- Presence over all instances, and the connections of each user. The table `leases` and the function `living` are of no
-- use any more, and stay for instances of the version before, which may still run.

-- Whoever is here: `held` says for each instance "o" for online or "r" for reconnecting, and until when; the instance
-- "" stands for those who are expected back. `said` was announced last, `due` is when it may become another.
CREATE TABLE {schema}.presences (
    user_id text PRIMARY KEY,
    held jsonb NOT NULL,
    said text NOT NULL,
    due bigint,
    until bigint NOT NULL,
    changed boolean NOT NULL
);
CREATE INDEX presences_due ON {schema}.presences (due);

-- The number of the last question of each instance, and the changes that it has not said it received.
CREATE TABLE {schema}.claims (
    instance text PRIMARY KEY,
    number bigint NOT NULL,
    at bigint NOT NULL,
    users text[] NOT NULL
);

-- When somebody last looked whose time had come, and until when nobody is said to have left because nothing is heard
-- of an instance: after a time in which nobody looked everybody has one lease more.
CREATE TABLE {schema}.tending (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    at bigint,
    pardon bigint NOT NULL DEFAULT 0
);
INSERT INTO {schema}.tending DEFAULT VALUES;

CREATE INDEX connections_user ON {schema}.connections (user_id);

-- An instance is there if it was heard of in the last so many milliseconds: `Member::is_alive`.
CREATE FUNCTION {schema}.is_alive(holder text, now bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM {schema}.members WHERE instance = holder AND at >= now - 6000)
$$;

CREATE FUNCTION {schema}.pardoned(now bigint, lease bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN now - at > 5000 THEN now + lease ELSE pardon END FROM {schema}.tending
$$;

-- What is true of a user now, when it may no longer be, until when the user is known to be here, and which holders are
-- left. One that is online is reconnecting when less than `grace` of its lease is left. What ended while nobody looked
-- goes on for as long as it would from then.
CREATE FUNCTION {schema}.presence(
    held jsonb, now bigint, grace bigint, lease bigint, pardon bigint,
    OUT said text, OUT due bigint, OUT until bigint, OUT living jsonb
) LANGUAGE sql IMMUTABLE AS $$
    SELECT
        CASE WHEN now < online THEN 'online' WHEN now < known THEN 'reconnecting' ELSE 'offline' END,
        CASE WHEN now < online THEN online WHEN now < known THEN known END,
        CASE WHEN now < known THEN known END,
        coalesce(left_over, '{}')
    FROM (
        SELECT max(ends - grace) FILTER (WHERE word = 'o') AS online, max(ends) AS known,
            jsonb_object_agg(holder, value) FILTER (WHERE ends > now) AS left_over
        FROM (
            SELECT key AS holder, value, value ->> 0 AS word, greatest(
                (value ->> 1)::bigint, CASE value ->> 0 WHEN 'o' THEN pardon ELSE pardon - lease + grace END
            ) AS ends
            FROM jsonb_each(held)
        ) AS holders
    ) AS known
$$;

-- The holders once an instance has said its word. Whoever was expected has come with a word of "o", and whose instance
-- is gone has had the time to.
CREATE FUNCTION {schema}.hold(held jsonb, holder text, word text, ends bigint, now bigint, pardon bigint)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT jsonb_object_agg(key, value) FROM jsonb_each(held - holder) WHERE CASE key
            WHEN '' THEN word <> 'o'
            ELSE now < pardon OR {schema}.is_alive(key, now)
        END
    ), '{}') || CASE word WHEN 'f' THEN '{}' ELSE jsonb_build_object(holder, jsonb_build_array(word, ends)) END
$$;

-- Stores what an instance knows of users, and answers "user, presence" for each change that comes of it or of the time:
-- of those named, of those whose time has come, of those whose change was answered and not received: by this instance,
-- or by another for so long that it is likely gone. The answer begins with whether more may be due. One instance asks
-- at a time.
CREATE FUNCTION {schema}.lease(
    me text, grace bigint, lease bigint, question bigint, received bigint, most integer,
    users text[], words text[], lasts bigint[]
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    now bigint;
    all_until bigint;
    own record;
    named text[];
    timely text[];
    looked integer;
    again text[];
    answer text[];
BEGIN
    PERFORM FROM {schema}.tending FOR UPDATE;
    now := {schema}.clock();
    SELECT * INTO own FROM {schema}.claims WHERE instance = me;
    IF question <= own.number THEN
        -- It was given up in a dead connection, and newer words have been said since.
        RETURN ARRAY['0'];
    END IF;
    all_until := {schema}.pardoned(now, lease);
    UPDATE {schema}.tending SET at = now, pardon = all_until;

    INSERT INTO {schema}.presences (user_id, held, said, until, changed)
    SELECT name, '{}', 'offline', now, false FROM unnest(users, words) AS new (name, word)
    WHERE word <> 'f' ON CONFLICT DO NOTHING;
    WITH written AS (
        UPDATE {schema}.presences AS kept SET
            held = living, said = known.said, due = known.due, changed = known.said <> kept.said,
            until = CASE WHEN known.until IS NULL THEN now ELSE greatest(kept.until, known.until) END
        FROM (
            SELECT name, p.* FROM {schema}.presences AS old
                JOIN unnest(users, words, lasts) AS new (name, word, lasts) ON name = old.user_id,
                {schema}.hold(old.held, me, word, now + new.lasts, now, all_until) AS after,
                {schema}.presence(after, now, grace, lease, all_until) AS p
        ) AS known
        WHERE kept.user_id = known.name
        RETURNING kept.user_id, kept.changed
    )
    SELECT array_agg(user_id) INTO named FROM written WHERE changed;

    WITH written AS (
        UPDATE {schema}.presences AS kept SET
            held = p.living, said = p.said, due = p.due, changed = p.said <> kept.said
        FROM (SELECT user_id, held FROM {schema}.presences WHERE due <= now ORDER BY due LIMIT most) AS old,
            {schema}.presence(old.held, now, grace, lease, all_until) AS p
        WHERE kept.user_id = old.user_id
        RETURNING kept.user_id, kept.changed
    )
    SELECT array_agg(user_id) FILTER (WHERE changed), count(*) INTO timely, looked FROM written;

    SELECT array_agg(name) INTO again FROM {schema}.claims, unnest(claims.users) AS name
    WHERE instance = me AND number <> received OR instance <> me AND at < now - 5000;
    UPDATE {schema}.claims SET users = '{}' WHERE instance <> me AND at < now - 5000 AND claims.users <> '{}';
    -- A day: no connection delivers a question so much later than it was asked.
    DELETE FROM {schema}.claims WHERE at < now - 86400000;

    SELECT array_agg(DISTINCT name) INTO again FROM unnest(named || timely || again) AS name;
    INSERT INTO {schema}.claims (instance, number, at, users) VALUES (me, question, now, coalesce(again, '{}'))
    ON CONFLICT (instance) DO UPDATE SET number = excluded.number, at = excluded.at, users = excluded.users;
    SELECT array_agg(part ORDER BY name, place) INTO answer
    FROM unnest(again) AS name LEFT JOIN {schema}.presences ON user_id = name,
        unnest(ARRAY[name, coalesce(said, 'offline')]) WITH ORDINALITY AS pair (part, place);
    RETURN ARRAY[CASE WHEN looked = most THEN '1' ELSE '0' END] || answer;
END
$$;

-- An instance ends, and says goodbye to users: they are expected back, unless another instance has them. Whoever looks
-- next says what is true by then.
CREATE FUNCTION {schema}.hand_over(me text, users text[], words text[], lasts bigint[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now bigint;
BEGIN
    PERFORM FROM {schema}.tending FOR UPDATE;
    now := {schema}.clock();
    UPDATE {schema}.presences AS kept SET due = now, held = held - me || CASE
        WHEN EXISTS (
            SELECT FROM jsonb_each(held - me) WHERE value ->> 0 = 'o' AND {schema}.is_alive(key, now)
        ) THEN '{}'
        ELSE jsonb_build_object('', jsonb_build_array(word, now + new.lasts))
    END
    FROM unnest(users, words, lasts) AS new (name, word, lasts) WHERE name = kept.user_id;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.forget(
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
    -- A user is remembered for a window: so long stand the grants of who is away.
    DELETE FROM {schema}.presences WHERE user_id IN (
        SELECT user_id FROM {schema}.presences WHERE said = 'offline' AND until < now - keep_age
        FOR UPDATE SKIP LOCKED
    );
    -- By the hubs' clocks, which may be a little behind.
    DELETE FROM {schema}.connections WHERE until < now - 60000;
    DELETE FROM {schema}.grants WHERE at < now - keep_age AND NOT EXISTS (
        SELECT FROM {schema}.presences WHERE presences.user_id = grants.user_id AND until >= now - keep_age
    );
END
$$;
