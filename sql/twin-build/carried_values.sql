-- The list of common values that ANALYZE made of the carrier.
-- Returns bytes, in hexadecimal.
SELECT pg_catalog.encode(d.stxdmcv::pg_catalog.bytea, 'hex') AS bytes
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_statistic_ext_data AS d ON d.stxoid = s.oid
WHERE s.stxname = 'pgtend_carried' AND d.stxdmcv IS NOT NULL
