"""Write a config as YAML that reads back as the same config."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ruamel.yaml.representer import RoundTripRepresenter

    from mtcli.config.schema.root import TrainConfig


_WORD = re.compile(r"[\w/][\w/.-]*", re.ASCII)


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
    yaml.dump(plain_values(config), stream)
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


def plain_values(value: Any) -> Any:
    """Sections as dicts, paths as texts, pairs as lists."""
    if is_dataclass(value):
        return {key.name: plain_values(getattr(value, key.name)) for key in fields(value)}
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    return str(value) if isinstance(value, Path) else value
