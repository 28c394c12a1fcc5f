/* Sequential minimal optimisation of one problem that fits into the cache: a pair of variables at a time.

   The problem, over beta (each row's alpha times its sign):  min 1/2 beta' K beta - z' beta + epsilon sum |beta|,
   lower <= beta <= upper, the sum of beta (of each group) given.  With g = z - K beta, a beta may rise with profit
   g + up and fall with g + low, where up = -epsilon (beta >= 0) or epsilon (below), -infinity at the upper bound, and low
   likewise; the solution has max(g + up) <= min(g + low).  Choice of the pair by second order: Fan, Chen, Lin 2005.

   Limit: three passes over n numbers a step: the best to rise, its partner, g moved; all in the near cache.
   Included once a type, after svm_tiles.inl. */

struct TYPED(problem) {
    ptrdiff_t n;
    REAL *g, *up[2], *low[2]; /* up, low: of each group */
    const REAL *diagonal;
    struct fastml_smo *of; /* the rest */
};

ALWAYS_INLINE REAL TYPED(shift_up)(const struct TYPED(problem) *p, ptrdiff_t i)
{
    return p->of->beta[i] >= p->of->upper[i] ? -(REAL)INFINITY : (REAL)(p->of->beta[i] < 0.0 ? p->of->epsilon : -p->of->epsilon);
}

ALWAYS_INLINE REAL TYPED(shift_low)(const struct TYPED(problem) *p, ptrdiff_t i)
{
    return p->of->beta[i] <= p->of->lower[i] ? (REAL)INFINITY : (REAL)(p->of->beta[i] > 0.0 ? -p->of->epsilon : p->of->epsilon);
}

/* Row i of the kernel matrix, computed when it is first asked for. */
static const REAL *TYPED(known_row)(struct TYPED(problem) *p, ptrdiff_t i)
{
    if (p->of->row[i] == NULL) {
        p->of->row[i] = (REAL *)p->of->store + p->of->n_stored++ * p->n;
        TYPED(kernel_row)(p->of->rows, p->of->sq, p->n / LANES, p->of->d, i, p->of->kernel, p->of->row[i]);
    }
    return p->of->row[i];
}

/* The best to rise of a group and how far the best to fall lies below it. */
static ptrdiff_t TYPED(best_to_rise)(const struct TYPED(problem) *p, int group, REAL *value_out, double *gap_out)
{
    const TYPED(vec) none = TYPED(each)(0);
    struct TYPED(best) rise = TYPED(none_yet)(-(REAL)INFINITY);
    TYPED(vec) fall = TYPED(each)(-(REAL)INFINITY);
    for (ptrdiff_t b = 0; b < p->n / LANES; b++) {
        const TYPED(vec) g = TYPED(load)(p->g + b * LANES);
        TYPED(keep_best)(&rise, TYPED(plus)(g, TYPED(load)(p->up[group] + b * LANES)), (INTEGER)b);
        fall = TYPED(most)(TYPED(minus)(none, TYPED(plus)(g, TYPED(load)(p->low[group] + b * LANES))), fall);
    }
    REAL falls[LANES], least = -(REAL)INFINITY;
    TYPED(store)(falls, fall);
    for (int l = 0; l < LANES; l++)
        least = falls[l] > least ? falls[l] : least;
    const ptrdiff_t i = TYPED(place_of)(&rise, value_out);
    *gap_out = (double)*value_out + (double)least;
    return i;
}

/* The partner j of i whose step gains most: (g_i - g_j)^2 / (K_ii + K_jj - 2 K_ij). */
static ptrdiff_t TYPED(partner)(const struct TYPED(problem) *p, int group, REAL g_up, REAL own, const REAL *row,
                                REAL *gain_out)
{
    const TYPED(vec) none = TYPED(each)(0), rise = TYPED(each)(g_up), of_i = TYPED(each)(own);
    struct TYPED(best) best = TYPED(none_yet)(0);
    for (ptrdiff_t b = 0; b < p->n / LANES; b++) {
        const TYPED(vec) fall = TYPED(plus)(TYPED(load)(p->g + b * LANES), TYPED(load)(p->low[group] + b * LANES));
        const TYPED(vec) ahead = TYPED(most)(TYPED(minus)(rise, fall), none), k = TYPED(load)(row + b * LANES);
        const TYPED(vec) curve = TYPED(minus)(TYPED(plus)(of_i, TYPED(load)(p->diagonal + b * LANES)), TYPED(plus)(k, k));
        TYPED(keep_best)(&best, TYPED(over)(TYPED(times)(ahead, ahead), TYPED(most)(curve, TYPED(each)(LEAST_CURVE))),
                         (INTEGER)b);
    }
    return TYPED(place_of)(&best, gain_out);
}

