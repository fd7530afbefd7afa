import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_cache_in_the_home_folder(tmp_path_factory):
    # `datasets` reads these when it is first imported
    before = {name: os.environ.get(name) for name in ("HF_HOME", "HF_HUB_OFFLINE")}
    os.environ["HF_HOME"] = str(tmp_path_factory.mktemp("hf"))
    os.environ["HF_HUB_OFFLINE"] = "1"
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
