-- Who said each field of a host's profile: JSON, field to source. Hosts without a row were classified before sources were kept.
CREATE TABLE host_profile_source (
    host_id TEXT NOT NULL PRIMARY KEY REFERENCES host (id) ON DELETE CASCADE,
    sources TEXT NOT NULL
);

-- Records of inventories and configuration databases, with or without a host here. `source` is the name of the import, whose
-- records replace each other; `name_key` is the host name in lower case.
CREATE TABLE asset_record (
    source      TEXT   NOT NULL,
    name_key    TEXT   NOT NULL,
    content     TEXT   NOT NULL,
    imported_at BIGINT NOT NULL,
    PRIMARY KEY (source, name_key)
);

CREATE INDEX asset_record_by_name ON asset_record (name_key);

-- Names under which a machine digest was reported, from the first to the last report.
CREATE TABLE machine_sighting (
    machine    TEXT   NOT NULL,
    hostname   TEXT   NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    PRIMARY KEY (machine, hostname)
);

INSERT INTO machine_sighting (machine, hostname, first_seen, last_seen)
SELECT machine, hostname, first_seen, last_seen FROM host WHERE machine IS NOT NULL;
