-- VEX documents of others. A document is kept once, under the SHA-256 of its bytes, however often it is taken in. `filing` says what
-- it is and who took it in, `statements` is what was read from it (both JSON, never changed), `progress` is the state with who took
-- it back. A row is never deleted: it says what held when.
CREATE TABLE vex_content (
    digest  TEXT NOT NULL PRIMARY KEY,
    content BLOB NOT NULL
);

CREATE TABLE vex_document (
    id         TEXT   NOT NULL PRIMARY KEY,
    state      TEXT   NOT NULL CHECK (state IN ('kept', 'superseded', 'withdrawn')),
    ends_at    BIGINT NOT NULL,
    digest     TEXT   NOT NULL REFERENCES vex_content (digest),
    filing     TEXT   NOT NULL,
    progress   TEXT   NOT NULL,
    statements TEXT   NOT NULL,
    generation BIGINT NOT NULL
);

CREATE INDEX vex_document_by_state ON vex_document (state, ends_at);
