"""Log a run to TensorBoard, without TensorFlow."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtcli.training.observers.loggers.protocol import LoggedRun, Sample

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")


class TensorboardLogger:
    """Writes one event file for each invocation.

    Args:
        output: folder of the event files; None is `tensorboard` in the run folder.
    """

    title = "TensorBoard"

    def __init__(self, output: Path | None) -> None:
        self._output = output

    def begin(self, run: LoggedRun, step: int) -> str | None:
        """Open a file; what earlier files have from `step` on is not shown any more."""
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder = self._output or run.folder / "tensorboard"
        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads files in the order of their names, and those with this word in them
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self._file = (folder / name).open("xb")  # a second life must not write over the first
        self._writer = RecordWriter(self._file)
        self._write(time.time(), file_version="brain.Event:2")
        self.rewind(step)
        self._hyperparameters(run)
        return None

    def rewind(self, step: int) -> None:
        """Let TensorBoard drop what it has read from `step` on."""
        from tensorboard.compat.proto.event_pb2 import SessionLog

        start = SessionLog(status=SessionLog.START)
        self._write(time.time(), step=step, session_log=start)

    def scalars(self, step: int, values: Mapping[str, float], at_s: float) -> None:
        """Write an event."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        found = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(at_s, step=step, summary=Summary(value=found))

    def sample(self, step: int, sample: Sample, at_s: float) -> None:
        """Write the sample as a table."""
        rows = (
            ("source", sample.source),
            ("hypothesis", sample.hypothesis),
            ("reference", sample.reference),
        )
        lines = [f"| {name} | {_escaped(text)} |" for name, text in rows]
        self._text(step, "sample", "\n".join(["| | |", "|---|---|", *lines]), at_s)

    def model_card(self, step: int, text: str) -> None:
        """Write the card as text."""
        self._text(step, "model_card", _without_front_matter(text), time.time())

    def end(self, *, is_failed: bool) -> None:
        """Close the file."""
        self._file.close()

    def _hyperparameters(self, run: LoggedRun) -> None:
        """As the page HPARAMS reads them; lists are text there."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams import metadata, plugin_data_pb2

        start = plugin_data_pb2.SessionStartInfo(group_name=run.name, start_time_secs=time.time())
        for key, value in run.hyperparameters.items():
            if isinstance(value, bool):
                start.hparams[key].bool_value = value
            elif isinstance(value, int | float):
                start.hparams[key].number_value = value
            else:
                start.hparams[key].string_value = str(value)
        content = plugin_data_pb2.HParamsPluginData(session_start_info=start)
        value = Summary.Value(
            tag=metadata.SESSION_START_INFO_TAG,
            metadata=metadata.create_summary_metadata(content),
            tensor=metadata.NULL_TENSOR,
        )
        self._write(time.time(), summary=Summary(value=[value]))

    def _text(self, step: int, name: str, text: str, at_s: float) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
        from tensorboard.compat.proto.types_pb2 import DT_STRING
        from tensorboard.plugins.text import metadata

        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
        content = text.encode("utf-8", "backslashreplace")
        value = Summary.Value(
            tag=f"{name}/text_summary",
            metadata=metadata.create_summary_metadata(display_name=name, description=""),
            tensor=TensorProto(dtype=DT_STRING, string_val=[content], tensor_shape=shape),
        )
        self._write(at_s, step=step, summary=Summary(value=[value]))

    def _write(
        self,
        at_s: float,
        *,
        step: int = 0,
        summary: Summary | None = None,
        session_log: Any = None,
        file_version: str | None = None,
    ) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        event = Event(
            wall_time=at_s,
            step=step,
            summary=summary,
            session_log=session_log,
            file_version=file_version,
        )
        self._writer.write(event.SerializeToString())
        self._file.flush()  # a reader sees it now, and a killed run has it


def _escaped(text: str) -> str:
    """Text in a cell of a Markdown table, shown as it is."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _without_front_matter(card: str) -> str:
    """The card without the YAML that only a hub reads."""
    if not card.startswith("---\n"):
        return card
    return card.partition("\n---\n")[2].lstrip("\n") or card
