-- finds: public
GRANT CREATE ON SCHEMA public TO PUBLIC;
-- good
