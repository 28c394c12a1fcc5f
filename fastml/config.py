"""What this fastml is and runs on: instruction set, OpenMP, BLAS, versions."""

import os
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, overload

import fastml
from fastml._engines import runtime

NEEDED = ("numpy", "scipy", "scikit-learn", "joblib", "narwhals", "safetensors", "numba")
OPTIONAL = ("pyarrow", "rich", "matplotlib", "pandas", "polars")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _openmp() -> str:
    """The OpenMP specification's number, which people know better than its date."""
    date = runtime.openmp()
    names = {200805: "3.0", 201107: "3.1", 201307: "4.0", 201511: "4.5", 201811: "5.0", 202011: "5.1", 202111: "5.2"}
    return names.get(date, str(date)) if date else "no"


def _blas() -> str:
    """The BLAS libraries of NumPy and SciPy (fastml calls SciPy's); scikit-learn brings threadpoolctl."""
    import_module("scipy.linalg.cython_blas")  # or there is nothing to see yet
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown (threadpoolctl is not installed)"
    found = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    names = {f"{pool['internal_api']} {pool['version']} ({pool['num_threads']} threads)" for pool in found}
    return ", ".join(sorted(names)) or "none loaded"


@overload
def show_config(as_dict: Literal[False] = False) -> None: ...
@overload
def show_config(as_dict: Literal[True]) -> dict[str, Any]: ...
def show_config(as_dict: bool = False) -> dict[str, Any] | None:
    """Print, or return, what fastml is built with and runs on; paste it into a bug report.

    Parameters
    ----------
    as_dict : bool, default=False
        Return a dictionary instead of printing.

    Returns
    -------
    config : dict or None
        `fastml`, `instruction_set` ("base", "avx2" or "avx512"), `FASTML_ISA` (what the environment asks for,
        or None), `openmp` (number of the specification, or "no"), `checked_build` (bounds checks compiled in),
        `processors` and `threads` (counts), `blas`, `python`, `platform`, `versions` (of the dependencies).
    """
    config: dict[str, Any] = {
        "fastml": fastml.__version__,
        "instruction_set": runtime.instruction_set(),
        "FASTML_ISA": os.environ.get("FASTML_ISA"),
        "openmp": _openmp(),
        "checked_build": runtime.checked(),
        "processors": runtime.processors(),
        "threads": runtime.max_threads(),
        "blas": _blas(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: _installed(name) for name in NEEDED + OPTIONAL},
    }
    if as_dict:
        return config
    versions = config.pop("versions")
    for name, value in (config | versions).items():
        shown = "yes" if value is True else "no" if value is False else "not set" if value is None else value
        print(f"{name.replace('_', ' ') if name.islower() else name:<16} {shown}")  # noqa: T201
    return None
