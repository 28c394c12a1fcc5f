/* The k nearest of a leaf's points; part of reachability.inl. */


struct reach_search {
    const struct fastml_reach_tree *tree;
    const double *block, *box; /* of the leaf whose points ask */
    int32_t n, width, n_kept;
    double *distance; /* (n, n_kept) ascending */
    int32_t *who;
    double kth[REACH_WIDTH];
    struct reach_last last; /* of all points; reach and apart are the largest kth */
};

/* One point's distances to the points of a leaf: those that are nearer than the last one kept, or as near and of a
   smaller row, move in. Where the last one kept is at 0, nothing does: of points on top of each other any will do. */
ALWAYS_INLINE void reach_keep(struct reach_search *s, int q, const double *to, int32_t first, int n)
{
    const int kept = s->n_kept;
    const int32_t *row = s->tree->row;
    double *distance = s->distance + (ptrdiff_t)q * kept, kth = s->kth[q];
    int32_t *who = s->who + (ptrdiff_t)q * kept;
    for (int j = 0; j < n; j++) {
        if (to[j] <= kth) {
            const double x = to[j];
            int at = kept - 1;
            if (x == kth && (kth == 0.0 || (who[at] >= 0 && row[who[at]] < row[first + j])))
                continue;
            while (at > 0 && (distance[at - 1] > x || (distance[at - 1] == x && row[who[at - 1]] > row[first + j]))) {
                distance[at] = distance[at - 1];
                who[at] = who[at - 1];
                at--;
            }
            distance[at] = x;
            who[at] = first + j;
            kth = distance[kept - 1];
        }
    }
    s->kth[q] = kth;
}

/* Whether a node has a smaller row than the last one that point q keeps. */
ALWAYS_INLINE int reach_may_tie(const struct reach_search *s, int q, int32_t node)
{
    const int32_t who = s->who[(ptrdiff_t)q * s->n_kept + s->n_kept - 1];
    return who < 0 || s->tree->lowest[node] < s->tree->row[who];
}

ALWAYS_INLINE void reach_nearest_in(struct reach_search *s, int32_t leaf, int d, int metric)
{
    const struct fastml_reach_tree *t = s->tree;
    const int32_t first = fastml_reach_first(t, leaf), node = (1 << t->depth) - 1 + leaf;
    const int width = t->width, n = fastml_reach_first(t, leaf + 1) - first;
    const double *block = t->packed + (ptrdiff_t)leaf * d * width;
    double gap[REACH_WIDTH], to[REACH_ABREAST * REACH_WIDTH];
    int near[REACH_WIDTH + REACH_ABREAST], n_near = 0;
    reach_to_box(s->block, t->boxes + (ptrdiff_t)node * 2 * d, d, s->width, metric, t->metric.p, gap);
    for (int q = 0; q < s->n; q++)
        if (s->kth[q] > 0.0 && (gap[q] < s->kth[q] || (gap[q] == s->kth[q] && reach_may_tie(s, q, node))))
            near[n_near++] = q;
    if (n_near == 0)
        return;
    for (int i = 0; i < REACH_ABREAST; i++) /* the last four are filled up */
        near[n_near + i] = near[n_near - 1];
    for (int i = 0; i < n_near; i += REACH_ABREAST) {
        reach_to_points(s->block, s->width, near + i, block, d, width, metric, t->metric.p, to);
        for (int a = 0; a < REACH_ABREAST && i + a < n_near; a++)
            reach_keep(s, near[i + a], to + a * REACH_WIDTH, first, n);
    }
    s->last.reach = 0.0;
    s->last.row = -1;
    for (int q = 0; q < s->n; q++) {
        const int32_t who = s->who[(ptrdiff_t)q * s->n_kept + s->n_kept - 1], row = who < 0 ? INT32_MAX : t->row[who];
        s->last.reach = s->kth[q] > s->last.reach ? s->kth[q] : s->last.reach;
        s->last.row = s->kth[q] > 0.0 && row > s->last.row ? row : s->last.row;
    }
    s->last.apart = s->last.reach;
}

ALWAYS_INLINE void reach_core(const struct fastml_reach_tree *t, const struct fastml_reach_tree *from, int32_t leaf,
                              int32_t k, int32_t n_kept, int32_t n_beside, double *distance, int32_t *who,
                              double *core_out, int32_t *beside_out, int fixed_d, int metric)
{
    const int d = fixed_d ? fixed_d : t->d;
    const int32_t inner = (1 << t->depth) - 1, first = fastml_reach_first(from, leaf);
    const int32_t own = from == t ? inner + leaf : -1;
    const struct fastml_metric m = {metric, t->metric.p, NULL, NULL};
    struct reach_step stack[REACH_DEPTH];
    struct reach_search s;
    int top = 0;
    s.tree = t;
    s.block = from->packed + (ptrdiff_t)leaf * d * from->width;
    s.box = from->boxes + ((ptrdiff_t)(1 << from->depth) - 1 + leaf) * 2 * d;
    s.n = fastml_reach_first(from, leaf + 1) - first;
    s.width = from->width;
    s.n_kept = n_kept;
    s.distance = distance;
    s.who = who;
    s.last = (struct reach_last){INFINITY, INFINITY, INT32_MAX};
    for (ptrdiff_t i = 0; i < (ptrdiff_t)s.n * n_kept; i++) {
        distance[i] = INFINITY;
        who[i] = -1;
    }
    for (int q = 0; q < s.n; q++)
        s.kth[q] = INFINITY;
    if (own >= 0)
        reach_nearest_in(&s, leaf, d, metric);
    stack[top++] = (struct reach_step){0.0, 0.0, 0};
    while (top > 0 && s.last.reach > 0.0) {
        struct reach_step step = stack[--top];
        while (step.node < inner && reach_matters(t->lowest, step, s.last)) {
            const int32_t child = 2 * step.node + 1;
            const double *boxes = t->boxes + (ptrdiff_t)child * 2 * d;
            const double to_a = fastml_boxes_least(&m, s.box, boxes, d);
            const double to_b = fastml_boxes_least(&m, s.box, boxes + 2 * d, d);
            const struct reach_step a = {to_a, to_a, child}, b = {to_b, to_b, child + 1};
            const int swap = reach_before(t->lowest, b, a);
            stack[top++] = swap ? a : b;
            step = swap ? b : a;
        }
        if (step.node >= inner && step.node != own && reach_matters(t->lowest, step, s.last))
            reach_nearest_in(&s, step.node - inner, d, metric);
    }
    for (int q = 0; q < s.n; q++) {
        int32_t *out = beside_out + (ptrdiff_t)(first + q) * n_beside;
        int n_out = 0;
        core_out[first + q] = distance[(ptrdiff_t)q * n_kept + k - 1];
        for (int i = 0; i < n_kept && n_out < n_beside; i++)
            if (own < 0 || who[(ptrdiff_t)q * n_kept + i] != first + q)
                out[n_out++] = who[(ptrdiff_t)q * n_kept + i];
    }
}
