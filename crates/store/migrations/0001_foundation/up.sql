-- One text for SQLite and PostgreSQL. BLOB becomes BYTEA on PostgreSQL (src/dialect.rs); everything else is the same words.
-- Times are milliseconds since 1970 in UTC, ids and enums are ASCII text, JSON is text, booleans are 0 or 1.
-- What is ordered or ranged over in SQL is a number, a byte key or an id, so that the database's collation never matters.

-- A content-addressed set of packages: equal hosts share one row. `hash` is SHA-256 in hex of the canonical JSON in `content`.
CREATE TABLE package_set (
    hash       TEXT   NOT NULL PRIMARY KEY,
    content    BLOB   NOT NULL,
    packages   BIGINT NOT NULL,
    first_seen BIGINT NOT NULL
);

-- `list_key` is the host name in lower case, a zero byte and the id: the order of every list, unique by construction.
CREATE TABLE host (
    id          TEXT   NOT NULL PRIMARY KEY,
    hostname    TEXT   NOT NULL,
    list_key    BLOB   NOT NULL UNIQUE,
    search_text TEXT   NOT NULL,
    machine     TEXT   UNIQUE,
    ecosystem   TEXT   NOT NULL,
    os_pretty   TEXT   NOT NULL,
    environment TEXT   NOT NULL,
    tier        TEXT   NOT NULL CHECK (tier IN ('T1', 'T2', 'T3', 'T4')),
    profile     TEXT   NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    facts_at    BIGINT NOT NULL,
    collector   TEXT   NOT NULL,
    packages    BIGINT NOT NULL,
    set_hash    TEXT   NOT NULL REFERENCES package_set (hash),
    facts_hash  TEXT   NOT NULL,
    generation  BIGINT NOT NULL
);

CREATE INDEX host_by_set ON host (set_hash);
CREATE INDEX host_by_last_seen ON host (last_seen, list_key);
CREATE INDEX host_by_hostname ON host (hostname);

-- What a host looked like, one row for each change. Unchanged facts add no row.
CREATE TABLE host_facts (
    host_id    TEXT   NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    at         BIGINT NOT NULL,
    set_hash   TEXT   NOT NULL REFERENCES package_set (hash),
    facts_hash TEXT   NOT NULL,
    collector  TEXT   NOT NULL,
    content    BLOB   NOT NULL,
    PRIMARY KEY (host_id, at)
);

CREATE INDEX host_facts_by_set ON host_facts (set_hash);

-- A cache: counts that were computed for a host from inputs with this digest. May be emptied at any time.
CREATE TABLE host_counters (
    host_id  TEXT NOT NULL PRIMARY KEY REFERENCES host (id) ON DELETE CASCADE,
    digest   TEXT NOT NULL,
    counters TEXT NOT NULL
);

CREATE TABLE feed (
    id            TEXT   NOT NULL PRIMARY KEY,
    config        TEXT   NOT NULL,
    last_attempt  BIGINT,
    last_success  BIGINT,
    etag          TEXT,
    last_modified TEXT,
    records       BIGINT NOT NULL,
    problems      BIGINT NOT NULL,
    bytes         BIGINT NOT NULL,
    error         TEXT,
    sha256        TEXT,
    shrink        TEXT   NOT NULL CHECK (shrink IN ('none', 'refused', 'accepted')),
    shrink_from   BIGINT,
    shrink_to     BIGINT,
    generation    BIGINT NOT NULL
);

CREATE TABLE feed_run (
    id       TEXT   NOT NULL PRIMARY KEY,
    feed     TEXT   NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    started  BIGINT NOT NULL,
    finished BIGINT,
    outcome  TEXT   NOT NULL CHECK (outcome IN ('running', 'unchanged', 'loaded', 'refused', 'failed')),
    records  BIGINT NOT NULL,
    problems BIGINT NOT NULL,
    bytes    BIGINT NOT NULL,
    sha256   TEXT,
    error    TEXT
);

CREATE INDEX feed_run_by_feed ON feed_run (feed, started);

