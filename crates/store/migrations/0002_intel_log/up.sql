-- More about each entry of the activation log. `sequence` is the number in the signed index; `provider` says what brought the
-- snapshot (`starter`, a feed, `bundle:KEY`, `return`); `records` counts the rows of all chunks.
ALTER TABLE intel_activation ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE intel_activation ADD COLUMN provider TEXT NOT NULL DEFAULT '';
ALTER TABLE intel_activation ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE intel_activation ADD COLUMN reason TEXT;
ALTER TABLE intel_activation ADD COLUMN records BIGINT NOT NULL DEFAULT 0;

-- Which (package, vulnerability) pairs of an ecosystem an activation was the first to have. Never deleted. `content` is the
-- sorted pairs, packed by the caller.
CREATE TABLE intel_known (
    seq       BIGINT NOT NULL REFERENCES intel_activation (seq),
    ecosystem TEXT   NOT NULL,
    pairs     BIGINT NOT NULL,
    content   BLOB   NOT NULL,
    PRIMARY KEY (seq, ecosystem)
);

CREATE INDEX intel_known_by_ecosystem ON intel_known (ecosystem, seq);

-- Keys whose bundles are taken, and how far each issuer has come. `id` is SHA-256 in hex of the key.
CREATE TABLE bundle_key (
    id            TEXT   NOT NULL PRIMARY KEY,
    public_key    TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    added         BIGINT NOT NULL,
    added_by      TEXT   NOT NULL,
    revoked_at    BIGINT,
    last_sequence BIGINT NOT NULL,
    last_created  BIGINT,
    last_snapshot TEXT,
    generation    BIGINT NOT NULL
);
