"""duckdb [-noheader] [-list] -c SQL: DuckDB's command line, as far as the README of a bundle uses it."""
import sys

import duckdb

sql = sys.argv[sys.argv.index("-c") + 1]
for row in duckdb.sql(sql).fetchall():
    print("|".join("" if v is None else str(v) for v in row))
