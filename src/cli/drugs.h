/** Drugs for `mesocl models`. */
#ifndef CLI_DRUGS_H
#define CLI_DRUGS_H

#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>

/** Is it in the library, or a file of drugs (".json")? */
bool is_drug(const char *name, arena *memory);
/** Those of the library, a line each. */
meso_status print_drug_list(arena *memory, meso_error *err);
/** One with every number, then the metabolites that its file brings. */
meso_status print_drugs(const char *name, arena *memory, meso_error *err);

#endif
