-- finds: replication slot nobody_reads_it
-- setting: wal_level = logical
SELECT pg_create_physical_replication_slot('nobody_reads_it', true);
DO $$
DECLARE
  start pg_lsn := pg_current_wal_lsn();
BEGIN
  WHILE pg_current_wal_lsn() - start < 70000000 LOOP
    PERFORM pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal();
  END LOOP;
END $$;
-- good
