"""Which npz file of a folder is the model."""

from __future__ import annotations

from pathlib import Path

from mtcli.interchange.foreign import ForeignModelError

_NOT_MODELS = (".optimizer.npz", ".orig.npz")
_USUAL = "model.npz"


def npz_of(source: Path) -> Path | None:
    """The npz file that a source means: itself, or that of a folder; None if there is none.

    Raises:
        ForeignModelError: it is Marian's binary format, or a folder has several models.
    """
    if source.suffix == ".npz" and source.is_file():
        return source
    if source.suffix == ".bin" and source.is_file():
        raise ForeignModelError(
            f"{source} cannot be imported: of Marian's models only npz files can",
            hint="give the `.npz` file that `marian-conv` made this one of",
        )
    if not source.is_dir():
        return None
    if (source / _USUAL).is_file():
        return source / _USUAL
    found = [path for path in sorted(source.glob("*.npz")) if not path.name.endswith(_NOT_MODELS)]
    if len(found) > 1:
        names = ", ".join(f"`{path.name}`" for path in found[:4])
        raise ForeignModelError(
            f"{source} has {len(found)} npz files: {names}", hint="give the file of the model"
        )
    return found[0] if found else None
