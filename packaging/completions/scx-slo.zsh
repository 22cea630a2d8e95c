#compdef scx-slo
# SPDX-License-Identifier: GPL-2.0-only
# Completion of scx-slo for zsh.

_scx_slo_units() {
    local -a units
    units=(${(f)"$(scx-slo list --json 2>/dev/null | sed -n 's/^ *"unit": "\(.*\)",$/\1/p' | sed 's/\\\\/\\/g')"})
    compadd -a units
}

_scx_slo_all_units() {
    local -a units
    units=(${${(f)"$(systemctl list-units --type=service,scope,slice --plain --no-legend 2>/dev/null)"}%% *})
    compadd -a units
}

_scx_slo() {
    local -a commands
    commands=(
        'status:show what scx-slo does now, and the units with a budget'
        'list:list the units with a budget, and where it is set'
        'stats:show how long the tasks of a unit, or of all, waited for a CPU'
        'cat:show which settings hold for a unit, and where each is set'
        'check:say what is wrong with unit files or scx-slo.conf'
        'attach:put the scheduler in charge'
        'confirm:stay attached after a trial'
        'detach:hand scheduling back to the kernel'
        'reload:read the settings of all units anew'
        'record:write down when the tasks of units wake, run and sleep'
        'show-trace:show what is in a file that record has written'
    )
    local context state line
    _arguments -C \
        '--json[answer as JSON]' \
        '(- *)'{-h,--help}'[print help]' \
        '(- *)--version[print the version]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command) _describe command commands ;;
        argument)
            if [[ $words[1] == stats ]]; then
                _arguments '--watch=-[print again and again]::interval:(500ms 2s 10s 1min)' \
                    '--json[answer as JSON]' '(- *)'{-h,--help}'[print help]' '1:unit:_scx_slo_units'
            elif [[ $words[1] == cat ]]; then
                _arguments '--json[answer as JSON]' '(- *)'{-h,--help}'[print help]' '1:unit:_scx_slo_units'
            elif [[ $words[1] == check ]]; then
                _arguments '--json[answer as JSON]' '(- *)'{-h,--help}'[print help]' '*:file:_files'
            elif [[ $words[1] == attach ]]; then
                _arguments '--for[detach again after this time, unless confirmed]:time:(1min 10min 1h)' \
                    '--json[answer as JSON]' '(- *)'{-h,--help}'[print help]'
            elif [[ $words[1] == record ]]; then
                _arguments '--for[how long]:time:(10s 30s 1min)' '(-o --output)'{-o,--output}'[where to]:file:_files' \
                    '--force[overwrite the file if it exists]' '--json[answer as JSON]' \
                    '(- *)'{-h,--help}'[print help]' '*:unit:_scx_slo_all_units'
            elif [[ $words[1] == show-trace ]]; then
                _arguments '(--json)--records[print each record]' '(--records)--json[answer as JSON]' \
                    '(- *)'{-h,--help}'[print help]' '1:file:_files'
            else
                _arguments '--json[answer as JSON]' '(- *)'{-h,--help}'[print help]'
            fi
            ;;
    esac
}

_scx_slo "$@"
