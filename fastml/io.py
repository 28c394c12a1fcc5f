"""save and load: fitted estimators as safetensors and JSON, never pickle.

A file is a safetensors file: arrays lie in it as tensors, and the entry "fastml" of its metadata is a JSON text,
    {"format": "fastml", "format_version": 1, "fastml_version": ..., "class": "fastml.ensemble:XGBClassifier",
     "model": ...},
in which {"$": kind, ...} stands for what JSON lacks: an array, a tuple, a NumPy scalar, a part of the model. Loading
makes objects of classes of this package only, and calls nothing that the file chooses.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import secrets
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

__all__ = ["FORMAT_VERSION", "ModelFiles", "load", "save"]

FORMAT_VERSION = 1
MOVED: dict[str, str] = {}  # class names in files of older releases -> where the class is now
NOT_KEPT = {"_sklearn_version", "_skl_callbacks", "_parent_callback_ctx"}
CSR_KINDS = ("csr_matrix", "csr_array")
TENSOR_KINDS = "?bhilqBHILQefd"  # dtype.char of what safetensors holds; other arrays go as bytes


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator to a file that `load` reads, here or elsewhere, now or in a later release.

    The file appears whole or not at all.

    Parameters
    ----------
    estimator : estimator of fastml
    path : str or path-like, overwritten

    Raises
    ------
    TypeError
        Not an estimator of fastml, or it holds what a file cannot: a function as a parameter, a random generator.
    OSError
        The file cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    import fastml

    if not hasattr(estimator, "get_params") or not _is_ours(type(estimator)):
        raise TypeError(f"a {type(estimator).__name__} cannot be saved: save takes an estimator of fastml")
    writer = _Writer()
    header = {
        "format": "fastml",
        "format_version": FORMAT_VERSION,
        "fastml_version": fastml.__version__,
        "class": _class_name(type(estimator)),
        "model": writer.estimator(estimator),
    }
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        content = to_bytes(writer.arrays, metadata={"fastml": json.dumps(header, allow_nan=False)})
        with open(temporary, "wb") as file:  # not safetensors' save_file, which shuts out all but the owner
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except Exception as error:
        if isinstance(error, OSError):
            raise
        raise OSError(f"{path} could not be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Any:
    """Read the estimator that `save` wrote.

    Raises
    ------
    ValueError
        The file is truncated, damaged, not of fastml, or of a newer release.
    OSError
        The file cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    with open(path, "rb"):  # a file that is not there, or a folder, says so itself
        pass
    try:
        with safe_open(path, framework="numpy") as file:
            header = _header(path, file.metadata())
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{path} is truncated, damaged or not a model file ({error}): copy it again, or save the model again"
        ) from error
    try:
        cls = _find_class(header["class"])
        if not hasattr(cls, "get_params"):
            raise ValueError(f"{header['class']} is not an estimator")
        return _Reader(arrays).instance(cls, header["model"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} is damaged: {reason}. Copy it again, or save the model again") from error


def _header(path: Any, metadata: dict[str, str] | None) -> dict[str, Any]:
    """The JSON part of a file that this release can read."""
    foreign = f"{path} is a safetensors file, but not a model of fastml: write models with fastml.io.save"
    if not metadata or "fastml" not in metadata:
        raise ValueError(foreign)
    try:
        header = json.loads(metadata["fastml"])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}. Copy it again, or save the model again") from error
    if not isinstance(header, dict) or header.get("format") != "fastml":
        raise ValueError(foreign)
    version = header.get("format_version")
    if type(version) is not int or version < 1:
        raise ValueError(f"{path} is damaged: format_version is {version!r}. Copy it again, or save the model again")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} was written by a newer fastml ({header.get('fastml_version')}, format {version}; this one reads "
            f"up to {FORMAT_VERSION}): upgrade with pip install -U fastml"
        )
    return header


