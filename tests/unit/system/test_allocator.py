import os
import subprocess
import sys

import pytest

from mtcli.system.allocator import keep_freed_memory, prepare_memory

PAGES_OF_TEN_TENSORS = """
import resource, sys, torch
from mtcli.system.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
torch.set_num_threads(1)
def ones():
    torch.ones(12_000_000)  # 46 MiB: over the 32 that glibc learns to keep by itself
for _ in range(20):  # it takes some until the heap is large enough
    ones()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    ones()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif("CS_GNU_LIBC_VERSION" not in os.confstr_names, reason="needs glibc")
def test_memory_that_a_tensor_freed_is_used_again():
    pages = {}
    for how in ("plain", "kept"):
        command = [sys.executable, "-c", PAGES_OF_TEN_TENSORS, how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        pages[how] = int(done.stdout)
    assert pages["kept"] < 1000
    assert pages["plain"] > 10 * pages["kept"]


def test_what_the_user_has_set_is_left_alone(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000")
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "7")
    prepare_memory()
    assert not keep_freed_memory()
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "7"
