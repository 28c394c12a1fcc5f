"""Sorts columns of numbers once, before trees with exact thresholds grow on them.

Limit: a radix sort moves 8 bytes in four passes, about 7 ns a float32.
"""

from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from kernels.merged_ranks cimport merge_column
from kernels.radix_sort cimport key32, key64, number32, number64, radix_sort
from kernels.random cimport mix
from kernels.sorted_runs cimport MISSING

import numpy as np


cdef ptrdiff_t sort_float32(const float *x, ptrdiff_t n, uint64_t *entries_out, double *values_out) noexcept nogil:
    """See sort_columns; returns the number of distinct values, or -1 where there is no memory."""
    cdef uint32_t *memory = <uint32_t *> malloc(4 * (n + 1) * sizeof(uint32_t))
    cdef uint32_t *keys = memory
    cdef uint32_t *rows
    cdef ptrdiff_t i, n_values = -1
    cdef uint32_t missing = <uint32_t> 0xFFFFFFFF
    if memory == NULL:
        return -1
    rows = memory + 2 * n
    for i in range(n):
        keys[i] = key32(x[i])
        rows[i] = <uint32_t> i
    if radix_sort(keys, memory + n, rows, memory + 3 * n, <uint32_t> n):
        keys = memory + n
        rows = memory + 3 * n
    for i in range(n):
        if keys[i] == missing:
            entries_out[i] = (<uint64_t> MISSING << 32) | rows[i]
            continue
        if i == 0 or keys[i] != keys[i - 1]:
            n_values += 1
            values_out[n_values] = number32(keys[i])
        entries_out[i] = (<uint64_t> n_values << 32) | rows[i]
    free(memory)
    return n_values + 1


cdef ptrdiff_t sort_float64(const double *x, ptrdiff_t n, uint64_t *entries_out, double *values_out) noexcept nogil:
    cdef uint64_t *keys = <uint64_t *> malloc(2 * (n + 1) * sizeof(uint64_t))
    cdef uint32_t *rows = <uint32_t *> malloc(2 * (n + 1) * sizeof(uint32_t))
    cdef const uint64_t *key = keys
    cdef const uint32_t *row = rows
    cdef ptrdiff_t i, n_values = -1
    cdef uint64_t missing = <uint64_t> 0xFFFFFFFFFFFFFFFF
    if keys == NULL or rows == NULL:
        free(keys)
        free(rows)
        return -1
    for i in range(n):
        keys[i] = key64(x[i])
        rows[i] = <uint32_t> i
    if radix_sort(keys, keys + n, rows, rows + n, <uint32_t> n):
        key = keys + n
        row = rows + n
    for i in range(n):
        if key[i] == missing:
            entries_out[i] = (<uint64_t> MISSING << 32) | row[i]
            continue
        if i == 0 or key[i] != key[i - 1]:
            n_values += 1
            values_out[n_values] = number64(key[i])
        entries_out[i] = (<uint64_t> n_values << 32) | row[i]
    free(keys)
    free(rows)
    return n_values + 1


