"""Our bounds are pydantic's."""

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from mtcli.config.schema.bounds import Bounds, Fraction, Positive, Probability

SHORT_LIST = Annotated[list[int], Bounds(min_length=2)]


def pydantic_takes(kind, value):
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "within", "outside"),
    [
        (Positive, [1, 7], [0, -1]),
        (Fraction, [0.0, 1.0], [-0.1, 1.1]),
        (Probability, [0.0, 0.9], [-0.1, 1.0]),
        (Annotated[float, Bounds(gt=1, le=2)], [1.5, 2.0], [1.0, 2.5]),
        (SHORT_LIST, [[1, 2], [1, 2, 3]], [[], [1]]),
    ],
)
def test_what_is_within(kind, within, outside):
    (bounds,) = kind.__metadata__
    for values, is_within in ((within, True), (outside, False)):
        for value in values:
            assert bounds.allow(value) is is_within
            assert pydantic_takes(kind, value) is is_within


def test_the_json_schema_names_them():
    assert TypeAdapter(Probability).json_schema() == {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
    }
    assert TypeAdapter(SHORT_LIST).json_schema()["minItems"] == 2
