"""In a bundle's directory: DuckDB reads every Parquet, NDJSON and CSV file and agrees with the manifest on rows, and the forms with each other."""
import json

import duckdb

manifest = json.load(open("manifest.json", "rb"))
assert manifest["tables"], "no tables"
for table in manifest["tables"]:
    name = "tables/" + table["name"]
    columns = table["columns"]
    parquet = duckdb.read_parquet(name + ".parquet")
    sums = []
    for c in columns:
        q = '"' + c["name"] + '"'
        match c["type"]:
            case "int":
                sums.append(f"sum({q})::varchar")
            case "bool":
                sums.append(f"count_if({q})::varchar")
            case "time":
                sums.append(f"sum(epoch_us({q}::timestamptz))::varchar")
            case "list":
                sums.append(f"sum(len({q}))::varchar || '/' || count({q})")
            case _:
                sums.append(f"sum(hash({q}::varchar)::hugeint)::varchar || '/' || count({q})")
    types = {"int": "BIGINT", "bool": "BOOLEAN", "time": "TIMESTAMPTZ", "list": "VARCHAR[]", "text": "VARCHAR", "id": "VARCHAR"}
    # The reader is told the columns, so that it guesses none.
    given = "{" + ", ".join(f"'{c['name']}': '{types[c['type']]}'" for c in columns) + "}"
    ndjson = f"read_json('{name}.ndjson', format='newline_delimited', columns={given}, maximum_object_size=16777216)"
    ask = "select count(*)::varchar, " + ", ".join(sums) + " from "
    a = duckdb.sql(ask + f"'{name}.parquet'").fetchall()[0]
    b = duckdb.sql(ask + ndjson).fetchall()[0]
    assert a == b, (name, a, b)
    assert int(a[0]) == table["rows"], (name, a[0], table["rows"])
    assert [c[0] for c in parquet.description] == sorted(c["name"] for c in columns), name
    if table["csv"]:
        n = duckdb.sql(f"select count(*) from read_csv('{name}.csv', delim=';', header=true, all_varchar=true, quote='\"', strict_mode=true, max_line_size=16777216)").fetchall()[0]
        assert n[0] == table["rows"], (name, "csv", n[0])
    print(name, "agrees:", table["rows"], "rows")
