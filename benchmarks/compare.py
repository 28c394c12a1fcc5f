"""`python -m benchmarks.compare BASE [HEAD]`: has HEAD become slower? Exit status 1 if so, 2 if nothing ran.

Both commits are built in worktrees of their own, on this machine, and take turns running the cases of *this*
checkout's registry; the medians are compared. A case fails when HEAD takes more than 15% and more than 50 ms longer:
the first alone is noise on a short case, the second alone on a long one.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
ROOT = HERE.parent
MORE_SHARE = 0.15
MORE_SECONDS = 0.050
TIMED = ("fit_s", "predict_s")
Times = dict[tuple[str, str], list[float]]  # (case, what) -> seconds of every turn


def run(*command: str | Path, cwd: Path) -> str:
    """The standard output of a command; its whole output in the error if it fails."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed in {cwd}:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def built(commit: str, folder: Path) -> Iterator[Path]:
    """A worktree of the commit with its engines compiled and this checkout's benchmarks; removed in the end."""
    run("git", "worktree", "add", "--detach", folder, commit, cwd=ROOT)
    try:
        run(sys.executable, "setup.py", "build_ext", "--inplace", cwd=folder)
        shutil.rmtree(folder / "benchmarks", ignore_errors=True)
        shutil.copytree(HERE, folder / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
        yield folder
    finally:
        run("git", "worktree", "remove", "--force", folder, cwd=ROOT)


def take_turn(folder: Path, arguments: list[str], times: Times) -> None:
    """Run the cases once with the fastml of this folder and note the times."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.bench_peers", "--libraries", "fastml", "--json", result]
    run(*command, *arguments, cwd=folder)
    if result.exists():
        for record in json.loads(result.read_text())["records"]:
            for what in TIMED:
                times[record["case"], what].append(record[what])


def slower(base: float, head: float) -> bool:
    """Whether `head` seconds are more than 15% and more than 50 ms above `base` seconds."""
    return head > base * (1 + MORE_SHARE) and head > base + MORE_SECONDS


def report(base: Times, head: Times) -> int:
    """Print the medians side by side; how many cases became slower."""
    n_slower = 0
    print(f"{'case':<12}{'what':<11}{'base s':>9}{'head s':>9}{'change':>9}")
    for key in head:
        after = median(head[key])
        if key not in base:
            print(f"{key[0]:<12}{key[1]:<11}{'':>9}{after:>9.4f}      new")
            continue
        before = median(base[key])
        worse = slower(before, after)
        n_slower += worse
        verdict = "  SLOWER" if worse else ""
        print(f"{key[0]:<12}{key[1]:<11}{before:>9.4f}{after:>9.4f}{after / before - 1:>+9.1%}{verdict}")
    return n_slower


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.splitlines()[0])
    parser.add_argument("base", help="commit to compare with")
    parser.add_argument("head", nargs="?", default="HEAD", help="commit to judge; default HEAD")
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="default all")
    parser.add_argument("--turns", type=int, default=3, help="how often the two alternate")
    parser.add_argument("--repeat", type=int, default=3, help="fits a turn")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(argv)
    arguments = ["--repeat", str(options.repeat), "--threads", str(options.threads)]
    arguments += ["--cases", *options.cases] if options.cases else []

    base: Times = defaultdict(list)
    head: Times = defaultdict(list)
    with (
        tempfile.TemporaryDirectory() as folder,
        built(options.base, Path(folder) / "base") as old,
        built(options.head, Path(folder) / "head") as new,
    ):
        for _ in range(options.turns):
            take_turn(old, arguments, base)
            take_turn(new, arguments, head)
    if not head:
        print("nothing could be compared: no data, or no estimator in HEAD", file=sys.stderr)
        return 2
    return 1 if report(base, head) else 0


if __name__ == "__main__":
    sys.exit(main())