def _is_ours(cls: type) -> bool:
    return cls.__module__.split(".")[0] == "fastml"


def _class_name(cls: type) -> str:
    """`package:Class`, by the shortest module that has it, so that files outlive a move within a package."""
    parts = cls.__module__.split(".")
    for n in range(1, len(parts)):
        module = ".".join(parts[: n + 1])
        if getattr(import_module(module), cls.__qualname__, None) is cls:
            return f"{module}:{cls.__qualname__}"
    raise TypeError(f"{cls.__qualname__} cannot be saved: it is not a class at the top of a module of fastml")


def _find_class(name: str) -> type:
    module, _, qualname = MOVED.get(name, name).partition(":")
    if module.split(".")[0] != "fastml" or not qualname.isidentifier():
        raise ValueError(f"{name} is no class of fastml")
    try:
        cls = getattr(import_module(module), qualname)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"this fastml has no class {name}") from error
    if not isinstance(cls, type) or not _is_ours(cls):
        raise ValueError(f"{name} is no class of fastml")
    return cls


class _Writer:
    """Python values -> what JSON can hold, and arrays."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}

    def estimator(self, estimator: Any) -> dict[str, Any]:
        """Parameters and attributes; the callbacks of a fit are no part of the model."""
        params = estimator.get_params(deep=False)
        fitted = {k: v for k, v in estimator.__getstate__().items() if k not in params and k not in NOT_KEPT}
        stored = {}
        for name, value in {**params, **fitted}.items():
            try:
                stored[name] = self.value(value)
            except _Unstorable as error:
                what, remedy = "the fitted attribute", "pickle can"
                if name in params:
                    what, remedy = "the parameter", f"save after set_params({name}=None), and set it again after load"
                raise TypeError(f"{what} {name} is or holds {error}, which a model file cannot: {remedy}") from None
        return stored

    def value(self, value: Any) -> Any:
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"$": "float", "value": repr(value)}
        if isinstance(value, np.ndarray):
            return self.array(value)
        if type(value).__name__ in CSR_KINDS and type(value).__module__.startswith("scipy."):
            parts = {name: self.array(getattr(value, name)) for name in ("data", "indices", "indptr")}
            return {"$": type(value).__name__, "shape": list(value.shape), **parts}
        if isinstance(value, np.generic):
            return {"$": "scalar", "of": self.array(np.asarray(value).reshape(1))}
        if type(value) is list:
            return [self.value(item) for item in value]
        if type(value) is tuple:
            return {"$": "tuple", "items": [self.value(item) for item in value]}
        if type(value) is dict:
            if all(type(key) is str for key in value) and "$" not in value:
                return {key: self.value(item) for key, item in value.items()}
            return {"$": "dict", "items": [[self.value(key), self.value(item)] for key, item in value.items()]}
        if _is_ours(type(value)):
            return {"$": "object", "class": self._own_class(value), "state": self.state(value)}
        raise _Unstorable(value)

    def _own_class(self, value: Any) -> str:
        try:
            return _class_name(type(value))
        except TypeError:
            raise _Unstorable(value) from None

    def state(self, value: Any) -> Any:
        """What makes an object: `to_json` where it has one, a dataclass's public fields, what pickle would keep."""
        if hasattr(value, "to_json"):
            return self.value(value.to_json())
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value) if not field.name.startswith("_")]
            return {name: self.value(getattr(value, name)) for name in names}
        if hasattr(value, "get_params"):
            return self.estimator(value)
        state = value.__getstate__()
        if state is not None and type(state) is not dict:
            raise _Unstorable(value)
        return self.value(state or {})

    def array(self, array: np.ndarray) -> dict[str, Any]:
        if array.dtype.hasobject:
            if array.dtype != object:
                raise _Unstorable(array)
            return {"$": "objects", "shape": list(array.shape), "items": [self.value(item) for item in array.flat]}
        name = f"{len(self.arrays)}"
        if array.dtype.char in TENSOR_KINDS and array.dtype.isnative:
            self.arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
            return {"$": "array", "name": name}
        dtype = np.lib.format.dtype_to_descr(array.dtype)
        self.arrays[name] = np.frombuffer(array.tobytes(), np.uint8)
        return {"$": "bytes", "name": name, "dtype": self.value(dtype), "shape": list(array.shape)}


