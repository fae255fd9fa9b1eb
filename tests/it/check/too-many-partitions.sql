-- finds: too_many_partitions.t
CREATE TABLE t (id int) PARTITION BY LIST (id);
DO $$
BEGIN
  FOR n IN 1..1001 LOOP
    EXECUTE format('CREATE TABLE t%s PARTITION OF t FOR VALUES IN (%s)', n, n);
  END LOOP;
END
$$;
-- good
CREATE TABLE t (id int) PARTITION BY LIST (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
