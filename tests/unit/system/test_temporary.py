"""Machines without a place for temporary files."""

import re
import tempfile
from pathlib import Path

import pytest

from mtcli.cli.errors import user_errors
from mtcli.config.schema.data import TableSource
from mtcli.data.sources import read_pairs
from mtcli.errors import MtcliError
from mtcli.system.temporary import temporary_file, temporary_folder

PACKAGE = Path(__file__).parents[3] / "mtcli"
SENTENCE = "no folder for temporary files can be written; tried /no/one, /no/two"
HINT = "set `TMPDIR` to a folder that can be written"


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No candidate of Python's exists."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/no/one", "/no/two"])


def test_a_folder_and_a_file_that_are_gone_afterwards():
    with temporary_folder("mtcli-test-") as folder:
        assert folder.is_dir()
        assert folder.name.startswith("mtcli-test-")
    assert not folder.exists()
    with temporary_file() as file:
        file.write(b"a")


def test_nowhere_to_write_is_one_sentence(nowhere, tmp_path):
    (tmp_path / "a").write_text("never read")
    table = TableSource(kind="parquet", path=tmp_path / "a", src_field="a", tgt_field="b")
    for use in (
        temporary_file,
        lambda: temporary_folder().__enter__(),
        lambda: list(read_pairs([table])),
    ):
        with pytest.raises(MtcliError) as caught:
            use()
        assert (caught.value.sentence, caught.value.hint) == (SENTENCE, HINT)


def test_a_library_that_finds_no_place_is_one_sentence(nowhere, capsys):
    with pytest.raises(SystemExit) as ended, user_errors():
        tempfile.mkdtemp()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {SENTENCE}\nhint: {HINT}\n"


def test_another_missing_file_is_still_a_bug():
    with pytest.raises(FileNotFoundError, match="No such file"), user_errors():
        Path("/no/such/file").read_bytes()


def test_no_other_module_makes_temporaries_in_the_common_place():
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"tempfile\.(?!TemporaryFile\(dir=)|from tempfile", path.read_text("utf-8"))
    }
    assert users == {"system/temporary.py"}
