/** Events of a protocol: doses at once, infused, repeated, rising; minipumps. */
#ifndef CONFIG_DOSES_H
#define CONFIG_DOSES_H

#include "config/loader.h"

#define LONGEST_DAYS 10000.0
#define LONGEST_H (LONGEST_DAYS * 24)
#define LONGEST_MIN (LONGEST_H * 60)
#define LONGEST_S (LONGEST_MIN * 60)
#define LARGEST_DOSE 100000.0 /* mg/kg */
#define LONGEST_MS (LONGEST_S * 1000)

extern const object_type event_type;

/** The drug may be taken by the route that `object` names. */
meso_status check_route(loader *l, const cJSON *object, uint32_t drug_index, drug_route route);
/** No more than so many doses come from a checked event. */
uint32_t count_doses(const cJSON *object);
/** The doses of an event, in the order of time, to `next`, which is moved on. */
meso_status load_doses(loader *l, const cJSON *object, const phase *during, dose **next);

#endif
