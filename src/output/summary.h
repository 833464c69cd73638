/** summary.json: written once a run has ended, so a directory without it holds part of a run. */
#ifndef OUTPUT_SUMMARY_H
#define OUTPUT_SUMMARY_H

#include "base/arena.h"
#include "base/status.h"
#include <mesocl/sink.h>

/** What the summary needs to know of the beginning; strings live in the arena given. */
typedef struct summary_head {
    const char *title, *device;
    char started[32];         /* ISO 8601, UTC */
    const char **populations; /* [n_populations] names */
    uint32_t n_populations;
} summary_head;

meso_status summary_begin(summary_head *head, arena *memory, const meso_run_info *info,
                          meso_error *err);
meso_status summary_write(const summary_head *head, const char *directory,
                          const meso_summary *summary, meso_error *err);

#endif
