"""Make a model folder from another toolkit's model."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from mtcli.bundle.card import ImportFacts, LanguageTags
from mtcli.bundle.model_folder import WEIGHTS, read_model, write_model
from mtcli.errors import ConfigError, MtcliError
from mtcli.folders import remove_folder
from mtcli.interchange.foreign import ForeignModel, ForeignModelError, Languages, Reader
from mtcli.interchange.marian.choice import npz_of
from mtcli.interchange.outputs import refuse_existing
from mtcli.system.temporary import temporary_folder
from mtcli.translating.loaded_model import load_tokenizers

_LANGUAGE = re.compile(r"[A-Za-z0-9]{1,16}([_-][A-Za-z0-9]{1,16}){0,7}")
"""A BCP 47 tag, roughly: toolkits write `zh_CN` and `deu_Latn`, too."""


@dataclass(frozen=True)
class ImportReport:
    """What was imported."""

    folder: Path
    model: ForeignModel
    num_weights: int
    """Numbers in the weights, tied ones once."""
    size_bytes: int
    """Size of the weights in the model folder."""


def import_model(
    source: Path,
    output: Path,
    languages: Languages = Languages(),
    revision: str | None = None,
) -> ImportReport:
    """Read another toolkit's model, and write it as a model folder.

    Args:
        source: its folder or file; if neither is there, its id on the Hugging Face hub.
        output: the model folder to write; must not exist.
        languages: those that its files do not name.
        revision: branch, tag or commit on the hub; None: the main branch.

    Raises:
        ForeignModelError: the source is not a model of a kind that can be read, is damaged, or
            cannot be represented; or it cannot be downloaded.
        ConfigError: `revision` is given for a folder.
        RunFolderError: the output exists or cannot be written.
    """
    refuse_existing(output)
    name, source, commit = _located(source, revision)
    model = reader_of(source)(source, replace(languages, model_name=name.rpartition("/")[2]))
    facts = ImportFacts(toolkit=model.toolkit, source=name, revision=commit)
    model = replace(model, card=replace(model.card, imported=facts))
    tags = model.card.languages or LanguageTags()
    for language in (model.card.src_lang, model.card.tgt_lang, *tags.src, *tags.tgt):
        if not _LANGUAGE.fullmatch(language):
            raise ForeignModelError(
                f"{source} cannot be imported: `{language[:60]}` is not a language tag",
                hint="give `--src-lang` and `--tgt-lang`, for example `en` and `de`",
            )
    with temporary_folder() as temporary:
        files = {name: temporary / name for name in model.tokenizers}
        for name, content in model.tokenizers.items():
            files[name].write_bytes(content)
        write_model(output, model.weights, model.card, files, model.generation)
    try:
        bundle = read_model(output)
        bundle.weights()
        load_tokenizers(bundle)
    except MtcliError:
        remove_folder(output)
        raise
    return ImportReport(
        folder=output,
        model=model,
        num_weights=sum(array.size for array in model.weights.values()),
        size_bytes=(output / WEIGHTS).stat().st_size,
    )


def _located(source: Path, revision: str | None) -> tuple[str, Path, str | None]:
    """The name of a source, where it is, and its commit if it was downloaded."""
    if source.exists():
        if revision is not None:
            raise ConfigError(
                f"`--revision` chooses a revision on the Hugging Face hub, but {source} is here",
                hint="remove `--revision`, or give the id of a model",
            )
        return source.resolve().name, source, None
    from mtcli.interchange.huggingface.hub import download, is_hub_id

    if not is_hub_id(source):
        return source.name, source, None
    downloaded = download(source.as_posix(), revision)
    return source.as_posix(), downloaded.folder, downloaded.revision


def _is_of_ctranslate2(source: Path) -> bool:
    """Whether it is a folder that CTranslate2 loads: one file of weights, and vocabularies."""
    return (source / "model.bin").is_file() and any(
        (source / f"{side}_vocabulary.{ending}").is_file()
        for side in ("shared", "source", "target")
        for ending in ("json", "txt")
    )


def reader_of(source: Path) -> Reader:
    """What reads a source, by the files that it has.

    Raises:
        ForeignModelError: it is of no kind that can be read.
    """
    if not source.exists():
        raise ForeignModelError(f"{source} does not exist")
    if _is_of_ctranslate2(source):
        raise ForeignModelError(
            f"{source} is a model of CTranslate2, which cannot be imported: its weights are laid"
            " out for its engine, and mostly rounded",
            hint="give the model that it was converted from",
        )
    if (source / "config.json").is_file():
        from mtcli.interchange.huggingface.source import read_huggingface

        return read_huggingface
    if (npz := npz_of(source)) is not None:
        from mtcli.interchange.marian.source import read_marian

        return lambda _, languages: read_marian(npz, languages)
    raise ForeignModelError(
        f"{source} is not a model that can be imported: it has no `config.json` and no `.npz`",
        hint="give a folder of Hugging Face's `MarianMTModel` or `M2M100ForConditionalGeneration`,"
        " or the `.npz` file of a Marian model",
    )
