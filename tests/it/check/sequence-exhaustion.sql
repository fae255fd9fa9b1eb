-- finds: sequence_exhaustion.t_id_seq
CREATE TABLE t (id serial);
SELECT setval('t_id_seq', 2100000000);
-- good
CREATE TABLE t (id bigserial);
SELECT setval('t_id_seq', 2100000000);
CREATE SEQUENCE round MAXVALUE 10 CYCLE;
SELECT setval('round', 10);
