"""What is said of each line: the same as the commands say that it is about."""

import math
from dataclasses import replace

import pytest
import torch

from mtcli.bundle.model_folder import read_model, write_model
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import DataError
from mtcli.explaining.explainer import Explainer
from mtcli.explaining.lines import MOST_LINES, NamedLines, check_lines
from mtcli.model.attention_maps import attention_maps
from mtcli.translating.options import TranslateOptions
from mtcli.translating.scoring import PairScorer
from mtcli.translating.translator import Translator
from tests.support.model_folder import card_of, untrained_model
from tests.support.tokenizers import train_on_words

SOURCES = ["ralo teku minaro.", "sef", "dolu pav  erin kostu ralo"]
EOS_SCALE = -3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("explainer")
    train_on_words(path / "tokenizer.model")
    model = untrained_model()
    with torch.no_grad():
        model.output_weight_VD[3] *= EOS_SCALE  # so that some outputs end
    write_model(
        path / "model",
        {name: tensor.numpy() for name, tensor in model.state_dict().items()},
        card_of(model),
        {"tokenizer.model": path / "tokenizer.model"},
        DecodingConfig(beam_size=3, max_length=12, batch_size=4),
    )
    return path / "model"


def make_explainer(folder, **changes):
    bundle = read_model(folder)
    return Explainer(bundle, replace(TranslateOptions.of_model(bundle.generation), **changes))


@pytest.fixture(scope="module")
def explained(folder):
    return make_explainer(folder).explain(NamedLines("lines", SOURCES), num_alternatives=3)


def ids_of(explainer, one):
    """Source and output of an explanation as the model reads them."""
    tgt = explainer._loaded.tgt_tokenizer
    output = [tgt.piece_to_id(piece.piece) for piece in one.output_pieces]
    return explainer._loaded.src_tokenizer.encode(one.source), output


def test_translations_alignments_and_scores_are_those_of_the_other_commands(folder, explained):
    translator = Translator.load(folder, engine="torch")
    assert [one.translation for one in explained] == translator.translate(SOURCES)
    options = replace(translator.options, has_alignments=True)
    answers = translator.begin(SOURCES, options).result()
    explainer = make_explainer(folder)
    for one, answer in zip(explained, answers, strict=True):
        assert one.alignment == answer.translations[0].alignment
        src_ids, output = ids_of(explainer, one)
        (log_probs,) = explainer._loaded.engine.score(
            [src_ids], [output[:-1] if output[-1] == 3 else output]
        )
        got = [math.log(piece.probability) for piece in one.output_pieces]
        assert got == pytest.approx(log_probs[: len(got)], abs=1e-5)
        assert not one.is_given


def test_an_output_that_was_cut_off_has_no_end(explained):
    ends = {one.output_pieces[-1].piece == "</s>" for one in explained}
    assert ends == {True, False}  # both kinds are among the lines
    for one in explained:
        if one.output_pieces[-1].piece != "</s>":
            assert len(one.output_pieces) == 12  # the model's longest


def test_every_matrix_has_its_rows_and_columns(explained):
    for one in explained:
        S, T = len(one.source_pieces), len(one.output_pieces)
        sizes = {"encoder": (S, S), "decoder": (T, T), "cross": (T, S)}
        assert [stack.kind for stack in one.stacks] == list(sizes)
        assert [len(stack.layers) for stack in one.stacks] == [1, 2, 2]
        for stack in one.stacks:
            assert stack.attention == "full"
            for heads in stack.layers:
                assert len(heads) == 2
                for head in heads:
                    num_queries, num_keys = sizes[stack.kind]
                    assert [len(row) for row in head.weights] == [num_keys] * num_queries
                    entropies = [-sum(w * math.log(w) for w in row if w) for row in head.weights]
                    assert head.entropy == pytest.approx(sum(entropies) / num_queries, abs=1e-5)
                    assert head.importance is not None
        assert len(one.contributions) == T
        assert {len(row) for row in one.contributions} == {len(one.source.split())}
        assert one.source_pieces[-1] == "</s>"
        assert one.decoder_keys[0] == "<s>"
        assert len(one.decoder_keys) == T
        for output in one.output_pieces:
            assert len(output.alternatives) == 3
            probabilities = [alternative.probability for alternative in output.alternatives]
            assert probabilities == sorted(probabilities, reverse=True)
            assert output.probability <= probabilities[0] + 1e-6


def test_words_cover_all_pieces_but_the_end(explained):
    for one in explained:
        assert [word.text for word in one.source_words] == one.source.split()
        assert [word.text for word in one.target_words] == one.translation.split()
        for words, num_pieces in (
            (one.source_words, len(one.source_pieces) - 1),
            (one.target_words, sum(piece.piece != "</s>" for piece in one.output_pieces)),
        ):
            place = 0
            for word in words:
                assert word.first_piece == place
                place += word.num_pieces
            assert place == num_pieces


