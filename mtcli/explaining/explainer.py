# Shape suffixes: B sentences, S source length, T target length, H heads.
"""Explain translations: attention, head importance, probabilities, contributions, alignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from mtcli.bundle.languages import tags_of, with_languages
from mtcli.bundle.model_folder import Bundle
from mtcli.device.choice import choose_device
from mtcli.device.memory import memory_errors
from mtcli.engines.protocol import Engine
from mtcli.engines.torch import TorchEngine
from mtcli.engines.torch_loading import load_weights
from mtcli.explaining.contributions import REFERENCE, contributions
from mtcli.explaining.forced_batch import ForcedBatch, forced_batch, piece_probabilities
from mtcli.explaining.head_importance import head_importance, num_heads
from mtcli.explaining.lines import Limit, NamedLines, check_lines, check_pieces
from mtcli.explaining.shown import (
    BatchNumbers,
    ExplainedPair,
    attention_stacks,
    by_word,
    output_pieces,
    pieces_of,
    word_of_pieces,
    words_with_pieces,
)
from mtcli.model.attention_maps import AttentionMaps, attention_maps
from mtcli.reports.explanation import Explanation
from mtcli.tokenizer.invisible import Side, without_invisible
from mtcli.tokenizer.protocol import start_id
from mtcli.translating.batching import longest_first_batches
from mtcli.translating.controls import without_controls
from mtcli.translating.loaded_model import model_of
from mtcli.translating.options import TranslateOptions
from mtcli.translating.progress import Progress, no_progress
from mtcli.translating.translator import Translator

_BATCH_SIZE = 8
"""Pairs that are explained at once; small, because all log-probabilities of a batch are kept."""

_SHOWN = Limit(200, "the most that a page shows")
"""A page holds a matrix of the pieces for each head."""


class Explainer:
    """Explains what one model does.

    Args:
        bundle: the model folder.
        options: how it translates.
        device: as of `choose_device`.

    Raises:
        ModelFolderError: the weights are not those of the architecture.
        DeviceError: the device is not available.
        ConfigError: the model translates between several languages, and none is chosen.
    """

    def __init__(self, bundle: Bundle, options: TranslateOptions, device: str = "auto") -> None:
        card = with_languages(bundle.path, bundle.card, None, None)
        bundle = replace(bundle, card=card)
        self._tags = tags_of(card)
        self._device = choose_device(device)
        self._model = load_weights(bundle).to(self._device).eval()
        engine: Engine = TorchEngine(self._model, self._device, tags=self._tags)
        self._loaded = model_of([bundle], engine)
        self._options = replace(options, has_alignments=True)
        self._translator = Translator(self._loaded, self._options)
        self.num_heads = num_heads(self._model)
        """Heads of all layers, in encoder and decoder."""

    def explain(
        self,
        sources: NamedLines,
        targets: NamedLines | None = None,
        *,
        num_alternatives: int = 5,
        progress: Progress = no_progress,
    ) -> list[Explanation]:
        """Explain the translation of each line.

        Args:
            sources: what is translated.
            targets: their translations; None: those that the model makes, of each line by itself.
            num_alternatives: most probable pieces to show in each place.
            progress: told how many heads were masked so far, of how many; each counts once for each
                line.

        Raises:
            DataError: a line cannot be explained; see `mtcli.explaining.lines`.
            DeviceError: a batch does not fit into the memory of the accelerator.
        """
        check_lines(sources, targets)
        pairs = self._translated(sources) if targets is None else self._given(sources, targets)
        explained: dict[int, Explanation] = {}
        lengths = [len(pair.src_ids) + len(pair.tgt_ids) for pair in pairs]
        num_done, total = 0, len(pairs) * self.num_heads
        for places in longest_first_batches(lengths, _BATCH_SIZE):

            def report(num_pairs: int = len(places)) -> None:
                nonlocal num_done
                num_done += num_pairs
                progress(num_done, total)

            batch_pairs = [pairs[place] for place in places]
            batch = forced_batch(
                self._model,
                [pair.src_ids for pair in batch_pairs],
                [pair.tgt_out_ids for pair in batch_pairs],
                self._tags,
            )
            with memory_errors(self._device, f"{len(places)} pairs", "give shorter lines"):
                numbers = BatchNumbers(
                    self._maps(batch),
                    head_importance(self._model, batch, report),
                    piece_probabilities(self._model, batch, num_alternatives),
                    contributions(self._model, batch),
                ).without_tags(len(self._tags.tgt))
            for row, place in enumerate(places):
                explained[place] = self._explanation(
                    pairs[place], numbers, row, targets is not None
                )
        return [explained[place] for place in range(len(pairs))]

    def _translated(self, sources: NamedLines) -> list[ExplainedPair]:
        """The pairs that the model itself makes."""
        tokenizer, texts = self._loaded.src_tokenizer, _cleaned(sources.texts)
        ids_of = tokenizer.encode_batch(texts)
        whole = Limit(self._translator.max_src_length, "so it is translated in parts")
        check_pieces(sources, ids_of, min(whole, _SHOWN))
        answers = self._translator.begin(texts, self._options).result()
        pairs = []
        for text, src_ids, answer in zip(texts, ids_of, answers, strict=True):
            best = answer.translations[0]
            is_complete = "truncated" not in answer.flags
            links = best.alignment or ()
            pairs.append(
                ExplainedPair(
                    text, best.text, src_ids, best.token_ids, is_complete, links, self._tags
                )
            )
        return pairs

    def _given(self, sources: NamedLines, targets: NamedLines) -> list[ExplainedPair]:
        """The given pairs."""
        src_texts, tgt_texts = _cleaned(sources.texts), _cleaned(targets.texts, "tgt")
        texts = list(zip(src_texts, tgt_texts, strict=True))
        src_ids, tgt_ids = self._loaded.encode_pairs(texts)
        taken = Limit(self._loaded.engine.max_positions - 1, "the most that the model takes")
        for lines, ids_of in ((sources, src_ids), (targets, tgt_ids)):
            check_pieces(lines, ids_of, min(taken, _SHOWN))
        links_of = self._translator.align(texts)
        return [
            ExplainedPair(src_text, tgt_text, src, tgt, True, links or (), self._tags)
            for (src_text, tgt_text), src, tgt, links in zip(
                texts, src_ids, tgt_ids, links_of, strict=True
            )
        ]

    @torch.inference_mode()
    def _maps(self, batch: ForcedBatch) -> AttentionMaps:
        return attention_maps(self._model, batch.src_ids_BS, batch.src_keep_BS, batch.tgt_in_ids_BT)

    def _explanation(
        self, pair: ExplainedPair, numbers: BatchNumbers, row: int, is_given: bool
    ) -> Explanation:
        src, tgt = self._loaded.src_tokenizer, self._loaded.tgt_tokenizer
        src_word_of = word_of_pieces(pair.src_text, pair.src_ids, src)
        tgt_word_of = word_of_pieces(pair.tgt_text, pair.tgt_ids, tgt)
        layer, num_src_tags = self._options.alignment_layer, len(self._tags.src)
        starts = (start_id(self._model.config.target_start), *self._tags.tgt)
        return Explanation(
            source=pair.src_text,
            translation=pair.tgt_text,
            is_given=is_given,
            source_pieces=pieces_of(src, pair.whole_src_ids),
            output_pieces=output_pieces(pair, numbers.probabilities, row, tgt),
            source_words=words_with_pieces(pair.src_text, src_word_of, num_src_tags),
            target_words=words_with_pieces(pair.tgt_text, tgt_word_of),
            stacks=attention_stacks(self._model.config, pair, numbers, row),
            alignment=tuple(pair.links),
            alignment_layer=self._model.decoder.alignment_layer if layer is None else layer,
            alignment_heads=self._options.alignment_heads,
            contributions=by_word(
                numbers.contributions_BTS[row, : len(pair.tgt_out_ids)],
                src_word_of,
                len(pair.src_text.split()),
                num_src_tags,
            ),
            contribution_reference=REFERENCE,
            start_piece=" ".join(pieces_of(tgt, starts)),
        )


def _cleaned(texts: Sequence[str], side: Side = "src") -> list[str]:
    """The texts as `mtcli translate` reads them."""
    return [without_invisible(without_controls(text), side) for text in texts]
