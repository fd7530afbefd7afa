"""Read a config file, resolve it, write it down again, and compare it with another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtcli.config.document import parse_yaml
from mtcli.config.overrides import apply_overrides
from mtcli.config.preset import PRESETS, merged, preset_values
from mtcli.config.problems import KeyPath, Origin, Problem, config_error, dotted, nearest
from mtcli.config.resolve import resolve
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from ruamel.yaml.representer import RoundTripRepresenter

    from mtcli.config.schema.root import TrainConfig

IDENTITY_PREFIXES = (
    "src_lang",
    "tgt_lang",
    "seed",
    "data",
    "tokenizer",
    "model",
    "optim.kind",
    "batch.tokens_per_update",
    "training.ema_decay",
    "training.init_from",
    "training.init_tokenizer",
    "regularization",
)
"""Keys, and sections whose every key, make a run the run that it is; see identity_differences."""

FREE_WITHIN_IDENTITY = (
    "data.root",
    "data.valid",
    "data.cache_dir",
    "data.prefetch_batches",
    "regularization.rdrop",
    "regularization.layer_dropout",
)
"""Exceptions from IDENTITY_PREFIXES."""

_ABSENT = object()
_WORD = re.compile(r"[\w/][\w/.-]*", re.ASCII)


# --------------------------------------------------------------------------------------- reading


def load_config(
    path: str | Path, overrides: Sequence[str] = (), *, working_dir: Path | None = None
) -> TrainConfig:
    """Read, validate and resolve a training config.

    Numbers, texts and truth values must be written as such: `"8"` is no number, 8.0 no whole
    number; a whole number may stand for any number. A section without a key means its defaults.

    Args:
        path: A YAML 1.2 file in UTF-8.
        overrides: `KEY=VALUE` each, see `apply_overrides`.
        working_dir: Folder that relative paths start from; None takes the current one.

    Returns:
        The resolved config: every path absolute, relative data paths under `data.root` where it
        is set, hub sources that have local files there replaced by these, `data.cache_dir`
        filled in. Dumped and loaded again it is itself.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or breaks the schema; the message lists
            every problem with its line, or with the override that caused it.
    """
    path = Path(path)
    values, origins, problems = read_values(path, overrides)
    for name in _section_names():
        if values.get(name) is None:
            values[name] = {}  # so that what is missing in it is named, too
    config = _validate(values, origins, problems)
    if config is None:
        raise config_error(str(path), problems, overrides)
    return resolve(config, Path.cwd() if working_dir is None else working_dir.absolute())


def read_values(
    path: Path, overrides: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[KeyPath, Origin], list[Problem]]:
    """What file and overrides say, above the preset that they name, if any.

    The preset's values have no origin: a conflict with one of them is told where the user's value
    stands.

    Raises:
        ConfigError: the file cannot be read or is not YAML.
    """
    values, origins, problems = _read(path)
    problems += apply_overrides(values, origins, overrides)
    if values.get("preset") in PRESETS:
        values = merged(preset_values(values["preset"]), values)
    return values, origins, problems


def _read(path: Path) -> tuple[dict[str, Any], dict[KeyPath, Origin], list[Problem]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except IsADirectoryError:
        inside = path / "config.yaml"
        hint = f"; did you mean {inside}?" if inside.is_file() else ""
        raise ConfigError(f"{path} is a folder, a config is a YAML file{hint}") from None
    except OSError as error:
        raise ConfigError(f"cannot read the config {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}, line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8;"
            " save the file as UTF-8"
        ) from None
    try:
        document = parse_yaml(text)
    except ConfigError as error:
        raise ConfigError(f"{path} is not valid YAML, {error}") from None
    if document.value is None and not document.problems:
        raise ConfigError(f"{path} is empty; `mtcli config template` prints one to fill in")
    if document.value is not None and not isinstance(document.value, dict):
        raise ConfigError(f"{path} must hold lines of KEY: VALUE, not a list or a single value")
    origins: dict[KeyPath, Origin] = dict(document.lines)
    return document.value or {}, origins, document.problems


def _section_names() -> set[str]:
    from mtcli.config.keys import root_section

    return {name for name, key in root_section().keys.items() if key.variants}


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
        details = error.errors(include_url=False)
        for detail in details:
            problems += [p for p in problems_in(detail, origins) if (p.origin, p.key) not in named]
        unsound = {str(detail["loc"][0]) for detail in details if detail["loc"]}
        unsound |= {nearest(name, _section_names()) or name for name in unsound}
        for names, check in CROSS_CHECKS:
            if unsound and unsound.isdisjoint(names):
                sections = (
                    section_adapter(name).validate_json(json.dumps(values[name]), strict=True)
                    for name in names
                )
                problems += conflict_problems(tuple(check(*sections)), (), origins)
    return None if problems else config


# --------------------------------------------------------------------------------------- writing


def dump_config(config: TrainConfig) -> str:
    """The config as YAML, every value spelled out; `load_config` reads the same config from it.

    Readers of YAML 1.1, PyYAML among them, understand it alike: `no` is in quotes there.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """ruamel keeps representers per class, so that ours must not land in its own."""

    Representer.add_representer(list, _represent_list)
    Representer.add_representer(str, _represent_text)
    Representer.add_representer(float, _represent_number)
    Representer.add_representer(type(None), _represent_null)
    yaml = YAML(typ="rt", pure=True)
    yaml.Representer = Representer
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 2**31
    stream = StringIO()
    yaml.dump(_plain(config), stream)
    return stream.getvalue()


