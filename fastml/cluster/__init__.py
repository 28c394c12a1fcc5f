"""Clustering; each is loaded when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastml.cluster.dbscan_eps import EpsSuggestion, suggest_eps
    from fastml.cluster.dbscan_estimator import DBSCAN, dbscan

__all__ = ["DBSCAN", "EpsSuggestion", "dbscan", "suggest_eps"]

_MODULES = {
    "DBSCAN": "dbscan_estimator", "EpsSuggestion": "dbscan_eps", "dbscan": "dbscan_estimator",
    "suggest_eps": "dbscan_eps",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
