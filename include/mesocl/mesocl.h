/**
 * mesocl: simulation of the mesocorticolimbic circuit on OpenCL devices.
 *
 * Load an experiment, open a device, run it into a sink:
 *
 *     meso_experiment_load("experiment.json", NULL, 0, &experiment, &err);
 *     meso_device_open(NULL, &device, &err);
 *     meso_output_create("results/mine", false, &sink, &err);
 *     meso_experiment_run(experiment, device, NULL, &sink, 1, &err);
 */
#ifndef MESOCL_MESOCL_H
#define MESOCL_MESOCL_H

#include <mesocl/device.h>
#include <mesocl/experiment.h>
#include <mesocl/output.h>
#include <mesocl/simulation.h>
#include <mesocl/sink.h>
#include <mesocl/state.h>
#include <mesocl/status.h>
#include <mesocl/version.h>

#endif
