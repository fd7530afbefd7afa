"""What is drawn for training pairs in each epoch: noise, segmentations and dropped words."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mtcli.config.schema.regularization import Chance, RegularizationConfig, Share, amount_at
from mtcli.data.plan import PairIds
from mtcli.data.ragged import RaggedIds
from mtcli.data.randomness import Purpose, sampling_seed, uniform_draws
from mtcli.data.store import Side, Store
from mtcli.data.text_noise import NoiseAmounts, add_noise
from mtcli.data.word_dropout import drop_words, word_starts
from mtcli.tokenizer.protocol import Tokenizer

_OFF = Chance()


@dataclass(frozen=True)
class SideSettings:
    """Settings of the draws for one side of a pair."""

    tokenizer: Tokenizer
    amount: float
    """Of subword regularization; 0 is deterministic."""
    sampled_share: Share
    """Share of the sentences that subword regularization applies to."""
    word_dropout: Chance
    case_noise: Chance = _OFF
    punctuation_noise: Chance = _OFF
    typo_noise: Chance = _OFF

    def noise_at(self, epochs: float) -> NoiseAmounts:
        """Noise of the text after so many epochs."""
        return NoiseAmounts(
            case=amount_at(self.case_noise, epochs),
            punctuation=amount_at(self.punctuation_noise, epochs),
            typo=amount_at(self.typo_noise, epochs),
        )


@dataclass(frozen=True)
class DrawSettings:
    """Settings of the draws for a pair: segmentations, noise and dropped words."""

    src_tokenizer: Tokenizer
    tgt_tokenizer: Tokenizer
    src_amount: float
    """Of subword regularization; 0 is deterministic."""
    tgt_amount: float
    regularization: RegularizationConfig = field(default_factory=RegularizationConfig)
    """Noise, word dropout and the share of sampled sentences; the model's part is ignored."""

    @property
    def src(self) -> SideSettings:
        """The source's part."""
        settings = self.regularization
        return SideSettings(
            self.src_tokenizer,
            self.src_amount,
            settings.subword_sampling,
            settings.src_word_dropout,
            case_noise=settings.case_noise,
            punctuation_noise=settings.punctuation_noise,
            typo_noise=settings.typo_noise,
        )

    @property
    def tgt(self) -> SideSettings:
        """The target's part, which has no noise."""
        settings = self.regularization
        return SideSettings(
            self.tgt_tokenizer,
            self.tgt_amount,
            settings.subword_sampling,
            settings.tgt_word_dropout,
        )


class _Purposes(NamedTuple):
    """Purposes of the draws of one side, so that the sides share no bits."""

    noise: Purpose
    sampled_share: Purpose
    sample: Purpose
    word_dropout: Purpose


_PURPOSES: dict[Side, _Purposes] = {
    "src": _Purposes(
        Purpose.NOISE_SRC,
        Purpose.SAMPLING_SHARE_SRC,
        Purpose.SAMPLE_SRC,
        Purpose.WORD_DROPOUT_SRC,
    ),
    "tgt": _Purposes(
        Purpose.NOISE_TGT,
        Purpose.SAMPLING_SHARE_TGT,
        Purpose.SAMPLE_TGT,
        Purpose.WORD_DROPOUT_TGT,
    ),
}


@dataclass(frozen=True)
class Moment:
    """When pairs are drawn."""

    seed: int
    """The run's."""
    epoch: int
    """Counted from 0."""
    epochs: float
    """Epochs done, with the fraction of this one: the time of all schedules."""

    def seed_of(self, purpose: Purpose, pair: int) -> int:
        """A 32-bit seed for one pair."""
        return sampling_seed(self.seed, purpose, epoch=self.epoch, pair=pair)

    def seeds_of(self, purpose: Purpose, pairs: PairIds) -> npt.NDArray[np.uint64]:
        """A 32-bit seed for each pair; shape (B,)."""
        seeds = [self.seed_of(purpose, pair) for pair in pairs.tolist()]
        return np.array(seeds, dtype=np.uint64)


