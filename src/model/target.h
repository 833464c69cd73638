/** Published findings that the simulator is held against. */
#ifndef MODEL_TARGET_H
#define MODEL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far the number itself is to be trusted. */
typedef enum target_status {
    TARGET_VERIFIED,   /* read in the source */
    TARGET_DIRECTION,  /* only its direction was */
    TARGET_CALCULATED, /* from the published equations, independently */
    TARGET_RECALLED,   /* from memory of the literature: a miss only warns */
    N_TARGET_STATUS,
} target_status;

/* An experiment with changes, which several targets may need. */
typedef struct target_run {
    const char *name;
    const char *experiment; /* path, or builtin:... */
    const char *const *overrides;
    uint32_t n_overrides;
} target_run;

typedef struct target {
    const char *id, *finding;
    const char *measure; /* expression over <run>.<assay>.<quantity>; NULL: see not_measured */
    const char *unit;
    const char *published; /* in words */
    double min, max;       /* gate; infinite when open on a side */
    const char *source;
    target_status status;
    uint32_t seeds;           /* 1 to this many; the mean counts */
    bool of_means;            /* the measure is of the means over the seeds */
    bool calibrated;          /* something was fitted to this number: no test of the model */
    const char *not_measured; /* why, or NULL */
    const char *pending;      /* what it waits for, or NULL */
    const char *note;         /* on a difference that is known, or NULL */
} target;

typedef struct target_table {
    const target_run *runs;
    uint32_t n_runs;
    const target *targets;
    uint32_t n_targets;
} target_table;

typedef enum target_verdict {
    VERDICT_PASS,
    VERDICT_MISS,
    VERDICT_WARN,    /* a recalled number is missed */
    VERDICT_PENDING, /* its experiment cannot be loaded yet, as the table says */
    VERDICT_UNMEASURED,
    VERDICT_ERROR,
    N_VERDICTS,
} target_verdict;

/** A value that is not a number passes nothing. */
target_verdict target_judge(const target *t, double simulated);
/** "3.8 to 5.9", "at least 1.5", "at most 3", "none": the gate in words. */
void target_gate(const target *t, char *buffer, size_t size);

extern const char *const target_status_names[]; /* "V", "V-dir", ...; ends with NULL */
extern const char *const target_verdict_names[N_VERDICTS];

#endif
