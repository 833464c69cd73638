/* write_synthetic DIRECTORY complete|stopped|killed: leaves the files of a synthetic run for the
 * Python tests. A killed run is killed some time after its last flush. */
#include "../support/synthetic_run.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Everything, then a pause that makes the next callback flush, then spikes that are lost. */
static meso_status play_and_die(meso_sink *sink, meso_error *err)
{
    meso_status status = synthetic_play(sink, err);
    if (status == MESO_OK) {
        nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 100000000}, NULL);
        status = sink->progress(sink->self, &(meso_progress){0}, err);
    }
    if (status == MESO_OK)
        status = synthetic_spikes(sink, N_STEPS, N_STEPS + 100, err);
    if (status == MESO_OK)
        raise(SIGKILL);
    return status;
}

static meso_status play(meso_sink *sink, const char *how, meso_error *err)
{
    if (strcmp(how, "killed") == 0)
        return play_and_die(sink, err);
    meso_status status = synthetic_play(sink, err);
    if (status != MESO_OK)
        return status;
    meso_summary summary = synthetic_summary(strcmp(how, "stopped") == 0 ? MESO_STOPPED : MESO_OK);
    return sink->end(sink->self, &summary, err);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: write_synthetic DIRECTORY complete|stopped|killed\n");
        return 2;
    }
    meso_error err = {0};
    meso_sink *sink = NULL;
    meso_status status = meso_output_create(argv[1], false, &sink, &err);
    if (status == MESO_OK)
        status = play(sink, argv[2], &err);
    meso_output_destroy(&sink);
    if (status != MESO_OK)
        fprintf(stderr, "write_synthetic: %s\n", err.message);
    return meso_status_exit_code(status);
}
