# SPDX-License-Identifier: GPL-2.0-only
# Completion of scx-slo for fish.

function __scx_slo_units
    scx-slo list --json 2>/dev/null | string replace -rf '^ *"unit": "(.*)",$' '$1' | string replace -a '\\\\' '\\'
end

function __scx_slo_all_units
    systemctl list-units --type=service,scope,slice --plain --no-legend 2>/dev/null | string replace -r ' .*' ''
end

set -l commands status list stats cat check attach confirm detach reload record show-trace
complete -c scx-slo -f
complete -c scx-slo -l json -d 'Answer as JSON'
complete -c scx-slo -s h -l help -d 'Print help'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -l version -d 'Print the version'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a status -d 'What scx-slo does now'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a list -d 'Units with a budget'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a stats -d 'How long the tasks of units waited'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a cat -d 'Which settings hold for a unit'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a check -d 'What is wrong with files of settings'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a attach -d 'Put the scheduler in charge'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a confirm -d 'Stay attached after a trial'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a detach -d 'Hand scheduling back to the kernel'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a reload -d 'Read all settings anew'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a record -d 'Write down when tasks run and sleep'
complete -c scx-slo -n "not __fish_seen_subcommand_from $commands" -a show-trace -d 'What is in a file of record'
complete -c scx-slo -n '__fish_seen_subcommand_from attach' -l for -x -a '1min 10min 1h' -d 'Detach again after this time, unless confirmed'
complete -c scx-slo -n '__fish_seen_subcommand_from stats' -l watch -d 'Print again and again (every 2s, or =INTERVAL)'
complete -c scx-slo -n '__fish_seen_subcommand_from stats cat' -a '(__scx_slo_units)'
complete -c scx-slo -n '__fish_seen_subcommand_from record' -a '(__scx_slo_all_units)'
complete -c scx-slo -n '__fish_seen_subcommand_from record' -l for -x -a '10s 30s 1min' -d 'How long: 1s to 10min'
complete -c scx-slo -n '__fish_seen_subcommand_from record' -s o -l output -r -F -d 'Where to, - for standard output'
complete -c scx-slo -n '__fish_seen_subcommand_from record' -l force -d 'Overwrite the file if it exists'
complete -c scx-slo -n '__fish_seen_subcommand_from show-trace' -l records -d 'Print each record'
complete -c scx-slo -n '__fish_seen_subcommand_from check show-trace' -F
