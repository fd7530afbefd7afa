"""The options that choose the languages of a model that knows several."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def src_lang_option(panel: str) -> Any:
    """The source language; `panel` is the section of the help page."""
    return _option("Source", panel)


def tgt_lang_option(panel: str) -> Any:
    """The target language."""
    return _option("Target", panel)


def _option(side: str, panel: str | None) -> Any:
    return typer.Option(
        metavar="LANG",
        help=f"{side} language, of a model that knows several.",
        show_default="the model's",
        rich_help_panel=panel,
    )


_OF_TRANSLATE = "Input and output"

SrcLangOption = Annotated[str | None, _option("Source", None)]

TgtLangOption = Annotated[str | None, _option("Target", None)]

TranslateSrcLangOption = Annotated[str | None, _option("Source", _OF_TRANSLATE)]

TranslateTgtLangOption = Annotated[str | None, _option("Target", _OF_TRANSLATE)]
