"""Support vector machines: classes, numbers, and the region where most rows lie; each is loaded when asked for."""

from typing import TYPE_CHECKING

from fastml.lazy import lazily

if TYPE_CHECKING:
    from fastml.svm.classification import SVC, NuSVC
    from fastml.svm.one_class import OneClassSVM
    from fastml.svm.regression import SVR, NuSVR

__all__ = ["SVC", "SVR", "NuSVC", "NuSVR", "OneClassSVM"]

_MODULES = {
    "SVC": "classification", "NuSVC": "classification", "SVR": "regression", "NuSVR": "regression",
    "OneClassSVM": "one_class",
}  # fmt: skip

__getattr__, __dir__ = lazily(__name__, _MODULES)
