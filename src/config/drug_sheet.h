/** The numbers of a drug with what is written beside them: unit, meaning, status and source. */
#ifndef CONFIG_DRUG_SHEET_H
#define CONFIG_DRUG_SHEET_H

#include "base/arena.h"
#include "base/status.h"
#include <stdint.h>

typedef struct drug_number {
    const char *key; /* "routes.ip.bioavailability" */
    double value;
    const char *unit, *doc; /* unit: NULL for pure numbers */
    const char *status,
        *source; /* "verified", "recalled", "proposed" and why; empty when not said */
} drug_number;

typedef struct drug_sheet {
    const char *name, *title, *source, *note;
    const drug_number *numbers;
    uint32_t n_numbers;
} drug_sheet;

/**
 * The drugs of a part of the library, or of a file when `name` ends in ".json"; the one that is called so comes
 * first, then its metabolites. Lives in `memory`.
 * Errors    MESO_NOT_FOUND: no such part; as for an experiment
 */
meso_status drug_sheets_load(const char *name, arena *memory, const drug_sheet **sheets,
                             uint32_t *n, meso_error *err);
/** Name of the i-th part of the library in alphabetical order, in `memory`; NULL past the end. */
const char *drug_part_name(uint32_t i, arena *memory);

#endif
