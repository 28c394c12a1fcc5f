"""What a split tells about the classes: information gain and gain ratio of branches and of thresholds (ID3, C4.5)."""

from libc.math cimport log2
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from kernels.multiway_nodes cimport (
    C45, Cells, Column, Options, Run, Target, clear_cells, code_at, count_column,
)
from kernels.radix_sort cimport radix_sort

cdef extern from *:
    """
    #define FASTML_ROUNDING 1e-10
    #define FASTML_LENIENT 1e-3
    #define FASTML_MANY 0.3
    """
    const double ROUNDING "FASTML_ROUNDING"     # bits, and weights: what is less is rounding of sums
    const double LENIENT "FASTML_LENIENT"       # bits by which a gain may be less than the average one
    const double MANY "FASTML_MANY"             # levels a row from which on a column has very many

cdef enum:
    SPARSE = 4                      # ranks a row from which on sorting the rows beats a table of all ranks
    TABLE_RANKS = 1 << 16           # and ranks at all, so that tables stay small

cdef struct Worth:                  # of a column in a node
    bint valid
    double gain                     # bits a row
    double split_info               # bits a row
    int32_t cut                     # NUMBER: ranks <= cut go left
    int32_t next                    # the rank after it that occurs

cdef struct CutScan:
    double *left                    # (width,) classes below the cut
    const double *known             # (width,)
    double known_weight
    double left_weight
    double min_side
    double best                     # least bits * weight so far
    double best_left
    int32_t cut, next, last
    int64_t n_cuts
    int width


cdef inline double entropy_mass(const double *classes, int n, double weight) noexcept nogil:
    """-sum w_k log2 (w_k / w): bits times weight."""
    cdef double mass = 0
    cdef int k
    for k in range(n):
        if 0 < classes[k] < weight:
            mass -= classes[k] * log2(classes[k] / weight)
    return mass


cdef inline double split_mass(double part, double weight) noexcept nogil:
    return -part * log2(part / weight) if 0 < part < weight else 0.0


cdef inline void branch_worth(
    const Column *column,
    const Options *o,
    const Cells *cells,
    const Target *target,
    double weight,                  # of the node
    double *known,                  # (width,) scratch
    Worth *out,
) noexcept nogil:
    """One branch a level:  gain = F (H - sum w_l / w H_l),  F the share of the rows whose level is known.

    The split's own information counts missing values as one more branch (Quinlan 1993, chapters 2 and 3).
    """
    cdef int32_t i, code, big = 0, n = 0
    cdef int k
    cdef double known_weight = 0, within = 0, own = 0
    for k in range(target.width):
        known[k] = 0
    for i in range(cells.n_touched):
        code = cells.touched[i]
        own += split_mass(cells.total[code], weight)
        if o.method == C45 and code == column.n_levels:
            continue
        n += 1
        big += cells.total[code] >= o.min_leaf - ROUNDING
        known_weight += cells.total[code]
        within += entropy_mass(cells.sums + <ptrdiff_t> code * target.width, target.width, cells.total[code])
        for k in range(target.width):
            known[k] += cells.sums[<ptrdiff_t> code * target.width + k]
    out.valid = n > 1 and (o.method != C45 or big > 1)
    if out.valid:
        out.gain = max(entropy_mass(known, target.width, known_weight) - within, 0.0) / weight
        out.split_info = own / weight


cdef inline void weigh_cut(CutScan *s, int32_t rank) noexcept nogil:
    """A threshold between the ranks before and `rank`, whose rows are not in `left` yet."""
    cdef double right_weight = s.known_weight - s.left_weight, mass, rest
    cdef int k
    if s.last >= 0 and s.left_weight >= s.min_side - ROUNDING and right_weight >= s.min_side - ROUNDING:
        s.n_cuts += 1
        mass = entropy_mass(s.left, s.width, s.left_weight)
        for k in range(s.width):
            rest = s.known[k] - s.left[k]
            if 0 < rest < right_weight:
                mass -= rest * log2(rest / right_weight)
        if s.n_cuts == 1 or mass < s.best - ROUNDING * s.known_weight:  # of equal cuts the lowest
            s.best = mass
            s.best_left = s.left_weight
            s.cut = s.last
            s.next = rank
    s.last = rank


