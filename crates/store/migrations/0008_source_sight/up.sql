-- What hosts show of a repository, once for all that show it alike: JSON without packages, named by its digest. `host_source` keeps
-- the numbers of each host beside its content, so that a list of sources reads no contents of hosts. `told` is 1 where the host can
-- say what is installed from the source. Rows that an older program wrote have no sight, and count by their content.
CREATE TABLE source_sight (
    id      TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
);

ALTER TABLE host_source ADD COLUMN sight_id TEXT;
ALTER TABLE host_source ADD COLUMN installed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE host_source ADD COLUMN pending BIGINT NOT NULL DEFAULT 0;
ALTER TABLE host_source ADD COLUMN told BIGINT NOT NULL DEFAULT 0;

CREATE INDEX host_source_by_sight ON host_source (source_id, sight_id);
