/* What native code of a library may do to a node: hold a scheduler, and close a descriptor that is not its own. */
#include <erl_nif.h>
#include <time.h>
#include <unistd.h>

static ERL_NIF_TERM hold(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int ms;
    struct timespec pause;
    (void)argc;
    if (!enif_get_int(env, argv[0], &ms) || ms < 0)
        return enif_make_badarg(env);
    pause.tv_sec = ms / 1000;
    pause.tv_nsec = (long)(ms % 1000) * 1000000;
    while (nanosleep(&pause, &pause) != 0)
        ;
    return enif_make_atom(env, "ok");
}

static ERL_NIF_TERM close_fd(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    int fd;
    (void)argc;
    if (!enif_get_int(env, argv[0], &fd))
        return enif_make_badarg(env);
    return enif_make_int(env, close(fd));
}

static ErlNifFunc functions[] = {{"hold", 1, hold, 0}, {"close_fd", 1, close_fd, 0}};

ERL_NIF_INIT(headroom_busy, functions, NULL, NULL, NULL, NULL)
