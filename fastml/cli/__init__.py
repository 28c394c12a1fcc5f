"""The command line: `fastml train`, `fastml predict`, `fastml info`."""

import os
import sys
import warnings
from argparse import Namespace
from typing import Any

from fastml.cli.arguments import parser
from fastml.cli.errors import CommandError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        What follows the program's name; by default what the process was started with.

    Returns
    -------
    exit_code : int
        0; 2 for what the caller can mend, with a message on standard error; 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without a character must not end a training
    options = parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            return _run(options)
    except (CommandError, ImportError) as error:
        if options.traceback or (isinstance(error, ImportError) and "pip install" not in str(error)):
            raise
        print(f"fastml {options.command}: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print(f"fastml {options.command}: interrupted", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:  # `fastml ... | head`: whoever read the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _show_warning(message: Warning | str, *place: Any) -> None:
    """A line for a reader, not a place in the code: a fit that Ctrl-C ended early, say."""
    print(f"fastml: {message}", file=sys.stderr)  # noqa: T201


def _run(options: Namespace) -> int:
    """Import no more than the command needs."""
    if options.command == "train":
        from fastml.cli.train import train

        train(options)
    elif options.command == "predict":
        from fastml.cli.predict import predict

        predict(options)
    else:
        from fastml.config import show_config

        show_config()
    return 0
