"""The schema by itself, without YAML: conflicts, kinds, frozenness."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.attention import LocalAttentionConfig, LowRankAttentionConfig
from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.config.schema.root import TrainConfig
from mtcli.config.schema.sections import ByKind, Conflict, ConflictError, refuse, section
from mtcli.config.schema.tokenizer import TokenizerConfig


@section
class Circle:
    kind: Literal["circle", "disc"] = "circle"
    radius: float = 1.0


@section
class Square:
    kind: Literal["square"]
    side: float


Shape = Annotated[Circle | Square, ByKind()]


def test_kind_chooses_and_its_absence_means_the_member_with_a_default():
    shape = TypeAdapter(Shape)
    assert shape.validate_python({"kind": "square", "side": 2}) == Square(kind="square", side=2.0)
    assert shape.validate_python({"kind": "disc"}) == Circle(kind="disc")
    assert shape.validate_python({}) == Circle()
    assert shape.validate_python(Circle(radius=3.0)) == Circle(radius=3.0)


@pytest.mark.parametrize("value", [{"kind": "line"}, {"kind": 3}, {"kind": ["square"]}, 3, None])
def test_a_kind_that_is_none_is_refused(value):
    with pytest.raises(ValidationError, match="tag"):
        TypeAdapter(Shape).validate_python(value)


def test_a_union_without_a_default_needs_kind():
    only_square = Annotated[Square | TextSourceLike, ByKind()]
    with pytest.raises(ValidationError, match="tag"):
        TypeAdapter(only_square).validate_python({"side": 2})


@section
class TextSourceLike:
    kind: Literal["textual"]


def test_sections_are_frozen_and_keyword_only():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelConfig().d_model = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        ModelConfig(3)  # type: ignore[misc]


def test_a_section_made_in_python_is_checked_too():
    with pytest.raises(ConflictError, match=r"^d_model \(512\) must be a multiple of num_heads"):
        ModelConfig(num_heads=7)


def test_all_conflicts_of_a_section_are_raised_as_one():
    with pytest.raises(ConflictError) as error:
        ModelConfig(d_model=9, num_heads=2, num_kv_heads=5)
    assert [conflict.keys[0] for conflict in error.value.conflicts] == [
        "num_heads",
        "num_kv_heads",
        "d_model",
    ]
    assert str(error.value).count("; ") == 2


def test_nothing_to_refuse():
    refuse(iter(()))
    with pytest.raises(ConflictError, match=r"^a; b$"):
        refuse(Conflict(("x",), message) for message in "ab")


@pytest.mark.parametrize(
    "sizes",
    [
        {"d_model": 8, "num_heads": 4, "head_dim": 3, "positions": "learned"},
        {"d_model": 8, "num_heads": 4, "num_kv_heads": 2},
        {"d_model": 8, "num_heads": 4, "positions": "rotary"},
        {"d_model": 8, "num_heads": 4, "decoder_num_heads": 2, "num_kv_heads": 1},
        {"d_model": 10, "num_heads": 3, "head_dim": 4, "positions": "rotary"},
    ],
)
def test_sizes_that_fit(sizes):
    ModelConfig(**sizes)


def local(**keys):
    return LocalAttentionConfig(kind="local", **keys)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"d_model": 8, "num_heads": 8, "positions": "rotary"}, "even head_dim, not 1"),
        ({"head_dim": 3, "positions": "rotary"}, "even head_dim, not 3"),
        ({"decoder_num_heads": 7}, r"multiple of decoder_num_heads \(7\)"),
        ({"decoder_num_heads": 2, "num_kv_heads": 4}, r"decoder_num_heads \(2\) must be a mult"),
        (
            {"encoder_attention": local(window=1025)},
            r"window \(1025\) is over max_positions \(1024\), the longest input",
        ),
        (
            {
                "decoder_attention": local(windows=[9, 2000], global_tokens=1025),
                "decoder_layers": 2,
            },
            r"windows \(2000\) is over max_positions \(1024\).*global_tokens \(1025\) is over",
        ),
        (
            {"encoder_attention": LowRankAttentionConfig(kind="low_rank", rank=1025)},
            r"rank \(1025\) is over max_positions \(1024\)",
        ),
        (
            {"encoder_attention": local(windows=[9, "full"])},
            "windows has length 2, but encoder_layers is 6",
        ),
        (
            {"decoder_attention": LowRankAttentionConfig(kind="low_rank")},
            "low_rank attention cannot be used in a decoder, where a mean would show positions",
        ),
        (
            {"decoder_attention": local(windows=[2, 1]), "decoder_layers": 2},
            "with a window of 1 a target position sees only itself; use at least 2",
        ),
        ({"decoder_attention": local(window=1)}, "with a window of 1 a target position"),
    ],
)
def test_sizes_that_do_not_fit(sizes, message):
    with pytest.raises(ConflictError, match=message):
        ModelConfig(**sizes)


def test_a_whole_config_made_in_python_is_checked_across_sections():
    with pytest.raises(ConflictError) as error:
        TrainConfig(
            src_lang="de",
            tgt_lang="en",
            run_dir=Path("r"),
            data=DataConfig(train=[TextSource(src=Path("a"), tgt=Path("b"))], max_length=5000),
            tokenizer=TokenizerConfig(shared=False),
        )
    assert [conflict.keys[0] for conflict in error.value.conflicts] == [
        "model.tied_embeddings",
        "batch.max_tokens",
        "batch.tokens_per_update",
        "model.max_positions",
    ]
