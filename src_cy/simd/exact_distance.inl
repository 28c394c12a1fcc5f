/* A row of float32, float64 or bytes against a centre, exactly: the same bits wherever it is asked for. */

#define LLOYD_TYPED(kind, body)                                                          \
    switch (kind) {                                                                      \
    case FASTML_F32: { typedef float real; body } break;                                 \
    case FASTML_F64: { typedef double real; body } break;                                \
    default: { typedef uint8_t real; body } break;                                       \
    }

/* |x - centre|^2 in float64, in eight lanes: what decides which centre is nearest. */
static double squared_distance(const void *x, int kind, ptrdiff_t row, ptrdiff_t d, const double *centre)
{
    double sum[8] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    ptrdiff_t j, l;
    LLOYD_TYPED(kind, {
        const real *own = (const real *)x + row * d;
        for (j = 0; j + 8 <= d; j += 8)
            for (l = 0; l < 8; l++) {
                const double v = (double)own[j + l] - centre[j + l];
                sum[l] += v * v;
            }
        for (l = 0; l < d - j; l++) {
            const double v = (double)own[j + l] - centre[j + l];
            sum[l] += v * v;
        }
    })
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}
