"""Ctrl-C during compiled work: what may take long sees it, and ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastml._engines.runtime import unwatch_interrupt, watch_interrupt


def is_ours() -> bool:
    """Whether Ctrl-C is this thread's business, and nobody else has a handler for it."""
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@contextmanager
def watched() -> Iterator[None]:
    """Within, Ctrl-C ends the growth of trees after half a second, and KeyboardInterrupt follows."""
    watching = is_ours() and watch_interrupt()
    try:
        yield
    finally:
        if watching:
            unwatch_interrupt()
