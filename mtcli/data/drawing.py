"""What is drawn for pairs: noise, segmentations, dropped words. Nothing is remembered."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mtcli.config.schema.regularization import RegularizationConfig, amount_at
from mtcli.data.noise import NoiseAmounts, add_noise
from mtcli.data.plan import PairIds
from mtcli.data.randomness import Purpose, sampling_seed, uniform_draws
from mtcli.data.sentences import Sentences
from mtcli.data.store import Side, Store
from mtcli.data.word_dropout import drop_words, word_starts
from mtcli.tokenizer.protocol import Tokenizer


@dataclass(frozen=True)
class Sampling:
    """What is drawn for a pair in each epoch: segmentations, noise and dropped words."""

    src_tokenizer: Tokenizer
    tgt_tokenizer: Tokenizer
    src_amount: float
    """Of subword regularisation; 0 is deterministic."""
    tgt_amount: float
    regularization: RegularizationConfig = field(default_factory=RegularizationConfig)
    """Noise, word dropout, and how many sentences are sampled; the model's part is ignored."""

    def noise_at(self, epochs: float) -> NoiseAmounts:
        """Noise of the source."""
        settings = self.regularization
        return NoiseAmounts(
            case=amount_at(settings.case_noise, epochs),
            punctuation=amount_at(settings.punctuation_noise, epochs),
            typo=amount_at(settings.typo_noise, epochs),
        )


class PairDrawing:
    """Pairs as the model gets them in an epoch: a function of (seed, epoch, pair, side) alone.

    Args:
        store: the pairs.
        seed: the run's.
        sampling: what to draw; None takes the pairs as they are.
    """

    def __init__(self, store: Store, seed: int, sampling: Sampling | None) -> None:
        self._store = store
        self._seed = seed
        self._sampling = sampling
        self._word_starts: dict[Side, npt.NDArray[np.bool_]] = {}

    def draw(
        self, pairs: PairIds, epoch: int, epochs: float
    ) -> tuple[Sentences, Sentences, Sentences]:
        """Sources, targets to be predicted, and targets as the decoder reads them.

        Args:
            pairs: pair ids.
            epoch: counted from 0.
            epochs: epochs done, with the fraction of this one: what schedules go by.
        """
        src = self._sentences("src", pairs, epoch, epochs)
        tgt = self._sentences("tgt", pairs, epoch, epochs)
        src = self._with_words_dropped("src", src, pairs, epoch, epochs)
        tgt_in = self._with_words_dropped("tgt", tgt, pairs, epoch, epochs)
        return src, tgt, tgt_in

    def _sentences(self, side: Side, pairs: PairIds, epoch: int, epochs: float) -> Sentences:
        """One side of the pairs, with this epoch's noise and segmentation."""
        stored = Sentences(
            self._store.flat_ids(side, pairs), self._store.lengths(side)[pairs].astype(np.int64)
        )
        if self._sampling is None:
            return stored
        if side == "src":
            tokenizer, amount = self._sampling.src_tokenizer, self._sampling.src_amount
            purpose, share_purpose = Purpose.SAMPLE_SRC, Purpose.SAMPLING_SHARE_SRC
            noise = self._sampling.noise_at(epochs)
        else:
            tokenizer, amount = self._sampling.tgt_tokenizer, self._sampling.tgt_amount
            purpose, share_purpose = Purpose.SAMPLE_TGT, Purpose.SAMPLING_SHARE_TGT
            noise = NoiseAmounts()
        share = amount_at(self._sampling.regularization.subword_sampling, epochs)
        if (amount == 0 or share == 0) and noise.is_none:
            return stored
        is_sampled = np.full(len(pairs), amount > 0)
        if share < 1:
            seeds = self._seeds(share_purpose, pairs, epoch)
            is_sampled &= uniform_draws(seeds, np.zeros(len(pairs), dtype=np.int64)) < share
        # the model's positions reach as far as the longest pair that the store may hold
        limit = self._store.meta.max_length
        sampled = np.split(stored.flat_ids, np.cumsum(stored.lengths)[:-1])
        for row, pair in enumerate(pairs.tolist()):
            if noise.is_none and not is_sampled[row]:
                continue
            text = noisy = self._store.text(side, pair)
            if not noise.is_none:
                noise_seed = sampling_seed(self._seed, Purpose.NOISE_SRC, epoch=epoch, pair=pair)
                noisy = add_noise(text, noise, seed=noise_seed)
            if is_sampled[row]:
                seed = sampling_seed(self._seed, purpose, epoch=epoch, pair=pair)
                ids = tokenizer.sample(noisy, amount=amount, seed=seed)
            elif noisy != text:
                ids = tokenizer.encode(noisy)
            else:
                continue
            if 0 < len(ids) <= limit:
                sampled[row] = np.array(ids)
        lengths = np.array([len(ids) for ids in sampled])
        return Sentences(np.concatenate(sampled), lengths)

    def _with_words_dropped(
        self, side: Side, sentences: Sentences, pairs: PairIds, epoch: int, epochs: float
    ) -> Sentences:
        """The sentences as the model reads them."""
        if self._sampling is None:
            return sentences
        settings = self._sampling.regularization
        is_src = side == "src"
        chance = amount_at(
            settings.src_word_dropout if is_src else settings.tgt_word_dropout, epochs
        )
        if chance == 0:
            return sentences
        if side not in self._word_starts:
            sampling = self._sampling
            tokenizer = sampling.src_tokenizer if is_src else sampling.tgt_tokenizer
            self._word_starts[side] = word_starts(tokenizer)
        purpose = Purpose.WORD_DROPOUT_SRC if is_src else Purpose.WORD_DROPOUT_TGT
        flat_ids = drop_words(
            sentences.flat_ids,
            sentences.lengths,
            starts_word=self._word_starts[side],
            seeds=self._seeds(purpose, pairs, epoch),
            chance=chance,
        )
        return Sentences(flat_ids, sentences.lengths)

    def _seeds(self, purpose: Purpose, pairs: PairIds, epoch: int) -> npt.NDArray[np.uint64]:
        """A seed for each pair."""
        seed = self._seed
        seeds = [sampling_seed(seed, purpose, epoch=epoch, pair=pair) for pair in pairs.tolist()]
        return np.array(seeds, dtype=np.uint64)
