"""k-means: Lloyd's algorithm and its relatives, seeding, the choice of k."""
