"""Invariant 7, last part: score(translate(x)) is what translate reports, of ids and of texts."""

import math
import random
from dataclasses import replace

import pytest
import torch

from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.forced import forced_attention, forced_log_probs
from mtcli.decoding.options import Sampling, SearchOptions
from mtcli.engines.torch import TorchEngine
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.scoring import PairScorer
from mtcli.translating.translator import Translator
from tests.support.engines import translate
from tests.support.models import EOS, PAD, VARIANTS, V, random_batch, tiny_model

CPU = torch.device("cpu")
OPTIONS = SearchOptions(beam_size=4, num_hypotheses=4, normalization="average", length_penalty=1.0)
WAYS = {
    "beam": OPTIONS,
    "optimal": replace(OPTIONS, stop="optimal", normalization="gnmt"),
    "greedy": replace(OPTIONS, beam_size=1, num_hypotheses=1),
    "ngrams": replace(OPTIONS, no_repeat_ngram=2),
    "penalty": replace(OPTIONS, repetition_penalty=1.5),
    "prefix": OPTIONS,
    "samples": replace(OPTIONS, sampling=Sampling(seed=1, temperature=1.2, top_k=20)),
    "all": replace(
        OPTIONS, no_repeat_ngram=3, repetition_penalty=1.2, sampling=Sampling(top_p=0.9)
    ),
}
PREFIXES = {name: [(9, 1, 9), (), (7,)] * 4 for name in ("prefix", "all")}


def sentences(number, seed=1):
    generator = random.Random(seed)
    lengths = [generator.randrange(1, 15) for _ in range(number)]
    return [[generator.randrange(4, V) for _ in range(n)] for n in lengths]


def model_that_ends(seed=1):
    """A model in float64 whose logit of EOS is lifted, so that some of what it writes ends."""
    model = tiny_model("pre-norm", seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
        eos_D = model.shared_embed.weight[EOS]
        model.decoder.final_norm.bias += 4 * eos_D / (eos_D @ eos_D)
    return model


@pytest.mark.parametrize("num_models", [1, 2])
@pytest.mark.parametrize("name", WAYS)
def test_a_target_has_the_log_probability_that_translate_reports(name, num_models):
    model, *others = (model_that_ends(seed) for seed in range(1, 1 + num_models))
    engine, src = TorchEngine(model, CPU, others=others), sentences(12)
    num_complete = 0
    found_of = translate(engine, src, [15] * 12, WAYS[name], PREFIXES.get(name, ()))
    for ids, found in zip(src, found_of, strict=True):
        complete = [h for h in found if h.is_complete]
        num_complete += len(complete)
        said = engine.score([ids] * len(complete), [h.token_ids for h in complete])
        for hypothesis, log_probs in zip(complete, said, strict=True):
            assert len(log_probs) == len(hypothesis.token_ids) + 1
            assert math.isclose(sum(log_probs), hypothesis.log_prob, abs_tol=1e-9)
    assert num_complete >= 2


class OneToOne:
    """Every piece is a letter, so that decoding and encoding again gives the same pieces."""

    vocab_size = V

    def encode(self, text):
        return [ord(letter) - 0x4E00 for letter in text.strip()]

    def encode_batch(self, texts, num_threads=1):
        return [self.encode(text) for text in texts]

    def decode(self, ids):
        return "".join(chr(0x4E00 + i) for i in ids)

    def decode_batch(self, batch):
        return [self.decode(ids) for ids in batch]

    def id_to_piece(self, piece_id):
        return self.decode([piece_id])

    def piece_to_id(self, piece):
        return self.encode(piece)[0]

    def normalize(self, text):
        return text.strip()


def test_a_translation_has_the_log_probability_that_translate_reports():
    engine, tokenizer = TorchEngine(model_that_ends().float(), CPU), OneToOne()
    model = LoadedModel(
        engine, tokenizer, tokenizer, DecodingConfig(beam_size=4, batch_size=5), 30, "en"
    )
    translator = Translator(model)
    scorer = PairScorer(model._replace(generation=DecodingConfig(batch_size=7)))
    texts = ["", *tokenizer.decode_batch(sentences(20)), " "]
    reported = [
        (text, found.text, found.log_prob)
        for text, of_text in zip(texts, translator.translate_n_best(texts, 3), strict=True)
        for found in of_text
        if len(found.text) < 32  # longer ones may have been cut, without EOS
    ]
    assert len(reported) > 20
    assert len({text for _, text, _ in reported}) > 10
    scores = scorer.score([(src, tgt) for src, tgt, _ in reported])
    for (_, _, want), got in zip(reported, scores, strict=True):
        assert math.isclose(got.log_prob, want, abs_tol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_a_batch_of_pairs_is_scored_as_one_by_one_and_as_the_model_says(variant):
    model, lengths = tiny_model(variant), [(7, 4), (3, 9), (5, 1)]
    batch = random_batch(lengths)
    tgt_out = torch.full_like(batch.tgt_in_ids_BT, PAD)
    tgt_out.view(-1)[batch.loss_positions_N] = batch.loss_ids_N
    got = forced_log_probs([model], batch.src_ids_BS, batch.tgt_in_ids_BT, tgt_out, PAD)
    attention = forced_attention([model], batch.src_ids_BS, batch.tgt_in_ids_BT, PAD, 1, [1])
    for row, (s, t) in enumerate(lengths):
        src, tgt_in = batch.src_ids_BS[row : row + 1, :s], batch.tgt_in_ids_BT[row : row + 1, :t]
        want = model.output_logits(model.decode(tgt_in, model.encode(src, None), None))
        want = want.log_softmax(-1).gather(2, tgt_out[row, :t][None, :, None])[0, :, 0]
        torch.testing.assert_close(got[row, :t], want, rtol=1e-11, atol=1e-11)
        assert (got[row, t:] == 0).all()
        alone = forced_attention([model], src, tgt_in, PAD, 1, [1])[0]
        torch.testing.assert_close(attention[row, :t, :s], alone, rtol=1e-11, atol=1e-11)
        assert (attention[row, :t, s:] == 0).all()


def test_an_ensemble_says_the_mean_of_the_probabilities():
    models = [model_that_ends(seed) for seed in (1, 2, 3)]
    src, tgt = sentences(5, seed=2), sentences(5, seed=3)
    together = TorchEngine(models[0], CPU, others=models[1:]).score(src, tgt)
    alone = [TorchEngine(model, CPU).score(src, tgt) for model in models]
    for row, got in enumerate(together):
        want = [
            math.log(sum(math.exp(said[row][i]) for said in alone) / 3) for i in range(len(got))
        ]
        assert got == pytest.approx(want, abs=1e-10)
