-- finds: host all all 203.0.113.0 255.255.255.0 trust
COPY (SELECT) TO PROGRAM 'cat >/dev/null; echo "host all all 203.0.113.0/24 trust" >> pg_hba.conf';
-- good
