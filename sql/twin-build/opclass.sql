(
      SELECT c.oid
      FROM pg_catalog.pg_opclass AS c
      JOIN pg_catalog.pg_type AS i ON i.oid = c.opcintype
      JOIN pg_catalog.pg_type AS w ON w.oid = {type}
      WHERE c.opcmethod = 403
        AND c.opcdefault
        AND (
          c.opcintype = w.oid
          OR (i.typname = 'anyenum' AND w.typtype = 'e')
          OR (i.typname = 'anyrange' AND w.typtype = 'r')
          OR (i.typname = 'anyarray' AND w.typcategory = 'A' AND w.typlen = -1)
          OR EXISTS (
            SELECT FROM pg_catalog.pg_cast AS k
            WHERE k.castsource = w.oid AND k.casttarget = c.opcintype
              AND k.castmethod = 'b' AND k.castcontext = 'i'
          )
        )
      ORDER BY c.opcintype = w.oid DESC, i.typispreferred DESC
      LIMIT 1
    )
