-- Cancels the statement of a session, if it is still the same one.
-- $1: its pid; $2: the session's start; $3: the statement's, NULL where they could not be seen.
-- Returns one row, is_sent: the signal was sent; none where the session or the statement has ended.
-- Privilege: the session's role, or pg_signal_backend; a superuser's only superusers. Cost: the activity view.
SELECT pg_catalog.pg_cancel_backend(a.pid) AS is_sent
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = $1::pg_catalog.int4
  AND ($2::pg_catalog.text IS NULL OR a.backend_start::pg_catalog.text = $2::pg_catalog.text)
  AND ($3::pg_catalog.text IS NULL OR a.query_start::pg_catalog.text = $3::pg_catalog.text)
