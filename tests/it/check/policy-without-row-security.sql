-- finds: policy_without_row_security.t
CREATE TABLE t (id int);
CREATE POLICY p ON t USING (id > 0);
-- good
CREATE TABLE t (id int);
CREATE POLICY p ON t USING (id > 0);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
