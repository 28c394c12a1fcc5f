"""Points and centres as the engines of k-means read them: X, its fixed point, its size for float32."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.lloyd import column_squares, column_stats

MOST_BITS = 51  # of a number in fixed point: such as adding 1.5 * 2^52 to a float64 rounds
SUM_BITS = 62  # of a sum of them
PANEL = 6  # centres that meet a block of points at once
FAR = np.float32(1e30)  # half of the squared norm of a centre that is none
LARGEST = 1e140  # whose square is a number of float64, sums of them too
SMALLEST = 1e-140  # likewise; columns that vary less than this look like constants
LEAST_STEPS = 2.0**20  # of the fixed point within what most rows differ by


@dataclass(frozen=True, eq=False)
class Points:
    """X, and how its rows are added up: exactly, in fixed point, so that no order of summation matters.

    X : (n, d) float32, float64 or uint8, C order.
    weight : (n,) float64, or None
    offset, scale : (d,) float64; weight_scale : float
        A row adds rint((x - offset) * weight * scale) and rint(weight * weight_scale). Scales are powers of two such
        that no number has more than 51 bits and no sum more than 62.
    unit : float
        A power of two; (x - offset) * unit is what blocks of points hold in float32.
    squares : (d,) float64, or None
        Sums of squares around the mean, if they were asked for.
    """

    X: NDArray[Any]
    weight: NDArray[np.float64] | None
    offset: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight_scale: float
    unit: float
    squares: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls, X: NDArray[Any], weight: NDArray[np.float64] | None = None, n_threads: int = 1, squares: bool = False
    ) -> Points:
        """Read X once for what its columns hold (twice with `squares`); ValueError where it is not finite."""
        n, d = X.shape
        least, most, total = column_stats(X, n_threads)
        check_columns(least, most, total)
        if X.dtype == np.uint8:
            offset = np.zeros(d)  # so that sums are those of the bytes
        else:
            offset = (total / n).astype(X.dtype).astype(np.float64)
        reach = np.maximum(most - offset, offset - least)
        heaviest, mass = (1.0, float(n)) if weight is None else (float(weight.max()), float(weight.sum()))
        own = column_squares(X, total / n, n_threads) if squares else None
        scale = fixed_point(reach * heaviest, reach * mass)
        if X.dtype != np.uint8:
            _check_outliers(X, reach, scale / heaviest)
        weight_scale = 1.0 if weight is None else float(fixed_point(np.array([heaviest]), np.array([mass]))[0])
        if X.dtype == np.uint8 and weight is None:
            scale = np.ones(d)
        return cls(X, weight, offset, scale, weight_scale, unit_of(float(reach.max())), own)


    def holding(self, centres: NDArray[Any]) -> Points:
        """These points, of a size such that the centres too are numbers of float32: a start may lie anywhere."""
        widest = float(np.abs(np.asarray(centres, np.float64) - self.offset).max(initial=0.0))
        if not widest < LARGEST:
            raise ValueError(f"init has numbers up to {widest:.3g}, whose squares overflow: give centres near the data")
        unit = min(self.unit, unit_of(widest)) if widest > 0 else self.unit
        return self if unit == self.unit else replace(self, unit=unit)

    def variance(self) -> float:
        """The mean of the columns' variances."""
        if self.squares is None:
            raise ValueError("the sums of squares were not asked for")
        return float(self.squares.mean()) / self.X.shape[0]

    def fixed(self, row: int) -> NDArray[np.int64]:
        """(d + 1,) what a row adds to the sums of its cluster: its numbers and its weight."""
        weight = 1.0 if self.weight is None else self.weight[row]
        own = (self.X[row].astype(np.float64) - self.offset) * weight * self.scale
        return np.rint(np.append(own, weight * self.weight_scale)).astype(np.int64)


def float_type(X: Any) -> np.dtype[Any]:
    """Of centres: X's float32 or float64, float64 for bytes."""
    return X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float64)


def unit_of(widest: float) -> float:
    """The power of two that brings a number to between 1/2 and 1."""
    return float(np.ldexp(1.0, -int(np.frexp(widest)[1]))) if widest > 0 else 1.0


def fixed_point(largest: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Powers of two by which numbers and their sums have no more bits than they may; 1 for columns of one value."""
    bits = np.minimum(MOST_BITS - np.frexp(largest)[1], SUM_BITS - np.frexp(total)[1])
    return np.where(largest > 0, np.ldexp(1.0, np.clip(bits, -1000, 1000)), 1.0)


def _check_outliers(X: NDArray[Any], reach: NDArray[np.float64], scale: NDArray[np.float64]) -> None:
    """ValueError where a few numbers lie so far out that sums of the others would have no digits left.

    What others are like is said by the middle half of up to 65 rows.
    """
    rows = np.sort(X[:: max(1, len(X) // 64)][:65].astype(np.float64), axis=0)
    middle = rows[3 * len(rows) // 4] - rows[len(rows) // 4]
    lost = np.flatnonzero((middle > 0) & (middle * scale < LEAST_STEPS))
    if len(lost):
        j = int(lost[0])
        raise ValueError(
            f"column {j} of X has numbers {reach[j]:.3g} from its mean, while most lie within {middle[j]:.3g} of each "
            "other: sums of both have no digits left for the latter. Clip the column, or drop these rows."
        )


def check_columns(least: NDArray[Any], most: NDArray[Any], total: NDArray[Any]) -> None:
    """ValueError where a column holds NaN, infinity, or numbers whose squares overflow."""
    with np.errstate(invalid="ignore"):
        bad = ~np.isfinite(total)
        if bad.any():
            j = int(np.flatnonzero(bad)[0])
            # NaN is neither the least nor the most
            infinite = least[j] <= most[j] and (np.isinf(least[j]) or np.isinf(most[j]))
            what = "infinity or a value too large for dtype('float64')" if infinite else "NaN"
            if np.isfinite(most[j]) and np.isfinite(least[j]) and max(most[j], -least[j]) > LARGEST:
                what = f"numbers up to {max(most[j], -least[j]):.3g}, whose squares overflow,"
            raise ValueError(f"Input X contains {what} (column {j}): clustering needs finite numbers.")
    far = np.maximum(np.abs(most), np.abs(least))
    if 0 < far.max() < SMALLEST:
        raise ValueError(
            f"X has no number above {far.max():.3g}, and the squares of such numbers vanish: multiply X by a constant."
        )
    if far.max() > LARGEST:
        j = int(np.argmax(far))
        raise ValueError(
            f"X has numbers up to {far[j]:.3g} in column {j}, whose squares overflow: divide X by a constant, or drop "
            "these rows."
        )


class Centres:
    """Centres as kernels read them: in float64, and packed in panels of float32 that are no farther off than points."""

    def __init__(self, values: NDArray[Any], points: Points) -> None:
        self.values = np.ascontiguousarray(values, np.float64)
        k, d = self.values.shape
        n_panels = -(-k // PANEL)
        packed = np.zeros((n_panels * PANEL, d), np.float32)
        packed[:k] = (self.values - points.offset) * points.unit
        sq = np.einsum("ij,ij->i", packed[:k], packed[:k], dtype=np.float64)
        self.half_sq = np.full(n_panels * PANEL, FAR, np.float32)
        self.half_sq[:k] = 0.5 * sq
        self.panels = np.ascontiguousarray(packed.reshape(n_panels, PANEL, d).transpose(0, 2, 1)).reshape(-1)
        self.radius = float(np.sqrt(sq.max()) * (1 + 1e-6))
