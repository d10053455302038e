"""Shell completion of commands, options and the words that an option may have; files otherwise.

The CLI library writes such scripts too, but its bash one offers lines of help texts as words, and
no files for what has no option in front of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Shell = Literal["bash", "zsh", "fish"]
Options = Mapping[str, tuple[str, ...] | None]
"""The values that each option may have; () for any, None for an option without one."""

BASH = """\
_evobin() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=
    if [[ $word == = ]]; then word=; fi  # bash splits --effort=quick into three words
    if [[ $before == = ]]; then before=${{COMP_WORDS[COMP_CWORD-2]}}; fi
    if [[ $COMP_CWORD == 1 ]]; then
        words="{commands}"
    else
        case "${{COMP_WORDS[1]}} $before $word" in
{cases}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o bashdefault -o default -F _evobin evobin
"""
ZSH = """\
(( $+functions[compdef] )) || { autoload -U compinit && compinit; }
autoload -U +X bashcompinit && bashcompinit
"""


def script(shell: Shell, commands: Mapping[str, Options]) -> str:
    """What a shell is to run so that it completes evobin's command line.

    Example:
        >>> print(script("fish", {"voices": {"--seed": ()}}))
        complete -c evobin -n __fish_use_subcommand -f -a 'voices'
        complete -c evobin -n '__fish_seen_subcommand_from voices' -l seed -r
    """
    if shell == "fish":
        return _fish(commands)
    cases = []
    for name, options in commands.items():
        for flag, values in options.items():
            if values:
                cases.append(f'"{name} {flag} "*) words="{" ".join(values)}" ;;')
        cases.append(f'"{name} "*" -"*) words="{" ".join(options)}" ;;')
    text = BASH.format(commands=" ".join(commands), cases="\n".join(" " * 12 + c for c in cases))
    return (ZSH + text if shell == "zsh" else text).rstrip()


def _fish(commands: Mapping[str, Options]) -> str:
    start = "complete -c evobin -n"
    lines = [f"{start} __fish_use_subcommand -f -a '{' '.join(commands)}'"]
    for name, options in commands.items():
        for flag, values in options.items():
            more = "" if values is None else f" -x -a '{' '.join(values)}'" if values else " -r"
            lines.append(f"{start} '__fish_seen_subcommand_from {name}' -l {flag[2:]}{more}")
    return "\n".join(lines)