def _represent_list(representer: RoundTripRepresenter, items: list[Any]) -> Any:
    """Values on one line, sections one below the other."""
    is_flat = not any(isinstance(item, dict) for item in items)
    return representer.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_flat)


def _represent_text(representer: RoundTripRepresenter, text: str) -> Any:
    """Quotes around all but plain words, and around the words that YAML 1.1 takes for booleans."""
    is_boolean_elsewhere = text.lower() in {"y", "n", "yes", "no", "on", "off"}
    style = None if _WORD.fullmatch(text) and not is_boolean_elsewhere else '"'
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_number(representer: RoundTripRepresenter, number: float) -> Any:
    """`1.0e-09`, since YAML 1.1 takes `1e-09` for text."""
    text = repr(number)
    text = text if "." in text else text.replace("e", ".0e")
    return representer.represent_scalar("tag:yaml.org,2002:float", text)


def _represent_null(representer: RoundTripRepresenter, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _plain(value: Any) -> Any:
    """Sections as dicts, paths as texts, pairs as lists."""
    if is_dataclass(value):
        return {key.name: _plain(getattr(value, key.name)) for key in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


# ------------------------------------------------------------------------------------- comparing


def differences(old: TrainConfig, new: TrainConfig) -> list[str]:
    """Dotted keys whose values differ, in the order of the schema.

    A key or list entry that only one of the configs has (another `kind`, one source more) is
    named, too. Lists of plain values count as one value.
    """
    return [dotted(path) for path in _differing(_plain(old), _plain(new), ())]


def _differing(old: Any, new: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            yield from _differing(old.get(name, _ABSENT), new.get(name, _ABSENT), (*path, name))
    elif _holds_sections(old) and _holds_sections(new):
        for place, (one, other) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _differing(one, other, (*path, place))
    elif old != new:
        yield path


def _holds_sections(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def identity_differences(old: TrainConfig, new: TrainConfig) -> list[str]:
    """Dotted keys that differ and make `new` another run than `old`.

    Identity is what decides which updates are made on which numbers: languages, seed, data,
    tokenizer, model, the kind of optimizer, `batch.tokens_per_update` (it cuts the data into
    updates), what `regularization` does to the data (R-Drop and layer dropout are free), and
    `training.ema_decay` (the average is part of the state). The rest is free:
    stop conditions, device and precision, micro-batches (`batch.max_tokens`), logging,
    validation, decoding, checkpoints, `run_dir`, and the knobs of the optimizer, the schedule
    and the loss, which may be turned on the way.

    Of the data, prefetching and `cache_dir` are free, and `root`, whose work is done in a
    resolved config. `data.valid` is free as long as both have validation sources or both hold
    pairs out: otherwise the held-out pairs leave or join the training data.
    """
    found = [
        key
        for key in differences(old, new)
        if _is_within(key, IDENTITY_PREFIXES) and not _is_within(key, FREE_WITHIN_IDENTITY)
    ]
    if (old.data.valid is None) != (new.data.valid is None):
        found.append("data.valid")
    return found


def _is_within(key: str, prefixes: Iterable[str]) -> bool:
    return any(key == prefix or key.startswith((f"{prefix}.", f"{prefix}[")) for prefix in prefixes)
