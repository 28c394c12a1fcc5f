"""Tests of the losses: kernels, starts, line searches."""
