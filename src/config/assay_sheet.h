/** What `mesocl models` says of an assay. */
#ifndef CONFIG_ASSAY_SHEET_H
#define CONFIG_ASSAY_SHEET_H

#include "base/text.h"
#include <stdbool.h>

/** A line for each key that this kind of assay has: unit, default, range, meaning. False: there is no such kind. */
bool assay_sheet(const char *kind, text *out);

#endif
