"""What the caller of a command can mend: shown as one message, without a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class CommandError(Exception):
    """A message for standard error; the command ends with exit code 2."""


def unknown(what: str, name: str, known: Iterable[str], where: str) -> CommandError:
    """`what` has no `name`: the near ones first, then all that there are.

    >>> print(unknown("column", "lat", ["late", "month"], "f.csv"))
    f.csv has no column 'lat'; did you mean 'late'? It has: late, month
    """
    known = list(known)
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "."
    shown = ", ".join(known[:60]) + (f", and {len(known) - 60} more" if len(known) > 60 else "")
    return CommandError(f"{where} has no {what} {name!r}{hint} It has: {shown or 'none'}")
