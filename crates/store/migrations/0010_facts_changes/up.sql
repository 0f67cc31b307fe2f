-- When the lists of a host changed is read from here alone. In the table these columns lie before and behind the contents, and a host
-- that is looked at every hour has thousands of those.
CREATE INDEX host_facts_by_change ON host_facts (host_id, at, set_hash, libraries_hash);
