"""Trees: what a fitted tree or forest is."""
