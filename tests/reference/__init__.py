"""Slow twins: every engine again in a few lines of NumPy, written from the mathematics."""
