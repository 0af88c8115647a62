"""Completion scripts for bash, zsh and fish.

The names of commands and options stand in the scripts, so that completing one starts no Python; only names that the
operator chose (wallets, networks) are asked from `r3 __names`.
"""

from __future__ import annotations

from collections.abc import Iterable

from ._completion import Grammar, Place

Named = Iterable[tuple[str, str]]


def bash_script(grammar: Grammar) -> str:
    """For bash 4.4 and newer."""
    places = (
        f"{_quoted(place.typed)})\n"
        f"            commands={_quoted(_names(place.commands))}\n"
        f"            options={_quoted(_names(place.options))}\n"
        f"            argument={_quoted(place.argument)}\n"
        f"            ;;"
        for place in grammar.places
    )
    return _posix_script(_BASH, grammar, places)


def zsh_script(grammar: Grammar) -> str:
    """For zsh with compinit; may be autoloaded or sourced."""
    places = (
        f"{_quoted(place.typed)})\n"
        f"            commands=({_described(place.commands)})\n"
        f"            options=({_described(place.options)})\n"
        f"            argument={_quoted(place.argument)}\n"
        f"            ;;"
        for place in grammar.places
    )
    return _posix_script(_ZSH, grammar, places)


def fish_script(grammar: Grammar) -> str:
    """For fish 3 and newer."""
    rules = (
        f"case {_quoted(pattern)}\n            set value {_quoted(value or '')}" for pattern, value in grammar.rules
    )
    inner = " ".join(_quoted(place.typed) for place in grammar.places[1:])
    return _fill(_FISH, inner=inner, places=map(_fish_place, grammar.places), rules=rules)


def _posix_script(template: str, grammar: Grammar, places: Iterable[str]) -> str:
    rules = (f"{_pattern(pattern)}) value={_quoted(value or '')} ;;" for pattern, value in grammar.rules)
    inner = " | ".join(_quoted(place.typed) for place in grammar.places[1:])
    return _fill(template, inner=inner, places=places, rules=rules)


def _fish_place(place: Place) -> str:
    named = (("commands", place.commands), ("options", place.options))
    lists = (f"            set {name} {_tabbed(words)}".rstrip() + "\n" for name, words in named)
    return f"case {_quoted(place.typed)}\n{''.join(lists)}            set argument {_quoted(place.argument)}"


def _fill(template: str, *, inner: str, places: Iterable[str], rules: Iterable[str]) -> str:
    blocks = {"@INNER@": inner, "@PLACES@": "\n        ".join(places), "@RULES@": "\n        ".join(rules)}
    for mark, text in blocks.items():
        template = template.replace(mark, text)
    return template


def _names(named: Named) -> str:
    return " ".join(name for name, _ in named)


def _described(named: Named) -> str:
    """What zsh reads: `name:help`."""
    return " ".join(_quoted(f"{name}:{about.replace(':', chr(92) + ':')}") for name, about in named)


def _tabbed(named: Named) -> str:
    """What fish reads: `name TAB help`."""
    return " ".join(_quoted(f"{name}\t{about}") for name, about in named)


def _pattern(text: str) -> str:
    return f"*{_quoted(text[1:])}" if text.startswith("*") else _quoted(text)


def _quoted(text: str) -> str:
    """In single quotes, which all three shells read alike as long as the text has none itself."""
    return "'" + text.replace("'", "’").replace("\\", "/") + "'"


_BASH = """\
# Completion of r3 for bash. Written by `make docs`; do not edit.

_r3() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local at=r3 commands='' options='' argument='' value='' words='' index
    for ((index = 1; index < COMP_CWORD; index++)); do
        case "$at ${COMP_WORDS[index]}" in
        @INNER@) at+=" ${COMP_WORDS[index]}" ;;
        esac
    done
    case "$at" in
        @PLACES@
    esac
    case "$at $previous" in
        @RULES@
    esac
    if [[ -z $value ]]; then
        if [[ $current == -* ]]; then
            value="words $options"
        elif [[ -n $commands ]]; then
            value="words $commands"
        else
            value=$argument
        fi
    fi
    COMPREPLY=()
    case "$value" in
        nothing) return ;;
        files)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        'words '*) words=${value#words } ;;
        *) words=$("${COMP_WORDS[0]}" __names "$value" 2>/dev/null) ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _r3 r3
"""

_ZSH = """\
#compdef r3
# Completion of r3 for zsh. Written by `make docs`; do not edit.

_r3() {
    local at=r3 argument= value= index
    local -a commands options candidates
    for ((index = 2; index < CURRENT; index++)); do
        case "$at ${words[index]}" in
        @INNER@) at+=" ${words[index]}" ;;
        esac
    done
    case "$at" in
        @PLACES@
    esac
    case "$at ${words[CURRENT - 1]}" in
        @RULES@
    esac
    if [[ -z $value ]]; then
        if [[ ${words[CURRENT]} == -* ]]; then
            _describe -o option options
            return
        elif (( ${#commands} )); then
            _describe command commands
            return
        fi
        value=$argument
    fi
    case "$value" in
        nothing) return ;;
        files) _files; return ;;
        'words '*) candidates=(${=value#words }) ;;
        *) candidates=(${(f)"$(${words[1]} __names $value 2>/dev/null)"}) ;;
    esac
    compadd -a candidates
}

if [[ ${funcstack[1]} == _r3 ]]; then
    _r3 "$@"
else
    compdef _r3 r3
fi
"""

_FISH = """\
# Completion of r3 for fish. Written by `make docs`; do not edit.

function __r3_candidates
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l at r3
    for word in $words[2..-1]
        switch "$at $word"
            case @INNER@
                set at "$at $word"
        end
    end
    set -l commands
    set -l options
    set -l argument nothing
    set -l value ''
    switch "$at"
        @PLACES@
    end
    switch "$at $words[-1]"
        @RULES@
    end
    if test -z "$value"
        if string match -q -- '-*' "$current"
            printf '%s\\n' $options
            return
        else if test (count $commands) -gt 0
            printf '%s\\n' $commands
            return
        end
        set value $argument
    end
    switch "$value"
        case nothing
        case files
            __fish_complete_path "$current"
        case 'words *'
            string split ' ' -- (string replace 'words ' '' -- $value)
        case '*'
            command $words[1] __names $value 2>/dev/null
    end
end

complete -c r3 -f -a '(__r3_candidates)'
"""
