/* Refuses system calls with ENFILE: for LD_PRELOAD, in tests only. While a file of the call's name is in $HEADROOM_SHIM
 * every such call is refused; opening a file whose name is $HEADROOM_SHIM_NAME is refused always. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int refused(const char *call) {
    const char *dir = getenv("HEADROOM_SHIM");
    char path[PATH_MAX];
    int saved = errno;
    if (dir == NULL || snprintf(path, sizeof path, "%s/%s", dir, call) >= (int)sizeof path || access(path, F_OK) != 0) {
        errno = saved;
        return 0;
    }
    errno = ENFILE;
    return 1;
}

static int refused_name(const char *path) {
    const char *name = getenv("HEADROOM_SHIM_NAME");
    const char *slash = strrchr(path, '/');
    if (name == NULL || strcmp(slash ? slash + 1 : path, name) != 0)
        return 0;
    errno = ENFILE;
    return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int accept(int fd, struct sockaddr *addr, socklen_t *len) {
    return refused("accept") ? -1 : NEXT(accept)(fd, addr, len);
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags) {
    return refused("accept") ? -1 : NEXT(accept4)(fd, addr, len, flags);
}

int socket(int domain, int type, int protocol) {
    return refused("socket") ? -1 : NEXT(socket)(domain, type, protocol);
}

int pipe(int ends[2]) { return refused("pipe") ? -1 : NEXT(pipe)(ends); }

int pipe2(int ends[2], int flags) { return refused("pipe") ? -1 : NEXT(pipe2)(ends, flags); }

#define OPEN(name)                                                                                                   \
    int name(const char *path, int flags, ...) {                                                                    \
        va_list args;                                                                                               \
        mode_t mode;                                                                                                \
        va_start(args, flags);                                                                                      \
        mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;                                          \
        va_end(args);                                                                                               \
        return refused("open") || refused_name(path) ? -1 : NEXT(name)(path, flags, mode);                          \
    }

OPEN(open)
OPEN(open64)
