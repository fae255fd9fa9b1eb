-- finds: pg_wal
COPY (SELECT) TO PROGRAM 'cat >/dev/null; truncate -s 20G pg_wal/holes';
-- good
