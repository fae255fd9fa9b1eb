-- finds: serial_column.t
CREATE TABLE t (id int, a serial);
-- good
CREATE TABLE t (id int, a int GENERATED ALWAYS AS IDENTITY);
