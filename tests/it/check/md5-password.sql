-- finds: with_md5
CREATE ROLE with_md5 LOGIN PASSWORD 'md5ac4b2e8e0b1ff0b0b9bb0bb0b7e2a3c4';
-- good
