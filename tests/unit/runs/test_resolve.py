import pytest

from mtcli.runs.resolve import resolve_model
from mtcli.errors import ModelFolderError


def make_model(path):
    path.mkdir(parents=True)
    (path / "model.json").write_text("{}", "utf-8")
    return path


@pytest.fixture
def run(tmp_path):
    run = tmp_path / "run"
    for step in (500, 1000, 2000):
        make_model(run / f"models/step_{step:08d}")
    make_model(run / "models/.step_00003000.tmp-1-host-00000000")
    (run / "best").symlink_to("models/step_00001000")
    return run


def test_a_model_folder_is_itself(tmp_path):
    model = make_model(tmp_path / "model")
    assert resolve_model(model) == model


@pytest.mark.parametrize(
    ("checkpoint", "name"),
    [
        ("best", "step_00001000"),
        ("last", "step_00002000"),
        ("step_500", "step_00000500"),
        ("step_00000500", "step_00000500"),
    ],
)
def test_the_models_of_a_run(run, checkpoint, name):
    assert resolve_model(run, checkpoint) == run / "models" / name


def test_best_is_the_last_as_long_as_none_is_best(run):
    (run / "best").unlink()
    assert resolve_model(run) == run / "models/step_00002000"


def test_the_model_of_a_stop_is_one_of_the_run(run):
    stopped = make_model(run / "stopped/models/step_00002500")
    assert resolve_model(run, "last") == resolve_model(run, "step_2500") == stopped
    (run / "best").unlink()
    (run / "best").symlink_to("stopped/models/step_00002500")
    assert resolve_model(run) == stopped


def test_a_run_may_have_no_model_but_that_of_a_stop(tmp_path):
    stopped = make_model(tmp_path / "run/stopped/models/step_00000004")
    assert resolve_model(tmp_path / "run") == stopped


def test_the_links_themselves_may_be_given(run):
    assert resolve_model(run / "best") == run / "best"


def test_a_copy_that_followed_links(run):
    (run / "best").unlink()
    make_model(run / "best")
    assert resolve_model(run) == run / "best"


def test_steps_above_eight_digits(run):
    make_model(run / "models/step_123456789")
    assert resolve_model(run, "last") == run / "models/step_123456789"


def message(path, checkpoint="best"):
    with pytest.raises(ModelFolderError) as info:
        resolve_model(path, checkpoint)
    return str(info.value)


def test_errors_name_what_is_there(run, tmp_path):
    assert message(run, "step_7") == (
        f"{run} has no model of step 7; it has step_500, step_1000, step_2000"
    )
    assert "must be one of `best`, `last`, `step_N` (for example `step_1000`), found `newest`" in message(run, "newest")
    assert "there is no such run folder or model folder" in message(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "neither a model folder (no model.json) nor a run folder" in message(empty)
    (empty / "models").mkdir()
    assert "has no model yet\nhint: wait for the first validation" in message(empty)


def test_a_file_is_not_a_folder(run):
    file = run / "models/step_00000500/model.json"
    assert message(file) == (
        f"{file} is a file, not a run folder or model folder\n"
        f"hint: give the folder that it is in, {file.parent}"
    )


def test_a_model_folder_has_no_last(run):
    text = message(run / "models/step_00000500", "last")
    assert "is a model folder, which has one model only: there is no checkpoint `last`" in text


def test_a_checkpoint_is_no_model(run):
    checkpoint = run / "checkpoints/step_00000500"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model.safetensors").write_bytes(b"")
    (checkpoint / "state.json").write_text("{}", "utf-8")
    assert "is a training checkpoint, which has no tokenizer" in message(checkpoint)


def test_a_best_that_is_gone(run):
    (run / "best").unlink()
    (run / "best").symlink_to("models/step_00000001")
    assert "points to models/step_00000001, which does not exist" in message(run)
