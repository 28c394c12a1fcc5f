"""Settings for every test: how many examples hypothesis draws, and no picture window."""

import os

from hypothesis import HealthCheck, settings

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
