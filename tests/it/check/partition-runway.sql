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
