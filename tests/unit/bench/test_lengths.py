import pytest
import torch

from mtcli.bench import length_speed
from mtcli.bench.jobs import Job
from mtcli.bench.lengths import MEASURED, exponents_of, parse_lengths
from mtcli.config.load import load_config
from mtcli.device.precision import Numerics
from mtcli.errors import ConfigError
from tests.support.small_run import write_run


def test_lengths_are_sorted_and_each_is_measured_once():
    assert parse_lengths("512, 256,512,2") == [2, 256, 512]


@pytest.mark.parametrize(
    "text", ["", "256", "256,256", "256,x", "256,-1", "0,2", "1,2", "2,,3", "2.5,3"]
)
def test_another_list_is_refused(text):
    with pytest.raises(ConfigError) as error:
        parse_lengths(text)
    assert error.value.sentence == f"`{text}` is not a valid list for `--lengths`"
    assert "`--lengths 256,512,1024`" in error.value.hint


def test_the_exponents_are_those_of_the_powers_that_the_figures_follow():
    powers = dict(zip(MEASURED, (2.0, 1.5, 1.0, 0.0, 1.1), strict=True))
    rows = [
        {"length": length, **{name: 3 * length**power for name, power in powers.items()}}
        for length in (64, 128, 1000)
    ]
    rows[1] |= {"decode_step_s": 0}  # a clock that stood still
    expected = {"encode": 2.0, "train_step": 1.5, "peak": 0.0, "encode_peak": 1.1}
    assert exponents_of(rows) == pytest.approx(expected, abs=1e-12)


def test_the_memory_of_a_measurement_is_that_of_a_sentence(tmp_path, monkeypatch):
    """A batch of as many pieces holds more sentences the shorter they are."""
    config = load_config(write_run(tmp_path), working_dir=tmp_path)
    numerics = Numerics(torch.device("cpu"), "fp32")
    monkeypatch.setattr(length_speed, "_memory", lambda device: 1000)
    monkeypatch.setattr(length_speed, "_peak", lambda device: 1600)
    job = Job("length", "", "", steps=1, num_sentences=3, length=5, tgt_length=4)
    row = length_speed.measure_length(job, config, numerics)
    assert (row["peak_bytes"], row["encode_peak_bytes"]) == (200, 200)
    assert row["process_peak_bytes"] == 1600
