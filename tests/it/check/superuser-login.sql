-- finds: another_superuser
CREATE ROLE another_superuser SUPERUSER LOGIN;
-- good
