"""Prim's tree and Kruskal's forest are those of all pairs' Kruskal, which mutual_reachability_tree's twin has."""

from tests.reference.mutual_reachability_tree import spanning_tree


def tree_of_rows(D, core):
    return spanning_tree(D, core)


def forest_weight(n_points, edges):
    """Total weight of a minimum spanning forest of {(a, b): weight}, and how many edges it has."""
    component, total, taken = list(range(n_points)), 0.0, 0
    for (a, b), weight in sorted(edges.items(), key=lambda item: item[1]):
        a, b = component[a], component[b]
        if a != b:
            component = [a if c == b else c for c in component]
            total, taken = total + weight, taken + 1
    return total, taken