-- One row for each different problem of a feed; `digest` is SHA-256 in hex of what and excerpt.
CREATE TABLE feed_problem (
    feed     TEXT   NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
    digest   TEXT   NOT NULL,
    what     TEXT   NOT NULL,
    excerpt  TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    seen     BIGINT NOT NULL,
    PRIMARY KEY (feed, digest)
);

CREATE INDEX feed_problem_by_time ON feed_problem (feed, last_at);

-- Which vulnerability data was in force from when: the `known_from` of this installation. Never deleted.
CREATE TABLE intel_activation (
    seq         BIGINT NOT NULL PRIMARY KEY,
    snapshot_id TEXT   NOT NULL,
    label       TEXT   NOT NULL,
    at          BIGINT NOT NULL
);

CREATE TABLE policy_version (
    id         TEXT   NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL,
    text       TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    valid_from BIGINT NOT NULL,
    author     TEXT   NOT NULL,
    created    BIGINT NOT NULL,
    active     BIGINT NOT NULL CHECK (active IN (0, 1))
);

CREATE UNIQUE INDEX policy_version_active ON policy_version (kind) WHERE active = 1;
CREATE INDEX policy_version_by_kind ON policy_version (kind, created);

-- `name_key` is the name in lower case: two people cannot differ by capitals only.
CREATE TABLE user_account (
    id            TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL,
    name_key      TEXT   NOT NULL UNIQUE,
    password_hash TEXT,
    role          TEXT   NOT NULL CHECK (role IN ('viewer', 'operator', 'security_officer', 'approver', 'admin')),
    scope         TEXT   NOT NULL,
    disabled      BIGINT NOT NULL CHECK (disabled IN (0, 1)),
    created       BIGINT NOT NULL,
    generation    BIGINT NOT NULL
);

-- Secrets are kept as SHA-256 only: who reads the database cannot sign in with what stands here.
CREATE TABLE session (
    token_hash BLOB   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    created    BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    last_used  BIGINT NOT NULL,
    csrf       BLOB   NOT NULL
);

CREATE INDEX session_by_user ON session (user_id);
CREATE INDEX session_by_expiry ON session (expires);

CREATE TABLE one_time_link (
    token_hash BLOB   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    created    BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    used_at    BIGINT
);

CREATE INDEX one_time_link_by_user ON one_time_link (user_id);
CREATE INDEX one_time_link_by_expiry ON one_time_link (expires);

CREATE TABLE api_token (
    id           TEXT   NOT NULL PRIMARY KEY,
    token_hash   BLOB   NOT NULL UNIQUE,
    name         TEXT   NOT NULL,
    owner        TEXT   NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    scopes       TEXT   NOT NULL,
    environments TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    expires      BIGINT,
    last_used    BIGINT,
    revoked_at   BIGINT
);

CREATE INDEX api_token_by_owner ON api_token (owner);

-- The audit chain (domain::audit). `record` is the canonical text that `hash` covers.
CREATE TABLE audit (
    seq    BIGINT NOT NULL PRIMARY KEY,
    hash   TEXT   NOT NULL,
    record TEXT   NOT NULL
);

-- One row. Updating it is what serialises appends on PostgreSQL. The hash is that of an empty chain.
CREATE TABLE audit_head (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq  BIGINT NOT NULL,
    hash TEXT   NOT NULL
);

INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, 'f0193460953d6d94230633c88de9948d08e3e156ba0f631f0e7c23a8383bf3e6');

-- Numbers that grow in commit order: the row lock of the update holds until commit, so a reader never meets a gap that fills later.
CREATE TABLE counter (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO counter (name, value) VALUES ('outbox', 0), ('intel_activation', 0);

CREATE TABLE outbox (
    id           BIGINT NOT NULL PRIMARY KEY,
    topic        TEXT   NOT NULL,
    payload      TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    delivered_at BIGINT
);

CREATE INDEX outbox_pending ON outbox (id) WHERE delivered_at IS NULL;

CREATE TABLE setting (
    key        TEXT   NOT NULL PRIMARY KEY,
    value      TEXT   NOT NULL,
    generation BIGINT NOT NULL
);