cdef inline void scan_table(const Column *column, const Cells *cells, CutScan *s) noexcept nogil:
    cdef int32_t rank
    cdef int k
    for rank in range(column.n_levels):
        if cells.total[rank] > 0:
            weigh_cut(s, rank)
            s.left_weight += cells.total[rank]
            for k in range(s.width):
                s.left[k] += cells.sums[<ptrdiff_t> rank * s.width + k]


cdef inline void scan_sorted(
    const uint64_t *keys,           # (n,) ascending: rank << 32 | place in the run
    const Run *run, const Target *target, CutScan *s,
) noexcept nogil:
    cdef ptrdiff_t i, at
    cdef int32_t rank
    for i in range(run.n):
        rank = <int32_t> (keys[i] >> 32)
        if i == 0 or rank != s.last:
            weigh_cut(s, rank)
        at = <ptrdiff_t> (<uint32_t> keys[i])
        s.left_weight += run.weight[at]
        s.left[target.label[run.rows[at]]] += run.weight[at]


cdef inline void threshold_worth(
    const Column *column,
    const Options *o,
    const Run *run,
    const Target *target,
    double weight,                  # of the node
    Cells *cells,                   # empty; empty again afterwards
    double *scratch,                # (2 width,)
    uint64_t *keys,                 # (2 n,) scratch
    Worth *out,
) noexcept nogil:
    """The threshold with the largest gain, less  log2(thresholds) / weight  if it pays for being chosen (release 8).

    Each side has at least  max(min_leaf, min(25, a tenth of the known weight / classes)),  as in Quinlan's program.
    """
    cdef CutScan s
    cdef int k
    cdef int32_t code
    cdef ptrdiff_t i, n = 0
    cdef double known_mass, missing
    cdef Run known_run
    cdef const uint64_t *ordered = keys
    cdef bint by_table = column.n_levels <= min(<ptrdiff_t> TABLE_RANKS, SPARSE * run.n)
    s.left = scratch + target.width
    s.known = scratch
    s.width = target.width
    for k in range(2 * target.width):
        scratch[k] = 0
    s.known_weight = 0
    s.left_weight = 0
    s.best = 0
    s.best_left = 0
    s.cut = -1
    s.next = -1
    s.last = -1
    s.n_cuts = 0
    if by_table:
        count_column(column, run, target, cells)
        for i in range(cells.n_touched):
            code = cells.touched[i]
            if code < column.n_levels:
                s.known_weight += cells.total[code]
                for k in range(target.width):
                    scratch[k] += cells.sums[<ptrdiff_t> code * target.width + k]
    else:
        for i in range(run.n):
            code = code_at(column, run.rows[i])
            if code < column.n_levels:
                keys[n] = (<uint64_t> code << 32) | <uint64_t> i
                n += 1
                s.known_weight += run.weight[i]
                scratch[target.label[run.rows[i]]] += run.weight[i]
        if radix_sort(keys, keys + run.n, NULL, NULL, <unsigned int> n):
            ordered = keys + run.n
    s.min_side = max(o.min_leaf, min(25.0, 0.1 * s.known_weight / target.width))
    if by_table:
        scan_table(column, cells, &s)
        clear_cells(cells, target.width)
    else:
        known_run = run[0]
        known_run.n = n
        scan_sorted(ordered, &known_run, target, &s)
    out.valid = False
    if s.n_cuts == 0:
        return
    known_mass = entropy_mass(s.known, target.width, s.known_weight)
    out.gain = (known_mass - s.best) / weight
    if o.mdl:
        out.gain -= log2(<double> s.n_cuts) / weight
    out.valid = out.gain > ROUNDING
    missing = weight - s.known_weight
    out.split_info = (
        split_mass(s.best_left, weight) + split_mass(s.known_weight - s.best_left, weight)
        + (split_mass(missing, weight) if missing > ROUNDING * weight else 0.0)
    ) / weight
    out.cut = s.cut
    out.next = s.next


cdef inline double cut_value(const Column *column, int32_t cut, int32_t next) noexcept nogil:
    """The largest value of the training data up to the middle of two neighbours in the node, as in release 8."""
    cdef double middle = column.values[cut] / 2 + column.values[next] / 2
    cdef int32_t low = cut, high = next, half
    while high - low > 1:
        half = low + (high - low) // 2
        if column.values[half] <= middle:
            low = half
        else:
            high = half
    return column.values[low]
