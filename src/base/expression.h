/**
 * Arithmetic on named numbers: "late.dialysis.peak_percent / early.dialysis.peak_percent > 1.5".
 *
 * + - * / and parentheses; < <= > >= give 1 or 0, and & means that both hold; abs(x), sqrt(x), log(x),
 * min(x, y), max(x, y). What involves
 * a number that is not there (NAN) is itself NAN.
 */
#ifndef BASE_EXPRESSION_H
#define BASE_EXPRESSION_H

#include "base/status.h"

/** The number called `name`, letters, digits, '_' and '.'. */
typedef meso_status expression_lookup(void *self, const char *name, double *value, meso_error *err);

/** Errors: MESO_CONFIG, with the place in the text; those of the lookup. */
meso_status expression_evaluate(const char *text, expression_lookup *lookup, void *self,
                                double *value, meso_error *err);

#endif
