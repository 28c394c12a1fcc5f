"""scikit-learn's metadata routing for an ensemble over one kind of estimator."""

from __future__ import annotations

from typing import Any

from sklearn import get_config
from sklearn.utils.metaestimators import available_if

__all__ = ["available_if", "consumes_sample_weight", "is_routing", "routed", "router"]


def is_routing() -> bool:
    """Whether scikit-learn's enable_metadata_routing is on."""
    return bool(get_config().get("enable_metadata_routing", False))


def routed(ensemble: Any, method: str, params: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Method of the members -> what it is passed; ValueError for metadata without routing."""
    if not is_routing():
        if params:
            raise ValueError(
                f"Passing extra keyword arguments to {type(ensemble).__name__}.{method} is only supported if "
                "enable_metadata_routing=True, which you can set using `sklearn.set_config`. See the User Guide "
                "<https://scikit-learn.org/stable/metadata_routing.html> for more details. Extra parameters passed "
                f"are: {set(params)}"
            )
        return {}
    from sklearn.utils.metadata_routing import process_routing

    return {name: dict(passed) for name, passed in process_routing(ensemble, method, **params)["estimator"].items()}


def consumes_sample_weight(estimator: Any) -> bool:
    """Whether its fit takes sample_weight, and with routing on asks for it."""
    if is_routing():
        from sklearn.utils.metadata_routing import get_routing_for_object

        return bool(get_routing_for_object(estimator).consumes("fit", ("sample_weight",)))
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(estimator, "sample_weight"))


def router(ensemble: Any, estimator: Any) -> Any:
    """What `get_metadata_routing` of bagging returns: which method of the ensemble calls which of the members."""
    from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

    says = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    logs = "predict_log_proba" if hasattr(estimator, "predict_log_proba") else says
    mapping = MethodMapping()
    for caller, callee in (
        ("fit", "fit"), ("decision_function", "decision_function"), ("predict", says), ("predict_proba", says),
        ("predict_log_proba", logs),
    ):  # fmt: skip
        mapping.add(caller=caller, callee=callee)
    return MetadataRouter(owner=ensemble).add(estimator=estimator, method_mapping=mapping)
