-- Questions over findings that a person keeps under a name. `name_key` is the name in lower case.
CREATE TABLE saved_view (
    id       TEXT   NOT NULL PRIMARY KEY,
    owner    TEXT   NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    name     TEXT   NOT NULL,
    name_key TEXT   NOT NULL,
    query    TEXT   NOT NULL,
    grouped  TEXT   NOT NULL CHECK (grouped IN ('patch', 'vuln', 'host', 'owner')),
    sorted   TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    UNIQUE (owner, name_key)
);
