-- Everything that a role which may create in the schema public can put in the way of somebody else's
-- queries: each operator and function that could fit better than that of pg_catalog, and aggregates,
-- types, casts and relations of the same names. Whatever is called writes "sprung" to the server's log,
-- which no rollback takes back.
SET search_path = pg_catalog;
SET check_function_bodies = off;

CREATE FUNCTION public.sprung(what text) RETURNS bool LANGUAGE plpgsql AS
$$ BEGIN RAISE LOG 'sprung: %', what; RETURN true; END $$;

DO $do$
DECLARE
  scalars text[] := ARRAY[
    'bool', '"char"', 'name', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'text', 'varchar',
    'bpchar', 'oid', 'regclass', 'regtype', 'regproc', 'regnamespace', 'regrole', 'xid', 'xid8', 'pg_lsn',
    'timestamptz', 'interval', 'inet', 'jsonb'
  ];
  texts text[] := ARRAY['text', 'name', 'varchar', 'bpchar', '"char"'];
  numbers text[] := ARRAY[
    'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'oid', 'timestamptz', 'interval', 'pg_lsn'
  ];
  arrays text[] := ARRAY['text[]', 'name[]', '"char"[]', 'int2[]', 'int4[]', 'int8[]', 'oid[]', 'int2vector',
    'oidvector', 'regclass[]'];
  l text;
  r text;
  o text;
BEGIN
  FOR l, r IN
    SELECT a, b FROM unnest(scalars) AS a, unnest(scalars) AS b
    UNION ALL SELECT a, b FROM unnest(arrays) AS a, unnest(arrays) AS b
  LOOP
    EXECUTE format(
      'CREATE FUNCTION public.compared(pg_catalog.%s, pg_catalog.%s) RETURNS bool LANGUAGE plpgsql AS
      $f$ BEGIN RAISE LOG ''sprung: comparison of %s and %s''; RETURN true; END $f$', l, r, l, r
    );
    FOREACH o IN ARRAY ARRAY['=', '<>', '<', '<=', '>', '>='] LOOP
      EXECUTE format(
        'CREATE OPERATOR public.%s (LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%s,
        FUNCTION = public.compared)', o, l, r
      );
    END LOOP;
  END LOOP;
  FOR l, r IN SELECT a, b FROM unnest(texts) AS a, unnest(texts) AS b LOOP
    FOREACH o IN ARRAY ARRAY['~', '~*', '!~', '!~*', '~~', '!~~', '~~*', '!~~*', '^@'] LOOP
      EXECUTE format(
        'CREATE OPERATOR public.%s (LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%s,
        FUNCTION = public.compared)', o, l, r
      );
    END LOOP;
  END LOOP;
  FOR l, r IN
    SELECT a, b FROM unnest(arrays) AS a, unnest(arrays) AS b
    UNION ALL SELECT a, b FROM (VALUES ('jsonb', 'jsonb'), ('jsonb', 'text'), ('inet', 'inet')) AS v (a, b)
  LOOP
    FOREACH o IN ARRAY ARRAY['@>', '<@', '&&', '?'] LOOP
      EXECUTE format(
        'CREATE OPERATOR public.%s (LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%s,
        FUNCTION = public.compared)', o, l, r
      );
    END LOOP;
  END LOOP;
  FOR l, r IN SELECT a, b FROM unnest(scalars) AS a, unnest(scalars) AS b LOOP
    EXECUTE format(
      'CREATE FUNCTION public.joined(pg_catalog.%s, pg_catalog.%s) RETURNS text LANGUAGE plpgsql AS
      $f$ BEGIN RAISE LOG ''sprung: %s || %s''; RETURN ''x''; END $f$', l, r, l, r
    );
    EXECUTE format(
      'CREATE OPERATOR public.|| (LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%s,
      FUNCTION = public.joined)', l, r
    );
  END LOOP;
  FOR l, r IN SELECT a, b FROM unnest(numbers) AS a, unnest(numbers) AS b LOOP
    EXECUTE format(
      'CREATE FUNCTION public.reckoned(pg_catalog.%s, pg_catalog.%s) RETURNS pg_catalog.%s LANGUAGE plpgsql AS
      $f$ BEGIN RAISE LOG ''sprung: reckoning with %s and %s''; RETURN NULL; END $f$', l, r, l, l, r
    );
    FOREACH o IN ARRAY ARRAY['+', '-', '*', '/', '%', '<<', '>>', '&', '|', '#'] LOOP
      EXECUTE format(
        'CREATE OPERATOR public.%s (LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%s,
        FUNCTION = public.reckoned)', o, l, r
      );
    END LOOP;
  END LOOP;
  FOREACH r IN ARRAY ARRAY['text', 'int4'] LOOP
    EXECUTE format(
      'CREATE FUNCTION public.taken(pg_catalog.jsonb, pg_catalog.%s) RETURNS text LANGUAGE plpgsql AS
      $f$ BEGIN RAISE LOG ''sprung: part of JSON''; RETURN NULL; END $f$', r
    );
    FOREACH o IN ARRAY ARRAY['->', '->>'] LOOP
      EXECUTE format(
        'CREATE OPERATOR public.%s (LEFTARG = pg_catalog.jsonb, RIGHTARG = pg_catalog.%s,
        FUNCTION = public.taken)', o, r
      );
    END LOOP;
  END LOOP;
