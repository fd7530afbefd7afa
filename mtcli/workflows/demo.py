"""Write the demo corpus and its config into a folder; the package ships both."""

from __future__ import annotations

import tarfile
from importlib import resources
from pathlib import Path

from mtcli.errors import MtcliError
from mtcli.folders import why_refused, write_bytes_atomically

_FILES = resources.files("mtcli.workflows") / "demo_files"
_CORPUS = "corpus.tar.xz"
_CONFIG = "demo.yaml"


def write_demo(folder: Path) -> None:
    """Write data/demo/{train,valid,test}.{en,de} and configs/demo.yaml under `folder`.

    Files that exist already and hold the same bytes are fine, so a second call does nothing.

    Raises:
        MtcliError: a file of that name holds something else, or cannot be written.
    """
    contents = {f"data/demo/{name}": content for name, content in corpus_files().items()}
    contents["configs/demo.yaml"] = (_FILES / _CONFIG).read_bytes()
    try:
        for name, content in contents.items():
            path = folder / name
            if path.exists() and (not path.is_file() or path.read_bytes() != content):
                raise MtcliError(
                    f"{path} already exists and is not the file of the demo; nothing was written",
                    hint="move it away, or choose another folder",
                )
        for name, content in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_bytes_atomically(folder / name, content)
    except OSError as error:
        why = why_refused(Path(error.filename or folder), error)
        raise MtcliError(f"cannot write the demo to {folder}: {why}") from error


def corpus_files() -> dict[str, bytes]:
    """The shipped corpus: the bytes of `train.en`, `train.de` and so on, one sentence a line.

    `scripts/demo_corpus` generates them.
    """
    with (_FILES / _CORPUS).open("rb") as packed, tarfile.open(fileobj=packed, mode="r:xz") as tar:
        members = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in members.items() if file is not None}
