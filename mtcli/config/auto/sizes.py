"""Sizes as powers of the size of a corpus: vocabulary, width, depth, dropout, updates, batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mtcli.config.auto.facts import CorpusFacts, Machine
from mtcli.config.flops import training_flops
from mtcli.config.schema.architecture import ModelConfig

MULTI30K_PIECES = 0.5e6
"""Target pieces of an epoch of Multi30k, about: what the powers start from."""

_MULTI30K_LETTERS, _MULTI30K_VOCABULARY = 3.9e6, 9_100
"""Letters of both sides, and the pieces for them: 10,000 learn faster there than 5,000."""
_VOCABULARY_POWER, _LARGEST_VOCABULARY = 0.5, 32_000
"""The largest from 50 million letters on."""
_SMALL_VOCABULARY_POWER = 0.27
"""For less text than Multi30k: 4,000 for 1,500 of its pairs, where 2,000 are worse."""

_WIDTH_POWER = 0.27
"""128 for Multi30k's 0.5 million target pieces, 256 for 6 million, 512 for 85 million, 1024 for a
billion: Wu et al. 2021 (tiny), fairseq (IWSLT14), Vaswani et al. 2017 (base and big)."""
_WIDTHS = (128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024)

_UPDATES_POWER = 0.35
"""10,000 updates for Multi30k, 20,000 for IWSLT14, 70,000 for WMT English-German."""
_FULL_UPDATES = 9_800
_FEWEST_UPDATES = 2_000
_MOST_UPDATES = 400_000

_BATCH_POWER = 0.45
"""2,048 target tokens an update for Multi30k, 5,000 for IWSLT14, 25,000 for WMT English-German."""
_SMALLEST_BATCH = 2_048
_LARGEST_BATCH = 262_144

_HIGHEST_DROPOUT, _LOWEST_DROPOUT = 0.3, 0.1
_SMALL_CORPUS = 1e6
"""Target pieces from which on dropout falls, by 0.1 for ten times as many: 0.3 in Wu et al. 2021
and fairseq's IWSLT14, 0.1 in Vaswani et al. 2017."""
_USUAL_PASSES = 30.0
"""Passes over the corpus for that dropout. With fewer, little is learned by heart, and less is
better: of 1,500 pairs of Multi30k read 50 times, 0.3 gave 12.8 BLEU, 0.4 gave 11.8."""

REFERENCE = ModelConfig(
    d_model=128, encoder_layers=4, decoder_layers=4, num_heads=4, d_ff=256, positions="rotary"
)
"""The shape whose throughput is measured."""
REFERENCE_VOCABULARY = 4_000
_COST_POWER = 0.8
"""Time per token over floating-point operations per token: small matrices are slower for their
size. `tiny` to `base`, 18.7 times the operations, took 10.5 times the time (docs/results)."""
_SHARE_FOR_UPDATES = 0.85
"""Of a budget; the rest goes into starting, validating and saving."""
_TYPICAL_PAIR = (25, 25)
"""Source and target pieces."""
_VALIDATION_TOKENS = 25_000
"""Target tokens that are trained on in the time of one validation of a thousand pairs, greedily."""
FEW_PIECES = 100_000
"""Target pieces of an epoch below which pieces are sampled, if there is time for it."""
_SCALE_STEP = 2**0.25
_LARGEST_SCALE = 1e12


@dataclass(frozen=True)
class Shape:
    """A Transformer."""

    d_model: int
    num_layers: int
    """Of encoder and decoder each."""
    ff_ratio: int
    """d_ff over d_model."""


def shape_for(tgt_pieces: float) -> Shape:
    """The shape for a corpus of so many target pieces."""
    wanted = 128 * (tgt_pieces / MULTI30K_PIECES) ** _WIDTH_POWER
    width = max((width for width in _WIDTHS if width <= wanted * 1.1), default=_WIDTHS[0])
    layers = 4 if width < 256 else 5 if width < 320 else 6
    return Shape(width, layers, 2 if width < 512 else 4)


def pieces_for(facts: CorpusFacts, machine: Machine) -> tuple[int, str]:
    """The vocabulary that the size of the text supports, and why."""
    letters, reason = facts.letters, f"{short(facts.letters)} characters of text"
    budget_tokens = tokens_in_budget(machine)
    if budget_tokens < facts.tgt_pieces:
        letters *= budget_tokens / facts.tgt_pieces
        reason = f"{short(letters)} characters, which is what the budget reads"
    wanted = _vocabulary_for(letters)
    step = 500 if wanted < 10_000 else 2_000
    return max(500, min(_LARGEST_VOCABULARY, int(wanted / step) * step)), reason


