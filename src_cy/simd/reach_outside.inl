/* Of a leaf's points those nearest outside of their components; part of reachability.inl. */


struct reach_outside {
    const struct fastml_reach_tree *tree;
    const struct fastml_reach_state *state;
    const double *block, *box;
    int32_t first, n, width, component; /* component: the one of all that are needed, or -2 */
    uint8_t needed[REACH_WIDTH];
    double limit[REACH_WIDTH]; /* nothing beyond matters */
    double best[REACH_WIDTH], length[REACH_WIDTH];
    int32_t who[REACH_WIDTH];
    double least_core;
    struct reach_last last; /* of all points; its reach is the largest limit */
};

/* One point's distances to the points of a leaf, of which those outside are compared with its best. */
ALWAYS_INLINE void reach_compare(struct reach_outside *s, int q, double *to, int32_t first, int n)
{
    const struct fastml_reach_state *state = s->state;
    const int32_t *row = s->tree->row, *component = state->component + first;
    const int32_t place = s->first + q, own = state->own_component[place];
    const double *core = state->core + first, own_core = state->own_core[place], scale = s->tree->scale;
    double limit = s->limit[q], least = INFINITY;
    for (int j = 0; j < n; j++) {
        double x = to[j] * scale;
        to[j] = x;
        x = core[j] > x ? core[j] : x;
        x = component[j] == own ? INFINITY : x;
        least = x < least ? x : least;
    }
    if (!(least <= limit))
        return;
    for (int j = 0; j < n; j++) {
        double reach = to[j] > core[j] ? to[j] : core[j];
        reach = own_core > reach ? own_core : reach;
        if (reach <= limit && component[j] != own &&
            (reach < s->best[q] ||
             (reach == s->best[q] && (to[j] < s->length[q] || s->who[q] < 0 ||
                                      (to[j] == s->length[q] && row[first + j] < row[s->who[q]]))))) {
            s->best[q] = reach;
            s->length[q] = to[j];
            s->who[q] = first + j;
        }
    }
    if (s->best[q] < limit) {
        s->limit[q] = s->best[q];
        fastml_reach_lower(state->bound + own, s->best[q]);
    }
}

ALWAYS_INLINE void reach_note_last(struct reach_outside *s)
{
    s->last = (struct reach_last){-1.0, -1.0, -1};
    for (int q = 0; q < s->n; q++) {
        if (!s->needed[q])
            continue;
        const int32_t row = s->who[q] < 0 ? INT32_MAX : s->tree->row[s->who[q]];
        s->last.reach = s->limit[q] > s->last.reach ? s->limit[q] : s->last.reach;
        s->last.apart = s->length[q] > s->last.apart ? s->length[q] : s->last.apart;
        s->last.row = row > s->last.row ? row : s->last.row;
    }
}

ALWAYS_INLINE void reach_outside_in(struct reach_outside *s, int32_t leaf, int d, int metric)
{
    const struct fastml_reach_tree *t = s->tree;
    const struct fastml_reach_state *state = s->state;
    const int32_t first = fastml_reach_first(t, leaf), node = (1 << t->depth) - 1 + leaf;
    const int width = t->width, n = fastml_reach_first(t, leaf + 1) - first;
    const double *block = t->packed + (ptrdiff_t)leaf * d * width;
    double gap[REACH_WIDTH], to[REACH_ABREAST * REACH_WIDTH];
    int near[REACH_WIDTH + REACH_ABREAST], n_near = 0;
    reach_to_box(s->block, t->boxes + (ptrdiff_t)node * 2 * d, d, s->width, metric, t->metric.p, gap);
    for (int q = 0; q < s->n; q++) {
        if (!s->needed[q])
            continue;
        const int32_t own = state->own_component[s->first + q];
        const double own_core = state->own_core[s->first + q], bound = fastml_reach_load(state->bound + own);
        double nearest = gap[q] * t->scale > own_core ? gap[q] * t->scale : own_core;
        nearest = state->node_core[node] > nearest ? state->node_core[node] : nearest;
        s->limit[q] = bound < s->limit[q] ? bound : s->limit[q];
        if (s->limit[q] > 0.0 && nearest <= s->limit[q] && state->node_component[node] != own &&
            (nearest < s->best[q] || s->who[q] < 0 || gap[q] * t->scale < s->length[q] ||
             (gap[q] * t->scale == s->length[q] && t->lowest[node] < t->row[s->who[q]])))
            near[n_near++] = q;
    }
    for (int i = 0; i < REACH_ABREAST && n_near > 0; i++)
        near[n_near + i] = near[n_near - 1];
    for (int i = 0; i < n_near; i += REACH_ABREAST) {
        reach_to_points(s->block, s->width, near + i, block, d, width, metric, t->metric.p, to);
        for (int a = 0; a < REACH_ABREAST && i + a < n_near; a++)
            reach_compare(s, near[i + a], to + a * REACH_WIDTH, first, n);
    }
    reach_note_last(s);
}

