%% @private
%% Prints a text of the core to the caller's group leader, in the characters that it can show.
-module(headroom_print).

-export([print/1]).

-spec print(fun((ascii | unicode) -> binary() | {error, term()})) -> ok | {error, term()}.
print(Text) ->
    Device = group_leader(),
    case Text(charset(Device)) of
        {error, Reason} = Error ->
            _ = io:format(Device, "headroom: ~0p~n", [Reason]),
            Error;
        Chars ->
            _ = io:put_chars(Device, Chars),
            ok
    end.

charset(Device) ->
    case io:getopts(Device) of
        Options when is_list(Options) ->
            case proplists:get_value(encoding, Options) of
                unicode -> unicode;
                _ -> ascii
            end;
        _ ->
            ascii
    end.
