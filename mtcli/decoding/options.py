"""The options and the result of a search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from mtcli.config.schema.decoding import MAX_LENGTH_PENALTY, Normalization
from mtcli.errors import ConfigError, in_backticks
from mtcli.tokenizer.protocol import BOS_ID, EOS_ID

Stop = Literal["full", "optimal", "ctranslate2", "marian"]
"""When a sentence is done; see `SearchOptions`."""


class Hypothesis(NamedTuple):
    """One translation of one sentence."""

    token_ids: tuple[int, ...]
    """Without BOS and without EOS."""
    is_complete: bool
    """True if it ended in EOS; False if it was cut at the length limit."""
    log_prob: float
    """Sum of the natural-log probabilities of the tokens, and of EOS if complete."""
    score: float
    """log_prob divided by the length penalty: what hypotheses are ranked by."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to draw tokens at random instead of searching for the likeliest.

    Raises:
        ConfigError: a value is out of range.
    """

    seed: int = 0
    """Another seed draws other samples; any 64-bit integer."""
    temperature: float = 1.0
    """Log-probabilities are divided by this: below 1 prefers what is likely, above 1 evens out."""
    top_k: int | None = None
    """Draw among this many of the likeliest tokens (and ties of the last); None: among all."""
    top_p: float | None = None
    """Draw among the fewest tokens that have together at least this share of the probability
    which temperature and top_k leave; None: among all.
    Source: Holtzman et al. 2020, arXiv:1904.09751, section 3.1."""

    def __post_init__(self) -> None:
        if not -(2**63) <= self.seed < 2**63:
            raise ConfigError(f"`seed` must be a 64-bit whole number, found `{self.seed}`")
        if not 0 < self.temperature < math.inf:
            raise ConfigError(f"`temperature` must be a number above 0, found `{self.temperature}`")
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"`top_k` must be at least 1, found `{self.top_k}`")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(f"`top_p` must be above 0 and at most 1, found `{self.top_p}`")


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How to search; the same for all sentences of all batches.

    A length is a number of tokens, EOS counted. Candidates are ranked by log-probability within a
    step, finished hypotheses by score.

    **Stopping.** A sentence is done when no live hypothesis can still enter its `num_hypotheses`
    best: log-probabilities only fall and length penalties only rise, so a live hypothesis of
    log-probability L <= 0 can reach at most the score L / penalty(longest length), with

        average: penalty(n) = n ** a      gnmt: ((5 + n) / 6) ** a      none: 1

    This loses nothing. `stop: optimal` stops by it alone, and so returns what a search without
    any early stop returns. `stop: full` also stops once `beam_size` hypotheses have ended, if
    there is a length penalty: the rule of CTranslate2 with its default patience of 1, and nearly
    that of fairseq, which does so without a penalty too. It is faster, and it leaves fewer steps to
    hypotheses that repeat themselves up to the longest length, whose average log-probability is
    high. `stop: ctranslate2` is `full`, and without a penalty it stops as CTranslate2 does: once
    the likeliest candidate of some step was one that ended, and `num_hypotheses` have. The best
    hypothesis is then that of `full`; those after it may not be. `stop: marian` is Marian's search:
    each hypothesis that ends leaves the beam narrower by one, and a sentence is done when nothing
    is left of it, whatever the penalty.

    **Length limit.** At the longest length each of the `beam_size` best candidates becomes a
    hypothesis, with EOS or cut without it, and all are ranked by score: CTranslate2's rule.

    Raises:
        ConfigError: a value is out of range, or two do not go together.
    """

    beam_size: int
    """Hypotheses that are kept alive; 1 is greedy. Without meaning for sampling."""
    num_hypotheses: int = 1
    """Hypotheses wanted for each sentence; at most beam_size, except when sampling."""
    normalization: Normalization = "average"
    """Form of the length penalty. Source of gnmt: Wu et al. 2016, arXiv:1609.08144, equation 14."""
    length_penalty: float = 1.0
    """Exponent a of the length penalty, between 0 and 10."""
    max_length: int = 256
    """Longest length of a hypothesis; a call may give each sentence a lower limit of its own."""
    stop: Stop = "full"
    """When a sentence is done; see above."""
    no_repeat_ngram: int = 0
    """No n-gram of this size occurs twice in a hypothesis, prefix included; 0 allows all."""
    repetition_penalty: float = 1.0
    """The log-probability of a token that the hypothesis has already is multiplied by this in the
    search: above 1 discourages repetition, 1 is off. `score` is what was searched for, `log_prob`
    what the model says. It is the form of Hugging Face's beam search; CTranslate2 multiplies
    negative logits and divides positive ones.
    Source: Keskar et al. 2019 (CTRL), section 4.1, which divides logits."""
    sampling: Sampling | None = None
    """Draw `num_hypotheses` outputs at random, in the order in which they are drawn, instead of
    searching. None searches."""
    with_scores: bool = True
    """False allows NaN for scores and log-probabilities where a search is faster without them: a
    greedy one need not normalise what it chooses among."""
    bos_id: int = BOS_ID
    """Fed as the first token, behind those that the scorer feeds by itself."""
    num_given: int = 0
    """Tokens before each hypothesis that count for its length penalty, and for nothing else: the
    tag of a target language, as in Hugging Face's search."""
    eos_id: int = EOS_ID
    """Ends a hypothesis."""
    forbidden_ids: tuple[int, ...] = ()
    """Tokens that are never chosen (pad, BOS, perhaps unk). Probabilities are not renormalised."""

    def __post_init__(self) -> None:
        check_positive("beam_size", self.beam_size)
        check_positive("n_best", self.num_hypotheses)
        check_positive("max_length", self.max_length)
        if self.num_hypotheses > self.beam_size and self.sampling is None:
            raise ConfigError(
                f"`n_best` is {self.num_hypotheses}, but a beam of {self.beam_size} finds at most"
                f" {self.beam_size} hypotheses",
                hint=f"set `beam_size` to at least {self.num_hypotheses}, or lower `n_best`",
            )
        if self.normalization not in get_args(Normalization):
            raise ConfigError(
                f"`normalization` must be one of {in_backticks(get_args(Normalization))},"
                f" found `{self.normalization}`"
            )
        if self.stop not in get_args(Stop):
            raise ConfigError(
                f"`stop` must be one of {in_backticks(get_args(Stop))}, found `{self.stop}`"
            )
        if not 0 <= self.length_penalty <= MAX_LENGTH_PENALTY:
            raise ConfigError(
                f"`length_penalty` must be a number between 0 and {MAX_LENGTH_PENALTY}, found"
                f" `{self.length_penalty}`"
            )
        if self.no_repeat_ngram < 0:
            raise ConfigError(
                f"`no_repeat_ngram` must be at least 0, found `{self.no_repeat_ngram}`"
            )
        if not 0 < self.repetition_penalty < math.inf:
            raise ConfigError(
                f"`repetition_penalty` must be a number above 0, found `{self.repetition_penalty}`"
            )
        if self.eos_id in self.forbidden_ids:
            raise ConfigError(f"eos_id ({self.eos_id}) is in forbidden_ids: nothing could end")

    @property
    def has_penalty(self) -> bool:
        """Whether the score of a hypothesis depends on its length."""
        return self.normalization != "none" and self.length_penalty > 0

    def penalty(self, length: int) -> float:
        """What the log-probability of a hypothesis of `length` tokens, EOS in, is divided by.

        `num_given` is added to the length.
        """
        length += self.num_given
        match self.normalization:
            case "average":
                return float(length**self.length_penalty)
            case "gnmt":
                return float(((5 + length) / 6) ** self.length_penalty)
            case "none":
                return 1.0


def check_positive(name: str, value: object) -> None:
    """Check an integer option.

    Raises:
        ConfigError: `value` is not an integer of at least 1.
    """
    if not isinstance(value, int) or value < 1:
        raise ConfigError(f"`{name}` must be a whole number, at least 1, found `{value}`")
