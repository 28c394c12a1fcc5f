"""Classical machine learning, drop-in and fast: the estimators you know, over compiled kernels.

Subpackages load when they are first used: `import fastml` costs nearly nothing.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastml.config import show_config as show_config

__version__ = "0.1.0"
__all__ = ["__version__", "show_config"]


def __getattr__(name: str) -> Any:
    if name == "show_config":
        return import_module("fastml.config").show_config
    if not name.startswith("_"):
        try:
            return import_module(f"fastml.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"fastml.{name}":  # the module is there; what it imports is not
                raise
    raise AttributeError(f"module 'fastml' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *(module.name for module in iter_modules(__path__))})
