"""What the tests of faults share."""

import os
import random

import pytest

from tests.faults.fault import WHOLE
from tests.faults.small_training import train_undisturbed

_LONG = {"test_kills", "test_network", "test_signals", "test_torchrun"}


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config, items):
    """Group for `--dist loadgroup`; in the quick suite, keep one of the cases of each test.

    A file stays in one process, because its tests ask for the same fixtures, unless each of its
    cases takes minutes. Cases that were asked for by name are all kept.
    """
    for item in items:
        if item.path.parent == config.rootpath / "tests" / "faults":
            group = item.nodeid if item.path.stem in _LONG else item.path.stem
            item.add_marker(pytest.mark.xdist_group(group))
    if WHOLE in os.environ or any("[" in argument for argument in config.args):
        return
    cases = {}
    for item in items:
        if item.path.parent == config.rootpath / "tests" / "faults":
            cases.setdefault((item.path, getattr(item, "originalname", item.name)), []).append(item)
    left_out = set()
    for (path, name), same in cases.items():
        left_out |= set(same) - {random.Random(f"{path.name} {name}").choice(same)}
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=sorted(left_out, key=lambda item: item.nodeid))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The small training without a fault; made once for each process of pytest."""
    return train_undisturbed(tmp_path_factory.mktemp("undisturbed"))
