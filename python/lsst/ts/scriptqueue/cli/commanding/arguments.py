# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words to orders: the parser that the shell's words and typed lines share.

First the command is found among `forms.FORMS`, then its words are read by a
parser made of its row. What is wrong with them is a `UsageError`, which says
what would be right and how the command is used; nothing here prints or exits.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

from .forms import FORMS, Form, Local, Parameter
from .kinds import SECONDS, Goal, Kind, WordError
from .words import nearest

__all__ = [
    "COMMON",
    "HelpWanted",
    "Order",
    "UsageError",
    "add_parameter",
    "find_form",
    "forms_for",
    "help_on",
    "overview",
    "parse_order",
]

_HELP_WORDS = frozenset({"-h", "--help"})


class UsageError(ValueError):
    """A command cannot be understood; the text says what would be right."""


class HelpWanted(Exception):
    """Help was asked for instead; the text is the help."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command that was understood.

    Attributes
    ----------
    form
        Which one.
    fields
        Fields of the SAL command.
    values
        What is used here, by name of the parameter.
    """

    form: Form
    fields: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def timeout_s(self) -> float:
        """Time limit for the acknowledgement (seconds)."""
        return float(self.values.get("timeout") or self.form.timeout_s)

    @property
    def as_json(self) -> bool:
        """Is the outcome wanted as JSON?"""
        return bool(self.values.get("json"))

    @property
    def goal(self) -> Goal | None:
        """How far the script must come, if that is waited for."""
        return self.values.get("wait")

    @property
    def wait_timeout_s(self) -> float | None:
        """Time limit for that (seconds)."""
        return self.values.get("wait_timeout")


#: Options of every command, whoever carries it out.
COMMON: tuple[Parameter, ...] = (
    Parameter("--json", None, "print one JSON object, for programs", required=False),
    Parameter(
        "--timeout",
        SECONDS,
        "time limit for the acknowledgement (default: 10 or 30, by command)",
        required=False,
    ),
)

#: Commands that make no sense at a prompt, and those that do only there.
ONLY_ONE_SHOT = frozenset({Local.MONITOR})
ONLY_INTERACTIVE = frozenset({Local.EVENTS, Local.QUIT})


def forms_for(*, interactive: bool) -> tuple[Form, ...]:
    """Return the commands there are, at a prompt or in a shell."""
    missing = ONLY_ONE_SHOT if interactive else ONLY_INTERACTIVE
    return tuple(form for form in FORMS if form.command not in missing)


