"""`--set name=value`: which parameter, and its value in the type that the parameter has."""

from __future__ import annotations

import json
from typing import Any

from fastml.cli.errors import CommandError, unknown

WORDS = {"true": True, "false": False, "none": None, "null": None}


def parse_settings(settings: list[str], parameters: dict[str, Any], estimator: str) -> dict[str, Any]:
    """Parameters of the estimator that the caller sets.

    Parameters
    ----------
    settings : list of "name=value"
    parameters : dict
        Every parameter of the estimator with its default, which gives the type.
    estimator : str
        Its name, for errors.
    """
    chosen = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise CommandError(f"--set {setting}: write name=value, such as learning_rate=0.05")
        if name not in parameters:
            raise unknown("parameter", name, parameters, estimator)
        chosen[name] = _value(text.strip(), parameters[name], name)
    return chosen


def _value(text: str, default: Any, name: str) -> Any:
    """The text as a value: of the default's type where that is a boolean, a float or a string."""
    if isinstance(default, str):
        return None if text.lower() in ("none", "null") else text
    value = _literal(text)
    if isinstance(default, bool) and not isinstance(value, bool):
        raise CommandError(f"--set {name}={text}: {name} is true or false")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _literal(text: str) -> Any:
    """true, false, none, a number, JSON, or else the text itself."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for convert in (int, float, json.loads):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