/* Moves beta_i up and beta_j down as far as it pays, at most to the next bound or, where |beta| costs, to 0. */
static double TYPED(step)(struct TYPED(problem) *p, ptrdiff_t i, ptrdiff_t j, double ahead, double curve)
{
    double *beta = p->of->beta;
    const double to_i = p->of->epsilon > 0.0 && beta[i] < 0.0 ? 0.0 : p->of->upper[i];
    const double to_j = p->of->epsilon > 0.0 && beta[j] > 0.0 ? 0.0 : p->of->lower[j];
    double by = ahead / (curve > LEAST_CURVE ? curve : LEAST_CURVE);
    const double room_i = to_i - beta[i], room_j = beta[j] - to_j;
    by = by < room_i ? by : room_i;
    by = by < room_j ? by : room_j;
    beta[i] = by < room_i ? beta[i] + by : to_i;
    beta[j] = by < room_j ? beta[j] - by : to_j;
    return by;
}

static ptrdiff_t TYPED(smo)(struct fastml_smo *problem, double tol, ptrdiff_t max_iter, double *gap_out)
{
    struct TYPED(problem) typed = {problem->n, (REAL *)problem->g, {NULL}, {NULL}, (const REAL *)problem->diagonal, problem};
    struct TYPED(problem) *p = &typed;
    ptrdiff_t iteration = 0;
    for (int group = 0; group < problem->n_groups; group++) {
        p->up[group] = (REAL *)problem->scratch + 2 * group * p->n;
        p->low[group] = p->up[group] + p->n;
        for (ptrdiff_t i = 0; i < p->n; i++) {
            const int other = problem->n_groups > 1 && problem->group[i] != group;
            p->up[group][i] = other ? -(REAL)INFINITY : TYPED(shift_up)(p, i);
            p->low[group][i] = other ? (REAL)INFINITY : TYPED(shift_low)(p, i);
        }
    }
    for (;; iteration++) {
        REAL g_up = 0, gain = -1;
        double gap = -INFINITY;
        ptrdiff_t i = -1, j = -1;
        int group = 0;
        for (int k = 0; k < p->of->n_groups; k++) {
            REAL value, gain_of;
            double gap_of;
            const ptrdiff_t at = TYPED(best_to_rise)(p, k, &value, &gap_of);
            gap = gap_of > gap ? gap_of : gap;
            if (!(gap_of > tol) || iteration >= max_iter)
                continue;
            const ptrdiff_t to = TYPED(partner)(p, k, value, p->diagonal[at], TYPED(known_row)(p, at), &gain_of);
            if (gain_of > gain) {
                i = at, j = to, g_up = value, gain = gain_of, group = k;
            }
        }
        *gap_out = gap;
        if (!(gain > 0))
            return iteration;
        const REAL *row_i = TYPED(known_row)(p, i), *row_j = TYPED(known_row)(p, j);
        const double curve = (double)p->diagonal[i] + (double)p->diagonal[j] - 2.0 * (double)row_i[j];
        const double by = TYPED(step)(p, i, j, (double)g_up - (double)(p->g[j] + p->low[group][j]), curve);
        const TYPED(vec) of_both = TYPED(each)((REAL)by);
        for (ptrdiff_t t = 0; t < p->n; t += LANES) {
            const TYPED(vec) apart = TYPED(minus)(TYPED(load)(row_i + t), TYPED(load)(row_j + t));
            TYPED(store)(p->g + t, TYPED(minus)(TYPED(load)(p->g + t), TYPED(times)(of_both, apart)));
        }
        p->up[group][i] = TYPED(shift_up)(p, i);
        p->low[group][i] = TYPED(shift_low)(p, i);
        p->up[group][j] = TYPED(shift_up)(p, j);
        p->low[group][j] = TYPED(shift_low)(p, j);
    }
}
