"""Invariant 11: what was encoded comes back, and text never becomes a special id.

The law, for any str x: decode(encode(x)) == decode(sample(x)) == normalize(x) with byte fallback,
or where every character of normalize(x) has a piece. It holds for all rules and both algorithms,
since U+2581 is read as the space that it stands for, and surrogates as U+FFFD (see `encodable`).
"""

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.tokenizer.protocol import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from tests.support.tokenizers import SYLLABLES, sentences, tokenizer

RULES = ["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "nfc", "identity"]
ALGORITHMS = ["bpe", "unigram"]
SPECIAL = ["<pad>", "<unk>", "<s>", "</s>", "<0x00>", "<0x41>", "<0x0A>", "<0xFF>"]
ODD = [
    *" \t\n\r\x00\x0b\x0c\x1c\x85\xa0\xad\u200b\u200d\u2028\u2047\u2581\u2585\u3000\ufeff\ufffd",
    *SPECIAL, "<sep>", " \u2581", "\u2581\u2581", "e\u0301", "\ud800", "\ud83d\ude42", "ﬁ", "İ",
]  # fmt: skip
TEXT = st.lists(
    st.one_of(st.characters(), st.sampled_from(ODD), st.sampled_from(SYLLABLES)), max_size=12
).map("".join)


@pytest.mark.parametrize("symbols", [(), ("<sep>",)], ids=["", "symbols"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_law_with_byte_fallback(algorithm, rule, symbols):
    trained = tokenizer(algorithm, tgt_normalization=rule, symbols=symbols)

    @settings(deadline=None, max_examples=50)
    @given(text=TEXT, seed=st.integers(0, 2**70))
    def check(text, seed):
        ids, sampled = trained.encode(text), trained.sample(text, amount=0.3, seed=seed)
        normalized = trained.normalize(text)
        assert trained.decode(ids) == trained.decode(sampled) == normalized
        assert not {PAD_ID, UNK_ID, BOS_ID, EOS_ID} & {*ids, *sampled}
        assert all(0 <= i < trained.vocab_size for i in (*ids, *sampled))
        # so that a store may keep the normalised text, and sample from that
        assert trained.normalize(normalized) == normalized
        assert trained.encode(normalized) == ids
        assert trained.sample(normalized, amount=0.3, seed=seed) == sampled
        assert [trained.piece_to_id(piece) for piece in trained.encode_pieces(text)] == ids

    check()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_law_without_byte_fallback(algorithm):
    trained = tokenizer(algorithm, byte_fallback=False, vocab_size=100)
    covered = st.text([*sorted(set("".join(sentences()))), "\u2581", "\t"], max_size=20)

    @settings(deadline=None, max_examples=50)
    @given(text=covered, other=TEXT)
    def check(text, other):
        for ids in (trained.encode(text), trained.sample(text, amount=0.3, seed=1)):
            assert trained.decode(ids) == trained.normalize(text)
            assert UNK_ID not in ids
        for ids in (trained.encode(other), trained.sample(other, amount=0.3, seed=1)):
            assert not {PAD_ID, BOS_ID, EOS_ID} & set(ids)

    check()


@pytest.mark.parametrize("text", [*SPECIAL, "ba</s>ko", "<s> ba </s>", "a <0x41>b", "<0x0a>"])
@pytest.mark.parametrize("byte_fallback", [True, False])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_special_pieces_in_text_are_text(algorithm, byte_fallback, text):
    trained = tokenizer(
        algorithm, byte_fallback=byte_fallback, vocab_size=340 if byte_fallback else 100
    )
    for ids in (
        trained.encode(text),
        *(trained.sample(text, amount=0.5, seed=i) for i in range(9)),
    ):
        assert not {PAD_ID, BOS_ID, EOS_ID} & set(ids)
        if byte_fallback:
            assert trained.decode(ids) == text  # "<0x41>" does not come back as "A"
            assert UNK_ID not in ids


def test_a_typed_byte_piece_is_not_that_byte():
    trained = tokenizer()
    assert trained.piece_to_id("<0x41>") == 4 + 0x41
    assert 4 + 0x41 not in trained.encode("<0x41>")
    assert 4 + 0x41 in trained.encode("A")


def samples_of(trained, texts):
    found = [trained.sample(text, amount=0.2, seed=seed) for seed, text in enumerate(texts)]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from tests.invariants.test_tokenizer import samples_of
from tests.support.tokenizers import sentences
for path in sys.argv[1:]:
    print(samples_of(SentencePieceTokenizer(Path(path)), sentences(100, seed=5)))
"""


def test_sampling_is_the_same_in_every_process_and_thread():
    tokenizers = [tokenizer(algorithm, vocab_size=380) for algorithm in ALGORITHMS]
    texts = sentences(100, seed=5)
    here = [samples_of(trained, texts) for trained in tokenizers]
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, *(str(t.path) for t in tokenizers)]
    there = subprocess.run(command, capture_output=True, text=True, check=True)
    assert there.stdout.split() == here
    with ThreadPoolExecutor(4) as pool:
        for trained, expected in zip(tokenizers, here, strict=True):
            in_threads = pool.map(samples_of, [trained] * 8, [texts] * 8)
            assert set(in_threads) == {expected}
    assert len(set(here)) == 2
