"""metrics.jsonl: what is written is JSON, and damaged lines are said when they are read."""

import json
import math
from dataclasses import replace

import pytest

from mtcli.runs.metrics import MetricsFile, StepMetrics, cut_back_metrics, read_validations

ROW = {
    "kind": "validation", "step": 2, "loss_per_token": 3.5, "bleu": 1, "chrf": 4.5, "is_stop": False
}  # fmt: skip
GOOD = [json.dumps(ROW | {"step": step}) for step in (2, 4)]

DAMAGED = {
    "no JSON": b'{"kind": "validation", "step": 3',
    "a byte that is not UTF-8": GOOD[0].encode().replace(b"validation", b"vali\xe9ation"),
    "no object": b"[3]",
    "nested too deeply": b"[" * 100_000,
    "a number of too many digits": b'{"kind": "step", "step": ' + b"9" * 5000 + b"}",
    "no kind": b'{"step": 3}',
    "no step": b'{"kind": "step"}',
    "a step that is no whole number": b'{"kind": "step", "step": NaN}',
    "a step that is a text": b'{"kind": "step", "step": "3"}',
    "no score": json.dumps({k: v for k, v in ROW.items() if k != "bleu"}).encode(),
    "a score that is a text": json.dumps(ROW | {"chrf": "x"}).encode(),
    "a loss that is null": json.dumps(ROW | {"loss_per_token": None}).encode(),
    "nothing": b"",
}


def write(path, *lines):
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_damaged_line_is_left_out_and_said(tmp_path, caplog, kind, place):
    path = tmp_path / "metrics.jsonl"
    lines = [*GOOD, b""]
    lines.insert(place, DAMAGED[kind])
    write(path, *lines)
    assert [row["step"] for row in read_validations(path)] == [2, 4]
    example = DAMAGED[kind].decode("utf-8", "replace")[:60]
    cut_back_metrics(path, 2)
    assert caplog.messages == [
        f"{path}: 1 line is damaged and {fate}, for example line {place + 1}: {example!r}"
        for fate in ("left out", "removed")
    ]
    assert path.read_text() == GOOD[0] + "\n"


def test_scores_that_were_not_computed_are_no_damage(tmp_path, caplog):
    path = tmp_path / "metrics.jsonl"
    write(path, json.dumps(ROW | {"bleu": None, "perplexity": None}), b"")
    (row,) = read_validations(path)
    assert (row["bleu"], row["perplexity"]) == (None, math.inf)
    assert caplog.messages == []


def test_several_damaged_lines_are_counted(tmp_path, caplog):
    path = tmp_path / "metrics.jsonl"
    write(path, GOOD[0], b"x", b"y", GOOD[1], b"")
    assert len(read_validations(path)) == 2
    assert caplog.messages == [
        f"{path}: 2 lines are damaged and left out, for example line 2: 'x'"
    ]


def test_a_last_line_that_a_kill_tore_is_no_damage(tmp_path, caplog):
    path = tmp_path / "metrics.jsonl"
    write(path, *GOOD, b'{"kind')
    assert len(read_validations(path)) == 2
    cut_back_metrics(path, 9)
    assert path.read_text() == "".join(line + "\n" for line in GOOD)
    assert caplog.messages == []


def test_zeros_at_the_end_are_damage(tmp_path, caplog):
    """What a kill tears is the beginning of a line; zeros are what a file system lost."""
    path = tmp_path / "metrics.jsonl"
    write(path, *GOOD, b'{"kind\0\0')
    cut_back_metrics(path, 9)
    assert path.read_text() == "".join(line + "\n" for line in GOOD)
    assert [message.partition(": 1 line is ")[2][:28] for message in caplog.messages] == [
        "damaged and removed, for exa"
    ]


@pytest.mark.parametrize("content", [None, "", GOOD[1] + "\n"], ids=["missing", "empty", "short"])
def test_a_validation_that_must_be_there_and_is_lost_is_said(tmp_path, caplog, content):
    path = tmp_path / "metrics.jsonl"
    if content is not None:
        path.write_text(content)
    cut_back_metrics(path, 5, best_step=2)
    assert caplog.messages == [
        f"{path} lacks the validation of step 2: figures of the updates before step 5 are lost, the"
        " model is not"
    ]


def test_a_validation_that_is_there_is_not_missed(tmp_path, caplog):
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps(ROW | {"step": 2}) + "\n")
    cut_back_metrics(path, 5, best_step=2)
    assert caplog.messages == []


def test_without_the_file_there_is_nothing(tmp_path):
    assert read_validations(tmp_path / "metrics.jsonl") == []
    cut_back_metrics(tmp_path / "metrics.jsonl", 3)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_numbers_that_json_does_not_know_become_null(tmp_path):
    """`NaN` is no JSON: strict readers refuse the whole file."""
    names = StepMetrics.__dataclass_fields__
    metrics = replace(
        StepMetrics(**dict.fromkeys(names, 1)),
        loss_per_token=math.nan,
        grad_norm=math.inf,
        lr_of_groups={"all": -math.inf, "some": 0.5},
    )
    MetricsFile(tmp_path / "m").write("step", metrics)

    def refuse(constant):
        raise AssertionError(constant)

    row = json.loads((tmp_path / "m").read_text(), parse_constant=refuse)
    assert (row["loss_per_token"], row["grad_norm"]) == (None, None)
    assert row["lr_of_groups"] == {"all": None, "some": 0.5}
    assert row["lr"] == 1
