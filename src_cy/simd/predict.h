/* What the batch predictor's kernels share: rows in blocks, a row a bit, trees as Boolean programs. */
#ifndef FASTML_PREDICT_H
#define FASTML_PREDICT_H

#include <stddef.h>
#include <stdint.h>

/* A vector holds one bit for each row of a block. */
#define FASTML_BLOCK_WORDS 8
#define FASTML_BLOCK_ROWS (64 * FASTML_BLOCK_WORDS)

/* A leaf's number within its tree has at most so many bits, so a block's leaf numbers are bytes. */
#define FASTML_MAX_PLANES 8

/* vectors[out] = right ? vectors[if_right] : vectors[if_left], bit by bit. */
struct fastml_select {
    uint16_t right, if_left, if_right, out;
};

/* One tree: its part of the program, and the vectors that then hold the bits of the leaf number. */
struct fastml_bit_tree {
    int32_t select_begin, select_end;
    int32_t n_planes;
    uint16_t plane[FASTML_MAX_PLANES];
    int64_t table; /* where the tree's 2^n_planes leaf values begin */
};

#endif
