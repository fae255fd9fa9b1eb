-- How many files hold the members of multixacts.
-- Returns files. Privilege: EXECUTE on pg_ls_dir(text), which superusers have. Cost: one look into a folder.
SELECT pg_catalog.count(*) AS files
FROM pg_catalog.pg_ls_dir('pg_multixact/members') AS f (name)
