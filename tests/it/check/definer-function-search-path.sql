-- finds: definer_function_search_path.f(integer)
CREATE ROLE owner_of_functions;
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT a + 1';
ALTER FUNCTION f(int) OWNER TO owner_of_functions;
-- good
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1';