def test_given_translations_are_scored_and_aligned_as_by_the_other_commands(folder):
    pairs = list(zip(SOURCES, ["sef dolu  pav", "ralo", "teku. kostu"], strict=True))
    given = make_explainer(folder).explain(
        NamedLines("src", [src for src, _ in pairs]), NamedLines("tgt", [tgt for _, tgt in pairs])
    )
    links_of = Translator.load(folder, engine="torch").align(pairs)
    for one, scored, links in zip(
        given, PairScorer.load(folder).score(pairs), links_of, strict=True
    ):
        assert one.is_given
        assert one.alignment == links
        got = [math.log(piece.probability) for piece in one.output_pieces]
        assert got == pytest.approx(list(scored.log_probs), abs=1e-5)
        assert one.output_pieces[-1].piece == "</s>"
    assert [one.translation for one in given] == [tgt for _, tgt in pairs]


def test_numbers_of_a_pair_do_not_depend_on_its_batch(folder, explained):
    alone = make_explainer(folder).explain(NamedLines("lines", [SOURCES[1]]), num_alternatives=3)[0]
    together = explained[1]
    assert alone.translation == together.translation
    for stack, other in zip(alone.stacks, together.stacks, strict=True):
        for head, other_head in zip(stack.layers[0], other.layers[0], strict=True):
            assert head.importance == pytest.approx(other_head.importance, abs=1e-5)
            for row, other_row in zip(head.weights, other_head.weights, strict=True):
                assert row == pytest.approx(other_row, abs=1e-5)


def test_attention_is_that_of_the_model(folder, explained):
    explainer = make_explainer(folder)
    one = explained[0]
    src_ids, output = ids_of(explainer, one)
    fed = [2, *output[:-1]]
    with torch.no_grad():
        maps = attention_maps(
            explainer._model, torch.tensor([[*src_ids, 3]]), None, torch.tensor([fed])
        )
    for stack in one.stacks:
        for heads, weights in zip(stack.layers, getattr(maps, stack.kind), strict=True):
            got = torch.tensor([head.weights for head in heads])
            torch.testing.assert_close(got, weights[0], rtol=1e-4, atol=1e-5)


def test_the_alignment_names_its_layer_and_heads(folder, explained):
    assert (explained[0].alignment_layer, explained[0].alignment_heads) == (0, None)
    other = make_explainer(folder, alignment_layer=1, alignment_heads=[1])
    one = other.explain(NamedLines("lines", SOURCES[:1]))[0]
    assert (one.alignment_layer, one.alignment_heads) == (1, [1])


def test_progress_counts_every_head_of_every_line(folder):
    explainer, told = make_explainer(folder), []
    explainer.explain(
        NamedLines("lines", SOURCES * 4), progress=lambda done, total: told.append((done, total))
    )
    assert explainer.num_heads == 2 + 2 * 2 + 2 * 2
    assert told[-1] == (120, 120)
    assert len(told) == 20  # two batches


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        ([], None, "S has no lines\nhint: give at least one sentence"),
        (["a"] * (MOST_LINES + 1), None, "S has more than 100 lines, the most that one page"),
        (["a", " \t"], None, "S, line 2 is blank: there is nothing to explain\nhint: remove the"),
        (["a"], ["a", "b"], "S has 1 lines, but T has 2\nhint: line N of one file must belong to"),
        (["a"], [""], "T, line 1 is blank"),
        (["a"], [], "T has no lines"),
    ],
)
def test_lines_that_no_page_can_show(sources, targets, message):
    with pytest.raises(DataError) as error:
        check_lines(NamedLines("S", sources), targets and NamedLines("T", targets)
                    if targets != [] else NamedLines("T", []))  # fmt: skip
    assert str(error.value).startswith(message)


def test_lines_that_the_model_does_not_take_whole(folder):
    explainer = make_explainer(folder)
    long = " ".join(["ralo teku"] * 30)
    with pytest.raises(DataError, match=r"S, line 2 has \d+ pieces, more than 20, so it is transl"):
        explainer.explain(NamedLines("S", ["sef", long]))
    with pytest.raises(DataError, match=r"T, line 1 has \d+ pieces, more than 39, the most that"):
        explainer.explain(NamedLines("S", ["sef"]), NamedLines("T", [long]))
    with pytest.raises(DataError, match=r"S, line 1 is blank"):
        explainer.explain(NamedLines("S", ["\u200b\x07"]))  # nothing that a tokenizer reads