END $do$;

-- A type of one's own that anything can silently become.
CREATE TYPE public.bait AS (a int4);
CREATE FUNCTION public.bait_compared(public.bait, public.bait) RETURNS bool LANGUAGE plpgsql AS
$$ BEGIN RAISE LOG 'sprung: comparison of baits'; RETURN true; END $$;
CREATE OPERATOR public.= (LEFTARG = public.bait, RIGHTARG = public.bait, FUNCTION = public.bait_compared);
CREATE OPERATOR public.<> (LEFTARG = public.bait, RIGHTARG = public.bait, FUNCTION = public.bait_compared);

DO $do$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY[
    'bool', '"char"', 'name', 'int2', 'int4', 'int8', 'float8', 'text', 'oid', 'regclass', 'xid', 'timestamptz',
    'interval', 'jsonb'
  ] LOOP
    EXECUTE format(
      'CREATE FUNCTION public.to_bait(pg_catalog.%s) RETURNS public.bait LANGUAGE plpgsql AS
      $f$ BEGIN RAISE LOG ''sprung: cast of %s''; RETURN NULL; END $f$', t, t
    );
    EXECUTE format(
      'CREATE CAST (pg_catalog.%s AS public.bait) WITH FUNCTION public.to_bait(pg_catalog.%s) AS IMPLICIT', t, t
    );
    BEGIN
      EXECUTE format(
        'CREATE DOMAIN public.%s AS pg_catalog.%s CHECK (public.sprung(''domain %s''))', t, t, replace(t, '"', '')
      );
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $do$;

-- The functions and aggregates of pg_catalog with their very arguments, as far as one can be written.
DO $do$
DECLARE
  f record;
BEGIN
  FOR f IN
    SELECT
      p.proname, p.prokind, p.proretset, pg_get_function_result(p.oid) AS result,
      pg_get_function_arguments(p.oid) AS arguments, pg_get_function_identity_arguments(p.oid) AS identity
    FROM pg_proc AS p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace
      AND p.prokind IN ('f', 'a')
      AND NOT EXISTS (
        SELECT FROM unnest(p.proargtypes::oid[] || p.prorettype) AS a (oid)
        WHERE a.oid IN (
          'internal'::regtype, 'cstring'::regtype, 'trigger'::regtype, 'event_trigger'::regtype, '"any"'::regtype
        )
      )
  LOOP
    BEGIN
      IF f.prokind = 'f' THEN
        EXECUTE format(
          'CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS
          $f$ BEGIN RAISE LOG ''sprung: function %s''; RETURN %s; END $f$',
          f.proname, f.arguments, f.result, f.proname,
          CASE WHEN f.proretset OR f.result IN ('void', 'record') OR f.arguments ~ '\mOUT\M' THEN '' ELSE 'NULL' END
        );
      ELSE
        EXECUTE format(
          'CREATE FUNCTION public.gathered(text, %s) RETURNS text LANGUAGE plpgsql AS
          $f$ BEGIN RAISE LOG ''sprung: aggregate''; RETURN NULL; END $f$', f.identity
        );
      END IF;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    BEGIN
      IF f.prokind = 'a' THEN
        EXECUTE format(
          'CREATE AGGREGATE public.%I(%s) (SFUNC = public.gathered, STYPE = text)', f.proname, f.identity
        );
      END IF;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $do$;
CREATE FUNCTION public.counted(int8) RETURNS int8 LANGUAGE plpgsql AS
$$ BEGIN RAISE LOG 'sprung: aggregate count'; RETURN 0; END $$;
CREATE AGGREGATE public.count(*) (SFUNC = public.counted, STYPE = int8, INITCOND = '0');

-- The relations of pg_catalog.
DO $do$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT k.relname FROM pg_class AS k
    WHERE k.relnamespace = 'pg_catalog'::regnamespace AND k.relkind IN ('r', 'v')
  LOOP
    BEGIN
      EXECUTE format(
        'CREATE VIEW public.%I AS SELECT * FROM pg_catalog.%I WHERE public.sprung(''relation %s'')',
        c.relname, c.relname, c.relname
      );
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $do$;
RESET search_path;
