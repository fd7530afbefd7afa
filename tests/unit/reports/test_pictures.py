"""What a picture of attention shows."""

from dataclasses import replace

import pytest

from mtcli.errors import ConfigError, RunFolderError
from mtcli.reports.pictures import AttentionPicture, attention_spec, check_pictures, write_pictures
from tests.support.explained import made_explanation


@pytest.fixture(scope="module")
def explanation():
    return replace(made_explanation(3), alignment_layer=0, alignment_heads=(1, 3))


def heads_of(explanation, stack, layer):
    stacks = dict(zip(("encoder", "decoder", "cross"), explanation.stacks, strict=True))
    return [head.weights for head in stacks[stack].layers[layer]]


@pytest.mark.parametrize(
    ("picture", "stack", "layer", "heads"),
    [
        (AttentionPicture("cross"), "cross", 0, [1, 3]),  # what aligns words
        (AttentionPicture("cross", layer=0), "cross", 0, [1, 3]),
        (AttentionPicture("cross", layer=1), "cross", 1, [0, 1, 2, 3]),
        (AttentionPicture("cross", head=2), "cross", 0, [2]),
        (AttentionPicture("encoder"), "encoder", 1, [0, 1, 2, 3]),
        (AttentionPicture("decoder", layer=0, head=0), "decoder", 0, [0]),
    ],
)
def test_the_attention_that_is_drawn(explanation, picture, stack, layer, heads):
    chosen = [heads_of(explanation, stack, layer)[head] for head in heads]
    got = picture.of(explanation)
    assert len(got) == len(chosen[0])
    for row, weights in enumerate(got):
        want = [sum(head[row][k] for head in chosen) / len(heads) for k in range(len(weights))]
        assert weights == pytest.approx(want)


def test_every_cell_has_a_rectangle_and_every_piece_a_label(explanation):
    spec = attention_spec(explanation, AttentionPicture("cross"))
    S, T = len(explanation.source_pieces), len(explanation.output_pieces)
    cells = {(row["row"], row["column"]): row["weight"] for row in spec["data"]["values"]}
    assert set(cells) == {(row, column) for row in range(T) for column in range(S)}
    want = AttentionPicture("cross").of(explanation)
    assert cells[1, 2] == pytest.approx(want[1][2], rel=1e-3)
    labels = spec["encoding"]["x"]["axis"]["labelExpr"]
    assert labels.count("', '") == S - 1
    assert "</s>" in labels


def test_labels_cannot_leave_their_expression(explanation, tmp_path):
    odd = replace(explanation, source_pieces=("a'b", 'c"d\\', *explanation.source_pieces[2:]))
    labels = attention_spec(odd, AttentionPicture("encoder"))["encoding"]["x"]["axis"]["labelExpr"]
    assert r"'a\u0027b', 'c\u0022d\u005c'" in labels
    (path,) = write_pictures([odd], AttentionPicture("cross"), tmp_path / "a.svg", "svg")
    assert "a&#39;b" in path.read_text("utf-8") or "a'b" in path.read_text("utf-8")


def test_names_of_many_pictures_sort_by_line(explanation, tmp_path):
    written = list(
        write_pictures([explanation] * 10, AttentionPicture("cross"), tmp_path / "all", "svg")
    )
    assert [path.name for path in written] == sorted(path.name for path in written)
    assert written[0] == tmp_path / "all" / "01.svg"


def test_what_cannot_be_written_is_told_before(tmp_path):
    check_pictures(tmp_path / "new", "svg", 7)
    check_pictures(tmp_path / "one.SVG", "svg", 1)
    (tmp_path / "text").touch()
    with pytest.raises(ConfigError, match=r"one\.svg` is one file, but there are 2 lines to draw"):
        check_pictures(tmp_path / "one.svg", "svg", 2)
    with pytest.raises(RunFolderError, match="text is neither a folder nor a file that ends in"):
        check_pictures(tmp_path / "text", "png", 1)
    with pytest.raises(RunFolderError, match=r"the folder .*nowhere does not exist"):
        check_pictures(tmp_path / "nowhere" / "new", "svg", 1)
