-- Fresh statistics for every table that the workload reads, and for the search expressions: an index on an
-- expression has none until its table is analyzed.
ANALYZE users;
ANALYZE customers;
ANALYZE sales;
ANALYZE payments;
ANALYZE appointments;
ANALYZE owner_properties;
ANALYZE analytics_snapshots;

-- VACUUM as well where the counts of the dashboard are to be read from an index alone: an index-only scan needs
-- the visibility map.
VACUUM ANALYZE users;
VACUUM ANALYZE customers;
VACUUM ANALYZE sales;
