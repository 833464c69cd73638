/** All synapses of a projection as SONATA edges: network/<projection>_<time>s_edges.h5. */
#ifndef OUTPUT_EDGES_H
#define OUTPUT_EDGES_H

#include "base/status.h"
#include <mesocl/sink.h>

meso_status edges_write(const char *directory, const meso_edges *edges, meso_error *err);

#endif
