"""The record of options that trees on gradients grow by, from a dict."""

from types cimport GrowOptions


cdef inline void set_options(GrowOptions *out, dict options) except *:
    """Fill the record from its fields' names; a name missing or too much is an error of ours."""
    out.max_leaves = options.pop("max_leaves")
    out.max_depth = options.pop("max_depth")
    out.lossguide = options.pop("lossguide")
    out.reg_lambda = options.pop("reg_lambda")
    out.reg_alpha = options.pop("reg_alpha")
    out.min_split_gain = options.pop("min_split_gain")
    out.min_child_weight = options.pop("min_child_weight")
    out.min_node_weight = options.pop("min_node_weight", 0.0)
    out.first_order = options.pop("first_order", 0)
    out.min_samples_leaf = options.pop("min_samples_leaf", 0)
    out.min_samples_split = options.pop("min_samples_split", 0)
    out.max_delta_step = options.pop("max_delta_step")
    out.learning_rate = options.pop("learning_rate")
    out.max_cat_to_onehot = options.pop("max_cat_to_onehot")
    out.cat_penalty = options.pop("cat_penalty", 0.0)
    out.colsample_bytree = options.pop("colsample_bytree")
    out.colsample_bylevel = options.pop("colsample_bylevel")
    out.colsample_bynode = options.pop("colsample_bynode")
    out.seed = options.pop("seed")
    if options:
        raise TypeError(f"unknown options: {', '.join(options)}")
