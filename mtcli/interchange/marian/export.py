"""Write a model folder as Marian's npz file with its vocabularies, and verify it before it is kept.

Marian's files: `model.npz` with the settings inside, `source.spm` and `target.spm` or one
`vocab.spm`, and `decoder.yml`, with which `marian -c decoder.yml` translates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mtcli.bundle.model_folder import WEIGHTS, Bundle, read_model
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.compat import Misfit
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.config.schema.tokenizer import NormalizationRule
from mtcli.errors import ConfigError
from mtcli.folders import new_folder
from mtcli.interchange.foreign_export import THRESHOLD, ForeignExportReport, check_agreement
from mtcli.interchange.marian.folding import NORM_EPS, folded
from mtcli.interchange.marian.verification import INSTALL, PACKAGE, compare_with_marian
from mtcli.interchange.marian.written import write_npz
from mtcli.interchange.outputs import folder_bytes, refuse_existing
from mtcli.interchange.verification import Progress, Sentences, made_up_sentences, no_progress
from mtcli.tokenizer.model_file import with_rule_for_others
from mtcli.tokenizer.numbering import split_vocabulary
from mtcli.tokenizer.protocol import PAD_ID, UNK_ID, forbidden_ids
from mtcli.tokenizer.sentencepiece import load_any

_MODEL, _DECODER = "model.npz", "decoder.yml"

_TOOLKIT = "Marian (npz)"

_FITTING: Mapping[str, tuple[Any, ...]] = {
    "norm": ("layer",),
    "norm_position": ("post",),
    "positions": ("sinusoidal_marian",),
    "bias": (True,),
    "gated": (False,),
    "activation": ("relu", "silu"),
}
"""Keys of the architecture, and their values that Marian computes.

