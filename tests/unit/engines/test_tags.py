"""Tags of languages: an engine reads them before the texts, and nobody else sees them."""

import pytest
import torch

from mtcli.decoding.options import Sampling, SearchOptions
from mtcli.engines.ctranslate2.engine import CTranslate2Engine
from mtcli.engines.torch import TorchEngine
from mtcli.tokenizer.protocol import Tags
from tests.support.engines import translate
from tests.support.exports import exported
from tests.support.models import searched_model
from tests.unit.engines.ctranslate2.test_engine import SEARCHES, check_equal, sentences

CPU = torch.device("cpu")
TAGS = [Tags((7,), (9,)), Tags((7, 8), (9, 11)), Tags((7,), ())]


def tagged(texts, tag_ids):
    return [[*tag_ids, *ids] for ids in texts]


@pytest.fixture(scope="module", params=["m2m100", "rotary grouped"])
def model(request):
    return searched_model(request.param).double()


@pytest.mark.parametrize("tags", TAGS)
def test_scores_and_attention_are_those_of_tagged_texts(model, tags):
    engine, plain = TorchEngine(model, CPU, tags=tags), TorchEngine(model, CPU)
    src, _ = sentences(5)
    tgt, _ = sentences(5, seed=1)
    first_src, first_tgt = len(tags.src), len(tags.tgt)
    pairs = tagged(src, tags.src), tagged(tgt, tags.tgt)
    for ours, theirs in zip(engine.score(src, tgt), plain.score(*pairs), strict=True):
        assert ours == pytest.approx(theirs[first_tgt:])
    for ours, theirs in zip(engine.attention(src, tgt), plain.attention(*pairs), strict=True):
        assert ours == pytest.approx(theirs[first_tgt:, first_src:])
    assert engine.max_positions == plain.max_positions - max(first_src, first_tgt)


@pytest.mark.parametrize("tags", TAGS)
@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_translation_is_the_best_behind_its_tags(model, tags, beam_size):
    src, limits = sentences(12)
    engine, plain = TorchEngine(model, CPU, tags=tags), TorchEngine(model, CPU)
    # no penalty: in the other search the log-probability of the tag is part of all
    options = SearchOptions(beam_size=beam_size, normalization="none", stop="optimal")
    found = translate(engine, src, limits, options)
    behind = translate(
        plain, tagged(src, tags.src), [n + len(tags.tgt) for n in limits], options,
        [tags.tgt] * len(src),
    )  # fmt: skip
    scored = engine.score(src, [hypotheses[0].token_ids for hypotheses in found])
    for (ours,), (theirs,), log_probs in zip(found, behind, scored, strict=True):
        assert ours.token_ids == theirs.token_ids[len(tags.tgt) :]
        assert ours.log_prob == pytest.approx(
            sum(log_probs) if ours.is_complete else sum(log_probs[:-1])
        )


def test_a_tag_counts_for_the_length_penalty(model):
    src, limits = sentences(12)
    engine = TorchEngine(model, CPU, tags=TAGS[0])
    for options in (
        SearchOptions(beam_size=3),
        SearchOptions(beam_size=2, normalization="gnmt"),
        SearchOptions(beam_size=1, sampling=Sampling()),
    ):
        for (best,) in translate(engine, src, limits, options):
            length = len(best.token_ids) + best.is_complete
            assert best.score == pytest.approx(best.log_prob / options.penalty(length + 1))


def test_greedy_search_without_scores_finds_the_same(model):
    src, limits = sentences(12)
    engine = TorchEngine(model, CPU, tags=TAGS[1])
    with_scores, without = (
        translate(engine, src, limits, SearchOptions(beam_size=1, with_scores=scores))
        for scores in (True, False)
    )
    assert [h.token_ids for (h,) in with_scores] == [h.token_ids for (h,) in without]


@pytest.mark.parametrize(
    ("variant", "seed", "tags"),
    # models whose outputs are never empty: CTranslate2 finds those only if they are the likeliest
    [("m2m100", 12, TAGS[0]), ("m2m100", 9, TAGS[1]), ("untied unscaled", 2, TAGS[0]),
     ("m2m100", 2, TAGS[2])],
)  # fmt: skip
def test_ctranslate2_answers_alike(variant, seed, tags, tmp_path):
    model = searched_model(variant, seed=seed, target_start="eos")
    with torch.no_grad():  # CTranslate2 counts tags where it blocks n-grams, but no output has one
        model.output_weight_VD[[9, 11]] *= 0.1
    engine = CTranslate2Engine(
        exported(model, tmp_path / "export"), max_positions=40, inter_threads=1, intra_threads=1,
        target_start=model.config.target_start, tags=tags,
    )  # fmt: skip
    torch_engine = TorchEngine(model, CPU, tags=tags)
    assert engine.max_positions == torch_engine.max_positions
    src, limits = sentences()
    num_complete = 0
    for options in SEARCHES:
        expected = translate(torch_engine, src, limits, options)
        check_equal(translate(engine, src, limits, options), expected)
        num_complete += sum(h.is_complete for hypotheses in expected for h in hypotheses)
    assert num_complete > 100
