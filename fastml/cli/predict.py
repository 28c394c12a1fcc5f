"""`fastml predict`: the rows of a file through a saved model."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from fastml.base import ClusterMixin
from fastml.cli.columns import names_of
from fastml.cli.errors import CommandError
from fastml.cli.readers import read_file
from fastml.cli.writers import check_output, write_columns


def predict(options: Namespace) -> None:
    """Run the command."""
    check_output(options.out)
    model = _load(options.model)
    if options.jobs is not None:
        jobs = [name for name in model.get_params() if name.rpartition("__")[2] == "n_jobs"]
        model.set_params(**dict.fromkeys(jobs, options.jobs))
    X = _features(read_file(options.file), model, options.file)
    try:
        columns = _predictions(model, X)
    except (ValueError, TypeError) as error:
        raise CommandError(f"{options.file}: {error}") from error
    write_columns(columns, options.out)


def _load(path: str) -> Any:
    from fastml.io import load

    if not Path(path).exists():
        raise CommandError(f"there is no model {path}")
    try:
        return load(path)
    except (ValueError, OSError) as error:
        raise CommandError(str(error)) from error


def _features(data: Any, model: Any, path: str) -> Any:
    """The columns that the model was fitted on, whatever else the file has."""
    if isinstance(data, dict):
        return data["X"]
    wanted = getattr(model, "feature_names_in_", None)
    if wanted is None:
        raise CommandError(f"the model was fitted on columns without names: {path} must be an .npz with X")
    missing = [name for name in wanted if name not in data.column_names]
    if missing:
        raise CommandError(
            f"{path} lacks {', '.join(missing)}, which the model was fitted on. It has: {', '.join(names_of(data))}"
        )
    return data.select(list(wanted))


def _predictions(model: Any, X: Any) -> dict[str, np.ndarray]:
    """The columns to write: a label, or the prediction, and for a classifier a probability for each class."""
    if isinstance(model, ClusterMixin):
        if not hasattr(model, "predict"):
            raise CommandError(f"{type(model).__name__} has labels for the rows of its fit only")
        return {"label": model.predict(X)}
    if not hasattr(model, "predict_proba"):
        return {"prediction": model.predict(X)}
    probabilities = model.predict_proba(X)
    columns = {"prediction": model.classes_[probabilities.argmax(axis=1)]}
    return columns | {f"probability_{c}": probabilities[:, k] for k, c in enumerate(model.classes_)}
