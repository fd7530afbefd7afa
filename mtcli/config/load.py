"""Read a config file, validate it and resolve it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from mtcli.config.auto.facts import TYPICAL, Machine
from mtcli.config.auto.rules import choose_recipe, choose_vocabulary
from mtcli.config.document import LARGEST_YAML, parse_yaml
from mtcli.config.kinds import fill_kinds, spell_out_kinds
from mtcli.config.overrides import apply_overrides
from mtcli.config.preset import PRESETS, merged, preset_values
from mtcli.config.problems import (
    MOST_PROBLEMS,
    KeyPath,
    Origin,
    Problem,
    config_error,
    nearest,
    origin_of,
)
from mtcli.config.renamed import replace_renamed
from mtcli.config.resolve import resolve
from mtcli.config.schema.compat import Compat, compat_values
from mtcli.config.unsettled import Given, UnsettledConfig, is_unsettled, without_open_keys
from mtcli.config.variables import apply_variables
from mtcli.errors import ConfigError, DataError
from mtcli.folders import why_refused
from mtcli.system.pipes import NoWriterError, read_at_most
from mtcli.system.recognition import refuse_encoding

if TYPE_CHECKING:
    from mtcli.config.schema.root import TrainConfig


ConfigSource: TypeAlias = str | Path | Mapping[str, Any]
"""A config: the path of a YAML file, YAML text of several lines, or values as YAML holds them."""


def load_config(
    source: ConfigSource, overrides: Sequence[str] = (), *, working_dir: Path | None = None
) -> TrainConfig:
    """Read, validate and resolve a training config.

    Types are strict: `"8"` is text and not a number, and 8.0 is not a whole number; but a whole
    number is valid where any number is. A section without keys has its defaults.

    Args:
        source: The path of a YAML 1.2 file in UTF-8; or such text itself, which has more than one
            line; or nested dicts and lists with the same keys and values, where a path may be a
            `Path`.
        overrides: `KEY=VALUE` each, see `apply_overrides`.
        working_dir: Folder that relative paths start from; None takes the current one.

    Returns:
        The resolved config: every path absolute, relative data paths under `data.root` where it
        is set, hub sources that have local files there replaced by these, `data.cache_dir`
        filled in. Dumping and loading it again gives the same config. With `preset: auto` or
        `vocab_size: auto` it is an `UnsettledConfig`, whose open keys are chosen when a run starts.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or breaks the schema; the message lists
            every problem with its line, or with the override that caused it.
    """
    values, origins, problems = read_values(source, overrides)
    given = Given(
        name=_name(source),
        values=values,
        origins=origins,
        has_lines=not isinstance(source, Mapping),
        overrides=tuple(overrides),
        working_dir=Path.cwd() if working_dir is None else working_dir.absolute(),
    )
    if not is_unsettled(values):
        return completed(given, {}, problems)
    chosen: dict[str, Any] = {}
    if given.is_all_open:
        chosen = choose_recipe(TYPICAL, Machine(), values).values
    elif given.is_vocabulary_open:
        chosen = choose_vocabulary(TYPICAL, Machine(), values).values
    stand_in = completed(given, chosen, problems)
    keys = {key.name: getattr(stand_in, key.name) for key in fields(stand_in)}
    return UnsettledConfig(**keys, given=given)


def completed(
    given: Given, chosen: dict[str, Any], problems: Sequence[Problem] = ()
) -> TrainConfig:
    """The resolved config of a user's values over chosen ones.

    Args:
        given: what the user wrote.
        chosen: values by section, in place of defaults.
        problems: what is known to be wrong with `given` already.

    Raises:
        ConfigError: as `load_config`.
    """
    values, found = merged(chosen, without_open_keys(given.values)), list(problems)
    for name, is_list in _sections().items():
        if values.get(name) is None:
            values[name] = [] if is_list else {}  # so that its missing keys are reported, too
    config = _validate(values, given.origins, found)
    if config is None:
        raise config_error(given.name, found, given.overrides, has_lines=given.has_lines)
    return resolve(config, given.working_dir)


def read_values(
    source: ConfigSource, overrides: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[KeyPath, Origin], list[Problem]]:
    """The values of file and overrides, merged over the preset that they name, if any.

    Sources of pairs without a `kind` get the one that the names of their files say.
    Environment variables set some keys that none of these has, see `apply_variables`.

    What `compat` sets is over the preset. Values of both have no origin: a conflict with one of
    them is reported at the user's value.

    Raises:
        ConfigError: the file cannot be read or is not YAML.
    """
    values, origins, problems = _read(source)
    problems += apply_overrides(values, origins, overrides)
    problems += replace_renamed(values, origins)
    spell_out_kinds(values)
    if values.get("compat") in get_args(Compat):
        values = merged(compat_values(values), values)
    if values.get("preset") in PRESETS:
        values = merged(preset_values(values["preset"]), values)
    fill_kinds(values)
    apply_variables(values, origins)
    return values, origins, problems


def _read(source: ConfigSource) -> tuple[dict[str, Any], dict[KeyPath, Origin], list[Problem]]:
    if isinstance(source, Mapping):
        return _plain(source), {}, []
    name = _name(source)
    text = str(source) if _is_text(source) else _read_text(Path(source))
    try:
        document = parse_yaml(text)
    except ConfigError as error:
        raise ConfigError(f"{name} is not valid YAML, {error}") from None
    if document.value is None and not document.problems:
        raise ConfigError(
            f"{name} is empty", hint="`mtcli config template` prints a config to fill in"
        )
    if document.value is not None and not isinstance(document.value, dict):
        raise ConfigError(f"{name} must hold `KEY: VALUE` lines, not a list or a single value")
    origins: dict[KeyPath, Origin] = dict(document.lines)
    return document.value or {}, origins, document.problems


def _is_text(source: str | Path) -> bool:
    """Whether it is a config itself: the name of a file has no line break."""
    return isinstance(source, str) and "\n" in source


def _name(source: ConfigSource) -> str:
    """What messages call the config."""
    if isinstance(source, Mapping):
        return "the config"
    return "the config" if _is_text(source) else str(Path(source))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that JSON can hold, as if it had been read from YAML.

    Raises:
        ConfigError: a value is of a type that YAML has not.
    """

    def plain(value: object) -> object:
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, Mapping):
            return dict(value)
        raise ConfigError(
            f"the config holds a value of type `{type(value).__name__}`: {value!r}",
            hint="use text, numbers, True, False, None, lists and dicts",
        )

    copied: dict[str, Any] = json.loads(json.dumps(dict(values), default=plain))
    return copied


