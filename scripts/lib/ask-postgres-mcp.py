"""Prints the indexes that postgres-mcp's tuning advisor proposes, as SQL.

    python ask-postgres-mcp.py URL BUDGET_MB FILE...

Each file holds one statement. Run it with a Python that has the package postgres-mcp; the database needs HypoPG.
"""

import asyncio
import pathlib
import sys

from postgres_mcp.index.dta_calc import DatabaseTuningAdvisor
from postgres_mcp.sql import DbConnPool, SqlDriver


def statement(path):
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("--"))
    return text.strip().rstrip(";")


async def main(url, budget, paths):
    pool = DbConnPool(url)
    await pool.pool_connect()
    advisor = DatabaseTuningAdvisor(SqlDriver(conn=pool), budget_mb=int(budget))
    statements = [statement(path) for path in paths]
    result = await advisor.analyze_workload(query_list=statements, max_index_size_mb=int(budget))
    await pool.close()
    if result.error:
        sys.exit(result.error)
    for advice in result.recommendations:
        print(f"{advice.definition};")


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
