import subprocess
import sys

import pytest

from mtcli.config.load import load_config
from mtcli.errors import DeviceError
from mtcli.training import batch_memory
from mtcli.training.batch_memory import fitting_cells, largest_micro_batch
from tests.support.small_run import write_run

MIB = 2**20


def test_the_cells_that_fit_are_extrapolated_from_two_sizes():
    peaks = 100 * MIB, 140 * MIB  # 60 MiB, and 20 KiB a cell
    assert fitting_cells((2048, 4096), peaks, 140 * MIB) == 4096
    assert fitting_cells((2048, 4096), peaks, 1060 * MIB) == 51200
    assert fitting_cells((2048, 4096), peaks, 61 * MIB) == 0
    assert fitting_cells((2048, 4096), peaks, 10 * MIB) == 0
    assert fitting_cells((2048, 4096), peaks, 2**60) == 2**20
    assert fitting_cells((2048, 4096), (100, 100), 10**9) == 4096


@pytest.fixture
def config(tmp_path):
    path = write_run(tmp_path)
    return load_config(path, working_dir=tmp_path)


def test_half_of_the_memory_is_taken_on_a_cpu(config, monkeypatch):
    asked = []

    def peaks(config, sizes):
        asked.append(sizes)
        return [200 * MIB, 300 * MIB]

    monkeypatch.setattr(batch_memory, "_peaks_on_cpu", peaks)
    monkeypatch.setattr(batch_memory, "available_bytes", lambda: 2**30)
    cells, reason = largest_micro_batch(config)
    assert asked[0] == (2048, 4096)
    assert cells == 2048 + (512 - 200) * 2048 // 100 // 256 * 256
    assert largest_micro_batch(config, 2)[0] == 2048 + (256 - 200) * 2048 // 100 // 256 * 256
    assert reason == "49 MiB for a thousand cells; 0.5 of 1.0 GiB of memory available"


@pytest.mark.parametrize(
    ("available", "sentence"),
    [
        (0, "this system does not say how much memory is available"),
        (200 * MIB, "a pair of 61 tokens does not fit into 0.1 GiB"),
    ],
)
def test_memory_that_is_unknown_or_too_little_is_an_error(config, monkeypatch, available, sentence):
    monkeypatch.setattr(batch_memory, "_peaks_on_cpu", lambda *_: [200 * MIB, 300 * MIB])
    monkeypatch.setattr(batch_memory, "available_bytes", lambda: available)
    with pytest.raises(DeviceError) as error:
        largest_micro_batch(config)
    assert error.value.sentence == sentence


@pytest.mark.slow
def test_more_cells_take_more_memory_in_processes_of_their_own(config):
    small, large = batch_memory._peaks_on_cpu(config, (2048, 65536))
    assert 50 * MIB < small < large
    assert large - small > 10 * MIB


def test_what_the_parent_has_had_is_not_counted():
    code = "from mtcli.system.memory_use import peak_memory_bytes; print(peak_memory_bytes())"
    large = bytearray(400 * MIB)
    large[::4096] = b"1" * len(large[::4096])
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert 5 * MIB < int(shown) < 200 * MIB