def full_updates(tgt_pieces: float) -> int:
    """Updates after which a corpus of that size has given what it has."""
    updates = _FULL_UPDATES * (tgt_pieces / MULTI30K_PIECES) ** _UPDATES_POWER
    return int(min(_MOST_UPDATES, max(_FEWEST_UPDATES, updates)) / 100) * 100


def tokens_per_update_for(tgt_pieces: float) -> int:
    """Target tokens of an update."""
    tokens = _SMALLEST_BATCH * (tgt_pieces / MULTI30K_PIECES) ** _BATCH_POWER
    return int(min(_LARGEST_BATCH, max(_SMALLEST_BATCH, tokens)) / 256) * 256


def dropout_for(tgt_pieces: float, passes: float) -> float:
    """More dropout for less text that is read more often, in steps of 0.05."""
    by_size = 0.3 - 0.1 * math.log10(max(1.0, tgt_pieces / _SMALL_CORPUS))
    by_passes = 0.15 * math.log10(passes / _USUAL_PASSES)
    wanted = min(_HIGHEST_DROPOUT, max(_LOWEST_DROPOUT, by_size + by_passes))
    return round(round(wanted / 0.05) * 0.05, 2)


def updates_in_budget(scale: float, machine: Machine) -> float:
    """Updates of the recipe for `scale` target pieces that the budget allows; infinite without."""
    if machine.budget_s is None or machine.reference_tokens_per_s is None:
        return math.inf
    shape, cost = shape_for(scale), _cost(REFERENCE, REFERENCE_VOCABULARY)
    model = ModelConfig(
        d_model=shape.d_model,
        encoder_layers=shape.num_layers,
        decoder_layers=shape.num_layers,
        num_heads=4,
        d_ff=shape.ff_ratio * shape.d_model,
    )
    vocabulary = min(_LARGEST_VOCABULARY, _vocabulary_for(8 * scale))
    slower = math.pow(_cost(model, int(vocabulary)) / cost, _COST_POWER)
    seconds = machine.budget_s * _SHARE_FOR_UPDATES
    return seconds * machine.reference_tokens_per_s / slower / tokens_per_update_for(scale)


def affordable_scale(machine: Machine) -> float:
    """Target pieces of the largest corpus whose whole recipe fits into the budget.

    A larger model would get fewer updates than that, and not be better for it. The smallest scale
    is taken in any case. It does not depend on the corpus: otherwise a little more text might mean
    a smaller model.
    """
    scale = MULTI30K_PIECES / 32
    while scale < _LARGEST_SCALE:
        if updates_in_budget(scale * _SCALE_STEP, machine) < full_updates(scale * _SCALE_STEP):
            return scale
        scale *= _SCALE_STEP
    return math.inf


def tokens_in_budget(machine: Machine) -> float:
    """Target tokens that the reference shape trains on within the budget; infinite without one."""
    if machine.budget_s is None or machine.reference_tokens_per_s is None:
        return math.inf
    return machine.budget_s * _SHARE_FOR_UPDATES * machine.reference_tokens_per_s


def validations_for(machine: Machine) -> int:
    """Validations of a run: enough to see a curve, and a twentieth of the budget at most."""
    if machine.budget_s is None or machine.reference_tokens_per_s is None:
        return 20
    each_s = _VALIDATION_TOKENS / machine.reference_tokens_per_s
    return round(min(20.0, max(4.0, 0.05 * machine.budget_s / each_s)))


def short(number: float) -> str:
    """`1.2 million`, `12,000`."""
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {name}"
    return f"{number:,.0f}"


def about(number: float) -> str:
    """A number with two digits that count: `180`, `1.3`, `4,200`."""
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def _vocabulary_for(letters: float) -> float:
    ratio = letters / _MULTI30K_LETTERS
    power = _VOCABULARY_POWER if ratio > 1 else _SMALL_VOCABULARY_POWER
    return _MULTI30K_VOCABULARY * math.pow(ratio, power)


def _cost(model: ModelConfig, vocab_size: int) -> int:
    return training_flops(model, vocab_size, [_TYPICAL_PAIR])
