/** What `mesocl validate` found, and how it is shown. */
#ifndef CLI_VALIDATE_H
#define CLI_VALIDATE_H

#include "model/target.h"
#include <mesocl/mesocl.h>
#include <stdbool.h>

typedef struct finding {
    const target *target;
    target_verdict verdict;
    double mean, sd;   /* over the seeds; sd NAN for one */
    char message[256]; /* of an error, or why it is pending */
} finding;

typedef struct validation {
    const finding *findings;
    uint32_t n_findings;
    const char *device, *command; /* command as it was given */
    double wall_s;
} validation;

/** One line on stdout, as soon as it is known. */
void print_finding(const finding *f);
void print_counts(const validation *v);
meso_status write_validation_json(const validation *v, const char *path, meso_error *err);
meso_status write_validation_markdown(const validation *v, const char *path, meso_error *err);

#endif
