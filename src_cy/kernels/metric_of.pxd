"""A metric as engines are given it: (kind, p, weight, address) -> fastml_metric."""

from libc.stdint cimport uintptr_t

from kernels.distances cimport FASTML_N_METRICS, fastml_metric, fastml_row_distance


cdef inline int read_metric(tuple metric, fastml_metric *out) except -1:
    """Points into `weight`, (d,) or (d, d) float64 in C order or None, which must stay alive as long as `out`."""
    cdef const double[::1] weight
    kind, p, given, address = metric
    if not 0 <= kind < FASTML_N_METRICS:
        raise ValueError(f"metric kind {kind} is not known")
    out.kind, out.p, out.weight, out.own = kind, p, NULL, <fastml_row_distance> <uintptr_t> address
    if given is not None:
        weight = given.reshape(-1)
        out.weight = &weight[0]
    return 0
