"""`mtcli explain`: what a model does when it translates, on a page or in pictures."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtcli.cli.bars import progress_bar
from mtcli.cli.command import Command
from mtcli.cli.eval_models import Search, prepare_model
from mtcli.cli.explain_options import (
    AlternativesOption,
    BeamSizeOption,
    ChooseOption,
    GoldOption,
    HeadOption,
    HtmlOption,
    LayerOption,
    ModelsOption,
    OutputOption,
    PngOption,
    SrcLangOption,
    SrcsOption,
    StackOption,
    SvgOption,
    TgtLangOption,
    TgtsOption,
)
from mtcli.cli.help import epilog
from mtcli.cli.notes import counted
from mtcli.cli.options import CheckpointOption, DeviceOption
from mtcli.cli.scored_texts import STANDARD_INPUT, name_of
from mtcli.cli.streams import check_output, only, standard_input, stream_errors
from mtcli.errors import ConfigError

if TYPE_CHECKING:
    from mtcli.explaining.alignment_choice import AlignedPairs, Candidate
    from mtcli.explaining.lines import NamedLines
    from mtcli.reports.explanation import Explanation
    from mtcli.reports.pictures import AttentionPicture

app = typer.Typer()

_SHOWN_CANDIDATES = 5
"""Lines of the table of `--choose-alignment`."""


@app.command(
    cls=Command,
    epilog=epilog(
        "mtcli explain -m runs/demo -i lines.en --html explained.html"
        "\nmtcli explain -m runs/demo --choose-alignment --src dev.en --tgt dev.de"
        " --gold dev.align -o aligned",
        "guides/explain.md",
    ),
)
def explain(
    models: ModelsOption,
    srcs: SrcsOption = None,
    tgts: TgtsOption = None,
    html: HtmlOption = None,
    svg: SvgOption = None,
    png: PngOption = None,
    alternatives: AlternativesOption = 5,
    stack: StackOption = "cross",
    layer: LayerOption = None,
    head: HeadOption = None,
    choose: ChooseOption = False,
    gold: GoldOption = None,
    output: OutputOption = None,
    checkpoint: CheckpointOption = "best",
    beam_size: BeamSizeOption = None,
    device: DeviceOption = "auto",
    src_lang: SrcLangOption = None,
    tgt_lang: TgtLangOption = None,
) -> None:
    """Explain translations: attention, confidence, what each source word contributed.

    Each line is translated by itself. The page is one file, and needs no network.
    """
    from mtcli.reports.pictures import AttentionPicture

    model = only(models, "--model")
    src = only(srcs, "--src") if srcs else None
    tgt = only(tgts, "--tgt") if tgts else None
    search = Search(checkpoint, beam_size, None, device, src_lang, tgt_lang)
    outputs = {"--html": html, "--svg": svg, "--png": png}
    if choose:
        aligned = _aligned_pairs(src, tgt, gold, outputs, output)
        _choose(model, aligned, search, output)
        return
    for option, value in (("--gold", gold), ("--output", output)):
        if value is not None:
            raise ConfigError(
                f"`{option}` needs `--choose-alignment`", hint=f"add it, or remove `{option}`"
            )
    for option, number in (("--layer", layer), ("--head", head)):
        if number is not None and svg is None and png is None:
            raise ConfigError(
                f"`{option}` chooses what `--svg` and `--png` draw",
                hint=f"add one of them, or remove `{option}`: a page shows all layers and heads",
            )
    picture = AttentionPicture(stack, layer, head)
    _explain(model, (src, tgt), search, alternatives, outputs, picture)


def _explain(
    model: Path,
    files: tuple[Path | None, Path | None],
    search: Search,
    alternatives: int,
    outputs: Mapping[str, Path | None],
    picture: AttentionPicture,
) -> None:
    """Explain the lines of a file; `files` are sources and perhaps translations."""
    from mtcli.explaining.lines import check_lines
    from mtcli.reports.pictures import check_pictures

    _check_outputs(outputs, files)
    sources, targets = _read_pairs(*files)
    check_lines(sources, targets)
    for kind in ("svg", "png"):
        if (path := outputs[f"--{kind}"]) is not None:
            check_pictures(path, kind, len(sources.texts))
    prepared = prepare_model(model, search)
    picture.check(prepared.bundles[0].card.architecture)
    with progress_bar("explaining", "heads") as bar:
        # here, because torch takes seconds to import
        from mtcli.explaining.explainer import Explainer

        explainer = Explainer(prepared.bundles[0], prepared.options, search.device)
        explanations = explainer.explain(
            sources, targets, num_alternatives=alternatives, progress=bar.move
        )
    _write(explanations, outputs, picture, str(model))


def _check_outputs(
    outputs: Mapping[str, Path | None], files: tuple[Path | None, Path | None]
) -> None:
    """Refuse what cannot be written, before anything is translated."""
    from mtcli.reports.explain_page import check_explanation_page

    html = outputs["--html"]
    if not any(outputs.values()):
        raise ConfigError(
            "`mtcli explain` needs something to write", hint="give for example `--html FILE`"
        )
    if html is not None:
        check_explanation_page(html)
        for path in files:
            check_output(html, path, resume=False)


def _write(
    explanations: list[Explanation],
    outputs: Mapping[str, Path | None],
    picture: AttentionPicture,
    model_name: str,
) -> None:
    from mtcli.reports.explain_page import write_explanations
    from mtcli.reports.pictures import write_pictures

    if (html := outputs["--html"]) is not None:
        write_explanations(explanations, html, model_name=model_name)
        print(html)
    for kind in ("svg", "png"):
        if (path := outputs[f"--{kind}"]) is not None:
            for written in write_pictures(explanations, picture, path, kind):
                print(written)


def _read_pairs(src: Path | None, tgt: Path | None) -> tuple[NamedLines, NamedLines | None]:
    """The lines of both sides; of large files no more than can be explained, and one."""
    from mtcli.explaining.lines import MOST_LINES

    source_path = STANDARD_INPUT if src is None else src
    if source_path == tgt == STANDARD_INPUT:
        raise ConfigError(
            "`--src` and `--tgt` cannot both be standard input", hint="give one of them a file"
        )
    sources = _read(source_path, "--src", MOST_LINES + 1)
    return sources, None if tgt is None else _read(tgt, "--tgt", MOST_LINES + 1)


def _read(path: Path, option: str, most: int | None = None) -> NamedLines:
    from mtcli.data.lines import lines_of, read_file_lines
    from mtcli.explaining.lines import NamedLines
    from mtcli.system.stream_errors import naming_streams

    name = name_of(path)
    if path != STANDARD_INPUT:
        return NamedLines(name, list(islice(read_file_lines(path), most)))
    with stream_errors("reading standard input"), naming_streams():
        lines = lines_of(standard_input(f"give `{option} FILE`"), name)
        return NamedLines(name, list(islice(lines, most)))


def _aligned_pairs(
    src: Path | None,
    tgt: Path | None,
    gold: Path | None,
    outputs: Mapping[str, Path | None],
    output: Path | None,
) -> AlignedPairs:
    """Read the pairs of `--choose-alignment`, and refuse what does not go with it."""
    from mtcli.explaining.alignment_choice import check_new_folder, read_aligned

    if src is None or tgt is None or gold is None:
        raise ConfigError(
            "`--choose-alignment` needs pairs whose alignment is known",
            hint="give `--src FILE --tgt FILE --gold FILE`",
        )
    for option, path in outputs.items():
        if path is not None:
            raise ConfigError(
                f"`{option}` does not go with `--choose-alignment`",
                hint="explain lines in a call of its own",
            )
    if output is not None:
        check_new_folder(output)
    if [src, tgt, gold].count(STANDARD_INPUT) > 1:
        raise ConfigError("only one file can be standard input", hint="give the others files")
    return read_aligned(_read(src, "--src"), _read(tgt, "--tgt"), _read(gold, "--gold"))


def _choose(model: Path, aligned: AlignedPairs, search: Search, output: Path | None) -> None:
    """Print how well heads align, and write the model that the best one aligns with."""
    from mtcli.engines.choice import EngineOptions
    from mtcli.explaining.alignment_choice import choose_alignment, write_aligning_model
    from mtcli.translating.request import TranslationRequest, prepare_scorer

    how = EngineOptions("torch", search.device)
    request = TranslationRequest(
        models=(model,),
        checkpoint=search.checkpoint,
        engine=how,
        src_lang=search.src_lang,
        tgt_lang=search.tgt_lang,
    )
    prepared = prepare_scorer(request)
    bundle = prepared.bundles[0]
    shape = bundle.card.architecture.decoder_shape
    with progress_bar("aligning", "choices") as bar:
        choice = choose_alignment(
            prepared.pair_model(),
            prepared.options,
            aligned,
            (shape.num_layers, shape.num_heads),
            bar.move,
        )
    print(f"Alignment error rate on {counted(len(aligned.pairs), 'pair')}; 0 is perfect.")
    print(f"{choice.present.error_rate:.3f}  as the model is: {_described(choice.present)}")
    for candidate in choice.ranked[:_SHOWN_CANDIDATES]:
        print(f"{candidate.error_rate:.3f}  {_described(candidate)}")
    if output is not None:
        write_aligning_model(bundle, choice.ranked[0], output)
        print(f"{output}: aligns words with {_described(choice.ranked[0])}")


def _described(candidate: Candidate) -> str:
    layer = "the default layer" if candidate.layer is None else f"layer {candidate.layer}"
    if candidate.heads is None:
        return f"{layer}, all heads"
    noun = "head" if len(candidate.heads) == 1 else "heads"
    return f"{layer}, {noun} {', '.join(map(str, candidate.heads))}"
