"""Edges of number columns, and values to one-byte codes in both layouts."""

from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free

cimport numpy as cnp
import numpy as np

from kernels.column_edges cimport edges_of_column, load_sample, sort_space, sort_space_bytes
from kernels.column_view cimport INT8, ColumnView, is_byte, key_size
from kernels.distinct cimport DistinctSet, find_distinct, merge
from kernels.encode_chunk cimport CHUNK, SCRATCH, TILE, EncodeJob, encode_chunk, rows_of_chunk
from kernels.encode_column cimport levels_of, plant
from kernels.quantile_cuts cimport MAX_CUTS
from simd.simd cimport fastml_bin_search, fastml_kernels, fastml_simd

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cnp.import_array()

cdef enum:
    BLOCK = 512         # rows of a column in a pass over the sample

# In the order of column_view.Kind.
KINDS = tuple(np.dtype(name) for name in (
    "int8", "uint8", "int16", "uint16", "float32", "int32", "uint32", "int64", "uint64", "float64",
))
_KIND_OF = {dtype: kind for kind, dtype in enumerate(KINDS)}


cdef class _Columns:
    """Where the values of some columns are: 1-D arrays of one length, of any stride and any type of KINDS."""

    cdef ColumnView *views
    cdef ptrdiff_t n_columns, n_samples
    cdef list arrays  # keeps the memory alive

    def __cinit__(self, list arrays):
        cdef ptrdiff_t j
        cdef cnp.ndarray array
        cdef object last_dtype = None
        cdef int kind = -1
        self.n_columns = len(arrays)
        self.n_samples = len(arrays[0]) if arrays else 0
        self.arrays = arrays
        self.views = <ColumnView *>calloc(max(self.n_columns, 1), sizeof(ColumnView))
        if self.views == NULL:
            raise MemoryError
        for j in range(self.n_columns):
            array = arrays[j]
            if cnp.PyArray_NDIM(array) != 1 or cnp.PyArray_DIM(array, 0) != self.n_samples:
                raise ValueError(f"columns[{j}] has shape {arrays[j].shape}; all must be ({self.n_samples},)")
            if array.dtype is not last_dtype:
                last_dtype = array.dtype
                kind = _KIND_OF.get(last_dtype, -1)
                if kind < 0:
                    raise TypeError(f"columns[{j}] has dtype {last_dtype}; convert it to one of {KINDS}")
            self.views[j].data = cnp.PyArray_BYTES(array)
            self.views[j].stride = cnp.PyArray_STRIDE(array, 0)
            self.views[j].kind = kind

    def __dealloc__(self):
        free(self.views)


# ---- edges ----

