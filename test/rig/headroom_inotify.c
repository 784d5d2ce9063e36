/* Asks for one inotify instance, as a file watcher does, and says how that went. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

int main(void) {
    if (inotify_init1(IN_CLOEXEC) < 0) {
        printf("Failed to initialize inotify: %s\n", strerror(errno));
        return 1;
    }
    puts("inotify works");
    return 0;
}
