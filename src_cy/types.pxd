"""Every struct that engines share, once."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t


cdef packed struct Node:            # 16 bytes; fastml.tree.structure.NODE
    double value                    # threshold, row of the category table, or value of a leaf
    int32_t left                    # left child, from the start of the tree; right = left + 1; 0: a leaf
    uint32_t feature                # bits 0..29 index, 30 categorical, 31 missing goes left


cdef struct CategorySet:            # the codes that go left
    uint32_t bits[8]


cdef struct Split:
    double gain                     # loss reduction times 2, in the loss's units; < 0: there is none
    int64_t left                    # packed sums of the left side
    int feature
    int threshold                   # numbers: codes <= threshold go left
    int missing_left
    int categorical
    CategorySet categories


cdef struct GrowOptions:
    int max_leaves                  # 0: no limit
    int max_depth                   # 0: no limit
    int lossguide                   # 1: best gain first; 0: level by level
    double reg_lambda
    double reg_alpha
    double min_split_gain
    double min_child_weight
    double min_node_weight          # least hessian of a node that may be split
    int first_order                 # 1: splits take the hessian as 1, leaf values as it is
    int min_samples_leaf            # least rows of a leaf, counted without weights; 0: sums decide
    int min_samples_split           # least rows of a node that may be split, likewise
    double max_delta_step           # 0: no limit
    double learning_rate
    int max_cat_to_onehot
    double cat_penalty              # times what noise gains by sorting levels, off a split by them
    double colsample_bytree
    double colsample_bylevel
    double colsample_bynode
    uint32_t seed
