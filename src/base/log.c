#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static log_listener *current_listener;
static void *current_self;

void log_listen(log_listener *listener, void *self)
{
    current_listener = listener;
    current_self = self;
}

void log_message(log_level level, const char *format, ...)
{
    if (!current_listener)
        return;
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    current_listener(current_self, level, message);
}
