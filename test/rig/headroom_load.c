/* Loads the NIF library as an emulator does, where there is no emulator: looks every symbol up, asks for the entry, lets it
   load and unload. The functions of the emulator that it wants are defined beside this file, by script/targets. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct entry { /* as in erl_nif.h, up to what is used here */
    int major;
    int minor;
    const char *name;
    int num_of_funcs;
    void *funcs;
    int (*load)(void *, void **, unsigned long);
    int (*reload)(void *, void **, unsigned long);
    int (*upgrade)(void *, void **, void **, unsigned long);
    void (*unload)(void *, void *);
};

int main(int argc, char **argv)
{
    void *library, *private_data = NULL;
    struct entry *(*init)(void), *entry;
    (void)argc;
    library = dlopen(argv[1], RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    init = (struct entry * (*)(void)) dlsym(library, "nif_init");
    if (init == NULL || (entry = init()) == NULL || strcmp(entry->name, "headroom_nif") != 0)
        return 2;
    if (entry->load(NULL, &private_data, 0) != 0)
        return 3;
    entry->unload(NULL, private_data);
    printf("%d.%d, %d functions\n", entry->major, entry->minor, entry->num_of_funcs);
    return 0;
}
