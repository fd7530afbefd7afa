"""Schema of what keeps a model from memorising a small corpus, each with its schedule."""

from __future__ import annotations

from dataclasses import field

from mtcli.config.schema.bounds import Fraction, NotNegativeFloat, Probability
from mtcli.config.schema.sections import Conflict, refuse, section


def _refuse_half_a_line(start: float | None, from_epoch: float, to_epoch: float) -> None:
    if start is None:
        names = [n for n, e in (("from_epoch", from_epoch), ("to_epoch", to_epoch)) if e > 0]
        message = "needs `start`, the amount until `from_epoch`"
        refuse([Conflict((name, "start"), f"{name} {message}") for name in names])
    elif to_epoch < from_epoch or to_epoch == 0:
        least = f"at least from_epoch ({from_epoch:g})" if from_epoch else "above 0, with start"
        message = f"to_epoch ({to_epoch:g}) must be {least}"
        refuse([Conflict(("to_epoch", "from_epoch" if from_epoch else "start"), message)])


@section
class Chance:
    """A probability: constant, or on a straight line between two moments of the training."""

    value: Probability = 0.0
    """The probability, from `to_epoch` on; 0 is off."""
    start: Probability | None = None
    """The probability until `from_epoch`, then on a straight line to `value`; null: it is `value`
    from the beginning."""
    from_epoch: NotNegativeFloat = 0.0
    """Epochs until the line starts; fractions count."""
    to_epoch: NotNegativeFloat = 0.0
    """Epochs until the line ends; fractions count."""

    def __post_init__(self) -> None:
        _refuse_half_a_line(self.start, self.from_epoch, self.to_epoch)


@section
class Strength:
    """A weight: constant, or on a straight line between two moments of the training."""

    value: NotNegativeFloat = 0.0
    """The weight, from `to_epoch` on; 0 is off."""
    start: NotNegativeFloat | None = None
    """The weight until `from_epoch`; null: it is `value` from the beginning."""
    from_epoch: NotNegativeFloat = 0.0
    """Epochs until the line starts; fractions count."""
    to_epoch: NotNegativeFloat = 0.0
    """Epochs until the line ends; fractions count."""

    def __post_init__(self) -> None:
        _refuse_half_a_line(self.start, self.from_epoch, self.to_epoch)


@section
class Share:
    """A share: constant, or on a straight line between two moments of the training."""

    value: Fraction = 1.0
    """The share, from `to_epoch` on; 0 is off."""
    start: Fraction | None = None
    """The share until `from_epoch`; null: it is `value` from the beginning."""
    from_epoch: NotNegativeFloat = 0.0
    """Epochs until the line starts; fractions count."""
    to_epoch: NotNegativeFloat = 0.0
    """Epochs until the line ends; fractions count."""

    def __post_init__(self) -> None:
        _refuse_half_a_line(self.start, self.from_epoch, self.to_epoch)


@section
class RegularizationConfig:
    """Regularisation and augmentation beyond dropout, label smoothing and subword sampling; what is
    drawn for a pair is a function of (seed, epoch, pair, side) alone.
    """

    rdrop: Strength = field(default_factory=Strength)
    """R-Drop (Wu et al. 2021): alpha, the weight of the divergence between two passes with other
    dropout. Every update then costs two passes."""
    layer_dropout: Chance = field(default_factory=Chance)
    """LayerDrop (Fan et al. 2020): probability that an update skips a layer of the encoder or
    decoder, drawn for each layer, pass and process."""
    src_word_dropout: Chance = field(default_factory=Chance)
    """Probability that a word of the source is replaced, all its pieces, by the unknown piece
    (Sennrich et al. 2016, Edinburgh). Words are what spaces separate."""
    tgt_word_dropout: Chance = field(default_factory=Chance)
    """The same for the target as the decoder reads it (Bowman et al. 2016); what it has to predict
    stays whole."""
    case_noise: Chance = field(default_factory=Chance)
    """Probability that a training source is written in lower case, in capitals, or with the other
    case of its first letter; one of these three."""
    punctuation_noise: Chance = field(default_factory=Chance)
    """Probability that a training source loses the punctuation at its end, or all of it."""
    typo_noise: Chance = field(default_factory=Chance)
    """Probability that a word of the training source, of three letters or more and no other signs
    but punctuation around it, gets a typing error: two letters swapped, one lost, doubled, or
    replaced by another one of the word."""
    l2_to_start: NotNegativeFloat = 0.0
    """L2-SP (Barone et al. 2017): lambda, the weight of half the squared distance to the weights of
    `training.init_from`, which keeps a tuned model near them; 0 is off. The loss that is reported
    is without it."""
    subword_sampling: Share = field(default_factory=Share)
    """Share of the sentences, drawn again in each epoch, that `tokenizer.sample_src` and
    `sample_tgt` apply to; the rest keeps its best segmentation."""


def amount_at(amount: Chance | Strength | Share, epochs: float) -> float:
    """What a scheduled amount is after so many epochs, the fraction of the current one included."""
    if amount.start is None or epochs >= amount.to_epoch:
        return amount.value
    if epochs <= amount.from_epoch:
        return amount.start
    progress = (epochs - amount.from_epoch) / (amount.to_epoch - amount.from_epoch)
    return amount.start + progress * (amount.value - amount.start)


def is_ever_on(amount: Chance | Strength | Share) -> bool:
    """Whether the amount is above 0 at some time."""
    return amount.value > 0 or (amount.start or 0) > 0
