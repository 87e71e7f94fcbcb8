-- The instances that are there, as they tell of themselves.
CREATE TABLE {schema}.members (
    instance text PRIMARY KEY,
    name text NOT NULL,
    streams bigint NOT NULL,
    position bigint NOT NULL,
    at bigint NOT NULL
);
