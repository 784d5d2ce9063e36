%% The one place of a function's documentation: shells show it, and lib/ takes it over. Compilers before OTP 27 know no such
%% attribute; there script/doc-chunks reads it, with HEADROOM_DOCS defined.
-if(defined(HEADROOM_DOCS) orelse ?OTP_RELEASE >= 27).
-define(MODULEDOC(Text), -moduledoc(Text)).
-define(DOC(Text), -doc(Text)).
-else.
-define(MODULEDOC(Text), -compile([])).
-define(DOC(Text), -compile([])).
-endif.
