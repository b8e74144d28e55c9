# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of exposurectl(1) for bash.

# Units, from the same bus as the line that is being completed will use.
__exposurectl_units() {
        local unit rest
        exposurectl "$@" list --all --no-legend --no-pager --full 2>/dev/null |
                while IFS=' ' read -r unit rest; do echo "$unit"; done
}

_exposurectl() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
        local verbs='list show regressions history accept monitor notify status rescan help'
        local flags='-a --all --regressed --test --no-ask-password -r --reverse -l --full -q --quiet -h --help
                     --no-legend --no-pager --system --user --version'
        local with_argument='--sort --threshold --json -n --lines --reason --until -H --host -M --machine'
        local -a where=()
        local i word verb='' option=$prev

        # bash splits at "=": --json=sh is the three words --json, = and sh.
        if [[ $cur == '=' ]]; then
                cur=''
                option=$prev
        elif [[ $prev == '=' ]]; then
                option=${COMP_WORDS[COMP_CWORD - 2]}
        fi

        case $option in
        --sort)
                COMPREPLY=($(compgen -W 'unit exposure' -- "$cur"))
                return 0
                ;;
        --json)
                COMPREPLY=($(compgen -W 'short pretty off' -- "$cur"))
                return 0
                ;;
        -n | --lines)
                COMPREPLY=($(compgen -W 'all' -- "$cur"))
                return 0
                ;;
        --until)
                COMPREPLY=($(compgen -W 'tomorrow +1w +30d' -- "$cur"))
                return 0
                ;;
        --threshold | --reason)
                return 0
                ;;
        -H | --host)
                COMPREPLY=($(compgen -A hostname -- "$cur"))
                return 0
                ;;
        -M | --machine)
                COMPREPLY=($(compgen -W "$(machinectl list --no-legend --no-pager 2>/dev/null |
                        while read -r word i; do echo "$word"; done)" -- "$cur"))
                return 0
                ;;
        esac

        if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W "$flags $with_argument" -- "$cur"))
                return 0
        fi

        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                case $word in
                --user | --system)
                        where+=("$word")
                        ;;
                -H | --host | -M | --machine)
                        [[ ${COMP_WORDS[i + 1]} == '=' ]] && ((i++))
                        where+=("$word" "${COMP_WORDS[++i]}")
                        ;;
                --sort | --threshold | --json | -n | --lines | --reason | --until)
                        [[ ${COMP_WORDS[i + 1]} == '=' ]] && ((i++))
                        ((i++))
                        ;;
                -*) ;;
                *)
                        [[ -n $verb ]] || verb=$word
                        ;;
                esac
        done

        case $verb in
        '')
                COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
                ;;
        list | show | regressions | history | accept)
                [[ $verb == regressions || $verb == accept ]] && where+=(--regressed)
                # Names may hold backslashes, as in dev\x2dlog, which compgen -W would take away.
                local IFS=$'\n'
                local unit
                COMPREPLY=()
                for unit in $(__exposurectl_units "${where[@]}"); do
                        [[ $unit == "${cur//\\\\/\\}"* ]] && COMPREPLY+=("${unit//\\/\\\\}")
                done
                ;;
        esac
        return 0
}

complete -F _exposurectl exposurectl
