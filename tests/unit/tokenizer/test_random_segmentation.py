import math
from collections import Counter
from itertools import pairwise

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.tokenizer.model_file import Algorithm, ModelFile, Piece, PieceKind
from mtcli.tokenizer.random_segmentation import BpeDropout, UnigramSampler, Vocabulary
from tests.support.tokenizers import SYLLABLES, sentences, tokenizer

SPACE = "\u2581"
TEXT = st.lists(
    st.one_of(st.sampled_from([*SYLLABLES, " ", "<sep>", "日", "."]), st.characters(codec="utf-8")),
    max_size=12,
).map("".join)


def vocabulary(pieces, *, byte_fallback=False, symbols=()):
    """Pieces with scores, after the special ones."""
    special = [
        Piece("<pad>", 0, PieceKind.CONTROL),
        Piece("<unk>", 0, PieceKind.UNKNOWN),
        Piece("<s>", 0, PieceKind.CONTROL),
        Piece("</s>", 0, PieceKind.CONTROL),
    ]
    spelled = [Piece(f"<0x{i:02X}>", 0, PieceKind.BYTE) for i in range(256) if byte_fallback]
    user = [Piece(symbol, 0, PieceKind.USER_DEFINED) for symbol in symbols]
    normal = [Piece(text, score, PieceKind.NORMAL) for text, score in pieces.items()]
    return Vocabulary(ModelFile(Algorithm.BPE, (*special, *user, *spelled, *normal)))


def merge_slowly(scores, unit, failing):
    """BPE-dropout without a queue: of the pairs not yet tried, try the best, leftmost, again."""
    parts = [[character] for character in unit]  # lists, for identity tells parts apart
    tried = set()
    kept_alive = []
    attempt = 0
    while True:
        pairs = [
            (-scores["".join(left + right)], i)
            for i, (left, right) in enumerate(pairwise(parts))
            if "".join(left + right) in scores and (id(left), id(right)) not in tried
        ]
        if not pairs:
            return ["".join(part) for part in parts]
        _, i = min(pairs)
        if failing >> attempt & 1:
            tried.add((id(parts[i]), id(parts[i + 1])))
        else:
            kept_alive += parts[i : i + 2]
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        attempt += 1


def segmentations(unit, scores, unknown_score):
    """Every way to cut the unit, with its score."""
    if not unit:
        yield [], 0.0
    for end in range(1, len(unit) + 1):
        score = scores.get(unit[:end], unknown_score if end == 1 else None)
        if score is not None:
            for rest, rest_score in segmentations(unit[end:], scores, unknown_score):
                yield [unit[:end], *rest], score + rest_score


# Every string of a and b up to three letters, some with scores: ranks of merges.
RANKED = ["ab", "ba", "aa", "abb", "aab", "bb", "abab", "bab", "aba", "aabb", "ababab", "a", "b"]
MERGES = {text: -float(rank) for rank, text in enumerate(RANKED)}


@settings(deadline=None)
@given(unit=st.text("ab", min_size=1, max_size=14), failing=st.integers(0, 2**40))
def test_bpe_dropout_is_what_the_slow_way_gives(unit, failing):
    table = vocabulary(MERGES)
    expected = [table.ids[part] for part in merge_slowly(MERGES, unit, failing)]
    assert BpeDropout(table)._cut(unit, failing) == expected


@pytest.mark.parametrize("byte_fallback", [True, False])
def test_bpe_without_failures_is_the_encoding(byte_fallback):
    trained = tokenizer(byte_fallback=byte_fallback, symbols=("<sep>",), vocab_size=320)

    @settings(deadline=None, max_examples=200)
    @given(text=TEXT)
    def check(text):
        assert trained.sample(text, amount=1e-12, seed=5) == trained.encode(text)

    check()
    for text in sentences(100, seed=8):
        assert trained.sample(text, amount=1e-12, seed=5) == trained.encode(text)


def test_pieces_that_run_over_spaces_are_cut_as_the_encoding_does(tmp_path):
    path = tmp_path / "t.model"
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["ba ko ba ko ba ko"] * 50 + sentences()), model_writer=file,
            vocab_size=330, model_type="bpe", split_by_whitespace=False, byte_fallback=True,
            pad_id=0, unk_id=1, bos_id=2, eos_id=3, minloglevel=2,
        )  # fmt: skip
    from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer

    trained = SentencePieceTokenizer(path)
    assert any(SPACE in trained.id_to_piece(i)[1:] for i in trained.encode("ba ko ba ko ba ko"))
    for text in ["ba ko ba ko ba ko", *sentences(50, seed=8)]:
        assert trained.sample(text, amount=1e-12, seed=5) == trained.encode(text)
        assert trained.decode(trained.sample(text, amount=0.4, seed=5)) == text


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_merges_fail_with_the_probability(probability):
    # one merge, so that a word is whole with probability 1 - p
    table = vocabulary({"ab": 0.0, "a": -1.0, "b": -2.0, SPACE: -3.0})
    text = f"{SPACE}ab" * 100
    num_whole = sum(
        BpeDropout(table).sample(text, amount=probability, seed=seed).count(table.ids["ab"])
        for seed in range(100)
    )
    # 10 000 trials: five standard deviations
    assert abs(num_whole / 10_000 - (1 - probability)) < 5 * math.sqrt(0.25 / 10_000)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("unit", ["abab", "a", "aabca", "cc"])
