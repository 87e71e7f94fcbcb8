-- Presence over all instances, and the connections of each user.
DROP TABLE {schema}.leases;
DROP FUNCTION {schema}.living(jsonb, bigint);

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

-- Changes that an instance was answered, until it says that it has them.
CREATE TABLE {schema}.claims (
    user_id text PRIMARY KEY,
    instance text NOT NULL,
    turn bigint NOT NULL,
    at bigint NOT NULL
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
-- left. One that is online is reconnecting when less than `grace` of its lease is left.
CREATE FUNCTION {schema}.presence(
    held jsonb, now bigint, grace bigint, pardon bigint,
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
            SELECT key AS holder, value, value ->> 0 AS word,
                CASE value ->> 0 WHEN 'o' THEN greatest((value ->> 1)::bigint, pardon)
                    ELSE (value ->> 1)::bigint END AS ends
            FROM jsonb_each(held)
        ) AS holders
    ) AS known
$$;

-- The holders once an instance has said its word. Whoever was expected has come with a word of "o", and whose instance
-- is gone may have come from it.
CREATE FUNCTION {schema}.hold(held jsonb, holder text, word text, ends bigint, now bigint)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE word
        WHEN 'f' THEN held - holder
        WHEN 'o' THEN coalesce((
            SELECT jsonb_object_agg(key, value) FROM jsonb_each(held - holder) WHERE {schema}.is_alive(key, now)
        ), '{}') || jsonb_build_object(holder, jsonb_build_array(word, ends))
        ELSE held || jsonb_build_object(holder, jsonb_build_array(word, ends))
    END
$$;

-- What was answered to an instance, until it says that it has it; a later change of a user stands for the earlier.
CREATE FUNCTION {schema}.claim(me text, my_turn bigint, users text[], now bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO {schema}.claims (user_id, instance, turn, at)
    SELECT DISTINCT name, me, my_turn, now FROM unnest(users) AS name ORDER BY name
    ON CONFLICT (user_id) DO UPDATE SET instance = excluded.instance, turn = excluded.turn, at = excluded.at
$$;

-- Stores what an instance knows of users; answers which presences became others by that. Locks users in one order for
-- all instances, so that two of them never wait for each other.
CREATE FUNCTION {schema}.lease(
    me text, grace bigint, lease bigint, my_turn bigint, users text[], words text[], lasts bigint[]
) RETURNS TABLE (changed_user text, now_said text) LANGUAGE plpgsql AS $$
DECLARE
    now CONSTANT bigint := {schema}.clock();
    pardon CONSTANT bigint := {schema}.pardoned(now, lease);
    changes text[];
BEGIN
    INSERT INTO {schema}.presences (user_id, held, said, until, changed)
    SELECT name, '{}', 'offline', now, false FROM unnest(users, words) AS new (name, word)
    WHERE word <> 'f' ORDER BY name ON CONFLICT DO NOTHING;
    PERFORM FROM {schema}.presences WHERE user_id = ANY(users) ORDER BY user_id FOR UPDATE;
    WITH written AS (
        UPDATE {schema}.presences AS kept SET
            held = living, said = known.said, due = known.due, changed = known.said <> kept.said,
            until = CASE WHEN known.until IS NULL THEN now ELSE greatest(kept.until, known.until) END
        FROM (
            SELECT name, word, p.* FROM {schema}.presences AS old
                JOIN unnest(users, words, lasts) AS new (name, word, lasts) ON name = old.user_id,
                {schema}.presence({schema}.hold(old.held, me, word, now + new.lasts, now), now, grace, pardon) AS p
        ) AS known
        WHERE kept.user_id = known.name
        RETURNING kept.user_id, kept.changed
    )
    SELECT array_agg(user_id) INTO changes FROM written WHERE changed;
    PERFORM {schema}.claim(me, my_turn, changes, now);
    RETURN QUERY SELECT user_id, said FROM {schema}.presences WHERE user_id = ANY(changes);
END
$$;

-- Looks whose time has come, and whose change was answered and not received: by this instance, or by another for so
-- long that it is likely gone. One instance looks at a time.
CREATE FUNCTION {schema}.look(
    me text, grace bigint, lease bigint, my_turn bigint, received bigint, most integer
) RETURNS TABLE (changed_user text, now_said text) LANGUAGE plpgsql AS $$
DECLARE
    now CONSTANT bigint := {schema}.clock();
    all_until bigint;
    changes text[];
    again text[];
BEGIN
    PERFORM FROM {schema}.tending FOR UPDATE;
    all_until := {schema}.pardoned(now, lease);
    UPDATE {schema}.tending AS kept SET at = now, pardon = all_until;
    WITH due AS (
        SELECT user_id, held FROM {schema}.presences WHERE due <= now ORDER BY due LIMIT most
        FOR UPDATE SKIP LOCKED
    ), written AS (
        UPDATE {schema}.presences AS kept SET
            held = p.living, said = p.said, due = p.due, changed = p.said <> kept.said
        FROM due, {schema}.presence(due.held, now, grace, all_until) AS p
        WHERE kept.user_id = due.user_id
        RETURNING kept.user_id, kept.changed
    )
    SELECT array_agg(user_id) INTO changes FROM written WHERE changed;
    DELETE FROM {schema}.claims WHERE user_id IN (
        SELECT user_id FROM {schema}.claims WHERE instance = me AND turn <= received ORDER BY user_id FOR UPDATE
    );
    SELECT array_agg(user_id) INTO again FROM {schema}.claims WHERE instance = me OR at < now - 5000;
    PERFORM {schema}.claim(me, my_turn, changes || again, now);
    RETURN QUERY SELECT name, coalesce(said, 'offline') FROM unnest(changes || again) AS name
        LEFT JOIN {schema}.presences ON user_id = name;
END
$$;

-- The run of an instance ends: whom it has is expected back, unless another instance has them. Whoever looks next says
-- what is true by then.
CREATE FUNCTION {schema}.hand_over(me text, users text[], words text[], lasts bigint[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now CONSTANT bigint := {schema}.clock();
BEGIN
    PERFORM FROM {schema}.presences WHERE user_id = ANY(users) ORDER BY user_id FOR UPDATE;
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
    DELETE FROM {schema}.presences WHERE said = 'offline' AND until < now - keep_age;
    -- By the hubs' clocks, which may be a little behind.
    DELETE FROM {schema}.connections WHERE until < now - 60000;
    DELETE FROM {schema}.grants WHERE at < now - keep_age
        AND NOT EXISTS (SELECT FROM {schema}.presences WHERE presences.user_id = grants.user_id AND until >= now - keep_age);
END
$$;
