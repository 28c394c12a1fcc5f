"""Settings for every test: how many examples hypothesis draws, and no picture window."""

import os
import signal

from hypothesis import HealthCheck, settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job in the background: tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A first call may build tables or start threads, so a deadline measures the wrong thing. The default is the same on
# every run; `--hypothesis-profile=thorough` draws new examples, and more of them.
settings.register_profile(
    "default", max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "thorough", max_examples=500, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

os.environ.setdefault("MPLBACKEND", "Agg")
