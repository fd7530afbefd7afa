"""Measure how fast a model translates the validation set, by beam and batch size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from mtcli.bench.jobs import Job
from mtcli.config.schema.root import TrainConfig
from mtcli.decoding.options import Hypothesis, SearchOptions
from mtcli.device.precision import Numerics
from mtcli.engines.choice import EngineOptions
from mtcli.engines.protocol import Engine, EngineBatch, PostponedSearch, Report, no_report
from mtcli.engines.torch import TorchEngine
from mtcli.model.seq2seq import Seq2Seq
from mtcli.training.corpus import Corpus
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.request import TranslationRequest, open_translator, prepare
from mtcli.translating.translator import Translator


class _CountingEngine:
    """Counts the tokens of the best hypotheses that an engine finds, EOS included."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.num_tokens = 0

    @property
    def max_positions(self) -> int:
        return self._engine.max_positions

    def begin(
        self,
        batches: Sequence[EngineBatch],
        options: SearchOptions,
        report: Report = no_report,
    ) -> PostponedSearch:
        running = self._engine.begin(batches, options, report)

        def finish() -> list[list[list[Hypothesis]]]:
            hypotheses_of = running.result()
            best = [hypotheses[0] for of_batch in hypotheses_of for hypotheses in of_batch]
            self.num_tokens += sum(len(h.token_ids) + h.is_complete for h in best)
            return hypotheses_of

        return PostponedSearch(finish)


def measure_decoding(
    config: TrainConfig, job: Job, corpus: Corpus, numerics: Numerics
) -> dict[str, Any]:
    """Sentences and target tokens per second for each beam and batch size."""
    translator, engine = _make_translator(config, job, corpus, numerics)
    texts = list(corpus.valid.src_texts)
    texts = (texts * (job.num_sentences // len(texts) + 1))[: job.num_sentences]
    rates = []
    translator.translate(texts[:8], beam_size=1, batch_size=8)  # warm
    for beam_size in job.beam_sizes:
        for batch_size in job.batch_sizes:
            engine.num_tokens = 0
            started = time.perf_counter()
            translator.translate(texts, beam_size=beam_size, batch_size=batch_size)
            seconds = time.perf_counter() - started
            rates.append(
                {
                    "beam_size": beam_size,
                    "batch_size": batch_size,
                    "sentences_per_s": len(texts) / seconds,
                    "tgt_tokens_per_s": engine.num_tokens / seconds,
                    "tgt_tokens_per_sentence": engine.num_tokens / len(texts),
                }
            )
    return {"rates": rates, "model": job.model or "random weights"}


def _make_translator(
    config: TrainConfig, job: Job, corpus: Corpus, numerics: Numerics
) -> tuple[Translator, _CountingEngine]:
    """The given model, or one of random weights in the precision of training."""
    if job.model is not None:
        how = EngineOptions("torch", numerics.device.type, numerics.precision)
        model = prepare(TranslationRequest(models=(job.model,), engine=how)).load_model()
    else:
        torch.manual_seed(config.seed)
        vocab_sizes = corpus.src_tokenizer.vocab_size, corpus.tgt_tokenizer.vocab_size
        network = Seq2Seq(config.model, *vocab_sizes, corpus.separators).to(numerics.device).eval()
        model = LoadedModel[Engine](
            # as `mtcli translate` has it, whose speed is measured
            TorchEngine(network, numerics.device, numerics.autocast, may_fork=True),
            corpus.src_tokenizer,
            corpus.tgt_tokenizer,
            config.decoding,
            corpus.store.meta.longest_src,
            config.src_lang,
        )
    engine = _CountingEngine(model.engine)
    return open_translator(TranslationRequest(loaded=model._replace(engine=engine))), engine
