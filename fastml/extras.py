"""What is not installed with every fastml: an absent extra names the command that brings it."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import and return `module`, or say which command installs it.

    Parameters
    ----------
    module : str
        Dotted name of the module to import, such as "matplotlib.figure".
    extra : str
        The extra of fastml that brings it, such as "cli".
    purpose : str
        What the caller wanted, as the subject of the error: "Reading Parquet".

    Raises
    ------
    ImportError
        If the module's distribution is not installed. An error inside an installed one passes unchanged.
    """
    top = module.partition(".")[0]
    if find_spec(top) is None:
        raise ImportError(f"{purpose} needs {top}, which is not installed: pip install 'fastml[{extra}]'", name=top)
    return import_module(module)
