/** Messages for whoever listens: the library itself never prints. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <mesocl/status.h>

typedef enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING } log_level;
typedef void log_listener(void *self, log_level level, const char *message);

/** One listener per process, set by the program before any other call; NULL: silence. */
void log_listen(log_listener *listener, void *self);
void log_message(log_level level, const char *format, ...) MESO_PRINTF(2, 3);

#endif
