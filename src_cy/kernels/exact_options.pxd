"""How a tree is to be grown, from Python."""

from kernels.exact_nodes cimport ExactProblem


cdef inline int set_options(ExactProblem *p, dict options) except -1:
    """Fill the record from its fields' names; a name missing or too much is an error of ours."""
    p.options.max_depth = options.pop("max_depth")
    p.options.max_leaves = options.pop("max_leaves")
    p.options.min_samples_split = options.pop("min_samples_split")
    p.options.min_samples_leaf = options.pop("min_samples_leaf")
    p.options.min_weight_leaf = options.pop("min_weight_leaf")
    p.options.min_impurity_decrease = options.pop("min_impurity_decrease")
    p.options.max_features = options.pop("max_features")
    p.options.random_cuts = options.pop("random_cuts")
    p.options.seed = options.pop("seed")
    if options:
        raise TypeError(f"unknown options: {', '.join(options)}")
    return 0
