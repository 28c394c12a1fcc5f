"""`python -m benchmarks.bench_peers`: every case through fastml and the peers that are installed, one after the other.

In each repetition every library fits once, so that a slow minute of the machine hits all alike; the split of the
data changes with the seed. Medians of the times, means of the scores; `ratio` is a library's time over that of the
fastest peer, fastml not counted.
"""

import argparse
import json
import platform
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks import measure
from benchmarks.datasets import DataMissing
from benchmarks.registry import CASES, Case, cases

OURS = "fastml"


def run_case(case: Case, libraries: list[str], repeat: int, seeds: int, n_threads: int, memory: bool) -> list[dict]:
    """A record for each library: medians of times, mean of scores, ratio to the fastest peer."""
    for library in libraries:
        measure.warm_up(case, library, n_threads)
    runs: dict[str, list[dict[str, float]]] = defaultdict(list)
    for i in range(max(repeat, seeds)):
        for library in libraries:
            runs[library].append(measure.run_once(case, library, i % seeds, n_threads))
    records: list[dict[str, Any]] = []
    for library, rows in runs.items():
        record: dict[str, Any] = {"case": case.name, "library": library}
        record |= {key: (mean if key == "score" else median)(row[key] for row in rows) for key in rows[0]}
        record["fit_all_s"] = [row["fit_s"] for row in rows]
        if memory:
            record["peak_mb"] = measure.peak_memory(case, library, n_threads)
        records.append(record)
    fastest = min((r["fit_s"] for r in records if r["library"] != OURS), default=None)
    for record in records:
        record["ratio"] = record["fit_s"] / fastest if fastest else None
    return records


def line(record: dict[str, Any]) -> str:
    """One record as a line of the table."""

    def cell(key: str, scale: float, width: int, digits: int) -> str:
        value = record.get(key)
        return f"{'':>{width}}" if value is None else f"{value * scale:>{width}.{digits}f}"

    return (
        f"{record['case']:<11}{record['library']:<20}{cell('fit_s', 1, 9, 4)}{cell('ratio', 1, 7, 2)}"
        f"{cell('fit_cpu_s', 1, 9, 4)}{cell('score', 1, 9, 4)}{cell('predict_s', 1e3, 10, 2)}{cell('peak_mb', 1, 9, 1)}"
        f"{cell('row_us', 1, 9, 2)}{cell('row_proba_us', 1, 10, 1)}"
    )


HEADER = (
    f"{'case':<11}{'library':<20}{'fit s':>9}{'ratio':>7}{'cpu s':>9}{'score':>9}{'predict ms':>10}{'peak MB':>9}"
    f"{'row us':>9}{'proba us':>10}"
)


def verdicts(case: Case, records: list[dict]) -> list[str]:
    """Where fastml stands on this case against the figures to reach."""
    by_library = {r["library"]: r for r in records}
    if OURS not in by_library or len(by_library) == 1:
        return []
    ours, said = by_library[OURS], []
    if case.goal is not None:
        reached = "reached" if ours["ratio"] <= case.goal else "short"
        said.append(f"ratio {ours['ratio']:.2f}, goal {case.goal}: {reached}")
    scores = [by_library[name]["score"] for name in case.rivals if name in by_library]
    if scores:
        above = ours["score"] - max(scores)
        within = "within" if above >= -case.tolerance else "beyond"
        said.append(f"score {above:+.4f} against the best of {', '.join(case.rivals)}: {within} {case.tolerance}")
    return said


def conditions(libraries: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """What a reader must know to repeat the run."""
    return {
        "python": platform.python_version(),
        "processor": _processor(),
        "threads": options.threads,
        "repeat": options.repeat,
        "seeds": options.seeds,
        "versions": {name: measure.installed(name) for name in libraries},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_peers", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", metavar="CASE", help=f"of {', '.join(CASES)}; default all")
    parser.add_argument("--libraries", nargs="+", metavar="NAME", help="default: all that are installed")
    parser.add_argument("--repeat", type=int, default=5, help="fits of each library")
    parser.add_argument("--seeds", type=int, default=1, help="different splits of the data among the repetitions")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", action="store_true", help="peak memory too: one more fit each, in a new process")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records to FILE")
    options = parser.parse_args(argv)

    wanted = cases(options.cases)
    known = dict.fromkeys(name for case in wanted for name in case.estimators)
    libraries = [name for name in options.libraries or known if measure.installed(name)]
    print(HEADER)
    records: list[dict] = []
    for case in wanted:
        present = [name for name in libraries if measure.has_estimator(case, name)]
        try:
            new = run_case(case, present, options.repeat, options.seeds, options.threads, options.memory)
        except DataMissing as missing:
            print(f"{case.name:<11}left out: {missing}")
            continue
        records += new
        print(*map(line, new), *(f"{'':11}{said}" for said in verdicts(case, new)), sep="\n", flush=True)
        if options.json:
            content = {"conditions": conditions(libraries, options), "records": records}
            options.json.write_text(json.dumps(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
