/** The networks of `mesocl bench`: published ones, scaled as their authors say, and our circuit. */
#ifndef CLI_BENCH_CASES_H
#define CLI_BENCH_CASES_H

#include "base/status.h"
#include "model/experiment.h"
#include "output/json_text.h"
#include <stdbool.h>

/* What can be said about a case. */
typedef enum case_option {
    CASE_SCALE,
    CASE_DRIVE,
    CASE_G,
    CASE_ETA,
    CASE_NEURONS,
    CASE_IN_DEGREE,
    CASE_SIZE,
    CASE_GRIDS,
    N_CASE_OPTIONS
} case_option;

typedef struct case_values {
    bool given[N_CASE_OPTIONS];
    double scale; /* 1: as published */
    bool dc;      /* a constant current in the place of Poisson input */
    double g, eta;
    uint32_t neurons, in_degree;
    const char *size; /* of the circuit */
    bool grids;       /* dopamine of the accumbens in space */
} case_values;

/* Model time of one simulation: warm-up, windows, and a tail so that the last window ends like the others, with
 * work that waits behind it. */
typedef struct bench_plan {
    double warm_up_s, seconds, tail_s;
    uint32_t n_windows;
    bool quiet; /* nobody watches the progress */
} bench_plan;

typedef struct bench_case {
    const char *name, *summary;
    const char *experiment; /* built in; NULL: a circuit, by its size */
    unsigned options;       /* bits of case_option */
    double largest_scale;
    double seconds, warm_up_s; /* unless asked otherwise */
    /* Write what changes against the experiment at full scale, `full`. NULL: nothing does. */
    meso_status (*change)(json_text *json, const experiment *full, const case_values *values,
                          meso_error *err);
} bench_case;

extern const bench_case bench_cases[]; /* ends with one without a name */

/** The case of this name, or NULL. */
const bench_case *bench_case_find(const char *name);

/**
 * The experiment of a case, as JSON that extends a built-in file; the caller frees it.
 * Errors    MESO_RANGE: a size that the case cannot have
 */
meso_status bench_case_text(const bench_case *c, const case_values *values, const bench_plan *plan,
                            char **json, meso_error *err);
/** "protocol=[...]", an override; the caller frees it. NULL: out of memory. */
char *bench_protocol_override(const bench_plan *plan);

#endif
