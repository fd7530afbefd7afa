"""The whole corpus, generated once for the room's tests."""

import pytest

from scripts.demo_corpus.generate import Pair, generate


@pytest.fixture(scope="session")
def splits() -> dict[str, list[Pair]]:
    return generate()
