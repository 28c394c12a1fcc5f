"""Twin of lloyd_tree: the same labels and sums as by brute force."""

from tests.reference.lloyd import labels, sums

__all__ = ["labels", "sums"]
