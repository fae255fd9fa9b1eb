-- finds: pg_multixact/members
-- until: 18
COPY (SELECT) TO PROGRAM 'cat >/dev/null; cd pg_multixact/members && seq -f not_%.0f 50000 | xargs touch';
-- good
