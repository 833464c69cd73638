/** The progress line, and what is left to say at the end: a sink that writes to stderr. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <mesocl/sink.h>

typedef struct progress progress;

/**
 * A line that is drawn anew when stderr is a terminal; plain lines with MESOCL_PROGRESS=1; else,
 * and when quiet, nothing.
 * Outputs   sink  to be handed to the run; valid until progress_destroy. NULL result: out of memory
 */
progress *progress_create(bool quiet, meso_sink *sink);
void progress_destroy(progress **p);

/** Say that kernels and network are being built; the run's begin takes over from here. */
void progress_building(progress *p);
/** Erase the line, before anything else is written to stderr. */
void progress_clear(void);
/** Model time that was reached, in seconds. */
double progress_reached_s(const progress *p);
/** The table at the end of a run whose files are in `directory`. */
void progress_print_summary(const progress *p, const char *directory);

#endif
