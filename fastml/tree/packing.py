"""Trees and forests in few bytes, for files and pickles: a fiftieth to a ninth of scikit-learn's.

Nodes are put in the order of their depth, tree by tree. The children of the k-th split of a tree are then its nodes
2 k + 1 and 2 k + 2, so that one bit a node, whether it is a leaf, tells the tree; leaves are numbered in that order
too. Numbers are kept in the smallest type that holds them, or as places in a table of those that occur, where that is
less.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.tree.leaf_sums import impurity_of_sums, own_of_impurity, sum_upwards
from fastml.tree.structure import NODE

UNSIGNED = (np.uint8, np.uint16, np.uint32)


def pack(
    nodes: NDArray[Any], tree_start: NDArray[np.int64], leaf_start: NDArray[np.int64]
) -> tuple[dict[str, Any], NDArray[np.int64], NDArray[np.int64]]:
    """(packed nodes, number of each leaf in the new order, order of the nodes)."""
    order = _by_depth(nodes["left"].astype(np.int64), tree_start)
    own = nodes[order]
    is_leaf = own["left"] == 0
    split = ~is_leaf
    tree = np.repeat(np.arange(len(tree_start) - 1), np.diff(tree_start))
    leaves = own["value"][is_leaf].astype(np.int64) + leaf_start[tree[is_leaf]]
    packed = {
        "sizes": smallest(np.diff(tree_start)), "is_leaf": np.packbits(is_leaf),
        "feature": smallest(own["feature"][split] & np.uint32(0x3FFFFFFF)),
        "flags": np.packbits(np.stack([own["feature"][split] >> 30 & 1, own["feature"][split] >> 31]).astype(bool)),
        "threshold": in_table(own["value"][split]),
    }  # fmt: skip
    return packed, leaves, order


def unpack(packed: dict[str, Any]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """(nodes, tree_start, leaf_start); ValueError where the parts do not fit."""
    sizes = np.asarray(packed["sizes"]).astype(np.int64)
    tree_start = np.concatenate([[0], np.cumsum(sizes)])
    n = int(tree_start[-1])
    if len(packed["is_leaf"]) != (n + 7) // 8 or (sizes < 1).any():
        raise ValueError("the nodes of a forest do not fit its trees: it is damaged")
    is_leaf = np.unpackbits(packed["is_leaf"], count=n).astype(bool)
    split = ~is_leaf
    n_splits = int(split.sum())
    flags = np.unpackbits(packed["flags"], count=2 * n_splits).reshape(2, n_splits).astype(np.uint32)
    before = np.concatenate([[0], np.cumsum(split)])  # splits before each node
    tree = np.repeat(np.arange(len(sizes)), sizes)
    nodes = np.zeros(n, NODE)
    nodes["left"][split] = 2 * (before[:-1] - before[tree_start[tree]])[split] + 1
    feature, threshold = np.asarray(packed["feature"]), from_table(packed["threshold"])
    if len(feature) != n_splits or len(threshold) != n_splits:
        raise ValueError("the splits of a forest do not fit its nodes: it is damaged")
    nodes["feature"][split] = feature.astype(np.uint32) | flags[0] << np.uint32(30) | flags[1] << np.uint32(31)
    nodes["value"][split] = threshold
    leaves = np.concatenate([[0], np.cumsum(is_leaf)])
    leaf_start = leaves[tree_start]
    nodes["value"][is_leaf] = (leaves[:-1] - leaf_start[tree])[is_leaf]
    return nodes, tree_start, leaf_start


def _by_depth(left: NDArray[np.int64], tree_start: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the nodes tree by tree, in each the root first, then level after level from left to right."""
    tree = np.arange(len(tree_start) - 1)
    level, of_tree = tree_start[:-1].astype(np.int64), tree
    nodes, trees = [level], [of_tree]
    while len(level):
        inner = left[level] != 0
        child = tree_start[of_tree[inner]] + left[level[inner]]
        level = np.stack([child, child + 1], axis=1).ravel()
        of_tree = np.repeat(of_tree[inner], 2)
        nodes.append(level)
        trees.append(of_tree)
    return np.concatenate(nodes)[np.argsort(np.concatenate(trees), kind="stable")]