def sort_columns(columns, int n_threads=1):
    """(entries, values, values_start) of equally long float32 or float64 columns; see column_sorter.pyi."""
    cdef ptrdiff_t d = len(columns), j, n = len(columns[0]) if d else 0
    cdef uint64_t[:, ::1] entries = np.empty((d, n), np.uint64)
    cdef double[:, ::1] values
    cdef ptrdiff_t[::1] found
    cdef const float[::1] x32
    cdef const double[::1] x64
    cdef size_t[::1] address = np.empty(d, np.uintp)
    cdef unsigned char[::1] is_double = np.empty(d, np.uint8)
    cdef ptrdiff_t first, stop, group = max(1, min(d, 64))
    if n >= 2**32 - 1:
        raise ValueError(f"n_samples={n} must be below 2**32 - 1 for exact thresholds")
    held = []
    for j in range(d):
        column = np.ascontiguousarray(columns[j])
        if column.dtype == np.float32:
            x32 = column
            address[j] = <size_t> &x32[0] if n else 0
        else:
            column = column.astype(np.float64, copy=False)
            x64 = column
            address[j] = <size_t> &x64[0] if n else 0
        is_double[j] = column.dtype == np.float64
        held.append(column)
    parts = []
    for first in range(0, d, group):  # in groups, so that room for the values is a small part of all
        stop = min(d, first + group)
        values = np.empty((stop - first, n))
        found = np.zeros(stop - first, np.intp)
        if n:
            for j in prange(first, stop, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic", chunksize=1):
                if is_double[j]:
                    found[j - first] = sort_float64(
                        <const double *> address[j], n, &entries[j, 0], &values[j - first, 0]
                    )
                else:
                    found[j - first] = sort_float32(
                        <const float *> address[j], n, &entries[j, 0], &values[j - first, 0]
                    )
        for j in range(stop - first):
            if found[j] < 0:
                raise MemoryError
            parts.append(np.asarray(values)[j, : found[j]].copy())
    start = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    return np.asarray(entries), np.concatenate([np.empty(0), *parts]), start


def merge_ranks(
    uint64_t[:, ::1] entries, const double[::1] values, const int64_t[::1] values_start, int max_bins,
    const uint8_t[::1] keep=None, int n_threads=1,
):
    """(smallest, largest, start) of the bins that become the entries' ranks; see column_sorter.pyi."""
    cdef ptrdiff_t d = entries.shape[0], n = entries.shape[1], j
    cdef int32_t[::1] found = np.zeros(d, np.int32)
    cdef double[:, ::1] smallest, largest
    if n > 2**31 - 2:
        raise ValueError(f"n_samples={n} must be below 2**31 - 1 for bins: leave max_bins=None")
    sizes = np.diff(values_start)
    merged = sizes > max_bins
    if keep is not None:
        merged &= np.asarray(keep) == 0
    wanted = np.flatnonzero(merged)
    cdef int64_t[::1] columns = wanted
    smallest = np.empty((len(wanted), max_bins))
    largest = np.empty((len(wanted), max_bins))
    for j in prange(columns.shape[0], nogil=True, num_threads=max(n_threads, 1), schedule="dynamic", chunksize=1):
        found[columns[j]] = merge_column(
            &entries[columns[j], 0], n, &values[values_start[columns[j]]],
            <int32_t> (values_start[columns[j] + 1] - values_start[columns[j]]), max_bins,
            &smallest[j, 0], &largest[j, 0],
        )
    if np.any(np.asarray(found)[wanted] < 0):
        raise MemoryError
    below = [np.asarray(values)[values_start[j] : values_start[j + 1]] for j in range(d)]
    above = list(below)
    for k, j in enumerate(wanted):
        below[j] = np.asarray(smallest)[k, : found[j]]
        above[j] = np.asarray(largest)[k, : found[j]]
    start = np.cumsum([0, *map(len, below)], dtype=np.int64)
    return np.concatenate([np.empty(0), *below]), np.concatenate([np.empty(0), *above]), start


def ranks_of(
    const uint64_t[:, ::1] entries, ptrdiff_t n_values, const int32_t[::1] place=None, int n_threads=1
):
    """(d, n) rank of each row's value in each column, from entries; see column_sorter.pyi."""
    cdef ptrdiff_t d = entries.shape[0], n = entries.shape[1], i, j
    cdef uint16_t[:, ::1] narrow
    cdef uint32_t[:, ::1] out
    if place is None:
        place = np.arange(n, dtype=np.int32)
    if n_values < 65535:
        narrow = np.empty((d, n), np.uint16)
        for j in prange(d, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic", chunksize=1):
            for i in range(n):
                narrow[j, place[<uint32_t> entries[j, i]]] = <uint16_t> (entries[j, i] >> 32)
        return np.asarray(narrow)
    out = np.empty((d, n), np.uint32)
    for j in prange(d, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic", chunksize=1):
        for i in range(n):
            out[j, place[<uint32_t> entries[j, i]]] = <uint32_t> (entries[j, i] >> 32)
    return np.asarray(out)


def add_to_hash(const double[::1] x, uint64_t seed, uint64_t[::1] hash_inout, int n_threads=1):
    """hash_inout += a hash of each number and the seed; see column_sorter.pyi."""
    cdef ptrdiff_t i, n = x.shape[0]
    cdef uint64_t salt = mix(seed + <uint64_t> 0x9E3779B97F4A7C15)
    if hash_inout.shape[0] != n:
        raise ValueError(f"hash_inout must have {n} numbers")
    for i in prange(n, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
        hash_inout[i] = hash_inout[i] + mix(key64(x[i]) ^ salt)


def order_of(uint64_t[::1] keys):
    """(n,) int32 places of the keys in ascending order; keys are overwritten."""
    cdef ptrdiff_t n = keys.shape[0]
    cdef uint64_t[::1] spare = np.empty(n + 1, np.uint64)
    cdef uint32_t[::1] rows = np.arange(n + 1, dtype=np.uint32), spare_rows = np.empty(n + 1, np.uint32)
    cdef bint swapped = False
    if n:
        swapped = radix_sort(&keys[0], &spare[0], &rows[0], &spare_rows[0], <uint32_t> n)
    return np.asarray(spare_rows if swapped else rows)[:n].astype(np.int32)
