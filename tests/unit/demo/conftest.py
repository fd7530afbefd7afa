"""The whole corpus, generated once for the room's tests."""

import pytest

from mtcli.demo.generate import Pair, generate


@pytest.fixture(scope="session")
def splits() -> dict[str, list[Pair]]:
    return generate()
