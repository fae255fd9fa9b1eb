-- finds: timestamp_without_zone.t
CREATE TABLE t (id int, a timestamp);
-- good
CREATE TABLE t (id int, a timestamptz);
