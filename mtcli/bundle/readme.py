"""Write the README.md of a model folder: a model card for people and for the Hugging Face hub."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mtcli.bundle.card import LOW_CONFIDENCE_METRIC, ModelCard, ModelScore
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.decoding import DecodingConfig

_USE = """\
```bash
mtcli translate -m MODEL_FOLDER < source.txt > translation.txt
```

```python
from mtcli import Translator

print(Translator.load("MODEL_FOLDER").translate(["..."]))
```"""

_INTENDED_USE = """\
For text like that which it was trained on. How well it translates other kinds of text was not
measured. A translation can be fluent and wrong: have it checked by a person where mistakes
matter."""

_FILES = (
    "`model.safetensors` (float32 weights under plain names), `model.json` (architecture,"
    " languages, special ids), `tokenizer*.model` (SentencePiece), `generation.json` (beam,"
    " length penalty), `scores.json`, `MANIFEST.json` (sizes and SHA-256)."
)


def render_readme(
    card: ModelCard,
    *,
    num_parameters: int,
    generation: DecodingConfig,
    scores: Sequence[ModelScore],
) -> str:
    """The model card as Markdown, with the front matter of the Hugging Face hub.

    Args:
        card: what the model is.
        num_parameters: weights in `model.safetensors`; tied ones count once.
        generation: the default settings of the search.
        scores: of the validation, with signatures.
    """
    shown = [score for score in scores if score.metric != LOW_CONFIDENCE_METRIC]
    parts = [
        _front_matter(card, shown),
        f"# {_title(card)}",
        f"{_direction(card)}, one sentence per line. Made by mtcli.",
        "## Use",
        _USE,
        "## Intended use",
        card.about.intended_use or _INTENDED_USE,
        "## Training data",
        _describe_data(card),
        "## Model",
        _table(_model_rows(card, num_parameters, generation)),
        "## Scores",
        _score_table(shown) if shown else "None were measured.",
        "## License",
        card.about.license or "None was stated. Ask whoever trained the model.",
        "## Files",
        _FILES,
    ]
    return "\n\n".join(parts) + "\n"


def _title(card: ModelCard) -> str:
    return f"{card.src_lang} → {card.tgt_lang} translation model"


def _direction(card: ModelCard) -> str:
    """What it translates; of a model of several languages also how to choose one."""
    if card.languages is None:
        return f"Translates {card.src_lang} into {card.tgt_lang}"
    src, tgt = len(card.languages.src), len(card.languages.tgt)
    source = f"{src} languages, by default {card.src_lang}," if src else card.src_lang
    return (
        f"Translates {source} into {tgt} languages, by default {card.tgt_lang} (`mul`: none is"
        " chosen; see `--src-lang` and `--tgt-lang` of `mtcli translate`)"
    )


def _front_matter(card: ModelCard, scores: Sequence[ModelScore]) -> str:
    """YAML that the hub reads; JSON values are YAML, and need no rules of quoting.

    Source: huggingface.co/docs/hub/model-cards; `model-index` is the format of Papers with Code.
    """
    of_hub = [score for score in scores if score.metric in ("BLEU", "chrF")]
    fields: dict[str, object] = {
        "language": list(dict.fromkeys([card.src_lang, card.tgt_lang])),
        "library_name": "mtcli",
        "pipeline_tag": "translation",
        "tags": ["translation"],
    }
    if card.about.license:
        fields["license"] = card.about.license
    if of_hub:
        fields["metrics"] = [score.metric.lower() for score in of_hub]
        fields["model-index"] = [{"name": _title(card), "results": _results(card, of_hub)}]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    return "\n".join(["---", *lines, "---"])


def _results(card: ModelCard, scores: Sequence[ModelScore]) -> list[dict[str, object]]:
    task = {"type": "translation", "name": f"Translation {card.src_lang}-{card.tgt_lang}"}
    return [
        {
            "task": task,
            "dataset": {"type": score.split, "name": score.split},
            "metrics": [
                {
                    "type": score.metric.lower(),
                    "name": score.metric,
                    "value": round(score.score, 2),
                    "args": {"signature": score.signature, "beam_size": score.beam_size},
                }
            ],
        }
        for score in scores
    ]


def _describe_data(card: ModelCard) -> str:
    about = [card.about.data] if card.about.data else []
    if card.training is not None:
        names = "".join(f"\n- `{name}`" for name in card.training.sources)
        about.append(
            f"{card.training.num_pairs:,} sentence pairs" + (f" of:\n{names}" if names else ".")
        )
    return "\n\n".join(about) or "Unknown."


def _model_rows(
    card: ModelCard, num_parameters: int, generation: DecodingConfig
) -> list[tuple[str, str]]:
    vocabulary = (
        f"{card.src_vocab_size:,} pieces, shared"
        if card.shared_vocab
        else f"{card.src_vocab_size:,} source pieces, {card.tgt_vocab_size:,} target pieces"
    )
    rows = [
        ("Architecture", _describe(card.architecture)),
        ("Parameters", f"{num_parameters:,}"),
        ("Vocabulary", vocabulary),
        ("Normalization", f"{card.src_normalization} (source), {card.tgt_normalization} (target)"),
        ("Longest training source", f"{card.max_src_length:,} pieces"),
    ]
    if (origin := card.imported) is not None:
        commit = "" if origin.revision is None else f", revision {origin.revision}"
        rows.append(("Imported from", f"{origin.source} ({origin.toolkit}){commit}"))
    if card.training is not None:
        rows += [
            ("Training pairs", f"{card.training.num_pairs:,}"),
            ("Training steps", f"{card.training.num_steps:,}"),
            ("Training tokens (target)", f"{card.training.num_tgt_tokens:,}"),
        ]
    penalty = (
        f"{generation.normalization} normalization, length penalty {generation.length_penalty:g}"
    )
    stop = "" if generation.stop == "full" else f", stop {generation.stop}"
    rows.append(("Search", f"beam {generation.beam_size}, {penalty}{stop}"))
    if generation.alignment_layer is not None:
        rows.append(("Word alignment", _describe_alignment(generation)))
    return rows


def _describe_alignment(generation: DecodingConfig) -> str:
    heads = generation.alignment_heads
    chosen = "all heads" if heads is None else f"head {', '.join(map(str, heads))}"
    return f"cross-attention of decoder layer {generation.alignment_layer}, {chosen} (from 0)"


def _describe(model: ModelConfig) -> str:
    layers = f"{model.encoder_layers} encoder and {model.decoder_layers} decoder layers"
    width = f"d_model {model.d_model}, d_ff {model.d_ff}, {model.num_heads} heads"
    feed_forward = f"gated {model.activation}" if model.gated else model.activation
    kind = f"{model.norm_position}-norm ({model.norm}), {model.positions} positions, {feed_forward}"
    attention = "".join(
        f", {kind.replace('_', '-')} attention in the {side}"
        for side, kind in (
            ("encoder", model.encoder_attention.kind),
            ("decoder", model.decoder_attention.kind),
        )
        if kind != "full"
    )
    return f"Transformer, {layers}, {width}, {kind}{attention}"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _score_table(scores: Sequence[ModelScore]) -> str:
    lines = ["| Metric | Score | Sentences | Beam | Signature |", "|---|---|---|---|---|"]
    for score in scores:
        sentences = (
            score.split if score.num_pairs is None else f"{score.split} ({score.num_pairs:,})"
        )
        beam = "" if score.beam_size is None else str(score.beam_size)
        # a signature holds `|`, which would end the cell
        signature = f"`{score.signature}`".replace("|", "\\|") if score.signature else ""
        lines.append(f"| {score.metric} | {score.score:.4g} | {sentences} | {beam} | {signature} |")
    return "\n".join(lines)
