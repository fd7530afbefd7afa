"""Settings of the whole test suite."""

import os
import signal

import hypothesis

# Before any torch import: on two cores, several threads a test only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")

# How long an example takes says nothing on a machine that does other work, too.
hypothesis.settings.register_profile("mtcli", deadline=None)
hypothesis.settings.load_profile("mtcli")

# Started by `nohup pytest &`, this process ignores these, and what it starts would too: tests that
# send them would fail. A handler that does nothing is not inherited.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)


def pytest_xdist_auto_num_workers(config):
    """A process for each core; for files named one by one this process, which starts sooner."""
    from mtcli.system.cores import num_cores

    names_files = all(".py" in argument for argument in config.args)
    return 0 if names_files or num_cores() == 1 else min(num_cores(), 8)
