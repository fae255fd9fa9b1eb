-- finds: subscription disabled
CREATE SUBSCRIPTION disabled CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false);
-- good
