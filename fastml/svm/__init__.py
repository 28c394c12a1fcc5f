"""Support vector machines: classes, numbers, and the region where most rows lie; each is loaded when asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastml.svm.classification import SVC, NuSVC
    from fastml.svm.one_class import OneClassSVM
    from fastml.svm.regression import SVR, NuSVR

__all__ = ["SVC", "SVR", "NuSVC", "NuSVR", "OneClassSVM"]

_MODULES = {
    "SVC": "classification", "NuSVC": "classification", "SVR": "regression", "NuSVR": "regression",
    "OneClassSVM": "one_class",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
