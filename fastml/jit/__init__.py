"""A user's Python function becomes a block kernel, compiled by Numba."""
