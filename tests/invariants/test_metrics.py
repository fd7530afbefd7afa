"""Invariant 13: scores and signatures are those of sacreBLEU's own command line.

sacreBLEU reads `-i` and reference files with newline="\\n", as mtcli reads lines, and strips white
space from the ends of lines, as mtcli does. (Only its standard input ends lines at a lone CR,
too, and takes tabs for the limits of several systems; so give it files.)
"""

import json
import random
import subprocess
import sys

import pytest

from mtcli.evaluation.measured import Scoring, Texts
from mtcli.evaluation.metrics import bleu, chrf, evaluate, measure
from mtcli.evaluation.significance import compare
from tests.support.tokenizers import sentences


def corpora():
    """Hypotheses and references that differ in every way that a score can see."""
    generator = random.Random(7)
    references = sentences(60, seed=11)
    hypotheses = []
    for text in references:
        words = text.split(" ")
        generator.shuffle(words[: generator.randint(0, 3)])
        words[generator.randrange(len(words))] = generator.choice(
            [
                "bako",
                "Bako",
                "3.14",
                "don't",
                "«ba»",
                "日本語",
                "a\u2028b",
                "x\x0by",
                "1,000",
                "\x85",
                "",
            ]
        )
        hypotheses.append(" ".join(words[: generator.randint(2, 12)]))
    hypotheses += [
        "",
        "  ba ko",
        "ba\xa0",
        "Das ist, sagt er, gut.",
        "雨が降る。",
        "e\u0301 é",
        "a\rb",
    ]
    references += ["ba", "ba ko  ", "ba", "Das ist, sagte er, gut!", "雨が降った。", "é é", "a b"]
    return hypotheses, references


def sacrebleu_command_line(folder, hypotheses, lists, *options):
    refs = [folder / f"ref{number}" for number in range(len(lists))]
    for path, texts in zip((folder / "hyp", *refs), (hypotheses, *lists), strict=True):
        path.write_bytes("".join(f"{text}\n" for text in texts).encode())
    command = [
        sys.executable, "-W", "ignore", "-m", "sacrebleu", *map(str, refs),
        "-i", str(folder / "hyp"), "-m", "bleu", "chrf", "--width", "9", *options,
    ]  # fmt: skip
    process = subprocess.run(command, capture_output=True, check=True)
    return json.loads(process.stdout)


@pytest.mark.parametrize(
    ("options", "tgt_lang", "tokenize", "lowercase"),
    [
        ([], "de", None, False),
        (["--lowercase", "--chrf-lowercase"], "de", None, True),
        (["--tokenize", "zh"], "zh-Hans", None, False),
        (["--tokenize", "intl"], "zh", "intl", False),
    ],
    ids=["default", "lowercase", "chinese", "intl"],
)
def test_scores_are_sacrebleu_s(tmp_path, options, tgt_lang, tokenize, lowercase):
    hypotheses, references = corpora()
    ours = [
        bleu(hypotheses, references, tgt_lang=tgt_lang, tokenize=tokenize, lowercase=lowercase),
        chrf(hypotheses, references, lowercase=lowercase),
    ]
    theirs = sacrebleu_command_line(tmp_path, hypotheses, [references], *options)
    assert 5 < ours[0].score < 95
    for our, their in zip(ours, theirs, strict=True):
        assert their["name"] in (our.metric, f"{our.metric}2")
        assert their["score"] == pytest.approx(our.score, abs=1e-9)
        assert their["signature"] == our.signature


@pytest.mark.parametrize("num_lists", [1, 2, 3, 4])
@pytest.mark.parametrize("options", [[], ["--lowercase", "--chrf-lowercase"]], ids=["", "lower"])
def test_several_references(tmp_path, num_lists, options):
    """With other lengths, blank ones and copies among them."""
    hypotheses, references = corpora()
    lists = [
        references,
        [text.rpartition(" ")[0].upper() for text in references],
        ["" if row % 3 else text for row, text in enumerate(hypotheses)],
        hypotheses[::-1],
    ][:num_lists]
    lowercase = bool(options)
    ours = evaluate(hypotheses, lists, tgt_lang="de", lowercase=lowercase)
    theirs = sacrebleu_command_line(tmp_path, hypotheses, lists, *options)
    for our, their in zip(ours, theirs, strict=True):
        assert their["score"] == pytest.approx(our.score, abs=1e-9)
        assert their["signature"] == our.signature
        assert our.signature.startswith(f"nrefs:{num_lists}|")


@pytest.mark.slow
@pytest.mark.parametrize("num_lists", [1, 3])
def test_every_metric_with_its_interval(tmp_path, num_lists):
    """chrF++ is chrF of sacreBLEU's with words of order 2; the rest is its command with -m."""
    hypotheses, references = corpora()
    lists = [references, hypotheses[::-1], [text.upper() for text in references]][:num_lists]
    for names, options in (
        (["bleu", "chrf", "ter"], ["-m", "bleu", "chrf", "ter"]),
        (["chrf++"], ["-m", "chrf", "--chrf-word-order", "2"]),
    ):
        ours = evaluate(hypotheses, lists, tgt_lang="de", metrics=names, with_interval=True)
        theirs = sacrebleu_command_line(tmp_path, hypotheses, lists, "--confidence", *options)
        theirs = theirs if isinstance(theirs, list) else [theirs]
        for our, their in zip(ours, theirs, strict=True):
            assert their["score"] == pytest.approx(our.score, abs=1e-9)
            assert their["signature"] == our.signature
            assert f"{their['confidence_var']:.2f}" == f"{(our.high - our.low) / 2:.2f}"
            assert f"{their['confidence_mean']:.2f}" == f"{(our.high + our.low) / 2:.2f}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "p_of", "names"),
    [("-ar", "p_randomization", ["bleu", "chrf", "ter"]), ("-bs", "p_bootstrap", ["bleu"])],
)
def test_p_values(tmp_path, option, p_of, names):
    """Those of the command with `--paired-ar` and `--paired-bs`, as many trials as by default.

    With `--paired-bs` it cannot write chrF and TER as JSON; their p-values are compared with those
    of its API in tests/unit/evaluation/test_significance.py.
    """
    hypotheses, references = corpora()
    baseline = [text if row % 4 else text[::-1] for row, text in enumerate(hypotheses)]
    for name, texts in (("hyp", hypotheses), ("base", baseline), ("ref", references)):
        (tmp_path / name).write_bytes("".join(f"{text}\n" for text in texts).encode())
    command = [
        sys.executable, "-W", "ignore", "-m", "sacrebleu", tmp_path / "ref", "-i",
        tmp_path / "base", tmp_path / "hyp", "-m", *names, f"--paired{option}",
        "-f", "json", "--width", "6",
    ]  # fmt: skip
    process = subprocess.run(command, capture_output=True, check=True)
    _, theirs = json.loads(process.stdout)
    their_names = {"bleu": "BLEU", "chrf": "chrF2", "ter": "TER"}
    for name in names:
        ours, of_baseline = (
            measure(name, Texts(texts, [references]), Scoring("de"))
            for texts in (hypotheses, baseline)
        )
        expected = theirs[their_names[name]]["p_value"]
        assert getattr(compare(ours, of_baseline), p_of) == pytest.approx(expected, abs=1e-6)
