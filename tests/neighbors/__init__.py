"""Tests of fastml.neighbors."""
