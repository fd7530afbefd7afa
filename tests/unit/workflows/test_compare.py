"""Odd outputs are counted, and the training text of a run is found."""

import pytest

from mtcli.errors import MtcliError
from mtcli.workflows.compare import count_odd_outputs, training_sources
from tests.support.made_runs import write_made_run

SOURCE = "the miller counts his sacks"
REFERENCE = "der Müller zählt seine Säcke"


def counts(hypothesis, source=SOURCE, *references, num_truncated=None):
    accepted = [[text] for text in references or (REFERENCE,)]
    return count_odd_outputs([hypothesis], [source], accepted, num_truncated)


@pytest.mark.parametrize(
    ("hypothesis", "source", "names"),
    [
        (REFERENCE, SOURCE, []),
        ("", SOURCE, ["empty"]),
        (" \u3000", SOURCE, ["empty"]),
        ("", "", []),
        ("The  MILLER counts his sacks ", SOURCE, ["copied"]),
        ("der Müller", SOURCE, ["short"]),
        ("der Müller " * 4, SOURCE, ["repeated"]),
        ("der Müller " * 4, "the miller " * 4, []),
        ("磨" * 12 + "坊主が袋を数え、そして眠る人", SOURCE, ["repeated"]),
        ("sehr sehr sehr gut ist der Müller", SOURCE, []),
    ],
)
def test_odd_outputs(hypothesis, source, names):
    found = counts(hypothesis, source)
    kinds = "empty", "repeated", "copied", "short"
    assert [name for name in kinds if getattr(found, name)] == names


def test_what_a_reference_copies_may_be_copied():
    assert counts("NATO", "NATO", "Nato").copied == 0
    assert counts("NATO", "NATO", "OTAN").copied == 1
    assert counts("NATO", "NATO", "OTAN", "nato").copied == 0


def test_lengths_and_what_was_cut_off():
    found = count_odd_outputs(["ab", " cd "], ["x", "y"], [["abcd", "ef"]], 1)
    assert found.length_ratio == pytest.approx(4 / 6)
    assert found.truncated == 1
    assert counts(REFERENCE).truncated is None


def test_the_training_text_of_a_run(tmp_path):
    run = write_made_run(tmp_path / "run")
    texts = (tmp_path / ".corpus/train.en").read_text().splitlines()
    assert list(training_sources(run.path)) == texts
    assert training_sources(tmp_path) is None
    (tmp_path / ".corpus/train.en").unlink()
    with pytest.raises(MtcliError, match=r"train\.en"):
        training_sources(run.path)


def test_a_training_text_on_the_hub_is_not_fetched(tmp_path):
    run = write_made_run(
        tmp_path / "run",
        "data.train=[{kind: hub, name: some/corpus, split: train, src_field: en, tgt_field: de}]",
    )
    with pytest.raises(MtcliError, match="its training text is on the hub: some/corpus"):
        training_sources(run.path)
