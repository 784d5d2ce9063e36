/* Preloaded into a node: opening a file of the name in HEADROOM_ENFILE fails as if the kernel had no free file. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int refused(const char *path)
{
    const char *name = getenv("HEADROOM_ENFILE");
    const char *last = strrchr(path, '/');
    return name && strcmp(last ? last + 1 : path, name) == 0;
}

#define OPENING(NAME)                                                                                                  \
    int NAME(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        static int (*next)(const char *, int, mode_t);                                                                 \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;                                      \
        va_end(rest);                                                                                                  \
        if (refused(path)) {                                                                                           \
            errno = ENFILE;                                                                                            \
            return -1;                                                                                                 \
        }                                                                                                              \
        if (!next)                                                                                                     \
            next = (int (*)(const char *, int, mode_t))dlsym(RTLD_NEXT, #NAME);                                        \
        return next(path, flags, mode);                                                                                \
    }

OPENING(open)
OPENING(open64)
