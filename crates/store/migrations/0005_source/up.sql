-- Repositories that hosts are set up to install from, as each host reported them last: JSON.
CREATE TABLE host_source (
    host_id   TEXT   NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    source_id TEXT   NOT NULL,
    content   TEXT   NOT NULL,
    seen_at   BIGINT NOT NULL,
    PRIMARY KEY (host_id, source_id)
);

CREATE INDEX host_source_by_source ON host_source (source_id);

-- Decisions about repositories, single artifacts and source patches: what it is and what was decided, as JSON. A decision that was
-- withdrawn leaves its row, so that generations never go back.
CREATE TABLE source_assessment (
    id         TEXT   NOT NULL PRIMARY KEY,
    subject    TEXT   NOT NULL,
    content    TEXT   NOT NULL,
    generation BIGINT NOT NULL
);
