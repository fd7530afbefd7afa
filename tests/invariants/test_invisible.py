"""Invisible characters change nothing, on every way that text takes: all of them, on all ways."""

import json
from pathlib import Path

import numpy as np
import pytest
import regex
from typer.testing import CliRunner

from mtcli.cli.app import app
from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data.building import build_store
from mtcli.data.store import open_store
from mtcli.tokenizer.sentencepiece import open_tokenizers
from mtcli.translating.scoring import PairScorer
from mtcli.translating.translator import Translator
from tests.support.model_folder import write_tiny_model
from tests.support.tokenizers import train_on_words

IGNORABLE = regex.findall(
    r"\p{Default_Ignorable_Code_Point}",
    "".join(chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000),
)
PLAIN = ["ralo teku minaro.", "sef dolu pav. Erin kostu", "pav", "Überall Häuser, 12 Stück"]


def spoiled(text, chars):
    """The text with all of `chars` in it, beside letters and stops as within words."""
    places = len(text) + 1
    share = [chars[place::places] for place in range(places)]
    return "".join("".join(share[i]) + char for i, char in enumerate(text)) + "".join(share[-1])


SPOILED = [spoiled(text, IGNORABLE) for text in PLAIN]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("invisible")
    train_on_words(folder / "tokenizer.model")
    write_tiny_model(folder / "model", folder / "tokenizer.model")
    return folder / "model"


def lines(*texts):
    return "".join(f"{text}\n" for text in texts).encode()


def answer(*arguments, input_bytes):
    result = CliRunner().invoke(app, [*map(str, arguments)], input=input_bytes)
    assert result.exit_code == 0, result.stderr
    return result.stdout_bytes


def test_each_alone_changes_no_translation(folder):
    translator = Translator.load(folder, device="cpu")
    texts = [f"ra{char}lo{char} teku{char}" for char in IGNORABLE]
    sources = translator.begin(["ralo teku", *texts])._sources
    expected = sources[0].parts
    assert expected
    for char, source in zip(IGNORABLE, sources[1:], strict=True):
        assert source.parts == expected, hex(ord(char))


@pytest.mark.parametrize("flags", [[], ["--jsonl"], ["--split-sentences"]])
def test_translate(folder, flags):
    plain, odd = (
        answer("translate", "-q", "-m", folder, *flags, input_bytes=lines(*texts))
        for texts in (PLAIN, SPOILED)
    )
    if flags == ["--jsonl"]:
        plain, odd = (
            [{**json.loads(line), "source": ""} for line in out.splitlines()]
            for out in (plain, odd)
        )
    assert odd == plain


def test_prefixes(folder):
    translator = Translator.load(folder, device="cpu")
    plain, odd = (
        translator.begin(PLAIN[:1], prefixes=[prefix]).result()[0].translations[0].text
        for prefix in ("dolu", spoiled("dolu", IGNORABLE))
    )
    assert odd == plain


def test_scores(folder):
    scorer = PairScorer.load(folder, device="cpu")
    plain = scorer.score([*zip(PLAIN, reversed(PLAIN), strict=True)])
    assert scorer.score([*zip(SPOILED, reversed(SPOILED), strict=True)]) == plain
    tsv = [f"{src}\t{tgt}" for src, tgt in zip(PLAIN, PLAIN, strict=True)]
    odd_tsv = [f"{src}\t{tgt}" for src, tgt in zip(SPOILED, SPOILED, strict=True)]
    both = [answer("score", "-q", "-m", folder, input_bytes=lines(*x)) for x in (tsv, odd_tsv)]
    assert both[0] == both[1]


@pytest.mark.parametrize("flags", [[], ["--ids"], ["--side", "src"], ["--side", "tgt"]])
def test_tokenizer_encode(folder, flags):
    plain, odd = (
        answer("tokenizer", "encode", "-m", folder, *flags, input_bytes=lines(*texts))
        for texts in (PLAIN, SPOILED)
    )
    assert odd == plain


def test_training_and_validation_pairs(folder, tmp_path):
    paths = [folder / "tokenizer.model"] * 2
    tokenizers = open_tokenizers(*paths)
    config = DataConfig(train=[TextSource(src=Path("a"), tgt=Path("b"))])
    stores = []
    for name, texts in (("plain", PLAIN), ("odd", SPOILED)):
        pairs = zip(texts, reversed(texts), strict=True)
        build_store(pairs, tokenizers=tokenizers, config=config, path=tmp_path / name)
        stores.append(open_store(tmp_path / name))
    plain, odd = stores
    assert plain.num_pairs == odd.num_pairs == len(PLAIN)
    for side, tokenizer in zip(("src", "tgt"), tokenizers, strict=True):
        every = np.arange(len(PLAIN))
        assert odd.flat_ids(side, every).tolist() == plain.flat_ids(side, every).tolist()
        for pair in range(len(PLAIN)):
            assert odd.text(side, pair) == plain.text(side, pair)
        # validation encodes its pairs by the same call
        assert tokenizer.encode_batch(SPOILED) == tokenizer.encode_batch(PLAIN)
        for text, odd_text in zip(PLAIN, SPOILED, strict=True):
            sampled = [tokenizer.sample(x, amount=0.3, seed=1) for x in (text, odd_text)]
            assert sampled[0] == sampled[1]
