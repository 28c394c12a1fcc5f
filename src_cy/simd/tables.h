/* A table of kernels is built once per instruction set; this is how one of the three is chosen. */
#ifndef FASTML_TABLES_H
#define FASTML_TABLES_H

enum { FASTML_BASE, FASTML_AVX2_TABLES, FASTML_AVX512_TABLES };

/* The instruction set of this process: the best that the machine can run, or FASTML_ISA's if it can run that. */
int fastml_isa(void);

/* Stands behind a family's `struct kernels`: declares the three tables, which kernels_<isa>.c define under
   FASTML_NAME(kernels), and kernels_chosen(). */
#define FASTML_TABLES(kernels)                                                                        \
    extern const struct kernels kernels##_base, kernels##_avx2, kernels##_avx512;                     \
    static inline const struct kernels *kernels##_chosen(void)                                        \
    {                                                                                                 \
        const struct kernels *const tables[] = {&kernels##_base, &kernels##_avx2, &kernels##_avx512}; \
        return tables[fastml_isa()];                                                                  \
    }

#endif
