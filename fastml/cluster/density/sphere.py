"""Great-circle distances: degrees, kilometres and miles; points on the unit sphere, whose chords tell most pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.cell_clusters import unit_vectors
from fastml.cluster.density.metrics import column_ranges
from fastml.neighbors.metrics import EARTH

UNITS = ("radians", "degrees", "km", "miles")
LEAST_ANGLE = 1e-11
"""Radians; below, rounding of the coordinates is what is measured. 0.06 mm on the Earth."""


@dataclass(frozen=True)
class Sphere:
    """angles : (n, 2) radians.  limit : sin(eps / 2)^2, with which the haversine formula compares.  sure_sq, never_sq :
    squared chords up to which a pair is within eps, beyond which it is not."""

    angles: NDArray[np.float64]
    limit: float
    sure_sq: float
    never_sq: float

    def points(self, n_threads: int = 1) -> NDArray[np.float64]:
        """(n, 3) on the unit sphere; made when asked for and not kept."""
        return unit_vectors(self.angles, n_threads)


def eps_in_radians(eps: float, units: str) -> float:
    """The angle that a distance is."""
    return float(np.radians(eps)) if units == "degrees" else eps / EARTH.get(units, 1.0)


def angles_of(X: NDArray[Any], units: str) -> NDArray[np.float64]:
    """(n, 2) latitude and longitude in radians.

    Raises
    ------
    ValueError
        Not two columns, or a latitude beyond a right angle or a longitude beyond a full turn, which are the marks of
        degrees taken for radians and of columns the other way round.
    """
    if X.shape[1] != 2:
        raise ValueError(
            f"metric='haversine' takes two columns, latitude and longitude; X has {X.shape[1]} feature(s)"
        )
    right = np.pi / 2 if units == "radians" else 90.0
    reach = np.maximum(*np.abs(column_ranges(X)))
    for j, (name, most) in enumerate((("latitude", right), ("longitude", 4 * right))):
        if reach[j] > most * (1 + 1e-7):  # what a float32 makes of pi / 2
            unit = "radians" if units == "radians" else "degrees"
            remedy = (
                "for degrees say units='degrees', 'km' or 'miles'" if units == "radians" and reach[j] <= 360
                else "latitude comes first, longitude second"
            )  # fmt: skip
            raise ValueError(
                f"metric='haversine', units={units!r}: {name} (column {j}) reaches {reach[j]:g}, more than {most:.6g} "
                f"{unit}; {remedy}"
            )
    return np.radians(X, dtype=np.float64) if units != "radians" else np.ascontiguousarray(X, dtype=np.float64)


def sphere_of(X: NDArray[Any], eps: float, units: str) -> Sphere:
    """What the engines take for metric="haversine".

    A chord is c = 2 sqrt(haversine). Both round by a few units of 2^-53, absolute in a coordinate of the vectors and in
    the sine of half a turn, so c^2 and 4 haversine differ by less than 1e-14 (c + c^2).
    """
    angles = angles_of(X, units)
    angle = eps_in_radians(eps, units)
    if angle < LEAST_ANGLE:
        raise ValueError(f"eps={eps!r} is an angle of {angle:g} radians: it must be at least {LEAST_ANGLE:g}")
    if angle >= np.pi:
        return Sphere(angles, np.inf, np.inf, np.inf)
    limit = float(np.sin(0.5 * angle) ** 2)
    chord_sq = 4.0 * limit
    margin = 1e-14 * (np.sqrt(chord_sq) + chord_sq)
    return Sphere(angles, limit, chord_sq - margin, chord_sq + margin)
