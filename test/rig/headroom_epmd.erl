%% In place of epmd: every node of a test listens on the port that its environment names, so no daemon is started.
-module(headroom_epmd).

-export([start_link/0, register_node/2, register_node/3, port_please/2, port_please/3, address_please/3,
         listen_port_please/2, names/0, names/1]).

start_link() -> ignore.

register_node(Name, Port) -> register_node(Name, Port, inet).
register_node(_Name, _Port, _Family) -> {ok, rand:uniform(3)}.

port_please(Name, Host) -> port_please(Name, Host, infinity).
port_please(_Name, _Host, _Timeout) -> {port, port(), 5}.

address_please(_Name, _Host, _Family) -> {ok, {127, 0, 0, 1}, port(), 5}.

listen_port_please(_Name, _Host) -> {ok, 0}.

names() -> names("127.0.0.1").
names(_Host) -> {error, address}.

port() -> list_to_integer(os:getenv("HEADROOM_DIST_PORT")).
