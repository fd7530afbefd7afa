"""What TensorBoard itself reads from our event files."""

import json

import pytest

pytest.importorskip("tensorboard")

from mtcli.training.observers.loggers.identities import Identities
from mtcli.training.observers.loggers.protocol import LoggedRun, Sample
from mtcli.training.observers.loggers.replay import log_run
from mtcli.training.observers.loggers.tensorboard import TensorboardLogger
from tests.support.made_runs import step_metrics, validation_metrics, write_made_run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(accumulator, tag):
    tensors = {event.step: event.value for event in accumulator.Scalars(tag)}
    return {step: pytest.approx(value, rel=1e-6) for step, value in tensors.items()}


def text(accumulator, tag):
    return [e.tensor_proto.string_val[0].decode() for e in accumulator.Tensors(tag)]


def test_a_run_after_the_fact(tmp_path):
    run = write_made_run(tmp_path / "a")
    (run.best_model() / "README.md").write_text("---\ntags: x\n---\n\n# A card\n")
    assert log_run(run.path, "tensorboard") == str(run.path / "tensorboard")
    found = read(run.path / "tensorboard")
    steps = (10, 20, 30, 40)
    assert scalars(found, "train/loss") == {
        n: step_metrics(n, 40, 10).loss_per_token for n in steps
    }
    assert scalars(found, "valid/bleu") == {n: validation_metrics(n, None).bleu for n in (20, 40)}
    first = found.Scalars("train/loss")[0]
    # 10 updates took 2.5 s, after the moment that environment.json has
    assert first.wall_time == pytest.approx(1795977074.25 + 2.5)
    samples = text(found, "sample/text_summary")
    assert len(samples) == 2
    assert "| source | Source \\<b\\>20\\</b\\> & co |" in samples[0]
    assert text(found, "model_card/text_summary") == ["# A card\n"]


def test_hyperparameters(tmp_path):
    from tensorboard.plugins.hparams import metadata

    run = write_made_run(tmp_path / "a", "optim.lr=0.25")
    log_run(run.path, "tensorboard", tmp_path / "out")
    content = read(tmp_path / "out").SummaryMetadata(metadata.SESSION_START_INFO_TAG)
    start = metadata.parse_session_start_info_plugin_data(content.plugin_data.content)
    assert start.group_name == "a"
    assert start.hparams["optim.lr"].number_value == 0.25
    assert start.hparams["model.norm_position"].string_value
    assert start.hparams["tokenizer.byte_fallback"].bool_value is False


def test_a_resumed_run_is_one_line(tmp_path):
    """Killed after step 30, resumed from a checkpoint at 10, diverged at 40, back at 20."""
    told = LoggedRun("a", tmp_path, {}, Identities(None))
    lives = [(1, (10, 20, 30)), (11, (20, 30, 40))]
    for life, (first, steps) in enumerate(lives):
        logger = TensorboardLogger(None)
        logger.begin(told, first)
        for step in steps:
            logger.scalars(step, {"train/loss": life + step / 100}, 1000.0 * life + step)
        if life:
            logger.rewind(20)
            logger.scalars(20, {"train/loss": 9.0}, 5000.0)
        logger.end(is_failed=False)
    assert scalars(read(tmp_path / "tensorboard"), "train/loss") == {10: 0.1, 20: 9.0}


def test_odd_texts_are_shown_as_they_are(tmp_path):
    logger = TensorboardLogger(tmp_path)
    logger.begin(LoggedRun("a", tmp_path, {"x": None, "y": [1]}, Identities(None)), 1)
    logger.sample(1, Sample("a | b\n\nc", "*\udcff*", ""), 0.0)
    logger.end(is_failed=True)
    (found,) = text(read(tmp_path), "sample/text_summary")
    assert found.splitlines()[2:] == [
        "| source | a \\| b c |", "| hypothesis | \\*\\udcff\\* |", "| reference |  |",
    ]  # fmt: skip


def test_files_of_another_run_are_not_mixed(tmp_path):
    run = write_made_run(tmp_path / "a")
    entry = json.dumps([{"kind": "tensorboard", "output": str(tmp_path / "tb")}])
    run.config.write_text(f"logging: {entry}\n")
    log_run(run.path, "tensorboard")
    assert list((tmp_path / "tb").glob("events.out.tfevents.*"))
