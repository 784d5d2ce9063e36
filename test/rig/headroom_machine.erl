%% What a test needs of the machine beyond the system itself. Where it is missing the test says so and is not run: a failure
%% there would send whoever sees it after a fault that is none.
-module(headroom_machine).

-export([needs/2]).

%% A test as EUnit takes it, by its title.
-type test() :: {string(), fun(() -> term())}.

%% The test, or one in its place that says what is missing.
-spec needs(localhost | terminals, test()) -> test().
needs(Need, {Title, _} = Test) ->
    case missing(Need) of
        nothing -> Test;
        Missing -> {Title, fun() -> io:format(user, "~nskipped: ~s: ~s~n", [Title, Missing]) end}
    end.

missing(localhost) ->
    case file:read_file("/etc/hosts") of
        {ok, Hosts} ->
            case re:run(Hosts, "^[0-9.:]+\\s.*\\blocalhost\\b", [multiline, {capture, none}]) of
                match -> nothing;
                nomatch -> "/etc/hosts does not name localhost"
            end;
        {error, _} ->
            "there is no /etc/hosts, so no localhost"
    end;
missing(terminals) ->
    case filelib:is_file("/dev/ptmx") of
        true -> nothing;
        false -> "there are no pseudo-terminals (/dev/ptmx)"
    end.