def smallest(values: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in the smallest unsigned type that holds them, where all are whole and none is negative."""
    if len(values) and (values.min() < 0 or (values != np.rint(values)).any()):
        return values
    top = values.max() if len(values) else 0
    return next((values.astype(kind) for kind in UNSIGNED if top <= np.iinfo(kind).max), values)


def in_table(values: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """(numbers, places in them), or (numbers, nothing) where places would not be less."""
    small = smallest(values)
    bits, place = np.unique(values.view(np.uint64), return_inverse=True)
    place = smallest(place)
    if bits.nbytes + place.nbytes < small.nbytes:
        return bits.view(np.float64), place
    return small, np.empty(0, np.uint8)


def from_table(packed: tuple[NDArray[Any], NDArray[Any]]) -> NDArray[np.float64]:
    """The numbers again."""
    numbers, place = (np.asarray(part) for part in packed)
    if len(place) and place.max() >= len(numbers):
        raise ValueError("a table of numbers is too short: it is damaged")
    return numbers[place].astype(np.float64) if len(place) else numbers.astype(np.float64)


CRITERIA = ("gini", "entropy", "squared_error", "poisson")  # by which impurities of splits follow from leaves


def pack_statistics(
    left: NDArray[np.int64], value: NDArray[np.float64], impurity: NDArray[np.float64], rows: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> dict[str, Any]:  # fmt: skip
    """Statistics of a tree's nodes, of its leaves alone where those of the splits follow from them.

    left : (n_nodes,) first child, 0 at a leaf.  value : (n_nodes, n_outputs, n_classes)
    """
    leaf = left == 0
    parts: dict[str, Any] = {"criterion": None}
    for criterion in CRITERIA[:2] if value.shape[2] > 1 else CRITERIA[2:]:
        found = follow(left, value[leaf], impurity[leaf], rows[leaf], weight[leaf], criterion)
        pairs = zip(found, (value, impurity, rows, weight), strict=True)
        if all(np.allclose(one, other, rtol=1e-9, atol=1e-12) for one, other in pairs):
            parts["criterion"] = criterion
            value, impurity, rows, weight = value[leaf], impurity[leaf], rows[leaf], weight[leaf]
            break
    return parts | {
        "value": in_table(np.ascontiguousarray(value).ravel()), "impurity": in_table(impurity), "rows": smallest(rows),
        "weight": in_table(weight),
    }  # fmt: skip


def unpack_statistics(
    parts: dict[str, Any], left: NDArray[np.int64], shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """(value, impurity, rows, weight) of all nodes; shape: n_outputs, n_classes. ValueError where they do not fit."""
    value, impurity, weight = (from_table(parts[name]) for name in ("value", "impurity", "weight"))
    rows = np.asarray(parts["rows"]).astype(np.int64)
    n = len(left) if parts["criterion"] is None else int(np.count_nonzero(left == 0))
    if {len(impurity), len(weight), len(rows)} != {n} or len(value) != n * shape[0] * shape[1]:
        raise ValueError("a tree's arrays are not of one length or of its classes: they are damaged")
    value = value.reshape(n, *shape)
    if parts["criterion"] is None:
        return value, impurity, rows, weight
    return follow(left, value, impurity, rows, weight, parts["criterion"])


def follow(
    left: NDArray[np.int64], value: NDArray[np.float64], impurity: NDArray[np.float64], rows: NDArray[np.int64],
    weight: NDArray[np.float64], criterion: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:  # fmt: skip
    """(value, impurity, rows, weight) of all nodes from those of the leaves."""
    n_outputs, n_classes = value.shape[1:]
    leaf = left == 0
    centre = value.mean(axis=0) if n_classes == 1 and criterion == "squared_error" else 0.0
    mean = (value - centre).reshape(len(value), -1)
    own = own_of_impurity(criterion, mean, weight, impurity) if n_classes == 1 else np.zeros(len(weight))
    stats = np.zeros((len(left), 3 + mean.shape[1]))
    stats[leaf] = np.column_stack([weight, rows, own, mean * weight[:, None]])
    sum_upwards(stats, left)
    of_node, sums = stats[:, 0].copy(), stats[:, 3:]
    inner = impurity_of_sums(criterion, sums, of_node, stats[:, 2], n_outputs)
    inner[leaf] = impurity
    all_values = (sums / np.where(of_node > 0, of_node, 1.0)[:, None]).reshape(-1, n_outputs, n_classes) + centre
    all_values[leaf] = value
    return all_values, inner, np.rint(stats[:, 1]).astype(np.int64), of_node


def native(value: Any) -> Any:
    """The same with arrays in this machine's byte order: a pickle may come from another one."""
    if isinstance(value, np.ndarray):
        return value.astype(value.dtype.newbyteorder("="))
    if isinstance(value, dict):
        return {key: native(item) for key, item in value.items()}
    return tuple(native(item) for item in value) if isinstance(value, tuple) else value
