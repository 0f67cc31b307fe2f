-- Decisions about findings. `coverage` is the list of findings that was decided about: JSON, never changed; `plea` and `claim` are
-- what was asked for and said, `progress` is the state with who decided, all JSON. A decision is never deleted: its row says what
-- held when.
CREATE TABLE finding_exception (
    id         TEXT   NOT NULL PRIMARY KEY,
    state      TEXT   NOT NULL CHECK (state IN ('requested', 'approved', 'refused', 'revoked', 'expired')),
    ends_at    BIGINT NOT NULL,
    plea       TEXT   NOT NULL,
    progress   TEXT   NOT NULL,
    coverage   TEXT   NOT NULL,
    generation BIGINT NOT NULL
);

CREATE INDEX finding_exception_by_state ON finding_exception (state, ends_at);

CREATE TABLE not_affected (
    id         TEXT   NOT NULL PRIMARY KEY,
    state      TEXT   NOT NULL CHECK (state IN ('stated', 'withdrawn')),
    ends_at    BIGINT NOT NULL,
    claim      TEXT   NOT NULL,
    progress   TEXT   NOT NULL,
    coverage   TEXT   NOT NULL,
    generation BIGINT NOT NULL
);

CREATE INDEX not_affected_by_state ON not_affected (state, ends_at);
