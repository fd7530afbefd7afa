"""What `decoder.yml` beside a Marian model says about translating with it."""

from __future__ import annotations

from pathlib import Path

from mtcli.config.schema.decoding import MAX_BEAM_SIZE, MAX_LENGTH_PENALTY, DecodingConfig
from mtcli.folders import check_readable, read_start
from mtcli.interchange.foreign import ForeignModelError
from mtcli.interchange.marian.settings import Settings, shown

_LARGEST_YML_BYTES = 2**20

_BATCHES = "batches are those of `mtcli translate --batch-size`"
_HERE = "`mtcli translate` has options of its own for it"

_IGNORED = {
    "models": "the file that was given is read",
    "relative-paths": "vocabularies are looked for next to the model",
    "mini-batch": _BATCHES,
    "maxi-batch": _BATCHES,
    "maxi-batch-sort": "lines are always sorted by length",
    "cpu-threads": _HERE,
    "devices": _HERE,
    "quiet-translation": _HERE,
    "workspace": "memory is taken as needed",
    "skip-cost": "it changes no translation of a greedy search, and others need the cost",
}
"""Keys that change nothing here, with the reason."""


def read_decoder_settings(path: Path) -> Settings | None:
    """The settings of the decoder that are in the folder of a model; None if there are none.

    Raises:
        ForeignModelError: they are not YAML.
    """
    for name in (f"{path.name}.decoder.yml", "decoder.yml"):
        beside = path.parent / name
        if beside.is_file():
            check_readable(beside, ForeignModelError)
            content = read_start(beside, _LARGEST_YML_BYTES + 1)
            if len(content) > _LARGEST_YML_BYTES:
                raise ForeignModelError(f"{beside} has more than {_LARGEST_YML_BYTES} bytes")
            try:
                return Settings(beside, content.decode("utf-8"))
            except UnicodeDecodeError:
                raise ForeignModelError(f"{beside} is damaged: it is not UTF-8") from None
    return None


def read_generation(decoder: Settings | None) -> DecodingConfig:
    """The default search: Marian's keys, or our defaults if it has none.

    Raises:
        ForeignModelError: a value is out of range.
    """
    if decoder is None:
        return DecodingConfig()
    beam_size = decoder.whole("beam-size", 12, least=1)
    penalty = decoder.number("normalize", 0.0)
    if beam_size > MAX_BEAM_SIZE:
        raise decoder.wrong("beam-size", f"must be at most {MAX_BEAM_SIZE}")
    if penalty > MAX_LENGTH_PENALTY:
        raise decoder.wrong("normalize", f"must be at most {MAX_LENGTH_PENALTY}")
    return DecodingConfig(
        beam_size=beam_size,
        normalization="average" if penalty else "none",
        length_penalty=penalty or 1.0,
    )


def decoder_leftovers(decoder: Settings) -> tuple[dict[str, str], list[str]]:
    """Keys of the search that are ignored, with the reason, and warnings of the others."""
    word_penalty = decoder.get("word-penalty")
    ignored, warnings = decoder.leftovers(_IGNORED)
    if word_penalty not in (None, 0, 0.0):
        warnings.append(
            f"`word-penalty: {shown(word_penalty)}` of {decoder.path.name} is not"
            " kept: a model folder has no such default"
        )
    return ignored, warnings
