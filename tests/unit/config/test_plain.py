from dataclasses import asdict
from typing import Annotated, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from mtcli.config.plain import NotPlainError, from_plain
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.bounds import Bounds, NotNegative, Positive
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.config.schema.sections import section


@section
class Inner:
    width: Positive = 3


@section
class Outer:
    count: NotNegative
    share: Annotated[float, Bounds(le=1)] = 0.5
    below: Annotated[float, Bounds(lt=2)] = 0.5
    name: Literal["a", "b"] = "a"
    flag: bool = True
    inner: Inner | None = None
    inners: Annotated[list[Inner], Bounds(min_length=1)] | None = None


def as_pydantic_reads(value):
    try:
        return TypeAdapter(Outer).validate_python(value)
    except ValidationError:
        return None


@pytest.mark.parametrize(
    "value",
    [
        {"count": 0},
        {"count": 3, "share": 1, "name": "b", "flag": False},
        {"count": 3, "inner": {"width": 2}, "inners": [{}, {"width": 1}]},
        {"count": 3, "inner": None, "inners": None},
    ],
)
def test_what_is_right_is_read_as_pydantic_does(value):
    found = from_plain(Outer, value)
    assert found == as_pydantic_reads(value)
    assert type(found.share) is float


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        None,
        {"count": -1},
        {"count": "3"},
        {"count": 3.0},
        {"count": True},
        {"count": 3, "other": 1},
        {"count": 3, "share": 1.5},
        {"count": 3, "share": float("nan")},
        {"count": 3, "share": float("-inf")},
        {"count": 3, "below": 2},
        {"count": 3, "name": "c"},
        {"count": 3, "flag": 1},
        {"count": 3, "flag": None},
        {"count": 3, "inner": {"width": 0}},
        {"count": 3, "inner": 4},
        {"count": 3, "inners": []},
        {"count": 3, "inners": {}},
        {"count": 3, "inners": [{"width": 0}]},
    ],
)
def test_whatever_is_not_is_left_to_pydantic(value):
    with pytest.raises(NotPlainError):
        from_plain(Outer, value)


def test_values_that_conflict():
    with pytest.raises(NotPlainError):
        from_plain(ModelConfig, {"d_model": 7, "num_heads": 2})


@pytest.mark.parametrize("kind", [ModelConfig, DecodingConfig])
def test_the_sections_of_a_model_folder(kind):
    assert from_plain(kind, asdict(kind())) == kind()
