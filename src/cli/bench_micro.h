/** Costs of single things, each as the difference of two small experiments: the kernels are the product's own. */
#ifndef CLI_BENCH_MICRO_H
#define CLI_BENCH_MICRO_H

#include "cli/bench_record.h"

#define BENCH_MICRO "microbenchmarks"
#define BENCH_MICRO_SECONDS 0.2 /* of model time, warm-up and window */

extern const char bench_micro_summary[];

/**
 * Inputs    scale    of the networks: 1 is 65,536 neurons
 * Outputs   figures  [n_figures], freed with free(); their texts are literals
 */
meso_status bench_micro_measure(meso_device *device, const settings *s, const bench_plan *plan,
                                double scale, bench_figure **figures, uint32_t *n_figures,
                                meso_error *err);

#endif
