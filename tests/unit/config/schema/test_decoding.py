"""How a model translates, as its config says it."""

import pytest

from mtcli.config.plain import NotPlainError, from_plain
from mtcli.config.schema.decoding import DecodingConfig


def test_a_length_penalty_that_no_search_takes_is_refused_in_the_config():
    assert from_plain(DecodingConfig, {"length_penalty": 10}).length_penalty == 10
    for length_penalty in (-0.5, 10.5):
        with pytest.raises(NotPlainError):
            from_plain(DecodingConfig, {"length_penalty": length_penalty})
