-- finds: collation_mismatch.english
CREATE COLLATION english (PROVIDER = icu, LOCALE = 'en');
CREATE TABLE t (name text COLLATE english);
CREATE INDEX t_name ON t (name);
UPDATE pg_collation SET collversion = '1.2.3' WHERE collname = 'english';
-- good
CREATE COLLATION english (PROVIDER = icu, LOCALE = 'en');
CREATE TABLE t (name text COLLATE english);
CREATE INDEX t_name ON t (name);
