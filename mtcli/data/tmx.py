"""Read a TMX file (translation memory exchange) as a stream, with expat.

What could make a small file huge is refused: entities of its own, and texts without end. Nothing
outside the file is ever read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from mtcli.config.schema.data import TmxSource
from mtcli.data.dropped import Dropped
from mtcli.data.lines import unreadable
from mtcli.errors import DataError
from mtcli.system.text_input import open_unpacked

_CHUNK_BYTES = 1 << 16
_MOST_CHARS = 1_000_000
"""Characters of one text; more are not a sentence but an attack, or no TMX."""
_CODES = frozenset({"bpt", "ept", "it", "ph", "ut"})
"""Elements that hold codes of another format, not text."""
_SPACE = re.compile(r"[ \t\r\n]+")


def read_tmx(source: TmxSource, dropped: Dropped) -> Iterator[tuple[str, str]]:
    """Read the source and target text of every unit that has both languages.

    Inline codes are removed, and runs of white space become one space.

    Args:
        source: the file and its languages.
        dropped: counts units that lack one of the languages.

    Raises:
        DataError: the file cannot be read, is not XML, or declares entities; no unit has both
            languages.
    """
    src, tgt = source.src_lang or "", source.tgt_lang or ""
    nouns = f"unit without `{src}` and `{tgt}`", f"units without `{src}` and `{tgt}`"
    langs: Counter[str] = Counter()
    num_pairs = 0
    for unit in _units(source):
        langs.update(lang for lang, _ in unit)
        pair = _choose(unit, src, tgt)
        if pair is None:
            example = f"the first has {', '.join(lang for lang, _ in unit) or 'no text'} alone"
            dropped.add_unusable(str(source.path), nouns, example)
        else:
            num_pairs += 1
            yield pair
    if num_pairs == 0 and langs:
        found = ", ".join(f"{lang or 'none'} ({count})" for lang, count in langs.most_common())
        raise DataError(
            f"{source.path} has no unit with `{src}` and `{tgt}`; its languages are {found}",
            hint="set `src_lang` and `tgt_lang` of the source to languages of the file",
        )


def _units(source: TmxSource) -> Iterator[list[tuple[str, str]]]:
    """Language and text of every variant, unit by unit."""
    reader = _Reader(str(source.path))
    try:
        with open_unpacked(source.path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                reader.parser.Parse(chunk, False)
                yield from reader.take()
            reader.parser.Parse(b"", True)
            yield from reader.take()
    except expat.ExpatError as error:
        what = expat.errors.messages[error.code]
        raise DataError(
            f"{source.path}, line {error.lineno} is not the XML of a TMX file: {what}"
        ) from None
    except OSError as error:
        raise DataError(unreadable(source.path, error)) from None
    if not reader.is_tmx:
        raise DataError(f"{source.path} is XML, but not a TMX file: it has no element `tmx`")


@dataclass
class _Reader:
    """Collects the units that expat tells of."""

    name: str
    units: list[list[tuple[str, str]]] = field(default_factory=list)
    unit: list[tuple[str, str]] = field(default_factory=list)
    is_tmx: bool = False
    lang: str = ""
    text: list[str] | None = None
    """Parts of the text that is being read; None outside of a text."""
    num_chars: int = 0
    depth_of_codes: int = 0

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._add
        self.parser.EntityDeclHandler = self._refuse_entity

    def take(self) -> list[list[tuple[str, str]]]:
        """The units that are complete."""
        units, self.units = self.units, []
        return units

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self.text is not None:
            if self.depth_of_codes or name in _CODES:
                self.depth_of_codes += 1
                if name in ("ph", "ut"):
                    self._separate()
        elif name == "tmx":
            self.is_tmx = True
        elif name == "tu":
            self.unit = []
        elif name == "tuv":  # TMX 1.1 has `lang`
            self.lang = attributes.get("xml:lang") or attributes.get("lang", "")
        elif name == "seg":
            self.text, self.num_chars = [], 0

    def _end(self, name: str) -> None:
        if self.depth_of_codes:
            self.depth_of_codes -= 1
        elif name == "seg" and self.text is not None:
            self.unit.append((self.lang, _SPACE.sub(" ", "".join(self.text)).strip(" ")))
            self.text = None
        elif name == "tu":
            self.units.append(self.unit)

    def _add(self, text: str) -> None:
        if self.text is None or self.depth_of_codes:
            return
        self.text.append(text)
        self.num_chars += len(text)
        if self.num_chars > _MOST_CHARS:
            raise DataError(
                f"{self.name}, line {self.parser.CurrentLineNumber}: a text has more than"
                f" {_MOST_CHARS:,} characters"
            )

    def _separate(self) -> None:
        """A code such as a line break between two words leaves a space."""
        if self.text and not self.text[-1].endswith(" "):
            self.text.append(" ")

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise DataError(
            f"{self.name}, line {self.parser.CurrentLineNumber} declares the entity `{name}`,"
            " which is not allowed, because entities can make a small file huge",
            hint="write the texts without entities of their own",
        )


def _choose(unit: list[tuple[str, str]], src: str, tgt: str) -> tuple[str, str] | None:
    """The texts of the two languages; None if one of them is missing."""
    src_place, tgt_place = (_best(unit, lang) for lang in (src, tgt))
    if src_place is None or tgt_place is None or src_place == tgt_place:
        return None
    return unit[src_place][1], unit[tgt_place][1]


def _best(unit: list[tuple[str, str]], wanted: str) -> int | None:
    """The place of the variant in a language: that very tag, else one with more or fewer parts."""
    tags = [lang.casefold().replace("_", "-") for lang, _ in unit]
    tag = wanted.casefold().replace("_", "-")
    if tag in tags:
        return tags.index(tag)
    for place, other in enumerate(tags):
        if other.startswith(f"{tag}-") or tag.startswith(f"{other}-"):
            return place
    return None
