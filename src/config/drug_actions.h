/** The keys of a drug that say what it does. */
#ifndef CONFIG_DRUG_ACTIONS_H
#define CONFIG_DRUG_ACTIONS_H

#include "config/loader.h"

extern const object_type drug_block_type, drug_binding_type, drug_releaser_type,
    drug_inhibition_type;

/** Rows of a drug. */
#define DRUG_ACTION_ROWS                                                                           \
    {.key = "blocks", .kind = FIELD_MAP, .type = &drug_block_type, .doc = "by transporter"},       \
        {.key = "binds",                                                                           \
         .kind = FIELD_MAP,                                                                        \
         .type = &drug_binding_type,                                                               \
         .doc = "by receptor, or class of receptors"},                                             \
        {.key = "releases",                                                                        \
         .kind = FIELD_MAP,                                                                        \
         .type = &drug_releaser_type,                                                              \
         .doc = "by transporter"},                                                                 \
    {                                                                                              \
        .key = "inhibits", .kind = FIELD_MAP, .type = &drug_inhibition_type, .doc = "by enzyme"    \
    }

/**
 * Whether a transporter, enzyme or class of receptors is among the experiment's `targets` of that kind, if it has any.
 * `value` is where the name stands.
 */
meso_status check_declared(loader *l, const cJSON *value, const char *name, const char *kind);

/** Read them. Errors: MESO_NOT_FOUND for what is neither in the experiment nor among its `targets`. */
meso_status load_drug_actions(loader *l, const cJSON *object, drug_actions *out);

#endif
