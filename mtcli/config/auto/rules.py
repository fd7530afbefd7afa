"""The rules of `preset: auto`: from a corpus and a budget to a recipe, each value with its reason.

They are fitted to recipes that are known to be good at their size, ours of Multi30k (0.5 million
target pieces an epoch; benchmarks/LOG.md) and the published ones of IWSLT14 (4 million; fairseq),
WMT English-German (130 million; Vaswani et al. 2017, base) and English-French (a billion; big), and
go between them as powers of the size. So with more pairs vocabulary, width, depth and updates never
fall, and dropout never rises (tests/unit/config/auto).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mtcli.config.auto import sizes
from mtcli.config.auto.choices import Choices
from mtcli.config.auto.facts import SHORT_PIECES, CorpusFacts, Machine
from mtcli.config.auto.sizes import about, short
from mtcli.config.problems import KeyPath

_KINDS = {"optim": "muon", "schedule": "wsd"}
_SPECIAL, _BYTES = 4, 256
"""Pieces beside text: special ones, and a piece for each byte with `byte_fallback`."""
_UNIGRAM_PER_WORD = 0.25
"""Pieces that a unigram model finds at least, over different words; BPE makes each word a piece."""
_SIDES_APART = 3
"""Words of both sides over those of the side that has fewer, at most."""
_MANY_DOUBLED = 0.05
_USUAL_LENGTH, _LONGEST = 256, 1000
_TUNING_SHARE = 0.1
"""Learning rate of fine-tuning over that of training from random weights."""
_WHY_LOWER = "training.init_from: a tenth of a new model's, so that it keeps what it knows"
_MANY_CHARACTERS = 0.1
"""Share of the vocabulary above which rare characters are spelled as bytes instead."""


@dataclass(frozen=True)
class Recipe:
    """What the rules choose: nothing that the user has set."""

    values: dict[str, dict[str, Any]]
    """By section and key, as in a config file."""
    reasons: dict[KeyPath, str]
    """Why, for each of them."""


def choose_recipe(facts: CorpusFacts, machine: Machine, given: Mapping[str, Any]) -> Recipe:
    """Choose the values of a config that the user did not set.

    Args:
        facts: the corpus.
        machine: what trains, and for how long.
        given: the values of the user's file and overrides, by section. Rules go by them where they
            depend on such a key.
    """
    choices = Choices(given, _KINDS)
    longest = _choose_data(choices, facts)
    _choose_tokenizer(choices, facts, machine)
    scale = min(facts.tgt_pieces, sizes.affordable_scale(machine))
    _choose_model(choices, facts, scale)
    _choose_batch(choices, scale, longest, machine)
    length = _choose_length(choices, facts, scale, machine)
    _choose_regularization(choices, facts, length)
    _choose_optimization(choices, length, is_tuned=choices.is_given("training.init_from"))
    _choose_validation(choices, length, machine)
    return Recipe(choices.values, choices.reasons)


def choose_vocabulary(facts: CorpusFacts, machine: Machine, given: Mapping[str, Any]) -> Recipe:
    """Choose `tokenizer.vocab_size` alone, for a config of another recipe."""
    choices = Choices(given, _KINDS)
    _choose_vocab_size(choices, facts, machine)
    return Recipe(choices.values, choices.reasons)


def _choose_data(choices: Choices, facts: CorpusFacts) -> int:
    """What is trained on. Returns the longest side of a pair, in pieces."""
    pieces = facts.long_text_letters / SHORT_PIECES
    longest = min(_LONGEST, max(_USUAL_LENGTH, 64 * math.ceil(pieces / 64)))
    reason = f"99.5 % of the texts have at most {facts.long_text_letters:,.0f} characters"
    positions = choices.number("model.max_positions")
    if positions is not None and longest >= positions > 1:
        longest = int(positions) - 1  # EOS takes one
        reason = f"model.max_positions is {positions:g}"
    longest = choices.choose("data.max_length", longest, reason)
    choices.choose("decoding.max_length", longest, "as long as what is trained on")
    doubled = f"{facts.doubled_share:.1%} of the pairs repeat an earlier one"
    choices.choose("data.drop_duplicates", facts.doubled_share > _MANY_DOUBLED, doubled)
    return longest


def _choose_tokenizer(choices: Choices, facts: CorpusFacts, machine: Machine) -> None:
    choices.choose("tokenizer.algorithm", "bpe", "works with and without spaces between words")
    choices.choose("tokenizer.shared", True, "names and numbers are alike on both sides")
    choices.choose("tokenizer.byte_fallback", True, "so that nothing is unknown")
    vocab_size = _choose_vocab_size(choices, facts, machine)
    if _has_many_characters(facts, vocab_size):
        reason = f"{facts.num_characters:,} different characters: the rarest are spelled as bytes"
        choices.choose("tokenizer.character_coverage", 0.9995, reason)
    else:
        reason = f"{facts.num_characters:,} different characters leave room for longer pieces"
        choices.choose("tokenizer.character_coverage", 1.0, reason)


def _choose_vocab_size(choices: Choices, facts: CorpusFacts, machine: Machine) -> int:
    is_shared = choices.given("tokenizer.shared", True)
    fitting, reason = sizes.pieces_for(facts, machine)
    if not is_shared:
        fitting, reason = int(fitting / math.sqrt(2)), f"half of {reason}"
    # 1. At least the characters and some longer pieces.
    is_full = choices.given("tokenizer.character_coverage", 0.0) == 1.0
    has_rare = _has_many_characters(facts, fitting) and not is_full
    characters = facts.num_frequent_characters if has_rare else facts.num_characters
    besides = _SPECIAL + (_BYTES if choices.given("tokenizer.byte_fallback", True) else 0)
    if fitting < besides + 2 * characters:
        fitting = besides + 2 * characters
        reason = f"room for {characters:,} characters and as many longer pieces"
    # 2. At most what SentencePiece finds: it refuses to train more.
    words = facts.num_word_types if is_shared else facts.num_word_types // _SIDES_APART
    if choices.given("tokenizer.algorithm", "bpe") != "bpe":
        words = int(_UNIGRAM_PER_WORD * words)
    at_most = besides + characters + max(1, words - 1)  # one is for the space
    if fitting > at_most and not facts.is_sampled:
        fitting = at_most
        reason = f"the text has only {facts.num_word_types:,} different words"
    return choices.choose("tokenizer.vocab_size", fitting, reason)


def _has_many_characters(facts: CorpusFacts, vocab_size: int) -> bool:
    return facts.num_characters > _MANY_CHARACTERS * vocab_size


def _choose_model(choices: Choices, facts: CorpusFacts, scale: float) -> None:
    shape = sizes.shape_for(scale)
    size = f"{short(facts.tgt_pieces)} target pieces an epoch"
    if scale < facts.tgt_pieces:
        size += f"; the budget is enough for a model sized for {short(scale)}"
    d_model = choices.choose("model.d_model", shape.d_model, size)
    for side in ("encoder", "decoder"):
        choices.choose(f"model.{side}_layers", shape.num_layers, size)
    heads = _heads_for(d_model, choices)
    choices.choose("model.num_heads", heads, f"heads of {d_model // heads} columns")
    choices.choose("model.d_ff", shape.ff_ratio * d_model, f"{shape.ff_ratio} times d_model")
    shared = choices.given("tokenizer.shared", True)
    tied = "one vocabulary: one table" if shared else "a vocabulary for each side"
    choices.choose("model.tied_embeddings", "all" if shared else "decoder", tied)
    choices.choose("model.positions", "rotary", "2 BLEU above sinusoidal ones on Multi30k")
    choices.choose("model.norm_position", "pre", "no need for a long warm-up (Xiong et al. 2020)")


@dataclass(frozen=True)
class _Length:
    """How long a run is expected to be."""

    updates: int
    passes: float
    """Over the corpus."""
    d_model: int


def _choose_batch(choices: Choices, scale: float, longest: int, machine: Machine) -> None:
    tokens = max(sizes.tokens_per_update_for(scale), longest + 1)
    reason = f"for {short(scale)} target pieces an epoch; small updates learn more from as many"
    choices.choose("batch.tokens_per_update", tokens, reason)
    cells = max(4096 if machine.device == "cpu" else 8192, longest + 1)
    fits = f"fits the memory of most machines ({machine.device})"
    choices.choose("batch.max_tokens", cells, fits)


def _choose_length(choices: Choices, facts: CorpusFacts, scale: float, machine: Machine) -> _Length:
    tokens = choices.given("batch.tokens_per_update", sizes.tokens_per_update_for(scale))
    updates = sizes.full_updates(facts.tgt_pieces)
    affordable = sizes.updates_in_budget(scale, machine)
    epochs = choices.number("training.max_epochs")
    if epochs is not None:
        updates = max(1, int(epochs * facts.tgt_pieces / tokens))
    else:
        reason = f"{about(updates * tokens / facts.tgt_pieces)} passes over the corpus at most"
        if affordable < updates:
            reason += f"; about {affordable:,.0f} updates fit into the budget"
        updates = choices.choose("training.max_steps", updates, reason)
    updates = int(max(1, min(updates, affordable)))
    d_model = choices.number("model.d_model") or sizes.shape_for(scale).d_model
    return _Length(updates, updates * tokens / facts.tgt_pieces, d_model)


def _choose_regularization(choices: Choices, facts: CorpusFacts, length: _Length) -> None:
    dropout = sizes.dropout_for(facts.tgt_pieces, length.passes)
    passes = (
        f"{short(facts.tgt_pieces)} target pieces, about {about(length.passes)} passes over them"
    )
    choices.choose("model.dropout", dropout, passes)
    choices.choose("training.label_smoothing", 0.1, "as in all published recipes")
    sampling, full = 0.0, sizes.full_updates(facts.tgt_pieces)
    if facts.tgt_pieces >= sizes.FEW_PIECES:
        reason = "enough pairs: sampled pieces make the text longer, and cost time"
    elif length.updates < full:
        reason = f"sampled pieces are learned slowly: for a run of {full:,} updates"
    else:
        sampling = 0.1
        reason = "few pairs: cut them differently each time (Provilkov et al. 2020)"
    for side in ("src", "tgt"):
        choices.choose(f"tokenizer.sample_{side}", sampling, reason)


def _choose_optimization(choices: Choices, length: _Length, *, is_tuned: bool) -> None:
    muon = "needs two thirds of Adam's tokens on Multi30k (benchmarks/LOG.md)"
    choices.choose("optim.kind", "muon", muon)
    lr, why_lr = 0.02, "Jordan et al. 2024; steps are scaled to each matrix"
    adam_lr, why_adam = 8e-3, "falls with the width, 8e-3 at 128"
    if is_tuned:
        lr, adam_lr = lr * _TUNING_SHARE, adam_lr * _TUNING_SHARE
        why_lr = why_adam = _WHY_LOWER
    choices.choose("optim.lr", round(lr, 5), why_lr)
    wide = max(1.0, length.d_model / 128)
    choices.choose("optim.adam_lr", round(adam_lr / wide, 6), why_adam)
    choices.choose("optim.clip_norm", 1.0, "cuts the rare jump")
    choices.choose("schedule.kind", "wsd", "reaches zero at the end, wherever that is")
    warmup = max(1, min(length.updates // 10, max(100, length.updates // 50)))
    share = f"{warmup / length.updates:.0%} of about {length.updates:,} updates"
    choices.choose("schedule.warmup_steps", warmup, share)
    choices.choose("schedule.max_warmup_ratio", 0.1, "shortens it should the run be shorter")
    choices.choose("schedule.decay_ratio", 0.5, "as in the recipe for Multi30k")


def _choose_validation(choices: Choices, length: _Length, machine: Machine) -> None:
    has_budget = machine.budget_s is not None
    fit = "budget" if has_budget else "steps"
    why = "the rate is zero when the budget ends" if has_budget else "there is no --budget"
    choices.choose("schedule.fit", fit, why)
    number = sizes.validations_for(machine)
    every = max(1, length.updates // number)
    every = every if every < 50 else every // 50 * 50
    every = choices.choose(
        "validation.every_steps", every, f"about {length.updates // every} validations"
    )
    choices.choose("validation.patience", 10, "half the run without a better score")
    between = max(1, (every or 100) // 2)
    choices.choose("checkpoints.every_steps", between, "two for each validation")
    choices.choose("checkpoints.keep_last", 3, "as many as are averaged")
    if choices.is_given("training.ema_decay"):
        choices.choose("checkpoints.average_last", 1, "training.ema_decay averages already")
    else:
        choices.choose("checkpoints.average_last", 3, "their mean is smoother than the last one")


def _heads_for(d_model: int, choices: Choices) -> int:
    """About one head for 64 columns, at least 4, such that rotary positions fit."""
    if choices.number("model.head_dim") is not None:
        return max(4, d_model // 64)
    wanted = max(4, d_model // 64)
    fitting = [n for n in range(1, d_model + 1) if d_model % n == 0 and d_model // n % 2 == 0]
    return min(fitting, key=lambda n: (abs(n - wanted), n)) if fitting else 1
