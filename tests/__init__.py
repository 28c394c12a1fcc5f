"""Tests: each engine against its slow twin, each estimator against its peers, and the rules of the house."""
