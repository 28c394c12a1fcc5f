"""Tests of fastml.tree."""
