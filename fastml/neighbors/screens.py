"""Screens: float32 coordinates whose distances are never above the true ones: brute force skips pairs by them.

Coordinates of a squared screen may be those along the few directions in which the data spread most, and one more, the
length of what is left: (|r| - |s|)^2 <= |r - s|^2. Fashion's 784 columns become 65 so, and one pair in some hundreds is
evaluated in full. Which directions only decides how many; that, and whether it pays, is measured on a sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.brute_neighbors import PANEL, BruteRows

NONE, SQUARES, ABSOLUTE, LARGEST, UNEQUAL = range(5)
UNIT = 2.0**-23
"""Twice the rounding error of float32."""
BLOCK_NUMBERS = 1 << 18
"""Numbers of a block of rows that are in float64 at once."""
SAMPLE, SAMPLE_QUERIES = 2048, 64
PROJECTED_FROM = 96
"""Columns from which a projection is tried: below that it saved nothing on any of our data."""
EVALUATION = 40.0
"""What a pair that comes through costs for each of its columns, in columns of the screen: memory is far away.

Fashion: 0.3 us for 784 columns, where a column of the screen takes 0.01 ns a pair."""

Floats = NDArray[np.float64]


@dataclass
class Screen:
    """How rows become coordinates.

    kind : of src_cy/simd/brute.h.  factor, power : reduced distance -> the screen's unit.
    sphere : rows are latitude and longitude, coordinates those of the place in space.
    columns, matrix : what columns are multiplied by, (d,), and rows, (d, d).
    centre : subtracted.  basis : (d, m - 1) orthonormal directions of a projection, or None.
    scale : a power of two, so that no square overflows.  largest : the largest coordinate of the points.
    """

    kind: int
    factor: float = 1.0
    power: float = 1.0
    matrix: Any = None
    columns: Any = None
    sphere: bool = False
    centre: Any = None
    basis: Any = None
    scale: float = 1.0
    largest: float = 0.0
    m: int = field(default=0)

    def engine(self) -> tuple[int, int, float, float, float]:
        """The screen as the engine takes it."""
        scale = self.scale**2 if self.kind == SQUARES else self.scale if self.kind in (ABSOLUTE, LARGEST) else 1.0
        return self.kind, self.m, self.factor * scale, self.power, self.scale

    def unscaled(self, X: NDArray[Any], inverse_norm: Floats | None) -> Floats:
        """Coordinates before any projection, float64."""
        Z = np.asarray(X, np.float64)
        if self.sphere:
            latitude, longitude = Z[:, 0], Z[:, 1]
            Z = np.column_stack(
                [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
            )
        if inverse_norm is not None:
            Z = Z * inverse_norm[:, None]
        if self.columns is not None:
            Z = Z * self.columns
        if self.matrix is not None:
            Z = Z @ self.matrix
        return Z

    def coordinates(self, X: NDArray[Any], inverse_norm: Floats | None) -> NDArray[np.float32]:
        """(n, m) float32."""
        Z = self.unscaled(X, inverse_norm)
        if self.centre is not None:
            Z = Z - self.centre
        if self.basis is not None:
            along = Z @ self.basis
            left = np.einsum("ij,ij->i", Z, Z) - np.einsum("ij,ij->i", along, along)
            Z = np.column_stack([along, np.sqrt(np.maximum(left, 0.0))])
        with np.errstate(over="ignore"):
            return np.asarray(Z * self.scale if self.scale != 1.0 else Z, np.float32)

    def blocks(self, X: NDArray[Any], inverse_norm: Floats | None, rows: int = PANEL) -> Any:
        """Runs of rows and their coordinates; `rows` divides where they begin."""
        size = max(1, BLOCK_NUMBERS // (X.shape[1] + 1) // rows) * rows
        for begin in range(0, len(X), size):
            own = None if inverse_norm is None else inverse_norm[begin : begin + size]
            yield begin, self.coordinates(X[begin : begin + size], own)

    def rounding(self, m: int) -> float:
        """How far float32 sums over m columns may be off, as a part of the rows' sizes."""
        return (m + 16) * UNIT

    def points(self, X: NDArray[Any], inverse_norm: Floats | None) -> BruteRows:
        """The points by column in panels, and where their sums start."""
        n_panels = -(-len(X) // PANEL)
        panels = np.zeros((n_panels, self.m, PANEL), np.float32)
        bias = np.full(n_panels * PANEL, np.inf, np.float32)
        for begin, Z in self.blocks(X, inverse_norm):
            end, first, whole = begin + len(Z), begin // PANEL, len(Z) // PANEL
            bias[begin:end] = self.bias(Z)
            if self.kind == SQUARES:
                Z *= np.float32(-2.0)
            panels[first : first + whole] = Z[: whole * PANEL].reshape(whole, PANEL, self.m).transpose(0, 2, 1)
            if whole * PANEL < len(Z):
                panels[first + whole, :, : len(Z) - whole * PANEL] = Z[whole * PANEL :].T
        return BruteRows(X, inverse_norm, panels, bias)

    def queries(self, X: NDArray[Any], inverse_norm: Floats | None) -> BruteRows | None:
        """The queries' coordinates and limits; None where they are so far out that this screen cannot hold them."""
        coordinates, own = np.empty((len(X), self.m), np.float32), np.empty(len(X))
        for begin, Z in self.blocks(X, inverse_norm, 1):
            if self.kind != UNEQUAL and not np.abs(Z).max(initial=0.0) < 2.0**24:
                return None
            coordinates[begin : begin + len(Z)], own[begin : begin + len(Z)] = Z, self.own(Z)
        return BruteRows(X, inverse_norm, coordinates, None, own)

    def bias(self, Z: NDArray[np.float32]) -> Any:
        """What holds the rounding of a point's sums back."""
        if self.kind == SQUARES:
            return squares(Z) * (1.0 - self.rounding(self.m))
        if self.kind == ABSOLUTE:
            return -self.rounding(self.m) * np.abs(Z).sum(axis=1, dtype=np.float64)
        return 0.0

    def own(self, Z: NDArray[np.float32]) -> Any:
        """What a query's limit has beside the distance."""
        if self.kind == SQUARES:
            return -squares(Z) * (1.0 - self.rounding(self.m))
        if self.kind == ABSOLUTE:
            return self.rounding(self.m) * np.abs(Z).sum(axis=1, dtype=np.float64)
        if self.kind == LARGEST:
            return 4.0 * UNIT * (np.abs(Z).max(axis=1, initial=0.0) + self.largest)
        return 0.5  # of a whole number of unequal columns

    def size_of(self, X: NDArray[Any], inverse_norm: Floats | None) -> float:
        """How large an unscaled coordinate may be; without a projection, which lengthens none beyond sqrt(m)."""
        if inverse_norm is not None or self.sphere:
            return 2.0
        low, high = X.min(axis=0, initial=np.inf).astype(np.float64), X.max(axis=0, initial=-np.inf).astype(np.float64)
        far = np.maximum(np.abs(low), np.abs(high))
        if self.matrix is not None:
            return float((far @ np.abs(self.matrix) + np.abs(self.centre)).max(initial=0.0))
        if self.columns is not None:
            far = far * self.columns
        return float((far + np.abs(self.centre)).max(initial=0.0))

    def settle(self, X: NDArray[Any], inverse_norm: Floats | None, project: bool, reach: float = 0.0) -> Screen:
        """Centre, directions and scale by what the points are. reach : size of queries that must find room as well."""
        step = max(1, len(X) // SAMPLE)
        rows = slice(0, None, step)
        sample = self.unscaled(X[rows], None if inverse_norm is None else inverse_norm[rows])
        self.m = sample.shape[1]
        if self.kind == UNEQUAL:
            return self
        self.centre = sample.mean(axis=0)
        if project and self.kind == SQUARES and self.m >= PROJECTED_FROM and len(sample) >= 4 * SAMPLE_QUERIES:
            self.basis = useful_directions(sample - self.centre)
            self.m = self.m if self.basis is None else self.basis.shape[1] + 1
        size = max(reach, self.size_of(X, inverse_norm))
        exponent = int(np.frexp(size * np.sqrt(sample.shape[1]))[1]) if size > 0.0 else 0
        self.scale = float(np.ldexp(1.0, max(-1000, min(1000, -exponent))))
        self.largest = size * self.scale
        return self


def squares(Z: NDArray[Any]) -> Floats:
    """The rows' squared lengths, summed in float64."""
    return np.einsum("ij,ij->i", Z, Z, dtype=np.float64)


def useful_directions(sample: Floats) -> Floats | None:
    """Orthonormal directions (d, m) that make the search cheapest, or None where all columns are.

    The m that is tried is 32, 64, ... up to a third of the columns. Cost: m, and for each pair of the sample that its
    bound does not rule out EVALUATION for each of all columns.
    """
    d = sample.shape[1]
    most = min(d // 3, 192, len(sample) // 4) // 32 * 32
    if most < 32:
        return None
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(sample.T @ (sample @ rng.standard_normal((d, min(d, most + 16)))))[0]
    for _ in range(2):
        basis = np.linalg.qr(sample.T @ (sample @ basis))[0]
    values, turn = np.linalg.eigh((sample @ basis).T @ (sample @ basis))
    basis = basis @ turn[:, np.argsort(-values)]
    queries, points = sample[:SAMPLE_QUERIES], sample[SAMPLE_QUERIES:]
    true = _pairs(queries, points)
    near = true.min(axis=1)  # of a sample; of all points the nearest ten are about as near
    best, least = None, float(d)
    for m in range(32, most + 1, 32):
        directions = basis[:, :m]
        bound = _pairs(queries @ directions, points @ directions) + (
            (_left(queries, directions)[:, None] - _left(points, directions)[None, :]) ** 2
        )
        cost = m + 1.0 + EVALUATION * d * float((bound <= near[:, None]).mean())
        if cost < least:
            best, least = directions, cost
    return best


def _pairs(A: Floats, B: Floats) -> Floats:
    return np.maximum(squares(A)[:, None] - 2.0 * (A @ B.T) + squares(B)[None, :], 0.0)


def _left(Z: Floats, directions: Floats) -> Floats:
    return np.sqrt(np.maximum(squares(Z) - squares(Z @ directions), 0.0))
