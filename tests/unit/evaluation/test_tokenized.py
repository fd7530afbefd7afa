import pytest

from mtcli.evaluation.tokenized import looks_tokenized, looks_unspaced


@pytest.mark.parametrize(
    "text",
    [
        "the miller , who sleeps , dreams .",
        "rain .",
        "the mil@@ ler sleeps",
        "a well @-@ known mill",
        "it &apos;s raining",
        "fish &amp; chips",
    ],
)
def test_tokenised(text):
    assert looks_tokenized([text])
    assert looks_tokenized([text, "plain text.", "", " "])


@pytest.mark.parametrize(
    "text",
    [
        "The miller, who sleeps, dreams.",
        "Combien ? Trop !",
        "... and then",
        "The file .bashrc, and .5 litres",
        "a @ b",
        "Mr. Miller",
        ".",
        "",
    ],
)
def test_plain(text):
    assert not looks_tokenized([text])


def test_a_few_lines_do_not_count():
    assert not looks_tokenized(["rain ."] * 25 + ["rain."] * 75 + [""] * 900)
    assert looks_tokenized(["rain ."] * 26 + ["rain."] * 74 + [""] * 900)
    assert not looks_tokenized([])


def test_unspaced():
    assert looks_unspaced(["狗在跑。", "犬が走る。"])
    assert looks_unspaced(["GPU 上的模型"])
    assert not looks_unspaced(["A dog runs.", "Ein Hund läuft.", "개가 뛴다."])
    assert not looks_unspaced(["The sign says 出口, which is the way out."])
    assert not looks_unspaced([])
