-- What may decide how the server reads and prints texts: all that a word in them may name, in whatever
-- schema, and the columns of relations that they are about. If a state is as it was, the text is printed
-- as it was.
-- $1, $2: numbers and words; $3, $4: numbers and relations. Returns a row for each number of which there
-- is anything to say: ord and state, and one with ord -1 for what concerns every text: operators, casts,
-- operator classes, collations, schemas, memberships.
-- Privilege: none. Cost: index look-ups, a few for each word and relation, and one pass over each of the
-- catalogs named last.
WITH words AS (
  SELECT u.ord, u.word::pg_catalog.name AS word
  FROM ROWS FROM (
    pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.text[])
  ) AS u (ord, word)
),
types AS (
  SELECT w.ord, t.oid, t.typrelid
  FROM words AS w
  JOIN pg_catalog.pg_type AS t ON t.typname = w.word
),
functions AS (
  SELECT w.ord, p.oid, p.prorettype
  FROM words AS w
  JOIN pg_catalog.pg_proc AS p ON p.proname = w.word
),
named (ord, oid) AS (
  SELECT u.ord, u.oid
  FROM ROWS FROM (
    pg_catalog.unnest($3::pg_catalog.int4[]), pg_catalog.unnest($4::pg_catalog.oid[])
  ) AS u (ord, oid)
  UNION
  SELECT w.ord, c.oid
  FROM words AS w
  JOIN pg_catalog.pg_class AS c ON c.relname = w.word
  WHERE c.relpersistence <> 't'::pg_catalog."char"
  UNION
  SELECT t.ord, t.typrelid FROM types AS t
  UNION
  SELECT f.ord, t.typrelid
  FROM functions AS f
  JOIN pg_catalog.pg_type AS t ON t.oid = f.prorettype
),
relations (ord, oid) AS (
  SELECT n.ord, n.oid FROM named AS n
  UNION
  SELECT n.ord, c.typrelid
  FROM named AS n
  CROSS JOIN LATERAL (
    -- Looked up one by one: there are many more columns than are asked for.
    SELECT t.typrelid
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = n.oid
      AND a.attnum > 0::pg_catalog.int2
      AND a.atttypid >= 16384::pg_catalog.oid
      AND t.typtype = 'c'::pg_catalog."char"
    OFFSET 0
  ) AS c
),
facts (ord, fact) AS (
  SELECT
    r.ord,
    pg_catalog.concat_ws(
      ' ', 'relation', c.oid, c.relname, c.relnamespace, c.relkind, c.relpersistence,
      (
        SELECT pg_catalog.string_agg(
          pg_catalog.concat_ws(
            ' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attgenerated
          ), ',' ORDER BY a.attnum
        )
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0::pg_catalog.int2
      )
    )
  FROM relations AS r
  CROSS JOIN LATERAL (
    SELECT k.oid, k.relname, k.relnamespace, k.relkind, k.relpersistence
    FROM pg_catalog.pg_class AS k
    WHERE k.oid = r.oid
    OFFSET 0
  ) AS c
  UNION ALL
  SELECT
    f.ord,
    pg_catalog.concat_ws(
      ' ', 'function', p.oid, p.proname, p.pronamespace, p.prokind, p.provolatile, p.proretset,
      p.prorettype, p.proargtypes, p.provariadic, p.pronargdefaults, p.proargnames, p.proargmodes
    )
  FROM functions AS f
  JOIN pg_catalog.pg_proc AS p ON p.oid = f.oid
  UNION ALL
  SELECT
    y.ord,
    pg_catalog.concat_ws(
      ' ', 'type', t.oid, t.typname, t.typnamespace, t.typtype, t.typcategory, t.typispreferred,
      t.typbasetype, t.typtypmod, t.typelem, t.typcollation
    )
  FROM types AS y
  JOIN pg_catalog.pg_type AS t ON t.oid = y.oid
  UNION ALL
  SELECT -1, pg_catalog.concat_ws(
    ' ', 'operator', o.oid, o.oprname, o.oprnamespace, o.oprleft, o.oprright, o.oprcode
  )
  FROM pg_catalog.pg_operator AS o
  WHERE o.oid >= 16384::pg_catalog.oid
  UNION ALL
  SELECT -1, pg_catalog.concat_ws(
    ' ', 'cast', k.castsource, k.casttarget, k.castfunc, k.castcontext, k.castmethod
  )
  FROM pg_catalog.pg_cast AS k
  UNION ALL
  SELECT -1, pg_catalog.concat_ws(
    ' ', 'class', o.oid, o.opcmethod, o.opcname, o.opcnamespace, o.opcintype, o.opcdefault
  )
  FROM pg_catalog.pg_opclass AS o
  UNION ALL
  SELECT -1, pg_catalog.concat_ws(' ', 'collation', l.oid, l.collname, l.collnamespace, l.collencoding)
  FROM pg_catalog.pg_collation AS l
  WHERE l.oid >= 16384::pg_catalog.oid
  UNION ALL
  SELECT -1, pg_catalog.concat_ws(' ', 'schema', n.oid, n.nspname, n.nspowner, n.nspacl)
  FROM pg_catalog.pg_namespace AS n
  WHERE NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_')
    AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast_temp_')
  UNION ALL
  SELECT -1, pg_catalog.concat_ws(' ', 'member', m.roleid, m.member)
  FROM pg_catalog.pg_auth_members AS m
)
SELECT
  f.ord::pg_catalog.int4 AS ord,
  pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
    pg_catalog.string_agg(f.fact, E'\n' ORDER BY f.fact COLLATE pg_catalog."C"),
    pg_catalog.getdatabaseencoding()
  )), 'hex') AS state
FROM facts AS f
GROUP BY f.ord
