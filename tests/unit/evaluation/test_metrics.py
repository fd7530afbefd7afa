import subprocess
import sys

import pytest

from mtcli.errors import DataError
from mtcli.evaluation.metrics import Score, bleu, chrf, evaluate


def test_a_perfect_translation():
    texts = ["The old miller counts his sacks.", "Rain!"]
    assert bleu(texts, texts, tgt_lang="en").score == pytest.approx(100)
    assert chrf(texts, texts) == Score("chrF", pytest.approx(100), chrf(texts, texts).signature)


def test_case():
    texts, shouted = ["the old miller counts his sacks"], ["THE OLD MILLER COUNTS HIS SACKS"]
    for score in (
        lambda **keys: bleu(texts, shouted, tgt_lang="en", **keys),
        lambda **keys: chrf(texts, shouted, **keys),
    ):
        assert score().score < 1
        assert score(lowercase=True).score == pytest.approx(100)
        assert "case:mixed" in score().signature
        assert "case:lc" in score(lowercase=True).signature


def test_the_tokenisation_is_in_the_signature():
    assert "tok:zh|" in bleu(["雨"], ["雨"], tgt_lang="zh").signature
    assert "tok:13a|" in bleu(["rain"], ["rain"], tgt_lang="de").signature
    assert "tok:char|" in bleu(["雨"], ["雨"], tgt_lang="zh", tokenize="char").signature


@pytest.mark.parametrize(("num_hypotheses", "num_references"), [(0, 0), (1, 2), (2, 1)])
def test_lines_that_do_not_match(num_hypotheses, num_references):
    texts = [["a"] * num_hypotheses, ["a"] * num_references]
    expected = f"{num_hypotheses} hypotheses for {num_references} references"
    with pytest.raises(ValueError, match=expected):
        bleu(*texts, tgt_lang="en")
    with pytest.raises(ValueError, match=expected):
        chrf(*texts)


def test_several_lists_of_references_must_match():
    with pytest.raises(ValueError, match="1 hypotheses for 2 references"):
        bleu(["a"], [["a"], ["a", "b"]], tgt_lang="en")
    with pytest.raises(DataError) as caught:
        evaluate(["a"], [["a"], ["a", "b"]], tgt_lang="en")
    assert str(caught.value) == (
        "list 2 of `references` must have as many lines as `hypotheses`, and at least one: found 2"
        " and 1\nhint: give one reference for each hypothesis"
    )


def test_one_list_of_references_is_as_good_as_the_list_itself():
    texts = ["The old miller counts his sacks."], ["The old miller counted his sacks."]
    assert evaluate(*texts, tgt_lang="en") == evaluate(texts[0], [texts[1]], tgt_lang="en")


def test_the_room_imports_neither_sacrebleu_nor_numpy_nor_torch():
    code = (
        "import sys, mtcli.evaluation.metrics, mtcli.evaluation.odd_texts;"
        "assert not {'sacrebleu', 'numpy', 'torch', 'regex'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
