"""What `--nproc auto` measured: written, read, and refused where it is damaged."""

import pytest

from mtcli.errors import RunFolderError
from mtcli.runs.folder import RunFolder
from mtcli.runs.nproc_choice import NprocChoice, read_choice, write_choice


def test_what_is_written_is_read(tmp_path):
    run, choice = RunFolder(tmp_path), NprocChoice(2, "2 is fastest", "abc")
    assert read_choice(run) is None
    write_choice(run, choice)
    assert read_choice(run) == choice


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "5",
        "{}",
        '{"nproc": 2, "why": "x"}',
        '{"nproc": "2", "why": "x", "fingerprint": ""}',
        '{"nproc": 0, "why": "x", "fingerprint": ""}',
        '{"nproc": 1000000000, "why": "x", "fingerprint": ""}',
        '{"nproc": true, "why": "x", "fingerprint": ""}',
        '{"nproc": 2, "why": [], "fingerprint": ""}',
        '{"nproc": 2, "why": "x", "fingerprint": null}',
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    run = RunFolder(tmp_path)
    run.nproc.write_text(content, "utf-8")
    with pytest.raises(RunFolderError) as caught:
        read_choice(run)
    assert str(caught.value) == (
        f"{run.nproc} is damaged: it has no number of processes with its reason\n"
        "hint: delete it to measure again"
    )
