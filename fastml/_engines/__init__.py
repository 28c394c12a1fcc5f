"""Compiled machines, built from src_cy/engines; each has a hand-written stub."""
