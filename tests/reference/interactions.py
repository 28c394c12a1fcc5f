"""Slow twin of interaction constraints: which columns each node of a tree may be split on."""

from hypothesis import strategies as st

from fastml.tree.interactions import Interactions


def allowed(used, groups, most, n_features):
    """After splits on the columns `used`: these, and every set that holds all of them; all, where there are none, or
    fewer than `most`."""
    if not used or len(used) < most:
        return set(range(n_features))
    return set(used).union(*(group for group in groups if used <= set(group)))


def allowed_in_nodes(nodes, constraints, n_features):
    """For each node of a tree a set of columns; constraints: Interactions or None."""
    every = set(range(n_features))
    if constraints is None:
        return [every] * len(nodes)
    groups = constraints.groups()
    used = {0: set()}
    out = [every] * len(nodes)
    for i in range(len(nodes)):
        out[i] = allowed(used[i], groups, constraints.most, n_features)
        if nodes["left"][i]:
            below = used[i] | {int(nodes["feature"][i]) & 0x3FFFFFFF}
            used[nodes["left"][i]] = used[nodes["left"][i] + 1] = below
    return out


@st.composite
def constraints(draw, n_features):
    """Interactions over so many columns, or None."""
    most = draw(st.sampled_from([0, 0, 1, 2]))
    if most:
        return Interactions.at_most(most, n_features)
    groups = st.sets(st.integers(0, n_features - 1), min_size=1)
    return Interactions.of(draw(st.lists(groups, min_size=1, max_size=4)), n_features)
