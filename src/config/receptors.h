/** Receptors, and where they are: on cells of a region, or on terminals there. */
#ifndef CONFIG_RECEPTORS_H
#define CONFIG_RECEPTORS_H

#include "config/loader.h"

extern const object_type presynaptic_type;

/** Row of what terminals are on: projections and compartments. */
#define PRESYNAPTIC_ROW(words)                                                                     \
    {                                                                                              \
        .key = "presynaptic", .kind = FIELD_LIST, .type = &presynaptic_type, .doc = words          \
    }

meso_status load_receptors(loader *l);

/**
 * The row above, of `object`, whose terminals lie in `region`.
 * Errors    a receptor that is not there: its modulator has no compartment in the region
 */
meso_status load_presynaptic(loader *l, const cJSON *object, const char *region,
                             const presynaptic_effect **out, uint32_t *n);

/**
 * Error unless the receptor number `index` can be bound in `region`.
 * Inputs    object, key  blamed
 *           whose        "cell 'x'" or "projection 'x'", for the message
 */
meso_status check_receptor_region(loader *l, uint32_t index, const char *region,
                                  const cJSON *object, const char *key, const char *whose);

/** The density of a target (experiment's `targets`), 1 when it has none. */
double target_density(const loader *l, const char *name);

#endif
