//! The rules, one file each.

mod erl_max_ports_malformed;
mod erts_max_ports_is_not_read;
mod ets_limit_is_advice;
mod file_max_below_nofile;
mod flag_overridden;
mod flag_refused;
mod fullsweep_costs;
mod hard_above_nr_open;
mod kernel_poll_obsolete;
mod limit_misplaced;
mod limit_not_a_number;
mod limit_set_in_vain;
mod limits_conf_ignored;
mod limits_conf_malformed;
mod nofile_huge;
mod nofile_low;
mod not_read;
mod not_understood;
mod nr_open_not_whole;
mod ports_below_nofile;
mod processes_below_nofile;
mod soft_above_hard;
mod sysctl_conf_ignored;
mod sysctl_not_kept;
mod sysctl_not_namespaced;
mod sysctl_overridden;
mod sysctl_refused;
mod sysctl_unknown;
mod variable_not_exported;
mod variable_not_read;

use super::Rule;

/// All of them, in the order of their pages.
pub const RULES: &[Rule] = &[
    nofile_low::RULE,
    nofile_huge::RULE,
    hard_above_nr_open::RULE,
    soft_above_hard::RULE,
    limit_not_a_number::RULE,
    limit_misplaced::RULE,
    limits_conf_ignored::RULE,
    limits_conf_malformed::RULE,
    sysctl_not_kept::RULE,
    sysctl_refused::RULE,
    sysctl_unknown::RULE,
    sysctl_overridden::RULE,
    sysctl_conf_ignored::RULE,
    sysctl_not_namespaced::RULE,
    nr_open_not_whole::RULE,
    file_max_below_nofile::RULE,
    ports_below_nofile::RULE,
    processes_below_nofile::RULE,
    erts_max_ports_is_not_read::RULE,
    erl_max_ports_malformed::RULE,
    variable_not_read::RULE,
    variable_not_exported::RULE,
    flag_refused::RULE,
    flag_overridden::RULE,
    ets_limit_is_advice::RULE,
    kernel_poll_obsolete::RULE,
    fullsweep_costs::RULE,
    limit_set_in_vain::RULE,
    not_understood::RULE,
    not_read::RULE,
];