ALWAYS_INLINE struct reach_step reach_seen(const struct reach_outside *s, int32_t node, int d, int metric)
{
    const struct fastml_reach_tree *t = s->tree;
    const struct fastml_metric m = {metric, t->metric.p, NULL, NULL};
    struct reach_step step = {INFINITY, INFINITY, node};
    if (s->state->node_component[node] != s->component) {
        const double core = s->state->node_core[node];
        step.apart = fastml_boxes_least(&m, s->box, t->boxes + (ptrdiff_t)node * 2 * d, d) * t->scale;
        step.reach = core > step.apart ? core : step.apart;
        step.reach = s->least_core > step.reach ? s->least_core : step.reach;
    }
    return step;
}

ALWAYS_INLINE void reach_outside_of(const struct fastml_reach_tree *t, const struct fastml_reach_tree *from,
                                    const struct fastml_reach_state *state, int32_t leaf, const uint8_t *needed,
                                    int fixed_d, int metric)
{
    const int d = fixed_d ? fixed_d : t->d;
    const int32_t inner = (1 << t->depth) - 1, first = fastml_reach_first(from, leaf);
    const int32_t own_leaf = from == t ? inner + leaf : -1;
    struct reach_step stack[REACH_DEPTH];
    struct reach_outside s;
    int top = 0;
    s.tree = t;
    s.state = state;
    s.block = from->packed + (ptrdiff_t)leaf * d * from->width;
    s.box = from->boxes + ((ptrdiff_t)(1 << from->depth) - 1 + leaf) * 2 * d;
    s.first = first;
    s.n = fastml_reach_first(from, leaf + 1) - first;
    s.width = from->width;
    s.component = -1;
    s.least_core = INFINITY;
    for (int q = 0; q < s.n; q++) {
        const int32_t own = state->own_component[first + q];
        s.needed[q] = needed[q];
        s.best[q] = s.length[q] = INFINITY;
        s.who[q] = -1;
        s.limit[q] = fastml_reach_load(state->bound + own);
        if (!needed[q])
            continue;
        s.component = s.component == -1 || s.component == own ? own : -2;
        s.least_core = state->own_core[first + q] < s.least_core ? state->own_core[first + q] : s.least_core;
    }
    reach_note_last(&s);
    if (own_leaf >= 0 && state->node_component[own_leaf] < 0)
        reach_outside_in(&s, leaf, d, metric);
    stack[top++] = (struct reach_step){0.0, 0.0, 0};
    while (top > 0 && s.last.reach > 0.0) {
        struct reach_step step = stack[--top];
        while (step.node < inner && reach_matters(t->lowest, step, s.last)) {
            const struct reach_step a = reach_seen(&s, 2 * step.node + 1, d, metric);
            const struct reach_step b = reach_seen(&s, 2 * step.node + 2, d, metric);
            const int swap = reach_before(t->lowest, b, a);
            stack[top++] = swap ? a : b;
            step = swap ? b : a;
        }
        if (step.node >= inner && step.node != own_leaf && reach_matters(t->lowest, step, s.last) &&
            state->node_component[step.node] != s.component)
            reach_outside_in(&s, step.node - inner, d, metric);
    }
    for (int q = 0; q < s.n; q++) {
        const int32_t p = first + q;
        if (!needed[q])
            continue;
        if (s.best[q] <= s.limit[q]) {
            state->nearest[p] = s.who[q];
            state->least[p] = s.best[q];
        } else if (s.limit[q] > 0.0) { /* nothing at the limit either, so it is farther */
            const double beyond = nextafter(s.limit[q], INFINITY);
            state->least[p] = beyond > state->least[p] ? beyond : state->least[p];
        }
    }
}