def _read_text(path: Path) -> str:
    try:
        content = read_at_most(path, LARGEST_YAML + 1)  # what it names may have no end
        if len(content) > LARGEST_YAML:
            raise ConfigError(
                f"{path} is not a config: it has more than {LARGEST_YAML >> 20} MiB",
                hint="give the YAML file of the run",
            )
        refuse_encoding(content, str(path))
        return content.decode("utf-8-sig")
    except DataError as error:
        raise ConfigError(error.sentence, hint=error.hint) from None
    except IsADirectoryError:
        inside = path / "config.yaml"
        raise ConfigError(
            f"{path} is a folder, but a config is a YAML file",
            hint=f"did you mean {inside}?" if inside.is_file() else "",
        ) from None
    except NoWriterError as error:
        raise ConfigError(
            str(error), hint="give the YAML file of the run, or a pipe that is written"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read the config {path}: {why_refused(path, error)}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}, line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8",
            hint="save the file as UTF-8",
        ) from None


def _line(path: KeyPath, origins: Mapping[KeyPath, Origin]) -> int:
    """The line of what is wrong; overrides come after all lines."""
    origin = origin_of(path, origins)
    return origin if isinstance(origin, int) else sys.maxsize


def _sections() -> dict[str, bool]:
    """The sections by their names, and whether each is a list of sections."""
    from mtcli.config.keys import root_section

    return {name: key.is_list for name, key in root_section().keys.items() if key.variants}


def _validate(
    values: dict[str, Any], origins: dict[KeyPath, Origin], problems: list[Problem]
) -> TrainConfig | None:
    """The config, or None after adding to `problems`."""
    from pydantic import ValidationError

    from mtcli.config.diagnosis import conflict_problems, problems_in
    from mtcli.config.keys import adapter, section_adapter
    from mtcli.config.schema.root import CROSS_CHECKS

    config: TrainConfig | None = None
    named = {(problem.origin, problem.key) for problem in problems}
    try:
        # Strict JSON is strict where YAML can tell the difference (text, numbers, truth values)
        # and lenient where it cannot (a path is text, a tuple is a list).
        config = adapter().validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        details = sorted(
            error.errors(include_url=False), key=lambda detail: _line(detail["loc"], origins)
        )
        described, others = details[:MOST_PROBLEMS], details[MOST_PROBLEMS:]
        for detail in described:
            problems += [p for p in problems_in(detail, origins) if (p.origin, p.key) not in named]
        if others:
            origin = origin_of(others[0]["loc"], origins)
            message = f"{len(others)} more problems from here on"
            problems.append(Problem(origin, "", message, count=len(others)))
        unsound = {str(detail["loc"][0]) for detail in details if detail["loc"]}
        suspects = {str(detail["loc"][0]) for detail in described if detail["loc"]}
        unsound |= {nearest(name, _sections()) or name for name in suspects}
        for names, check in CROSS_CHECKS:
            if unsound and unsound.isdisjoint(names):
                sections = (
                    section_adapter(name).validate_json(json.dumps(values.get(name)), strict=True)
                    for name in names
                )
                problems += conflict_problems(tuple(check(*sections)), (), origins)
    return None if problems else config