def find_edges(list columns, const double[::1] weight, const int64_t[::1] rows, int max_bins, int n_threads):
    """Edges between the distinct values of each column if there are at most max_bins, else between quantiles.

    columns : 1-D arrays of one length and any of KINDS; NaN is missing, infinities are values
    weight : (n_samples,) >= 0, a row of weight 0 is not there; or None: every row weighs 1
    rows : the rows of which quantiles are taken, ascending; None takes all rows
    -> edges_flat (float64), edges_start (int64, n_columns + 1): column j has edges_flat[start[j]:start[j + 1]]
    """
    cdef _Columns source = _Columns(columns)
    cdef ptrdiff_t n_columns = source.n_columns, n_samples = source.n_samples
    cdef ptrdiff_t m = n_samples if rows is None else rows.shape[0]
    if not 2 <= max_bins <= MAX_CUTS + 1:
        raise ValueError(f"max_bins={max_bins} must be between 2 and {MAX_CUTS + 1}: a code is one byte")
    if weight is not None and n_columns and weight.shape[0] != n_samples:
        raise ValueError(f"weight has {weight.shape[0]} values for {n_samples} rows")
    edges_start = np.zeros(n_columns + 1, dtype=np.int64)
    if m == 0 or n_columns == 0:
        return np.empty(0), edges_start

    edges = np.empty((n_columns, max_bins - 1))
    n_edges = np.zeros(n_columns, dtype=np.int32)
    cdef double[:, ::1] edges_view = edges
    cdef int32_t[::1] n_edges_view = n_edges
    cdef const int64_t *rows_ptr = NULL if rows is None else &rows[0]
    cdef const double *weight_ptr = NULL if weight is None else &weight[0]
    cdef const double[::1] sample_weight = weight
    if weight is not None and rows is not None:
        sample_weight = np.asarray(weight)[np.asarray(rows)]
    cdef const double *sample_weight_ptr = NULL if weight is None else &sample_weight[0]

    n_threads = <int>max(<ptrdiff_t>1, min(<ptrdiff_t>n_threads, n_samples // BLOCK + 1))
    cdef ptrdiff_t tile = min(<ptrdiff_t>TILE, n_columns), key_bytes = 0, j
    for j in range(n_columns):
        key_bytes = max(key_bytes, m * key_size(source.views[j].kind))
    key_bytes += 64 - key_bytes % 64
    cdef uint8_t[:, ::1] set_memory = np.empty((n_threads, tile * sizeof(DistinctSet)), dtype=np.uint8)
    cdef uint64_t[::1] key_memory = np.empty(tile * key_bytes // 8, dtype=np.uint64)
    cdef ptrdiff_t sortable = max(m, <ptrdiff_t>max_bins)
    cdef uint64_t[:, ::1] sort_memory = np.empty(
        (n_threads, sort_space_bytes(sortable, weight is not None) // 8), dtype=np.uint64)
    cdef DistinctSet *sets = <DistinctSet *>&set_memory[0, 0]
    cdef char *keys = <char *>&key_memory[0]
    cdef const ColumnView *views
    cdef ptrdiff_t start, block, n_blocks = (m + BLOCK - 1) // BLOCK
    cdef int width, part, c
    for start in range(0, n_columns, <ptrdiff_t>TILE):
        width = <int>min(tile, n_columns - start)
        views = source.views + start
        with nogil:
            for part in prange(n_threads, num_threads=n_threads, schedule="static"):
                find_distinct(
                    views, width, n_samples * part // n_threads, n_samples * (part + 1) // n_threads,
                    weight_ptr, max_bins, <DistinctSet *>&set_memory[part, 0],
                )
            for part in range(1, n_threads):
                for c in range(width):
                    merge(&sets[c], <DistinctSet *>&set_memory[part, 0] + c)
            for block in prange(n_blocks, num_threads=n_threads, schedule="static"):
                load_sample(
                    views, width, sets, rows_ptr, sample_weight_ptr, block * BLOCK, min(m, (block + 1) * BLOCK),
                    key_bytes, keys,
                )
            for c in prange(width, num_threads=n_threads, schedule="dynamic", chunksize=1):
                n_edges_view[start + c] = edges_of_column(
                    &views[c], &sets[c], keys + c * key_bytes, sample_weight_ptr, m, max_bins,
                    sort_space(<uint8_t *>&sort_memory[threadid(), 0], sortable), &edges_view[start + c, 0],
                )
        PyErr_CheckSignals()
    np.cumsum(n_edges, out=edges_start[1:])
    return edges[np.arange(max_bins - 1) < n_edges[:, None]], edges_start


def sample_rows(int64_t n, int64_t size):
    """One row of each of `size` equal stretches of 0 .. n - 1, chosen by a hash of the stretch; ascending."""
    rows = np.empty(size, dtype=np.int64)
    cdef int64_t[::1] rows_view = rows
    cdef int64_t k, first, stop = 0
    cdef uint64_t h
    for k in range(size):
        first = stop
        stop = n * (k + 1) // size
        h = <uint64_t>(k + 1) * <uint64_t>0x9E3779B97F4A7C15  # splitmix64
        h = (h ^ (h >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
        h = (h ^ (h >> 27)) * <uint64_t>0x94D049BB133111EB
        h = h ^ (h >> 31)
        rows_view[k] = first + <int64_t>(((h >> 32) * <uint64_t>(stop - first)) >> 32)  # n < 2**31 * size
    return rows


# ---- codes ----

cdef class CodeTables:
    """What encode reads for each feature: its edges as a search tree, or the codes of its levels.

    edges_flat, edges_start : as find_edges gives them
    level_codes, level_start : uint8 and int64 (n_features + 1,), the codes of a categorical feature's levels;
        an empty stretch for a number feature
    """

    cdef fastml_bin_search *search      # (n_features,)
    cdef ptrdiff_t n_features
    cdef float[::1] floats
    cdef double[::1] sorted_edges
    cdef const uint8_t[::1] level_codes
    cdef const int64_t[::1] level_start

    def __cinit__(
        self, const double[::1] edges_flat, const int64_t[::1] edges_start,
        const uint8_t[::1] level_codes, const int64_t[::1] level_start,
    ):
        cdef ptrdiff_t j, n_edges, size = 0
        self.n_features = edges_start.shape[0] - 1
        if level_start.shape[0] != self.n_features + 1:
            raise ValueError(f"level_start has {level_start.shape[0]} values for {self.n_features} features")
        self.level_codes = np.append(level_codes, np.uint8(0))  # never empty: its address is taken
        self.level_start = level_start
        self.search = <fastml_bin_search *>calloc(self.n_features + 1, sizeof(fastml_bin_search))
        if self.search == NULL:
            raise MemoryError
        for j in range(self.n_features):
            n_edges = edges_start[j + 1] - edges_start[j]
            size += (1 << levels_of(n_edges)) if n_edges else 0
        self.floats = np.empty(2 * size + 1, dtype=np.float32)
        self.sorted_edges = np.empty(size + 1)
        size = 0
        for j in range(self.n_features):
            n_edges = edges_start[j + 1] - edges_start[j]
            if n_edges:
                plant(
                    &edges_flat[edges_start[j]], n_edges,
                    &self.floats[2 * size], &self.sorted_edges[size], &self.search[j],
                )
                size += 1 << self.search[j].levels

    def __dealloc__(self):
        free(self.search)


cdef object _codes_of_bytes(_Columns source, CodeTables tables, const int64_t[::1] features):
    """(n_columns, 256) the code of each byte for the columns of 8 bits, or None when there are none."""
    cdef ptrdiff_t j
    cdef int i
    cdef float[256] values
    cdef uint8_t[:, ::1] codes
    if not any([is_byte(source.views[j].kind) for j in range(source.n_columns)]):
        return None
    codes = np.zeros((source.n_columns, 256), dtype=np.uint8)
    for j in range(source.n_columns):
        if is_byte(source.views[j].kind):
            for i in range(256):
                values[i] = i - 256 if source.views[j].kind == INT8 and i > 127 else i
            fastml_simd().bin_encode_f32(values, 256, &tables.search[features[j]], &codes[j, 0])
    return codes


def encode(
    list columns, CodeTables tables, const int64_t[::1] features,
    uint8_t[:, ::1] codes_by_column, uint8_t[:, ::1] codes_by_row, uint8_t[::1] has_missing, int n_threads,
):
    """Codes of the columns, columns[j] by the tables of features[j], into the column layout and, if given, the rows.

    codes_by_column : (n_columns, >= n_samples), written up to n_samples
    codes_by_row : (>= n_samples, row_stride), zeros past the last column; or None
    has_missing : (n_columns,), set to 1 where code 0 occurs
    """
    cdef _Columns source = _Columns(columns)
    cdef ptrdiff_t n = source.n_samples, j, chunk, n_chunks = (n + CHUNK - 1) // CHUNK
    cdef const fastml_kernels *simd = fastml_simd()
    cdef EncodeJob job
    if features.shape[0] != source.n_columns or has_missing.shape[0] != source.n_columns:
        raise ValueError(f"features and has_missing must have {source.n_columns} values, one a column")
    for j in range(source.n_columns):
        if not 0 <= features[j] < tables.n_features:
            raise ValueError(f"features[{j}]={features[j]} must be a feature: 0 .. {tables.n_features - 1}")
    if codes_by_column.shape[0] != source.n_columns or codes_by_column.shape[1] < n:
        raise ValueError(f"codes_by_column must have shape ({source.n_columns}, {n}) or wider")
    if codes_by_row is not None and (codes_by_row.shape[0] < n or codes_by_row.shape[1] < source.n_columns):
        raise ValueError(f"codes_by_row must have shape ({n}, {source.n_columns}) or larger")
    if source.n_columns == 0 or n == 0:
        return
    cdef const uint8_t[:, ::1] byte_codes = _codes_of_bytes(source, tables, features)
    n_threads = <int>max(<ptrdiff_t>1, min(<ptrdiff_t>n_threads, n_chunks))
    cdef double[:, ::1] scratch = np.empty((n_threads, <ptrdiff_t>SCRATCH))
    job.views = source.views
    job.search = tables.search
    job.level_codes = &tables.level_codes[0]
    job.level_start = &tables.level_start[0]
    job.features = &features[0]
    job.byte_codes = NULL if byte_codes is None else &byte_codes[0, 0]
    job.by_column = &codes_by_column[0, 0]
    job.by_row = NULL if codes_by_row is None else &codes_by_row[0, 0]
    job.has_missing = &has_missing[0]
    job.n_columns = source.n_columns
    job.column_stride = codes_by_column.shape[1]
    job.row_stride = 0 if codes_by_row is None else codes_by_row.shape[1]
    for chunk in prange(n_chunks, num_threads=n_threads, schedule="dynamic", chunksize=1, nogil=True):
        encode_chunk(simd, &job, chunk * CHUNK, min(<ptrdiff_t>CHUNK, n - chunk * CHUNK), &scratch[threadid(), 0])


def rows_from_columns(
    const uint8_t[:, ::1] codes_by_column, ptrdiff_t n_samples, uint8_t[:, ::1] codes_by_row, int n_threads,
):
    """codes_by_row[i, j] = codes_by_column[j, i] for the first n_samples rows, zeros past the last column."""
    cdef ptrdiff_t n_columns = codes_by_column.shape[0], stride = codes_by_row.shape[1]
    cdef ptrdiff_t chunk, n_chunks = (n_samples + CHUNK - 1) // CHUNK
    cdef const fastml_kernels *simd = fastml_simd()
    if codes_by_column.shape[1] < n_samples or codes_by_row.shape[0] < n_samples or stride < n_columns:
        raise ValueError(f"codes_by_column and codes_by_row must have room for {n_samples} rows of {n_columns} codes")
    if n_columns == 0 or n_samples == 0:
        return
    for chunk in prange(n_chunks, num_threads=max(1, n_threads), nogil=True):
        rows_of_chunk(
            simd, &codes_by_column[0, chunk * CHUNK], codes_by_column.shape[1], n_columns,
            min(<ptrdiff_t>CHUNK, n_samples - chunk * CHUNK), &codes_by_row[chunk * CHUNK, 0], stride,
        )
