"""The live panel, and the lines where there is no terminal."""

import io
import logging

import pytest
from rich.console import Console

from mtcli.cli.live import LiveObserver, showing
from mtcli.runs.metrics import StepMetrics, ValidationMetrics
from mtcli.training.observers.log_writer import (
    describe_duration,
    describe_step,
    describe_validation,
)

STEP = StepMetrics(
    step=150, total_steps=1000, epoch=2, loss_per_token=3.25, grad_norm=0.5, lr=2.5e-3,
    lr_of_groups={"all": 2.5e-3},
    tgt_tokens_per_s=4321.0, tgt_tokens_per_update=4000.0, cells_per_update=4400.0,
    data_wait_share=0.015, data_cpu_share=0.02,
    total_tgt_tokens=600_000, total_tgt_tokens_computed=600_000,
    cpu_s=1.5, elapsed_s=140.0, eta_s=3900.0,
)  # fmt: skip
VALIDATION = ValidationMetrics(
    step=150, epoch=2, loss_per_token=2.0, perplexity=7.39, bleu=21.5, chrf=44.4,
    bleu_signature="b", chrf_signature="c", is_best=False, is_stop=False,
    best_score=22.25, best_step=100,
    total_tgt_tokens=600_000, total_tgt_tokens_computed=600_000,
    cpu_s=1.5, elapsed_s=150.0, duration_s=3.0, sample_source="A dog runs.",
    sample_hypothesis="Ein Hund rennt.", sample_reference="Ein Hund läuft.",
)  # fmt: skip


def rendered(observer):
    console = Console(file=io.StringIO(), width=100, force_terminal=True, no_color=True)
    console.print(observer)
    return console.file.getvalue()


def test_the_panel_shows_everything_that_one_wants_to_know():
    console = Console(file=io.StringIO(), width=100)
    observer = LiveObserver(console)
    assert "150" not in rendered(observer)
    observer.stepped(150, 1000)
    observer.reported(STEP)
    observer.validated(VALIDATION)
    text = rendered(observer)
    for part in (
        "150/1000", "loss", "3.250", "4321", "2.50e-03", "1.5%", "1 h 05 min", "21.50",
        "22.25 at step 100", "A dog runs.", "Ein Hund rennt.", "Ein Hund läuft.",
    ):  # fmt: skip
        assert part in text, part


def test_lines_of_the_log():
    line = describe_step(STEP)
    for part in ("step 150/1000, epoch 3", "loss 3.250", "4321 target tokens/s", "data wait 1.5%"):
        assert part in line
    assert "4000 tokens in 4400 cells an update" in line
    assert "best is 22.25 at step 100" in describe_validation(VALIDATION)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.4, "3 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3900, "1 h 05 min")],
)
def test_durations(seconds, text):
    assert describe_duration(seconds) == text


def test_without_a_terminal_lines_go_to_stderr_and_quiet_keeps_warnings(capsys):
    logger = logging.getLogger("mtcli.training.loop")
    with showing(level=logging.INFO, is_live=False) as observer:
        assert observer is None
        logger.info("a line [with brackets]", extra={"is_progress": True})
    with showing(level=logging.WARNING, is_live=False):
        logger.info("not this")
        logger.warning("but this")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "a line [with brackets]\nwarning: but this\n"


def test_with_a_panel_progress_is_not_repeated_as_lines(capsys):
    with showing(level=logging.INFO, is_live=True) as observer:
        assert isinstance(observer, LiveObserver)
        logging.getLogger("mtcli").info("step line", extra={"is_progress": True})
        logging.getLogger("mtcli").info("other line")
    err = capsys.readouterr().err
    assert "other line" in err
    assert "step line" not in err
