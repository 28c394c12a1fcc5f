"""Tests of user functions that become kernels."""
