-- Digest of the packages of languages that these facts have and that are judged by themselves: equal digests mean equal lists, so
-- that since when one is there is found without reading every document. Empty: none. Null: written before there was this column.
ALTER TABLE host_facts ADD COLUMN libraries_hash TEXT;
