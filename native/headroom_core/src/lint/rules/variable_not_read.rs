//! A variable or limit in a file that nothing reads when the node starts.

use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::configured::Reaches;

pub const RULE: Rule = Rule {
    id: Id::VariableNotRead,
    why: "A variable counts where the program that starts the node reads it: ejabberdctl.cfg for ejabberd, rabbitmq-env.conf for RabbitMQ, env.sh or the unit for a release. /etc/environment and /etc/profile.d are for logins, /etc/default/rabbitmq-server for the init script that systemd does not use, and a flag file knows flags alone.",
    source: "systemd, man systemd.exec, Environment; RabbitMQ, scripts/rabbitmq-env; Linux-PAM, man pam_env; OTP, erts/etc/common/erlexec.c",
    bad: &[("etc/rabbitmq/rabbitmq.conf", "ERL_MAX_PORTS=200000\n")],
    good: &[("etc/rabbitmq/rabbitmq-env.conf", "export ERL_MAX_PORTS=200000\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for variable in &scene.of.variables {
        if let Reaches::Nobody(why) = variable.reaches {
            let message = format!("{} has no effect here: {why}.", variable.set.key);
            found.push(Found::warning(
                Id::VariableNotRead,
                &variable.set.at,
                message,
                Vec::new(),
            ));
        }
    }
    found
}
