"""Compose YAML within bounds, because texts beyond them could take minutes and gigabytes."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError


class _BoundedComposer(Composer):
    """Counts the nodes of the graph while it is made."""

    most_values: int
    deepest: int

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False
        self._num_nodes = self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node."""
        self._num_nodes += 1
        self._depth += 1
        problem = None
        if self._num_nodes > 2 * self.most_values:  # a key and its value
            problem = f"more than {self.most_values} values"
        elif self._depth > self.deepest:
            problem = f"nested more than {self.deepest} deep"
        if problem:
            raise ComposerError(None, None, problem, self.parser.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def bounded_yaml(num_values: int, depth: int) -> YAML:
    """A reader of YAML whose `compose` raises ComposerError where a text is beyond the bounds.

    Args:
        num_values: most values, lists and sections.
        depth: most lists and sections inside each other.
    """

    class Bounded(_BoundedComposer):
        most_values, deepest = num_values, depth

    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = Bounded
    return yaml
