"""`fastml train --model kmeans`: read, cluster, write the labels, save, and say what came of it."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np

from fastml.cli.columns import describe, names_of
from fastml.cli.describe import check_places, describe_model
from fastml.cli.errors import CommandError, unknown
from fastml.cli.models import CLUSTERINGS
from fastml.cli.readers import read_file
from fastml.cli.report import Stopwatch, say
from fastml.cli.settings import parse_settings
from fastml.cli.writers import check_output, write_columns

N_SHOWN = 10  # clusters whose size is said


def train_clusters(options: Namespace) -> None:
    """Run the command."""
    clock = Stopwatch()
    _check_options(options)
    check_places(options)
    check_output(options.out)
    with clock.stage("read"):
        X = numbers_of(read_file(options.file), options.exclude, options.file)
    model = _make(options)
    say("data", f"{options.file}: {X.shape[0]:,} rows, {X.shape[1]:,} features: {describe(X)}")
    say("model", describe_model(model) + _scaling(options))
    with clock.stage("fit"):
        try:
            fitted = _scaled(model, options).fit(X)
        except (ValueError, TypeError) as error:
            raise CommandError(str(error)) from error
    labels = fitted.labels_ if hasattr(fitted, "labels_") else fitted.predict(X)
    say("clusters", _sizes(labels))
    for name, text in (("inertia_", "inertia"), ("n_iter_", "steps")):
        if hasattr(fitted, name):
            say(text, f"{getattr(fitted, name):,.10g}")
    if options.out:
        with clock.stage("write"):
            write_columns({"label": labels}, options.out)
    if options.save:
        from fastml.io import save

        with clock.stage("save"):
            save(fitted, options.save)
    say("time", str(clock))
    say("labels", f"written to {options.out}" if options.out else "not written: --out PATH does")
    say("model", f"saved to {options.save}" if options.save else "not saved: --save PATH does")


def numbers_of(data: Any, exclude: list[str], where: str) -> Any:
    """The columns to cluster by, an Arrow table of numbers and booleans or a 2-D array.

    Raises
    ------
    CommandError
        A column of strings or with missing values, naming what to do; a column to exclude that is not there.
    """
    names = names_of(data)
    for name in exclude:
        if name not in names:
            raise unknown("column", name, names, where)
    if isinstance(data, dict):
        X = data["X"]
        if X.dtype.kind not in "fiub":
            raise CommandError(f"{where}: X holds {X.dtype}, and clusterings take numbers")
        if X.dtype.kind == "f" and np.isnan(X).any():
            raise CommandError(f"{where}: X has missing values: fill them, or drop these rows")
        return X
    import pyarrow as pa

    features = data.select([name for name in names if name not in exclude])
    if not features.num_columns:
        raise CommandError(f"{where} has no column left beside {', '.join(exclude)}")
    words = [field.name for field in features.schema if pa.types.is_dictionary(field.type)]
    if words:
        raise CommandError(
            f"clusterings take numbers, and {', '.join(words)} of {where} hold{'s' if len(words) == 1 else ''} text: "
            f"--exclude {' '.join(words)}, or give each of its values a column of 0 and 1"
        )
    for name in features.column_names:
        n_missing = int(features[name].is_null(nan_is_null=True).to_numpy().sum())
        if n_missing:
            raise CommandError(
                f"column {name!r} of {where} is missing in {n_missing:,} of {features.num_rows:,} rows, and "
                f"clusterings need all values: fill them, drop these rows, or --exclude {name}"
            )
    return features


def _check_options(options: Namespace) -> None:
    """What a clustering does not take."""
    if options.target is not None:
        raise CommandError(
            f"--target {options.target}: --model {options.model} learns without a target; --exclude {options.target} "
            "leaves the column out"
        )
    for name in ("task", "valid", "plot", "drop_missing_target"):
        if getattr(options, name) not in (None, False):
            raise CommandError(f"--{name.replace('_', '-')} has no meaning for a clustering (--model {options.model})")


def _make(options: Namespace) -> Any:
    """The estimator, with the parameters that the command line chose."""
    kind = CLUSTERINGS[options.model]
    estimator = kind.estimator_class()
    known = estimator().get_params()
    parameters = kind.defaults | {"random_state": options.seed, "n_jobs": options.jobs}
    parameters |= parse_settings(options.settings, known, estimator.__name__)
    return estimator(**{name: value for name, value in parameters.items() if name in known})


def _scaled(model: Any, options: Namespace) -> Any:
    if options.scale in (None, "none"):
        return model
    from fastml.cluster import ScaledClustering

    return ScaledClustering(model, scale=options.scale)


def _scaling(options: Namespace) -> str:
    units = {"deviation": "standard deviations", "range": "their ranges"}
    return f", columns in units of {units[options.scale]}" if options.scale in units else ""


def _sizes(labels: np.ndarray) -> str:
    """How many rows each cluster has, the largest first; -1 is noise."""
    found, counts = np.unique(labels[labels >= 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:N_SHOWN]
    shown = ", ".join(f"{found[i]}: {counts[i]:,}" for i in order)
    more = f", and {len(found) - N_SHOWN:,} more" if len(found) > N_SHOWN else ""
    n_noise = int(np.count_nonzero(labels < 0))
    noise = f"; {n_noise:,} rows in none (label -1)" if n_noise else ""
    return f"{len(found):,}" + (f", rows of the largest {shown}{more}" if len(found) else "") + noise
