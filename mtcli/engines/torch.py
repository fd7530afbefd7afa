"""The engine that runs models in memory with our own search."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from mtcli.decoding.beam import beam_search
from mtcli.decoding.constraints import ConstrainedScorer
from mtcli.decoding.ensemble import EnsembleScorer
from mtcli.decoding.forced import forced_attention, forced_log_probs
from mtcli.decoding.greedy import greedy_search
from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.decoding.sampling import sample
from mtcli.decoding.scorer import ModelScorer, Scorer
from mtcli.device.memory import memory_errors
from mtcli.engines.protocol import EngineBatch, PostponedSearch, Report, no_report
from mtcli.engines.workers import Workers
from mtcli.errors import ConfigError
from mtcli.model.seq2seq import Seq2Seq
from mtcli.tokenizer.protocol import EOS_ID, NO_TAGS, PAD_ID, Tags, forbidden_ids, start_id


class TorchEngine:
    """Implements `Engine` and `PairEngine` over models in memory, which may still be in training.

    Args:
        model: the model, on `device`; if it is in training mode, that is restored after a search.
        device: where the model is.
        autocast: makes the context that the search runs in.
        others: further models of an ensemble, of the same vocabulary and on the same device; their
            probabilities are averaged.
        may_fork: whether batches may be translated by processes, see `Workers`; not during
            training.
        tags: what stands before the texts; neither what comes in nor what goes out has it.
    """

    def __init__(
        self,
        model: Seq2Seq,
        device: torch.device,
        autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
        others: Sequence[Seq2Seq] = (),
        *,
        may_fork: bool = False,
        tags: Tags = NO_TAGS,
    ) -> None:
        self._models, self._device, self._autocast = (model, *others), device, autocast
        self._workers = Workers(may_fork=may_fork)
        self._tags = tags
        self._start_ids = (start_id(model.config.target_start), *tags.tgt)
        self._forbidden_ids = forbidden_ids(model.config.target_start)

    @property
    def max_positions(self) -> int:
        """Longest source, and longest output, in pieces, EOS counted."""
        num_tags = max(len(self._tags.src), len(self._tags.tgt))
        return min(model.config.max_positions for model in self._models) - num_tags

    def begin(
        self,
        batches: Sequence[EngineBatch],
        options: SearchOptions,
        report: Report = no_report,
    ) -> PostponedSearch:
        """Translate all batches once the result is asked for, in parallel on the CPU.

        The result raises:
            DeviceError: a batch does not fit into the memory of the accelerator.
            ConfigError: an option is out of range.
        """

        def translate_all() -> list[list[list[Hypothesis]]]:
            num_threads = torch.get_num_threads() if self._device.type == "cpu" else 1
            jobs = [partial(self._translate, batch, options) for batch in batches]
            with self._evaluating():
                return self._workers.run(
                    jobs,
                    num_threads,
                    on_done=lambda place: report(len(batches[place].src_ids)),
                )

        return PostponedSearch(translate_all)

    def _translate(self, batch: EngineBatch, options: SearchOptions) -> list[list[Hypothesis]]:
        if not batch.src_ids:
            return []
        width = options.beam_size if options.sampling is None else options.num_hypotheses
        with self._computing(f"{len(batch.src_ids)} sentences with a beam of {width}"):
            hypotheses = self._search(batch, options)
            if options.repetition_penalty != 1:
                hypotheses = self._with_model_log_probs(batch.src_ids, hypotheses)
        return hypotheses

    def score(
        self, src_ids: Sequence[Sequence[int]], tgt_ids: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """Log-probabilities of the pieces of each target, and of its EOS; see `PairEngine`.

        Raises:
            DeviceError: the batch does not fit into the memory of the accelerator.
        """
        if not src_ids:
            return []
        with self._scoring(f"{len(src_ids)} pairs"):
            return self._token_log_probs(src_ids, [[*ids, EOS_ID] for ids in tgt_ids])

    def attention(
        self,
        src_ids: Sequence[Sequence[int]],
        tgt_ids: Sequence[Sequence[int]],
        layer: int | None = None,
        heads: Sequence[int] | None = None,
    ) -> list[np.ndarray]:
        """Attention (target pieces, source pieces) of each pair; see `PairEngine`.

        Raises:
            DeviceError: the batch does not fit into the memory of the accelerator.
            ConfigError: the model has no such layer or head.
        """
        self._check_attention(layer, heads)
        if not src_ids:
            return []
        src_ids_BS = self._sources(src_ids).to(self._device)
        tgt_in_ids_BT = _padded([[*self._start_ids, *ids[:-1]] for ids in tgt_ids])
        tgt_in_ids_BT = tgt_in_ids_BT.to(self._device)
        with self._scoring(f"{len(src_ids)} pairs"):
            weights_BTS = forced_attention(
                self._models, src_ids_BS, tgt_in_ids_BT, PAD_ID, layer, heads
            )
        first_tgt, first_src = len(self._tags.tgt), len(self._tags.src)
        array_BTS = weights_BTS[:, first_tgt:, first_src:].float().cpu().numpy()
        return [
            array[: len(tgt), : len(src)]
            for array, src, tgt in zip(array_BTS, src_ids, tgt_ids, strict=True)
        ]

    def _search(self, batch: EngineBatch, options: SearchOptions) -> list[list[Hypothesis]]:
        options = replace(
            options,
            max_length=max(batch.max_lengths),
            bos_id=self._start_ids[-1],
            num_given=len(self._tags.tgt),
            forbidden_ids=self._forbidden_ids,
        )
        members = [
            ModelScorer(model, pad_id=PAD_ID, given_ids=self._start_ids[:-1])
            for model in self._models
        ]
        scorer: Scorer[Any] = members[0] if len(members) == 1 else EnsembleScorer(members)
        if batch.prefix_ids or options.no_repeat_ngram or options.repetition_penalty != 1:
            scorer = ConstrainedScorer(scorer, options, batch.prefix_ids)
            # forbidden by the scorer from now on: a prefix may hold <unk>
            options = replace(options, forbidden_ids=())
        src_ids_BS = self._sources(batch.src_ids).to(self._device)
        max_length_B = torch.tensor(list(batch.max_lengths), device=self._device)
        if options.sampling is not None:
            keys = [key_of(ids) for ids in batch.src_ids]  # equal sources have equal samples
            keys_B = torch.tensor(keys, dtype=torch.long, device=self._device)
            return sample(scorer, src_ids_BS, options, keys_B, max_length_B)
        if isinstance(scorer, ModelScorer) and options.beam_size == 1 and not options.with_scores:
            return [[h] for h in greedy_search(scorer, src_ids_BS, options, max_length_B)]
        return beam_search(scorer, src_ids_BS, options, max_length_B)

    def _with_model_log_probs(
        self, src_ids: Sequence[Sequence[int]], penalised: list[list[Hypothesis]]
    ) -> list[list[Hypothesis]]:
        """The same hypotheses with the log-probabilities of the model, without penalties."""
        pairs = [
            (ids, [*h.token_ids, EOS_ID] if h.is_complete else [*h.token_ids])
            for ids, hypotheses in zip(src_ids, penalised, strict=True)
            for h in hypotheses
        ]
        log_probs_of = iter(self._token_log_probs(*map(list, zip(*pairs, strict=True))))
        return [
            [
                h._replace(log_prob=sum(log_probs) if h.log_prob > -math.inf else h.log_prob)
                for h, log_probs in zip(hypotheses, log_probs_of, strict=False)
            ]
            for hypotheses in penalised
        ]

    def _token_log_probs(
        self, src_ids: Sequence[Sequence[int]], tgt_out_ids: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        first = len(self._tags.tgt)
        tgt_in_ids_BT = _padded([[*self._start_ids, *ids[:-1]] for ids in tgt_out_ids])
        # nothing is predicted where a tag is
        out_ids = [[*[PAD_ID] * first, *ids] for ids in tgt_out_ids]
        log_probs_BT = forced_log_probs(
            self._models,
            self._sources(src_ids).to(self._device),
            tgt_in_ids_BT.to(self._device),
            _padded(out_ids, width=tgt_in_ids_BT.size(1)).to(self._device),
            PAD_ID,
        )
        return [
            row[first : first + len(ids)]
            for row, ids in zip(log_probs_BT.tolist(), tgt_out_ids, strict=True)
        ]

    def _sources(self, src_ids: Sequence[Sequence[int]]) -> torch.Tensor:
        """Ids (B, S) with tags before and EOS behind them, padded at the end."""
        return _padded([[*self._tags.src, *ids, EOS_ID] for ids in src_ids])

    def _check_attention(self, layer: int | None, heads: Sequence[int] | None) -> None:
        for model in self._models:
            shape = model.config.decoder_shape
            if layer is not None and not 0 <= layer < shape.num_layers:
                raise ConfigError(
                    f"`alignment_layer` must be between 0 and {shape.num_layers - 1}, because the"
                    f" model has {shape.num_layers} decoder layers; found {layer}"
                )
            for head in heads or ():
                if not 0 <= head < shape.num_heads:
                    raise ConfigError(
                        f"`alignment_heads` must be between 0 and {shape.num_heads - 1}, because"
                        f" the model has {shape.num_heads} heads; found {head}"
                    )

    @contextmanager
    def _scoring(self, what: str) -> Iterator[None]:
        """Compute with the models in evaluation mode; see `_computing`."""
        with self._evaluating(), self._computing(what):
            yield

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Put the models into evaluation mode, for all threads."""
        was_training = [model.training for model in self._models]
        try:
            for model in self._models:
                model.eval()
            yield
        finally:
            for model, mode in zip(self._models, was_training, strict=True):
                model.train(mode)

    @contextmanager
    def _computing(self, what: str) -> Iterator[None]:
        """Compute under autocast in this thread; name `what` if memory runs out."""
        with memory_errors(self._device, what, "use a smaller `batch_size`"), self._autocast():
            yield


def key_of(ids: Sequence[int]) -> int:
    """A 64-bit hash of the ids, the same in every process."""
    digest = hashlib.blake2b(np.asarray(ids, dtype="<i8").tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _padded(ids_of: Sequence[Sequence[int]], width: int | None = None) -> torch.Tensor:
    """Ids (B, width) padded at the end; None is as wide as the longest."""
    longest = max(map(len, ids_of)) if width is None else width
    padded = np.full((len(ids_of), longest), PAD_ID, dtype=np.int64)
    for row, ids in zip(padded, ids_of, strict=True):
        row[: len(ids)] = ids
    return torch.from_numpy(padded)
