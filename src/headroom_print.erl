%% @private
%% Prints a text of the core to the caller's group leader, in the characters that it can show.
-module(headroom_print).

-export([print/1, print/2, show/2, in/2]).

-spec print(fun((ascii | unicode) -> binary() | {error, term()})) -> ok | {error, term()}.
print(Text) ->
    Device = group_leader(),
    case Text(charset(Device)) of
        {error, Reason} = Error ->
            put_chars(Device, io_lib:format("headroom: ~0p~n", [Reason])),
            Error;
        Chars ->
            put_chars(Device, Chars)
    end.

%% The same, with what can be pasted as a prompt of that language takes it.
-spec print(fun((ascii | unicode) -> binary() | {error, term()}), erlang | elixir) -> ok | {error, term()}.
print(Text, Dialect) ->
    print(fun(Charset) -> in(Dialect, Text(Charset)) end).

-spec in(erlang | elixir, Text) -> Text when Text :: binary() | {error, term()}.
in(elixir, Text) when is_binary(Text) -> headroom_ask:show(Text, elixir);
in(_, Text) -> Text.

%% What a function of headroom answered, whole.
-spec show(term(), erlang | elixir) -> ok | {error, term()}.
show(Answer, Dialect) ->
    print(fun(_Charset) -> headroom_ask:show(Answer, Dialect) end).

%% A device that is gone, or full, is no reason to throw: nobody is left who could read it.
put_chars(Device, Chars) ->
    try
        io:put_chars(Device, Chars)
    catch
        error:_ -> ok
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
