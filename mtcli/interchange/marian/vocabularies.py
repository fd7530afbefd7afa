"""The vocabularies of a Marian model: SentencePiece files, or lists of pieces and such files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtcli.errors import TokenizerError
from mtcli.folders import check_readable, read_start
from mtcli.interchange.foreign import ForeignModelError
from mtcli.interchange.marian.settings import Settings
from mtcli.interchange.renumbering import Renumbering, SpecialIds, renumber
from mtcli.tokenizer.protocol import SHARED_TOKENIZER, SRC_TOKENIZER, TGT_TOKENIZER
from mtcli.tokenizer.sentencepiece import load_any, silence_sentencepiece

if TYPE_CHECKING:
    import sentencepiece

_PAIRS = (("source.spm", "target.spm"), ("srcvocab.spm", "trgvocab.spm"))
"""How the files of two sides are called: by OPUS-MT, and in Firefox's models."""

_LARGEST_LIST_BYTES = 2**24
_LIST_LINE = re.compile(r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|[^\s\"'].*?):\s+([0-9]{1,9})\s*")
_EOS, _UNK = "</s>", "<unk>"


@dataclass(frozen=True)
class Vocabularies:
    """Both sides of a model."""

    src: Renumbering
    tgt: Renumbering
    files: Mapping[str, bytes]
    """Contents of the tokenizer files, by their names in a model folder."""
    described: str

    @property
    def is_shared(self) -> bool:
        """Whether one file serves both sides."""
        return SHARED_TOKENIZER in self.files


def read_vocabularies(model: Path, decoder: Settings | None) -> Vocabularies:
    """The vocabularies of a model.

    Args:
        model: its npz file; only files of its folder are read.
        decoder: what the settings of its decoder say, if there are any.

    Raises:
        ForeignModelError: a file is missing or damaged.
    """
    named = [model.parent / name for name in _names(model.parent, decoder)]
    sides, contents = [], []
    for path, spm in zip(named, _segmenters(named), strict=True):
        processor, content = _read_spm(spm)
        contents.append(content)
        is_list = path.suffix in (".yml", ".yaml")
        sides.append(_from_list(path) if is_list else _from_file(processor))
    src, tgt = sides
    files = {SRC_TOKENIZER: src.tokenizer(contents[0]), TGT_TOKENIZER: tgt.tokenizer(contents[1])}
    if files[SRC_TOKENIZER] == files[TGT_TOKENIZER]:
        files = {SHARED_TOKENIZER: files[SRC_TOKENIZER]}
    used = dict.fromkeys(path.name for path in (*named, *_segmenters(named)))
    return Vocabularies(src, tgt, files, ", ".join(used))


def _names(folder: Path, decoder: Settings | None) -> tuple[str, str]:
    """Names of the files of both sides."""
    if decoder is not None and (vocabs := decoder.get("vocabs")) is not None:
        if (
            not isinstance(vocabs, list)
            or len(vocabs) != 2
            or not all(isinstance(name, str) for name in vocabs)
        ):
            raise decoder.wrong("vocabs", "must name two files, of source and target")
        # written on another machine: only the names of the files mean something
        names = [name.replace("\\", "/").rsplit("/", 1)[-1] for name in vocabs]
        if all(_is_plain(name) and (folder / name).is_file() for name in names):
            return names[0], names[1]
    for pair in _PAIRS:
        if all((folder / name).is_file() for name in pair):
            return pair
    found = sorted(path.name for path in folder.glob("*.spm"))
    if len(found) == 1:
        return found[0], found[0]
    raise ForeignModelError(
        f"{folder} has {len(found)} SentencePiece files, and nothing says which is whose"
        if found
        else f"{folder} has no vocabulary: no SentencePiece file (`*.spm`)",
        hint="put the vocabularies beside the model, as `source.spm` and `target.spm`, or one as"
        " `vocab.spm`",
    )


def _is_plain(name: str) -> bool:
    """Whether it is the name of a file in the folder."""
    return name.isprintable() and name == Path(name).name and name not in ("", ".", "..")


def _segmenters(named: list[Path]) -> list[Path]:
    """The SentencePiece file of each side: the vocabulary itself, or the one next to a list."""
    found = []
    for path, beside in zip(named, _PAIRS[0], strict=True):
        if path.suffix == ".spm":
            found.append(path)
        elif path.suffix in (".yml", ".yaml"):
            found.append(path.parent / beside)
        else:
            raise ForeignModelError(
                f"{path} is not a vocabulary that can be imported: it must end in `.spm`, or in"
                " `.yml` beside SentencePiece files"
            )
    return found


def _read_spm(path: Path) -> tuple[sentencepiece.SentencePieceProcessor, bytes]:
    check_readable(path, ForeignModelError)
    silence_sentencepiece()
    try:
        return load_any(path)
    except TokenizerError as error:
        raise ForeignModelError(error.sentence) from None


def _from_file(processor: sentencepiece.SentencePieceProcessor) -> Renumbering:
    """The pieces of a SentencePiece file, in whose order Marian numbers them."""
    size = processor.vocab_size()
    pieces = [processor.id_to_piece(i) for i in range(size)]
    eos, unk, bos, pad = (
        getattr(processor, f"{name}_id")() for name in ("eos", "unk", "bos", "pad")
    )
    if eos < 0 or unk < 0:
        raise ForeignModelError(
            "the SentencePiece file has no `</s>` or no `<unk>`, which Marian needs"
        )
    special = SpecialIds(None if pad < 0 else pad, unk, eos, None if bos < 0 else bos)
    named = {eos, unk, bos, pad}
    control = [i for i in range(size) if processor.is_control(i) and i not in named]
    return renumber(_checked(pieces), special, control)


def _from_list(path: Path) -> Renumbering:
    """The pieces of a YAML file `piece: id`."""
    check_readable(path, ForeignModelError)
    content = read_start(path, _LARGEST_LIST_BYTES + 1)
    if len(content) > _LARGEST_LIST_BYTES:
        raise ForeignModelError(f"{path} has more than {_LARGEST_LIST_BYTES >> 20} MiB")
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ForeignModelError(f"{path} is damaged: it is not UTF-8 ({error.reason})") from None
    ids: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            match = _LIST_LINE.fullmatch(line)
            piece = None if match is None else _unquoted(match[1])
            if match is None or piece is None or piece in ids:
                raise ForeignModelError(
                    f"{path}: line {number} is not a new piece with its id: `{line[:60]}`"
                )
            ids[piece] = int(match[2])
    if sorted(ids.values()) != list(range(len(ids))) or not {_EOS, _UNK} <= ids.keys():
        raise ForeignModelError(
            f"{path} is damaged: its {len(ids)} pieces must have the ids 0 to"
            f" {len(ids) - 1}, with `{_EOS}` and `{_UNK}` among them"
        )
    pieces = sorted(ids, key=ids.__getitem__)
    return renumber(_checked(pieces), SpecialIds(None, ids[_UNK], ids[_EOS]))


def _unquoted(text: str) -> str | None:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if not text.startswith('"'):
        return text
    try:
        # YAML's escapes are those of JSON, and \xNN
        return str(json.loads(re.sub(r"\\x([0-9A-Fa-f]{2})", r"\\u00\1", text)))
    except ValueError:
        return None


def _checked(pieces: list[str]) -> list[str]:
    if len(set(pieces)) < len(pieces):
        double = next(piece for piece in pieces if pieces.count(piece) > 1)
        raise ForeignModelError(f"the vocabulary has the piece `{double[:60]}` twice")
    return pieces