def test_unigram_probabilities_are_those_of_the_enumeration(unit, alpha):
    scores = {"a": -1.5, "b": -2.0, "ab": -1.0, "ba": -3.0, "aba": -2.5, "bab": -4.0, "aab": -5.0}
    sampler = UnigramSampler(vocabulary(scores))
    lattice = sampler._lattice(unit, alpha)
    ways = list(segmentations(unit, scores, unknown_score=-5.0 - 10.0))
    total = sum(math.exp(alpha * score) for _, score in ways)
    for parts, score in ways:
        probability, end = 1.0, len(unit)
        for part in reversed(parts):
            starts, cumulative = lattice[end]
            place = starts.index(end - len(part))
            below = cumulative[place - 1] if place else 0.0
            probability *= (cumulative[place] - below) / cumulative[-1]
            end -= len(part)
        assert probability == pytest.approx(math.exp(alpha * score) / total, rel=1e-9)


@pytest.mark.parametrize(("algorithm", "amount"), [("bpe", 0.2), ("unigram", 0.1)])
def test_the_law_is_sentencepiece_s(algorithm, amount):
    """SentencePiece repeats within a process only; its law is ours all the same."""
    trained = tokenizer(algorithm, symbols=("<sep>",), vocab_size=380)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(trained.path))
    text, num_samples = " ".join(sentences(1)[0].split()[:2]) + " 日<sep>ro", 3000
    ours = Counter(
        tuple(trained.sample(text, amount=amount, seed=seed)) for seed in range(num_samples)
    )
    theirs = Counter(
        tuple(processor.encode(text, enable_sampling=True, nbest_size=-1, alpha=amount))
        for _ in range(num_samples)
    )
    assert len(ours) > 6
    for ids in ours | theirs:
        expected = (ours[ids] + theirs[ids]) / 2
        assert abs(ours[ids] - theirs[ids]) < 6 * math.sqrt(2 * expected) + 3


@pytest.mark.parametrize("sampler", [BpeDropout, UnigramSampler])
def test_what_has_no_piece_is_spelled_or_unknown(sampler):
    pieces = {"a": -1.0, SPACE: -2.0}
    spelled = vocabulary(pieces, byte_fallback=True)
    assert sampler(spelled).sample(f"{SPACE}é", amount=0.5, seed=1) == [
        spelled.ids[SPACE], 4 + 0xC3, 4 + 0xA9,
    ]  # fmt: skip
    unknown = vocabulary(pieces)
    ids = sampler(unknown).sample(f"{SPACE}éèaé", amount=0.5, seed=1)
    assert ids == [unknown.ids[SPACE], 1, unknown.ids["a"], 1]  # one id for a run, as in encode


@pytest.mark.parametrize("sampler", [BpeDropout, UnigramSampler])
def test_the_longest_user_symbol_wins_and_is_no_part_of_a_piece(sampler):
    table = vocabulary({"a": -1.0, "x": -2.0, "ax": -0.5, "xa": -0.7}, symbols=("x", "xx", "xxa"))
    ids = sampler(table).sample("axxxaa", amount=0.01, seed=1)
    assert ids == [
        table.ids["a"],
        *(table.symbol_ids[s] for s in ("xx", "x")),
        *[table.ids["a"]] * 2,
    ]


@pytest.mark.parametrize("algorithm", ["bpe", "unigram"])
def test_repeats_whatever_was_sampled_before(algorithm):
    texts = sentences(60, seed=4)
    amounts = [0.1, 0.3]

    def sample_all(trained, order):
        found = {
            (i, amount): trained.sample(texts[i], amount=amount, seed=i)
            for i in order
            for amount in amounts
        }
        return [found[i, amount] for i in range(len(texts)) for amount in amounts]

    trained = tokenizer(algorithm)
    fresh = type(trained)(trained.path)
    forwards = sample_all(trained, range(len(texts)))
    backwards = sample_all(fresh, reversed(range(len(texts))))
    assert forwards == backwards == sample_all(trained, range(len(texts)))


def test_seeds_differ():
    trained = tokenizer()
    text = sentences(1, seed=4)[0]
    samples = {tuple(trained.sample(text, amount=0.3, seed=seed)) for seed in range(50)}
    assert len(samples) > 40
    huge = {tuple(trained.sample(text, amount=0.3, seed=2**64 + seed)) for seed in range(50)}
    assert len(huge | samples) > 80
