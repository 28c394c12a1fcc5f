"""Mixin: a model to a file and back."""

from __future__ import annotations

from typing import Any


class ModelFiles:
    """`save` and `load` of `fastml.io` as methods."""

    def save(self, path: Any) -> None:
        """Write the model to a file (safetensors and JSON, no pickle); `fastml.io.load` or `load` reads it."""
        from fastml.io import save

        save(self, path)

    @classmethod
    def load(cls, path: Any) -> Any:
        """Read a model of this class from a file."""
        from fastml.io import load

        model = load(path)
        if not isinstance(model, cls):
            raise ValueError(f"{path} holds a {type(model).__name__}, not a {cls.__name__}: use fastml.io.load")
        return model
