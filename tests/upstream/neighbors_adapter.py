"""scikit-learn's private trees for float32: fastml's keep it and answer in float64; these tests want float32 back."""

from typing import Any

import numpy as np

import fastml.neighbors


def _narrow(found: Any) -> Any:
    if isinstance(found, tuple):
        return tuple(_narrow(part) for part in found)
    if found.dtype == object:
        out = np.empty_like(found)
        for i, part in enumerate(found):
            out[i] = _narrow(part)
        return out
    return found.astype(np.float32) if found.dtype == np.float64 else found


class _Narrow:
    def query(self, *args: Any, **kwargs: Any) -> Any:
        return _narrow(super().query(*args, **kwargs))  # type: ignore[misc]

    def query_radius(self, *args: Any, **kwargs: Any) -> Any:
        return _narrow(super().query_radius(*args, **kwargs))  # type: ignore[misc]

    def kernel_density(self, *args: Any, **kwargs: Any) -> Any:
        return _narrow(super().kernel_density(*args, **kwargs))  # type: ignore[misc]


class KDTree32(_Narrow, fastml.neighbors.KDTree):
    pass


class BallTree32(_Narrow, fastml.neighbors.BallTree):
    pass
