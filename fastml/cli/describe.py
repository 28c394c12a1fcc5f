"""What every training checks before any work, and how it names its model."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from fastml.cli.errors import CommandError


def check_places(options: Namespace) -> None:
    """Whether there is a place for what is to be written, before any work."""
    for option in ("save", "plot"):
        path = getattr(options, option)
        if path and not Path(path).absolute().parent.is_dir():
            raise CommandError(f"--{option} {path}: there is no folder {Path(path).absolute().parent}")
    if options.plot:
        from fastml.plotting import check_picture

        try:
            check_picture(options.plot)
        except ValueError as error:
            raise CommandError(f"--plot {error}") from error


def describe_model(model: Any) -> str:
    """The estimator with the parameters that differ from its defaults."""
    defaults = type(model)().get_params()
    changed = {name: value for name, value in model.get_params().items() if repr(value) != repr(defaults[name])}
    return f"{type(model).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"