class PairDrawing:
    """Pairs as the model gets them in an epoch: a function of (seed, epoch, pair, side) alone.

    Args:
        store: the pairs.
        seed: the run's.
        settings: what to draw; None takes the pairs as they are.
    """

    def __init__(self, store: Store, seed: int, settings: DrawSettings | None) -> None:
        self._store = store
        self._seed = seed
        self._sides: tuple[SideDrawing, SideDrawing] | None = None
        if settings is not None:
            self._sides = (
                SideDrawing(store, "src", settings.src),
                SideDrawing(store, "tgt", settings.tgt),
            )

    def draw(
        self, pairs: PairIds, epoch: int, epochs: float
    ) -> tuple[RaggedIds, RaggedIds, RaggedIds]:
        """Sources, targets to be predicted, and targets as the decoder reads them.

        Args:
            pairs: pair ids, shape (B,).
            epoch: counted from 0.
            epochs: epochs done, with the fraction of this one: the time of all schedules.
        """
        stored_src, stored_tgt = self._stored("src", pairs), self._stored("tgt", pairs)
        if self._sides is None:
            return stored_src, stored_tgt, stored_tgt
        moment = Moment(self._seed, epoch, epochs)
        src_side, tgt_side = self._sides
        _, src = src_side.draw(stored_src, pairs, moment)
        tgt, tgt_in = tgt_side.draw(stored_tgt, pairs, moment)
        return src, tgt, tgt_in

    def _stored(self, side: Side, pairs: PairIds) -> RaggedIds:
        lengths = self._store.lengths(side)[pairs].astype(np.int64)
        return RaggedIds(self._store.flat_ids(side, pairs), lengths)


class SideDrawing:
    """One side of pairs, in three steps: noise in its text, a segmentation, dropped words.

    Args:
        store: the pairs.
        side: which side of them.
        settings: what to draw.
    """

    def __init__(self, store: Store, side: Side, settings: SideSettings) -> None:
        self._store = store
        self._side: Side = side
        self._settings = settings
        self._purposes = _PURPOSES[side]

    def draw(
        self, stored: RaggedIds, pairs: PairIds, moment: Moment
    ) -> tuple[RaggedIds, RaggedIds]:
        """The side as it is to be predicted, and as the model reads it.

        Args:
            stored: the side as it is in the store.
            pairs: pair ids of its sentences, shape (B,).
            moment: when they are drawn.
        """
        # Dropped words are missing only from what the model reads: it must still predict them.
        whole = self._with_noise_and_segmentation(stored, pairs, moment)
        return whole, self._with_words_dropped(whole, pairs, moment)

    def _with_noise_and_segmentation(
        self, stored: RaggedIds, pairs: PairIds, moment: Moment
    ) -> RaggedIds:
        # Encoding is by far the slowest step, so rows that do not change keep the store's ids.
        noise = self._settings.noise_at(moment.epochs)
        is_sampled = self._choose_sampled(pairs, moment)
        if noise.is_none and not is_sampled.any():
            return stored
        # The model's positions reach as far as the longest pair that the store may hold.
        limit = self._store.meta.max_length
        rows = np.split(stored.flat_ids, np.cumsum(stored.lengths)[:-1])
        for row, pair in enumerate(pairs.tolist()):
            if noise.is_none and not is_sampled[row]:
                continue
            # 1. Noise changes the text before it is segmented, as typing errors of users do.
            text = noisy = self._store.text(self._side, pair)
            if not noise.is_none:
                noisy = add_noise(text, noise, seed=moment.seed_of(self._purposes.noise, pair))
            # 2. Segment the text: at random where the pair is sampled, else at its best.
            if is_sampled[row]:
                seed = moment.seed_of(self._purposes.sample, pair)
                ids = self._settings.tokenizer.sample(
                    noisy, amount=self._settings.amount, seed=seed
                )
            elif noisy != text:
                ids = self._settings.tokenizer.encode(noisy)
            else:
                continue
            # A draw that got too long is given up, not cut: half a sentence has no translation.
            if 0 < len(ids) <= limit:
                rows[row] = np.array(ids)
        return RaggedIds(np.concatenate(rows), np.array([len(ids) for ids in rows]))

    def _choose_sampled(self, pairs: PairIds, moment: Moment) -> npt.NDArray[np.bool_]:
        """Whether each pair gets a random segmentation; shape (B,)."""
        share = amount_at(self._settings.sampled_share, moment.epochs)
        if self._settings.amount == 0 or share == 0:
            return np.zeros(len(pairs), dtype=np.bool_)
        if share == 1:
            return np.ones(len(pairs), dtype=np.bool_)
        seeds = moment.seeds_of(self._purposes.sampled_share, pairs)
        return uniform_draws(seeds, np.zeros(len(pairs), dtype=np.int64)) < share

    def _with_words_dropped(self, whole: RaggedIds, pairs: PairIds, moment: Moment) -> RaggedIds:
        # 3. Replace words by the unknown piece.
        chance = amount_at(self._settings.word_dropout, moment.epochs)
        if chance == 0:
            return whole
        flat_ids = drop_words(
            whole.flat_ids,
            whole.lengths,
            starts_word=self._starts_word,
            seeds=moment.seeds_of(self._purposes.word_dropout, pairs),
            chance=chance,
        )
        return RaggedIds(flat_ids, whole.lengths)

    @cached_property
    def _starts_word(self) -> npt.NDArray[np.bool_]:
        """Whether each piece begins a word; made on demand, as few runs drop words."""
        return word_starts(self._settings.tokenizer)
