"""Write the README.md of a model folder: a model card made from facts alone."""

from __future__ import annotations

from collections.abc import Sequence

from mtcli.bundle.card import ModelCard, ModelScore
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.decoding import DecodingConfig


def render_readme(
    card: ModelCard,
    *,
    num_parameters: int,
    generation: DecodingConfig,
    scores: Sequence[ModelScore],
) -> str:
    """The model card as Markdown.

    Args:
        card: what the model is.
        num_parameters: weights in `model.safetensors`; tied ones count once.
        generation: the default settings of the search.
        scores: of the validation, with signatures.
    """
    parts = [
        f"# {card.src_lang} → {card.tgt_lang} translation model",
        f"Translates {card.src_lang} into {card.tgt_lang}, one sentence per line. Made by mtcli.",
        "## Use",
        "```bash\nmtcli translate -m MODEL_FOLDER < source.txt > translation.txt\n```",
        "## Model",
        _table(_model_rows(card, num_parameters, generation)),
        "## Scores",
        _score_table(scores) if scores else "None were measured.",
        "## Files",
        "`model.safetensors` (float32 weights under plain names), `model.json` (architecture,"
        " languages, special ids), `tokenizer*.model` (SentencePiece), `generation.json` (beam,"
        " length penalty), `scores.json`, `MANIFEST.json` (sizes and SHA-256).",
    ]
    return "\n\n".join(parts) + "\n"


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
        ("Longest training source", f"{card.max_src_length:,} pieces"),
    ]
    if card.training is not None:
        rows += [
            ("Training pairs", f"{card.training.num_pairs:,}"),
            ("Training steps", f"{card.training.num_steps:,}"),
            ("Training tokens (target)", f"{card.training.num_tgt_tokens:,}"),
        ]
    penalty = (
        f"{generation.normalization} normalization, length penalty {generation.length_penalty:g}"
    )
    rows.append(("Search", f"beam {generation.beam_size}, {penalty}"))
    return rows


def _describe(model: ModelConfig) -> str:
    layers = f"{model.encoder_layers} encoder and {model.decoder_layers} decoder layers"
    width = f"d_model {model.d_model}, d_ff {model.d_ff}, {model.num_heads} heads"
    feed_forward = f"gated {model.activation}" if model.gated else model.activation
    kind = f"{model.norm_position}-norm ({model.norm}), {model.positions} positions, {feed_forward}"
    return f"Transformer, {layers}, {width}, {kind}"


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
