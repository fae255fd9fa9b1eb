-- finds: partition_runway.t
CREATE TABLE t (at date) PARTITION BY RANGE (at);
DO $$
BEGIN
  EXECUTE format('CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (%L) TO (%L)', current_date - 5, current_date - 1);
  EXECUTE format('CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (%L) TO (%L)', current_date - 1, current_date + 3);
END
$$;
INSERT INTO t VALUES (current_date);
-- good
CREATE TABLE t (at date) PARTITION BY RANGE (at);
DO $$
BEGIN
  EXECUTE format('CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (%L) TO (%L)', current_date - 1, current_date + 3);
  EXECUTE format('CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (%L) TO (%L)', current_date + 3, current_date + 13);
  EXECUTE format('CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (%L) TO (%L)', current_date + 13, current_date + 23);
END
$$;
CREATE TABLE by_number (id int) PARTITION BY RANGE (id);
CREATE TABLE by_number1 PARTITION OF by_number FOR VALUES FROM (1) TO (5);
CREATE TABLE by_id (id bigint) PARTITION BY RANGE (id);
CREATE TABLE by_id1 PARTITION OF by_id FOR VALUES FROM (0) TO (10000);
CREATE TABLE by_id2 PARTITION OF by_id FOR VALUES FROM (10000) TO (20000);
CREATE TABLE by_id3 PARTITION OF by_id FOR VALUES FROM (20000) TO (30000);
INSERT INTO by_id VALUES (1), (19999);
