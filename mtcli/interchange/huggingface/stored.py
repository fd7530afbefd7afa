"""Read the tensors of a Hugging Face folder: one safetensors file, or several with an index."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from mtcli.bundle.weight_shapes import StoredWeight, read_header
from mtcli.errors import ModelFolderError
from mtcli.folders import read_json
from mtcli.folders.manifest import is_file_name
from mtcli.interchange.foreign import ForeignModelError, as_weight

if TYPE_CHECKING:
    import numpy as np

_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_OTHERS = ("tf_model.h5", "flax_model.msgpack")

_MOST_TENSORS = 100_000
"""In all files together; a model with 1,000 layers on each side has 42,000."""

_DTYPES = ("F64", "F32", "F16", "BF16")


class StoredTensors:
    """The tensors of a folder, whose headers are read; a tensor is read when it is taken.

    Raises:
        ForeignModelError: there is no safetensors file, or one is damaged.
    """

    def __init__(self, folder: Path, class_name: str) -> None:
        self._folder = folder
        self._file_of: dict[str, Path] = {}
        self.headers: dict[str, StoredWeight] = {}
        for path in _weight_files(folder, class_name):
            try:
                headers = read_header(path)
            except ModelFolderError as error:
                raise ForeignModelError(error.sentence) from None
            if len(headers) + len(self.headers) > _MOST_TENSORS:
                raise ForeignModelError(f"{path} is damaged: with it, there are too many tensors")
            for name, header in headers.items():
                if header.dtype not in _DTYPES:
                    raise ForeignModelError(
                        f"{path} stores `{name}` in the type {header.dtype}, but weights must be"
                        f" one of {', '.join(_DTYPES)}",
                        hint="give the model that this was quantized from",
                    )
                self.headers[name], self._file_of[name] = header, path

    @property
    def described(self) -> str:
        """The files, for people."""
        return ", ".join(sorted({path.name for path in self._file_of.values()}))

    def check_shape(self, name: str, shape: tuple[int, ...], source: str) -> None:
        """Compare the shape of a tensor with the one that the config asks for.

        Raises:
            ForeignModelError: it differs.
        """
        found = self.headers[name].shape
        if found != shape:
            raise ForeignModelError(
                f"{self._file_of[name]} stores `{name}` as {list(found)}, but {source} asks for"
                f" {list(shape)}"
            )

    def take(self, name: str) -> np.ndarray:
        """A tensor in float32.

        Raises:
            ForeignModelError: the file cannot be read, or a value is not finite.
        """
        from safetensors import SafetensorError, safe_open

        path = self._file_of[name]
        # numpy has no bfloat16; torch is imported by safetensors then
        framework = "pt" if self.headers[name].dtype == "BF16" else "numpy"
        try:
            with safe_open(path, framework=framework) as tensors:
                tensor = tensors.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise ForeignModelError(f"{path} is damaged and cannot be read ({error})") from error
        array: np.ndarray = tensor.float().numpy() if framework == "pt" else tensor
        return as_weight(array, name, path)


def _weight_files(folder: Path, class_name: str) -> list[Path]:
    if (folder / _WEIGHTS).exists():
        return [folder / _WEIGHTS]
    if (folder / _INDEX).exists():
        return _indexed_files(folder)
    for name in PICKLED:
        if (folder / name).exists():
            raise ForeignModelError(
                f"{folder / name} cannot be imported: it is a pickle, which can run code",
                hint="convert it with `transformers`: " + conversion(folder, class_name),
            )
    for name in _OTHERS:
        if (folder / name).exists():
            raise ForeignModelError(
                f"{folder / name} cannot be imported: only safetensors files can",
                hint="give a folder with `model.safetensors`",
            )
    raise ForeignModelError(f"{folder} has no `{_WEIGHTS}`")


def conversion(folder: Path, class_name: str) -> str:
    """The line that writes the weights of a folder as a safetensors file into the folder."""
    code = (
        f"import transformers as t; t.{class_name}.from_pretrained({str(folder)!r})"
        f".save_pretrained({str(folder)!r})"
    )
    return f"python -c {quote(code)}"


def _indexed_files(folder: Path) -> list[Path]:
    """The files that the index names, each a plain name in the folder."""
    path = folder / _INDEX
    index = read_json(path, ForeignModelError)
    files = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(files, dict) or not files:
        raise ForeignModelError(f"{path} is damaged: it has no `weight_map`")
    names = set()
    for name in files.values():
        if not isinstance(name, str) or not _is_plain(name):
            raise ForeignModelError(f"{path} is damaged: {name!r} is not the name of a file")
        names.add(name)
    return [folder / name for name in sorted(names)]


def _is_plain(name: str) -> bool:
    return is_file_name(name) and Path(name).name == name and name.endswith(".safetensors")
