-module(headroom_public_tests).

-include_lib("eunit/include/eunit.hrl").

%% A function that is not in the table is tested by no suite that calls "every public function".
table_is_complete_test() ->
    ?assertEqual([], headroom_public:missing()).