class _Unstorable(Exception):
    def __init__(self, value: Any):
        super().__init__(f"a {type(value).__name__} ({repr(value)[:60]})")


class _Reader:
    """The way back."""

    def __init__(self, arrays: dict[str, np.ndarray]):
        self.arrays = arrays

    def value(self, stored: Any) -> Any:
        if isinstance(stored, list):
            return [self.value(item) for item in stored]
        if not isinstance(stored, dict):
            return stored
        if "$" not in stored:
            return {key: self.value(item) for key, item in stored.items()}
        kind = stored["$"]
        if kind == "array":
            return self.arrays[stored["name"]]
        if kind == "bytes":
            return self.bytes(stored)
        if kind in CSR_KINDS:
            from scipy import sparse

            parts = [self.value(stored[name]) for name in ("data", "indices", "indptr")]
            made = getattr(sparse, kind)(tuple(parts), shape=stored["shape"])
            made.check_format(full_check=True)
            return made
        if kind == "objects":
            array = np.empty(len(stored["items"]), dtype=object)
            array[:] = [self.value(item) for item in stored["items"]]
            return array.reshape(stored["shape"])
        if kind == "scalar":
            return self.value(stored["of"])[0]
        if kind == "float":
            return float(stored["value"])
        if kind == "tuple":
            return tuple(self.value(item) for item in stored["items"])
        if kind == "dict":
            return {self.value(key): self.value(item) for key, item in stored["items"]}
        if kind == "object":
            return self.instance(_find_class(stored["class"]), stored["state"])
        return _unknown(kind)

    def bytes(self, stored: dict[str, Any]) -> np.ndarray:
        descr = self.value(stored["dtype"])
        dtype = np.lib.format.descr_to_dtype(descr)
        if dtype.hasobject:
            raise ValueError("an array of Python objects as bytes")
        return np.frombuffer(self.arrays[stored["name"]].tobytes(), dtype).reshape(stored["shape"]).copy()

    def instance(self, cls: type, stored: Any) -> Any:
        """An object of a class of ours; a dataclass may have a `check` for what comes from a file."""
        state = self.value(stored)
        if hasattr(cls, "from_json"):
            return cls.from_json(state)
        if dataclasses.is_dataclass(cls):
            made = cls(**state)
            if hasattr(made, "check"):
                made.check()
        else:
            made = object.__new__(cls)
            if not isinstance(state, dict) or not hasattr(made, "__dict__"):
                raise ValueError(f"the state of {cls.__name__} is a {type(state).__name__}")
            if hasattr(cls, "get_params"):
                lacking = sorted(set(cls._get_param_names()) - set(state))  # type: ignore[attr-defined]
                defaults = cls().get_params(deep=False) if lacking else {}  # parameters of a later release
                state = {**{name: defaults[name] for name in lacking}, **state}
            made.__dict__.update(state)
        return made


def _unknown(kind: Any) -> NoReturn:
    raise ValueError(f"{kind!r} is no kind of value")


class ModelFiles:
    """`save` and `load` of `fastml.io` as methods."""

    def save(self, path: Any) -> None:
        """Write the model to a file (safetensors and JSON, no pickle); `fastml.io.load` or `load` reads it."""
        save(self, path)

    @classmethod
    def load(cls, path: Any) -> Any:
        """Read a model of this class from a file."""
        model = load(path)
        if not isinstance(model, cls):
            raise ValueError(f"{path} holds a {type(model).__name__}, not a {cls.__name__}: use fastml.io.load")
        return model
