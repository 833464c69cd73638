/** What `mesocl bench` hands out: one JSON record, and a table for people. */
#ifndef CLI_BENCH_RECORD_H
#define CLI_BENCH_RECORD_H

#include "cli/bench_measure.h"
#include "cli/settings.h"

/* A number of the microbenchmarks. */
typedef struct bench_figure {
    const char *name, *unit;
    spread value;
} bench_figure;

typedef struct bench_record {
    char started[32];    /* ISO 8601, UTC */
    const char *name;    /* of the case, or the path of an experiment */
    const bench_case *c; /* NULL: an experiment, or the microbenchmarks */
    const case_values *values;
    const settings *settings;
    const bench_plan *plan;
    bool fresh; /* each window in a simulation of its own */
    const meso_device_info *device;

    const experiment *e; /* NULL for the microbenchmarks, and what follows unused */
    const bench_result *result, *profile;

    bench_figure *figures; /* [n_figures] of the microbenchmarks */
    uint32_t n_figures;
} bench_record;

void bench_record_begin(bench_record *r);
/** Errors: MESO_IO with path and reason; MESO_MEMORY. */
meso_status bench_record_write(const bench_record *r, const char *path, meso_error *err);
void bench_record_print(const bench_record *r);

#endif
