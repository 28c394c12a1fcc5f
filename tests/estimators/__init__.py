"""Tests of the estimators, by what their users see."""
