# SPDX-License-Identifier: GPL-2.0-only
# Completion of scx-slo for bash.

_scx_slo() {
    local cur=${COMP_WORDS[COMP_CWORD]} word command=''
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == -* ]] || { command=$word; break; }
    done
    if [[ $cur == -* ]]; then
        if [[ -n $command ]]; then
            case $command in
                attach) word='--for ' ;;
                stats) word='--watch ' ;;
                record) word='--for --output --force ' ;;
                show-trace) word='--records ' ;;
                *) word='' ;;
            esac
            mapfile -t COMPREPLY < <(compgen -W "$word--json --help" -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -W '--json --help --version' -- "$cur")
        fi
    elif [[ $command == attach && ${COMP_WORDS[COMP_CWORD-1]} == --for ]]; then
        mapfile -t COMPREPLY < <(compgen -W '1min 10min 1h' -- "$cur")
    elif [[ $command == record && ${COMP_WORDS[COMP_CWORD-1]} == --for ]]; then
        mapfile -t COMPREPLY < <(compgen -W '10s 30s 1min' -- "$cur")
    elif [[ $command == record && ${COMP_WORDS[COMP_CWORD-1]} == @(-o|--output) ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'status list stats cat check attach confirm detach reload record show-trace' -- "$cur")
    elif [[ $command == check || $command == show-trace ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    elif [[ $command == record ]]; then
        local units
        units=$(systemctl list-units --type=service,scope,slice --plain --no-legend 2>/dev/null | cut -d ' ' -f 1)
        mapfile -t COMPREPLY < <(compgen -W "${units//\\/\\\\\\\\}" -- "$cur")
    elif [[ $command == stats || $command == cat ]]; then
        local units
        units=$(scx-slo list --json 2>/dev/null | sed -n 's/^ *"unit": "\(.*\)",$/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "${units//\\\\/\\\\\\\\}" -- "$cur")
    fi
}
complete -F _scx_slo scx-slo
