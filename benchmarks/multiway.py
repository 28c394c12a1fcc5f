"""ID3, C4.5 and CHAID with their defaults; no peer is compiled. `python -m benchmarks.multiway` shows how time grows.

It fits 10,000 to a million rows of the airline data, months, days, carriers and airports as categories where there are
such, and prints seconds and seconds a million rows: the last column stays, or falls, where growth is linear.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

Factory = Callable[[int], Any]  # number of threads -> estimator
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
PARAMETERS: dict[str, dict[str, Any]] = {"ID3Classifier": {"categorical_features": "all", "min_samples_split": 20}}


@dataclass(frozen=True)
class Multiway:
    """One estimator of fastml.tree; ID3 takes each value as a category."""

    name: str

    def factories(self) -> Mapping[str, Factory]:
        """fastml's only; it imports the library when called."""
        return {"fastml": self.fastml}

    def fastml(self, _n_threads: int) -> Any:
        from fastml import tree

        return getattr(tree, self.name)(**PARAMETERS.get(self.name, {}))


def main(argv: list[str] | None = None) -> int:
    from benchmarks.datasets import airline_named
    from benchmarks.measure import seconds

    parser = argparse.ArgumentParser(prog="python -m benchmarks.multiway", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="ROWS")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args(argv)
    print(f"{'estimator':<17}{'rows':>10}{'seconds':>10}{'a million':>11}{'leaves':>9}")
    for name in ("ID3Classifier", "C45Classifier", "CHAIDClassifier", "CHAIDRegressor"):
        for n_samples in options.sizes:
            data = airline_named(n_samples)
            fits = [seconds(lambda: Multiway(name).fastml(1).fit(data.X, data.y)) for _ in range(options.repeat)]  # noqa: B023
            took = median(time for time, _ in fits)
            print(f"{name:<17}{n_samples:>10,}{took:>10.3f}{1e6 * took / n_samples:>11.2f}"
                  f"{fits[0][1].get_n_leaves():>9,}", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
