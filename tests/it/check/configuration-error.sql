-- finds: work_mem
COPY (SELECT) TO PROGRAM 'cat >/dev/null; echo "work_mem = many" >> postgresql.auto.conf';
-- good
