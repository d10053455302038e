"""How the command line is read: which command, its settings, and what may have been meant."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from difflib import get_close_matches
from functools import partial, wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from evobin.network.architecture import Architecture

Command = Callable[..., None]


def _load_architecture(path: str) -> Architecture:
    from evobin.network.blueprint import load_architecture  # numpy is not for --help

    return load_architecture(path)


KINDS: dict[Any, tuple[Callable[[str], Any], str]] = {
    Path | None: (Path, "PATH"),
    float | None: (float, "FLOAT"),
    int | None: (int, "INT"),
    str | None: (str, "NAME"),
    Architecture: (_load_architecture, "FILE"),
}
"""How a word is read, and what it is called: what is optional is shown as PATH, not {None}|PATH."""
OPTION = re.compile(r"^\W*(--[a-z][\w.-]*)(?:, (--no-[\w.-]+))?(.*)$", re.MULTILINE)
CHOICES = re.compile(r"^ +\[?\{([\w,-]+)\}")


def read(commands: Mapping[str, Command], overview: str, argv: Sequence[str]) -> Callable[[], None]:
    """The command that is asked for, with its settings, ready to be called.

    Raises:
        SystemExit: with 2 on wrong usage, after a message on stderr; with 0 after --help and
            --version.
    """
    name, rest = (argv[0], argv[1:]) if argv else ("", ())
    if name in ("-h", "--help"):
        print(_help(commands, overview))
        raise SystemExit(0)
    if name == "--version":
        print(f"evobin {version('evobin')}")
        raise SystemExit(0)
    if name not in commands:
        _refuse_command(commands, name)
    parse = partial(_parse, commands[name], name)
    try:
        with redirect_stderr(io.StringIO()):
            return parse(rest)
    except SystemExit as stop:
        if stop.code == 0:
            raise
    known = options(commands[name], name)
    for word in rest:
        flag = word.split("=")[0].replace("_", "-")
        if flag.startswith("--") and flag not in known:
            _refuse_option(name, flag, list(known))
    return parse(rest)  # once more, to say what is wrong


def with_defaults(command: Command, **defaults: Any) -> Command:
    """The same command with other defaults."""
    changed = partial(command, **defaults)
    changed.__doc__ = command.__doc__
    return changed


def options(command: Command, name: str) -> dict[str, tuple[str, ...] | None]:
    """The options of a command, each with the values that it may have, read off its help.

    There are () where any will do, and None where an option has no value.
    """
    with redirect_stdout(io.StringIO()) as shown:
        try:
            _parse(command, name, ["--help"])
        except SystemExit:
            text = shown.getvalue()
    found: dict[str, tuple[str, ...] | None] = {"--help": None}
    for flag, negated, more in OPTION.findall(text):
        choices = CHOICES.match(more)
        found[flag] = tuple(choices[1].split(",")) if choices else ()
        if negated:
            found |= {flag: None, negated: None}
    return found


def _parse(command: Command, name: str, argv: Sequence[str]) -> Callable[[], None]:
    call: Callable[[], None] = tyro.cli(
        _bind(command), prog=f"evobin {name}", args=argv, registry=_registry()
    )
    return call


def _bind(command: Command) -> Callable[..., Callable[[], None]]:
    """A command that is not called yet, so that only reading it can be wrong usage."""

    @wraps(command)
    def bind(*args: Any, **more: Any) -> Callable[[], None]:
        return partial(command, *args, **more)

    return bind


def _help(commands: Mapping[str, Command], overview: str) -> str:
    width = max(map(len, commands))
    heads = [(command.__doc__ or "").splitlines()[0] for command in commands.values()]
    lines = [f"  {name:{width}}  {head}" for name, head in zip(commands, heads, strict=True)]
    usage = "usage: evobin COMMAND ...\n       evobin --version"
    return "\n".join([usage, "", overview, "", "Commands:", *lines])


def _refuse_command(commands: Mapping[str, Command], name: str) -> NoReturn:
    every = ", ".join(commands)
    if not name or name.startswith("-"):
        _refuse(f"a command comes first, one of {every}; `evobin --help` says what each does.")
    close = get_close_matches(name, commands, 1)
    meant = f"did you mean `{close[0]}`?" if close else f"commands are {every}."
    _refuse(f"there is no command `{name}`; {meant}")


def _refuse_option(name: str, flag: str, known: Sequence[str]) -> NoReturn:
    ends = [option for option in known if option.endswith(f".{flag[2:]}")]
    close = ends or get_close_matches(flag, known, 3)
    likely = " or ".join(f"`{option}`" for option in close)
    meant = f"did you mean {likely}?" if close else f"`evobin {name} --help` lists all."
    _refuse(f"{name} has no option `{flag}`; {meant}")


def _refuse(message: str) -> NoReturn:
    print(f"evobin: {message}", file=sys.stderr)
    raise SystemExit(2)


def _registry() -> ConstructorRegistry:
    registry = ConstructorRegistry()

    @registry.primitive_rule
    def one_word(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        if info.type not in KINDS:
            return None
        read_word, metavar = KINDS[info.type]
        kind: Any = info.type
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar=metavar,
            instance_from_str=lambda given: read_word(given[0]),
            is_instance=lambda value: isinstance(value, kind),
            str_from_instance=lambda value: [
                "built-in" if isinstance(value, Architecture) else str(value)
            ],
        )

    return registry