With pre-norm its decoder does not normalize the keys and values of self-attention from the second
piece on, although its training and its scorer do; a trained table of positions it reads at the
first row alone (both: marian-dev 1.12.42, src/models/transformer.h).
"""


@dataclass(frozen=True)
class _Side:
    """The vocabulary of one side over there."""

    content: bytes
    """The SentencePiece file, whose order the ids are."""
    rows: npt.NDArray[np.int64]
    """Our id of each of its pieces."""


def export_marian(
    model: Path,
    output: Path,
    *,
    sentences: Sentences | None = None,
    threshold: float = THRESHOLD,
    progress: Progress = no_progress,
) -> ForeignExportReport:
    """Export a model folder to a folder that Marian translates with.

    The model and the export translate the same lines: the export with Marian, if the package
    `pymarian` is installed, and with mtcli, as an import of the export, if not.

    Args:
        model: the model folder.
        output: the folder to write.
        sentences: what both translate; None: lines of random pieces.
        threshold: least share of lines that both translate alike.
        progress: told how far the verification is.

    Raises:
        ConfigError: the architecture or the vocabulary cannot be exported.
        ModelFolderError: the model is damaged.
        RunFolderError: the output exists or cannot be written.
        ForeignVerificationError: the export translates too differently.
    """
    bundle = read_model(model)
    refuse_unsupported(bundle.card.architecture)
    refuse_existing(output)
    with new_folder(output, manifest=False) as temporary:
        _write(bundle, temporary)
        lines = sentences or made_up_sentences(bundle)
        version, agreement = compare_with_marian(bundle, temporary, lines, progress)
        toolkit = f"`{PACKAGE}`" if version else "mtcli, which read it again,"
        check_agreement(output, agreement, toolkit, threshold)
    return ForeignExportReport(
        folder=output,
        toolkit=_TOOLKIT,
        model_bytes=(model / WEIGHTS).stat().st_size,
        export_bytes=folder_bytes(output),
        is_made_up=sentences is None,
        verified_with=version,
        agreement=agreement,
        install=INSTALL,
        warnings=tuple(_warnings(bundle)),
    )


def refuse_unsupported(config: ModelConfig) -> None:
    """Refuse architectures of whose layers Marian lacks some.

    Raises:
        ConfigError: the architecture cannot be exported.
    """
    found = {key: getattr(config, key) for key in _FITTING}
    wanted = dict(_FITTING)
    for key in ("encoder_attention", "decoder_attention"):
        wanted[key], found[key] = ("full",), getattr(config, key).kind
    for key, size in (
        ("decoder_num_heads", config.num_heads),
        ("num_kv_heads", config.num_heads),
        ("head_dim", config.d_model // config.num_heads),
    ):
        wanted[key], found[key] = (size,), getattr(config, key) or size
    if wrong := [
        Misfit(key, _yaml(found[key]), " or ".join(map(_yaml, values)))
        for key, values in wanted.items()
        if found[key] not in values
    ]:
        raise ConfigError(
            "the model cannot be exported to marian, which has no " + ", no ".join(map(str, wrong)),
            hint="use the model as it is, or export it to ctranslate2",
        )


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _write(bundle: Bundle, folder: Path) -> None:
    """All files."""
    config, weights = bundle.card.architecture, bundle.weights()
    sides = {
        "src": _side("source", bundle.src_tokenizer_path, bundle.card.src_normalization),
        "tgt": _side("target", bundle.tgt_tokenizer_path, bundle.card.tgt_normalization),
    }
    config, weights = folded(config, weights, _never(bundle))
    names = ("vocab.spm",) if bundle.card.shared_vocab else ("source.spm", "target.spm")
    for name, side in zip(names, sides.values(), strict=False):
        (folder / name).write_bytes(side.content)
    write_npz(
        folder / _MODEL, config, weights, {"src": sides["src"].rows, "tgt": sides["tgt"].rows}
    )
    text = _decoder_yml(bundle.generation, (names[0], names[-1]))
    (folder / _DECODER).write_text(text, encoding="utf-8")


def _never(bundle: Bundle) -> list[int]:
    """Pieces that our search never chooses, other than unknown, which Marian does not either."""
    return [i for i in forbidden_ids(bundle.card.architecture.target_start) if i != UNK_ID]


def _side(name: str, path: Path, rule: NormalizationRule) -> _Side:
    """The pieces of a SentencePiece file, with our ids."""
    processor, content = load_any(path)
    content, vocabulary = split_vocabulary(content)
    content = with_rule_for_others(content, rule)
    size = processor.vocab_size()
    pieces = [processor.id_to_piece(i) for i in range(size)]
    if vocabulary is None:
        return _Side(content, np.arange(size))
    ids = {piece: i for i, piece in enumerate(vocabulary[0]) if i != PAD_ID or piece in pieces}
    if odd := sorted(ids.keys() ^ set(pieces)):
        whose = "its vocabulary" if odd[0] in ids else "its SentencePiece file"
        raise ConfigError(
            f"the model cannot be exported to marian, which numbers pieces as the SentencePiece"
            f" file does: of the {name}, only {whose} has `{odd[0]}` (and {len(odd) - 1} more"
            " pieces are in one of both alone)",
            hint="use the model as it is, or export it to ctranslate2",
        )
    return _Side(content, np.array([ids[piece] for piece in pieces]))


def _decoder_yml(search: DecodingConfig, vocabularies: tuple[str, str]) -> str:
    penalty = 0.0 if search.normalization == "none" else search.length_penalty
    return (
        f"relative-paths: true\nmodels:\n  - {_MODEL}\nvocabs:\n  - {vocabularies[0]}\n"
        f"  - {vocabularies[1]}\nbeam-size: {search.beam_size}\nnormalize: {penalty:g}\n"
        f"word-penalty: 0\nmini-batch: {search.batch_size}\nmaxi-batch: 100\n"
        "maxi-batch-sort: src\n"
    )


def _warnings(bundle: Bundle) -> list[str]:
    card, warnings = bundle.card, []
    if card.src_normalization == "nfc":
        warnings.append("Marian does not normalize text by `nfc`: give it text that is normalized")
    if card.architecture.norm_eps != NORM_EPS:
        warnings.append(
            f"Marian adds {NORM_EPS:g} to the variance in norms, the model"
            f" {card.architecture.norm_eps:g} (`model.norm_eps`)"
        )
    if bundle.generation.normalization == "gnmt":
        warnings.append(
            "the length penalty of the model has the form `gnmt`, which Marian lacks: translations"
            " are ranked by the mean log-probability there"
        )
    return warnings
