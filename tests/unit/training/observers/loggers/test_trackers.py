"""What the trackers themselves have of a run, each in files of its own."""

import json
import struct
import time

import pytest

from mtcli.config.schema.logging import MlflowConfig, TrackioConfig, WandbConfig
from mtcli.training.observers.loggers.choice import make_logger
from mtcli.training.observers.loggers.identities import Identities
from mtcli.training.observers.loggers.protocol import LoggedRun, Sample
from mtcli.training.observers.loggers.replay import log_run
from tests.support.made_runs import step_metrics, validation_metrics, write_made_run

pytestmark = [
    pytest.mark.slow,  # importing one of them takes seconds
    pytest.mark.filterwarnings("ignore"),  # theirs
]
LOSSES = {n: step_metrics(n, 40, 10).loss_per_token for n in (10, 20, 30, 40)}
BLEU = {n: validation_metrics(n, None).bleu for n in (20, 40)}


def made_run(folder, entry):
    run = write_made_run(folder / "a", f"logging={json.dumps([entry])}", "optim.lr=0.25")
    (run.best_model() / "README.md").write_text("# A card\n")
    return run


def test_wandb_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = made_run(tmp_path, {"kind": "wandb", "project": "p"})
    assert log_run(run.path, "wandb") == f"{run.path} was logged to Weights & Biases"
    (path,) = run.path.glob("wandb/offline-run-*/*.wandb")
    rows, config, artifacts = read_wandb(path)
    assert {r["step"]: r["train/loss"] for r in rows if "train/loss" in r} == LOSSES
    assert {r["step"]: r["valid/bleu"] for r in rows if "valid/bleu" in r} == BLEU
    tables = [r["sample.path"] for r in rows if "sample.path" in r]
    shown = [json.loads((path.parent / "files" / table).read_text())["data"] for table in tables]
    assert [table[0][:2] for table in shown] == [[n, f"Source <b>{n}</b> & co"] for n in (20, 40)]
    assert rows[0]["_timestamp"] == pytest.approx(1795977074.25 + 2.5)
    assert config["optim.lr"] == 0.25
    assert any("# A card" in artifact.description for artifact in artifacts)


def test_a_resumed_run_of_wandb_is_one(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    identities = Identities(tmp_path / "loggers.json")
    for step in (1, 2):
        logger = make_logger(WandbConfig(kind="wandb", project="p"))
        place = logger.begin(LoggedRun("a", tmp_path, {"x": step}, identities), step)
        logger.scalars(step, {"train/loss": 1.0 / step}, 1000.0)
        logger.end(is_failed=False)
    identity = identities.get(place)
    paths = list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert [path.name for path in paths] == [f"run-{identity}.wandb"] * 2
    losses = {r["step"]: r["train/loss"] for path in paths for r in read_wandb(path)[0]}
    assert losses == {1: 1.0, 2: 0.5}


def leveldb_records(content, header_bytes):
    """The records of a log in LevelDB's format: blocks of 32 KiB, in which chunks have a checksum,
    a length, and whether they are a whole record, its first, middle or last part.
    """
    place, parts = header_bytes, []
    while place + 7 <= len(content):
        if 2**15 - place % 2**15 < 7:
            place += 2**15 - place % 2**15
            continue
        length, kind = struct.unpack("<HB", content[place + 4 : place + 7])
        parts.append(content[place + 7 : place + 7 + length])
        place += 7 + length
        if kind in (1, 4):
            yield b"".join(parts)
            parts = []


def wandb_records(path):
    """The records of a file, once it is whole: a process of W&B's own writes it behind `finish`."""
    from wandb.proto import wandb_internal_pb2

    deadline_s = time.monotonic() + 60
    while True:
        content = path.read_bytes()
        records = [wandb_internal_pb2.Record.FromString(d) for d in leveldb_records(content, 7)]
        if records and records[-1].HasField("exit"):
            return records
        assert time.monotonic() < deadline_s, f"{path} has no end after {len(records)} records"
        time.sleep(0.1)


def read_wandb(path):
    rows, config, artifacts = [], {}, []
    for record in wandb_records(path):
        kind = record.WhichOneof("record_type")
        if kind == "history":
            items = record.history.item
            rows.append(
                {(i.key or ".".join(i.nested_key)): json.loads(i.value_json) for i in items}
            )
        elif kind == "run":
            config |= {i.key: json.loads(i.value_json) for i in record.run.config.update}
        elif kind == "artifact":
            artifacts.append(record.artifact)
        elif kind == "request" and record.request.HasField("log_artifact"):
            artifacts.append(record.request.log_artifact.artifact)
    return rows, config, artifacts


def test_mlflow_in_a_database(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)  # files go to ./mlruns
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    run = made_run(tmp_path, {"kind": "mlflow", "tracking_uri": uri, "experiment": "e"})
    log_run(run.path, "mlflow")
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("e").experiment_id
    (found,) = client.search_runs([experiment])
    history = client.get_metric_history(found.info.run_id, "train/loss")
    assert {m.step: m.value for m in history} == LOSSES
    assert {
        m.step: m.value for m in client.get_metric_history(found.info.run_id, "valid/bleu")
    } == BLEU
    assert found.data.params["optim.lr"] == "0.25"
    assert found.info.status == "FINISHED"
    assert found.data.tags["mlflow.note.content"] == "# A card\n"
    artifacts = client.list_artifacts(found.info.run_id, "samples")
    assert [a.path for a in artifacts] == [f"samples/step_{n:08}.txt" for n in (20, 40)]


def test_a_resumed_run_of_mlflow_is_one(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    identities = Identities(tmp_path / "loggers.json")
    for step, most in ((1, 5), (2, 6)):
        logger = make_logger(MlflowConfig(kind="mlflow", tracking_uri=uri))
        logger.begin(LoggedRun("a", tmp_path, {"most": most, "same": 1}, identities), step)
        logger.scalars(step, {"valid/chrf++": 1.0}, 1000.0)
        logger.end(is_failed=step == 2)
    client = MlflowClient(uri)
    (found,) = client.search_runs(["0"])
    assert found.data.params == {"most": "5", "same": "1"}
    assert found.data.tags["changed.most"] == "6"
    assert len(client.get_metric_history(found.info.run_id, "valid/chrfpp")) == 2
    assert found.info.status == "FAILED"


def test_trackio_on_this_machine(tmp_path, monkeypatch, capsys):
    trackio = pytest.importorskip("trackio")
    sqlite = pytest.importorskip("trackio.sqlite_storage")
    for module in (trackio.utils, sqlite):
        monkeypatch.setattr(module, "TRACKIO_DIR", tmp_path / "trackio")
    identities = Identities(tmp_path / "loggers.json")
    for step in (1, 2):
        logger = make_logger(TrackioConfig(kind="trackio", project="p"))
        logger.begin(LoggedRun("a", tmp_path, {"optim.lr": 0.25, "x": [1]}, identities), step)
        logger.scalars(step, {"train/loss": 1.0 / step}, 1000.0)
        logger.sample(step, Sample("s", "h", "r"), 1000.0)
        logger.model_card(step, "# A card\n")
        logger.end(is_failed=False)
    assert capsys.readouterr().out == ""
    storage = sqlite.SQLiteStorage
    assert storage.get_runs("p") == ["a"]
    rows = storage.get_logs("p", "a")
    assert {row["step"]: row["train/loss"] for row in rows if "train/loss" in row} == {
        1: 1.0,
        2: 0.5,
    }
    assert len([row for row in rows if "sample" in row]) == 2
    assert len([row for row in rows if "model_card" in row]) == 2
