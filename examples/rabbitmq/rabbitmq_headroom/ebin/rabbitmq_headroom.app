%% headroom as a plugin of RabbitMQ: it starts the application headroom, after the broker and before its listeners, with what
%% advanced.config says. RabbitMQ takes for a plugin what depends on `rabbit'.
{application, rabbitmq_headroom,
 [{description, "How close this node is to a descriptor, port, ETS or process limit"},
  {vsn, "0.1.0"},
  {modules, []},
  {registered, []},
  {applications, [kernel, stdlib, rabbit, headroom]},
  {env, []}]}.
