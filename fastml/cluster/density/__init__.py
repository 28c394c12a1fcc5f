"""DBSCAN, and the choice of its eps."""
