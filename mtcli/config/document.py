"""Read YAML 1.2 as plain values, with the line of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mtcli.config.problems import KeyPath, Problem, dotted
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from ruamel.yaml.constructor import SafeConstructor

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {"mapping": "map", "sequence": "seq"}
_INT_LIMIT = 2**63

LARGEST_YAML = 2 * 2**20
"""In characters, and in bytes of a file. A config has a few thousand."""

MOST_VALUES = 100_000
"""Values, lists and sections, each as often as an alias repeats it: 3 seconds of reading (EPYC
Zen 4, 2026-11-29). A thousand sources have 10,000."""

DEEPEST_YAML = 64
"""Most lists and sections inside each other; a config has 5."""


@dataclass(frozen=True)
class Document:
    """The values of a YAML text and their lines."""

    value: Any
    """dict, list, str, int, float, bool or None; a repeated key keeps its first value."""
    lines: dict[KeyPath, int]
    """Line of each key and list entry, counted from 1."""
    problems: list[Problem]
    """Repeated keys, tags and other mistakes that leave the rest readable."""


def parse_yaml(text: str, is_text: Callable[[KeyPath], bool] = lambda _: False) -> Document:
    """Read one YAML 1.2 document: `no` is text, 3e-4 a number, a date is text.

    Args:
        text: the document.
        is_text: whether a value is text even where it looks like a number.

    Raises:
        ConfigError: the text is not YAML; the message is a clause that starts with the line.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    from mtcli.config.bounded_yaml import bounded_yaml

    if len(text) > LARGEST_YAML:
        raise ConfigError(f"line 1: more than {LARGEST_YAML >> 20} MiB of text")
    yaml = bounded_yaml(MOST_VALUES, DEEPEST_YAML)
    try:
        root = yaml.compose(text)
        directed = yaml.resolver.processing_version != (1, 2)
        reader = _Reader(yaml.constructor, is_text)
        value = None if root is None else reader.read(root, ())
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"line {line}: character {error.character!r} is not allowed") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise ConfigError(f"line {line}: {_explain(error)}") from None
    except YAMLError as error:
        raise ConfigError(f"line 1: {error}") from None
    if directed:
        raise ConfigError("line 1: remove the `%YAML` directive, a config is always YAML 1.2")
    return Document(value, reader.lines, reader.problems)


def _explain(error: Any) -> str:
    """The message of ruamel, with a remedy where it is not obvious."""
    text = " ".join(part for part in (error.context, error.problem) if part)
    if "'\\t'" in text:
        return f"{text}; indent with spaces, not tabs"
    if "cannot start any token" in text:
        return f"{text}; put the value in quotes"
    return text


@dataclass
class _Reader:
    """Turns ruamel's nodes into plain values; collects lines and problems on the way."""

    constructor: SafeConstructor
    is_text: Callable[[KeyPath], bool]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    open_nodes: set[int] = field(default_factory=set)
    """Collections around the one that is read, by id(): an alias to one of them has no end."""
    num_values: int = 0
    """Values read so far, as often as an alias repeats them."""
    num_characters: int = 0
    """Of keys and values; the same."""

    def read(self, node: Any, path: KeyPath) -> Any:
        """The plain value of a node of ruamel's graph."""
        line = node.start_mark.line + 1
        self._count(node, line, len(path))
        self.lines.setdefault(path, line)
        kind = str(node.tag).removeprefix(_TAG)
        if node.id == "scalar":
            return self._scalar(node, kind, path)
        if kind != _PLAIN_TAGS[node.id]:
            self._complain(line, path, f"tag {node.tag} is not allowed")
            return None
        if id(node) in self.open_nodes:
            self._complain(line, path, f"*{node.anchor} contains itself")
            return None
        self.open_nodes.add(id(node))
        value = self._mapping(node, path) if kind == "map" else self._sequence(node, path)
        self.open_nodes.remove(id(node))
        return value

    def _count(self, node: Any, line: int, depth: int) -> None:
        """Refuse to expand aliases without bound; what stands in the text is bounded by itself."""
        self.num_values += 1
        if node.id == "scalar":
            self.num_characters += len(node.value)
        elif node.id == "mapping":
            self.num_characters += sum(len(key.value) for key, _ in node.value)
        if self.num_values > MOST_VALUES or self.num_characters > LARGEST_YAML:
            raise ConfigError(
                f"line {line}: aliases repeat more than {MOST_VALUES} values or"
                f" {LARGEST_YAML >> 20} MiB of text"
            )
        if depth > DEEPEST_YAML:
            raise ConfigError(f"line {line}: aliases nest more than {DEEPEST_YAML} deep")

    def _mapping(self, node: Any, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str):
                self._complain(line, path, "a key must be a name, not a list or a mapping")
            elif key == "<<":
                self._complain(
                    line, (*path, key), "YAML 1.2 has no merge keys; write the keys here"
                )
            elif key in values:
                before = self.lines[*path, key]
                self._complain(line, (*path, key), f"already set on line {before}")
            else:
                self.lines[*path, key] = line
                values[key] = self.read(value_node, (*path, key))
        return values

    def _sequence(self, node: Any, path: KeyPath) -> list[Any]:
        return [self.read(item, (*path, place)) for place, item in enumerate(node.value)]

    def _scalar(self, node: Any, kind: str, path: KeyPath) -> Any:
        if kind in {"str", "timestamp", "value"}:  # YAML 1.2 knows neither dates nor "="
            return node.value
        if kind == "null":
            return None
        if self.is_text(path):
            return node.value
        if kind == "bool" and node.value.lower() in {"true", "false"}:
            return node.value.lower() == "true"
        try:
            if kind == "int":
                number = int(self.constructor.construct_yaml_int(node))
                return number if abs(number) < _INT_LIMIT else node.value
            if kind == "float":
                return float(self.constructor.construct_yaml_float(node))
        except ValueError:
            return node.value  # `0x_`, or `!!int three`: text, which the schema refuses
        self._complain(node.start_mark.line + 1, path, f"tag {node.tag} is not allowed")
        return None

    def _complain(self, line: int, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(line, dotted(path), message))