def find_form(words: Sequence[str], forms: Iterable[Form]) -> tuple[Form, list[str]]:
    """Find the command that words begin with.

    Returns
    -------
    tuple
        The command, and the words after its name.

    Raises
    ------
    UsageError
        If there is none; names the nearest.
    """
    by_name = {name.casefold(): form for form in forms for name in form.names}
    for length in (2, 1):
        name = " ".join(words[:length]).casefold()
        if len(words) >= length and name in by_name:
            return by_name[name], list(words[length:])
    typed = " ".join(words[:1])
    group = {
        form.name.split()[1]: form.name for form in by_name.values() if form.name.startswith(f"{typed} ")
    }
    if group:
        near = [group[word] for word in nearest(words[1], group, 1)] if len(words) > 1 else []
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(group.values())}"
        raise UsageError(f"{' '.join(words[:2])!r} is no command; {hint}")
    known = [form.name for form in dict.fromkeys(by_name.values())]
    near = nearest(" ".join(words[:2]), known) or nearest(typed, known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise UsageError(f"no command {typed!r}; {hint}")


def parse_order(
    words: Sequence[str],
    *,
    interactive: bool,
    extra: tuple[Parameter, ...] = (),
    given: Mapping[str, Any] = MappingProxyType({}),
) -> Order:
    """Read a command.

    Parameters
    ----------
    words
        Its words.
    interactive
        Was it typed at a prompt?
    extra
        Options that this command line has besides.
    given
        Values of options that were given before the command.

    Raises
    ------
    UsageError
        If it cannot be understood.
    HelpWanted
        If ``--help`` is among the words.
    """
    form, rest = find_form(words, forms_for(interactive=interactive))
    if _HELP_WORDS.intersection(rest):
        raise HelpWanted(_form_help(form, extra))
    parsed = vars(_parser(form, extra).parse_intermixed_args(rest))
    fields: dict[str, Any] = {}
    values: dict[str, Any] = dict(given)
    for parameter in (*form.parameters, *COMMON, *extra):
        value = parsed[parameter.key]
        is_given = value not in (None, []) and not (parameter.kind is None and not value)
        if not is_given:
            continue
        if parameter.fields is None:
            values[parameter.key] = value
        else:
            try:
                fields.update(parameter.fields(value))
            except WordError as error:
                raise _usage_error(form, extra, str(error)) from None
    return Order(form, fields, values)


def _form_help(form: Form, extra: tuple[Parameter, ...] = ()) -> str:
    """Return the help of one command."""
    return _parser(form, extra).format_help().rstrip()


def help_on(about: Sequence[str], *, interactive: bool, extra: tuple[Parameter, ...] = ()) -> str:
    """Return the help of the command that words name, of all that begin so, or the list of all.

    Raises
    ------
    UsageError
        If there is none.
    """
    forms = forms_for(interactive=interactive)
    if not about:
        return overview(interactive=interactive)
    begun = [form for form in forms if len(about) == 1 and form.name.startswith(f"{about[0]} ")]
    return "\n\n".join(_form_help(form, extra) for form in begun or [find_form(about, forms)[0]])


def overview(*, interactive: bool) -> str:
    """Return the list of the commands, a line each."""
    forms = forms_for(interactive=interactive)
    width = max(len(form.name) for form in forms)
    return "\n".join(f"  {form.name:<{width}}  {form.help}" for form in forms)


class _Parser(argparse.ArgumentParser):
    """A parser that raises what is wrong instead of exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


class _FormParser(_Parser):
    """The parser of one command."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}\n{self.format_usage().strip()}")


def _usage_error(form: Form, extra: tuple[Parameter, ...], message: str) -> UsageError:
    return UsageError(f"{form.name}: {message}\n{_parser(form, extra).format_usage().strip()}")


@functools.cache
def _parser(form: Form, extra: tuple[Parameter, ...]) -> _FormParser:
    parser = _FormParser(prog=form.name, description=form.help, add_help=False, allow_abbrev=False)
    if form.adds or isinstance(form.command, str):
        parser.epilog = _epilog(form)
    for parameter in (*form.parameters, *COMMON, *extra):
        add_parameter(parser, parameter)
    return parser


def _epilog(form: Form) -> str | None:
    also = [name for name in form.names if name != form.name]
    return f"Also called {', '.join(also)}." if also else None


def add_parameter(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    """Teach a parser a word or an option."""
    if parameter.kind is None:
        parser.add_argument(parameter.name, dest=parameter.key, action="store_true", help=parameter.help)
        return
    options: dict[str, Any] = {
        "type": _reader(parameter.kind),
        "help": _help(parameter, parameter.kind),
        "default": parameter.default,
        "metavar": parameter.kind.metavar if parameter.is_option else parameter.name,
    }
    if parameter.is_option:
        options["dest"] = parameter.key
    elif parameter.many:
        options["nargs"] = "+" if parameter.required else "*"
    elif not parameter.required:
        options["nargs"] = "?"
    parser.add_argument(parameter.name, **options)


def _help(parameter: Parameter, kind: Kind) -> str:
    is_open = parameter.is_option or "|" not in kind.metavar
    return parameter.help if is_open else f"{parameter.help}: {kind.metavar}"


def _reader(kind: Kind) -> Callable[[str], Any]:
    def read(word: str) -> Any:
        try:
            return kind.read(word)
        except WordError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read
