"""Tests of what drives the boosters and forests."""
