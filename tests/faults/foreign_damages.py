"""Damage to another toolkit's folder that keeps files well formed, and tricks of an attacker."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import zipfile
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from safetensors.numpy import load_file, save_file

from mtcli.interchange.marian.settings import MODEL_YML
from tests.faults.mutations import LAUGHS, change_yaml

Arrays: TypeAlias = MutableMapping[str, np.ndarray]

RAN = "ran"
"""The file that an attacker's code writes beside the folder, if it is run."""

SPARSE_BYTES = 8 * 2**30


def damage_huggingface(folder: Path, draw: random.Random) -> str:
    """Do one of them to a folder with safetensors files; what was done, in words."""
    return draw.choice([_change_tensors, _change_tensors, _trick])(folder, draw)


def damage_marian(folder: Path, draw: random.Random) -> str:
    """Do one of them to a folder with an npz file and vocabularies; what was done, in words."""
    return draw.choice([_change_npz, _change_npz, _change_settings, _trick_marian])(folder, draw)


def change_arrays(arrays: Arrays, draw: random.Random) -> str:
    """Change one of the arrays, or which there are."""
    name = draw.choice(sorted(arrays))
    match draw.randrange(6):
        case 0:
            del arrays[name]
            kind = "is missing"
        case 1:
            other = draw.choice(("../x", "/tmp/x", "\0", "", "x" * 60_000, f"{name}x", "a\nb"))
            arrays[other] = arrays.pop(name)
            kind = f"has the name {other!r:.20}"
        case 2:
            other = draw.choice(sorted(arrays))
            arrays[name], arrays[other] = arrays[other], arrays[name]
            kind = f"changes places with `{other}`"
        case _:
            kind, change = draw.choice(list(_CHANGES.items()))
            with np.errstate(all="ignore"):
                arrays[name] = np.ascontiguousarray(change(arrays[name]))
    return f"array `{name}` {kind}"


_CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "is transposed": np.transpose,
    "lacks a row": lambda array: array[1:],
    "has no row": lambda array: array[:0],
    "is flat": np.ravel,
    "has an axis more": lambda array: array[None],
    "is one number": lambda array: np.float32(array.sum()),
    "has many axes": lambda array: array.reshape((1,) * 25 + array.shape),
    "is NaN": lambda array: array * np.float32(np.nan),
    "is infinite": lambda array: array + np.float32(np.inf),
    "is huge": lambda array: np.full_like(array, 3e38),
    "is zero": np.zeros_like,
    "is of float64": lambda array: array.astype(np.float64) * 1e300,
    "is of float16": lambda array: array.astype(np.float16),
    "is of int8": lambda array: array.astype(np.int8),
    "is of int64": lambda array: array.astype(np.int64),
    "is of bool": lambda array: array.astype(bool),
}


def _change_tensors(folder: Path, draw: random.Random) -> str:
    """Write a safetensors file in which an array is another."""
    path = draw.choice(sorted(folder.glob("*.safetensors")))
    arrays: Arrays = load_file(path)
    what = change_arrays(arrays, draw)
    path.unlink()
    save_file(dict(arrays), path)
    return what


def _trick(folder: Path, draw: random.Random) -> str:
    name, trick = draw.choice(list(TRICKS.items()))
    trick(folder, draw)
    return name


def make_sparse(folder: Path, draw: random.Random) -> None:
    """Make a file 8 GiB long, of which the disk holds next to nothing."""
    path = draw.choice([path for path in folder.iterdir() if path.is_file()])
    content = path.read_bytes()
    path.unlink()
    with path.open("wb") as file:
        file.write(content)
        file.truncate(SPARSE_BYTES)


def pickled(folder: Path) -> bytes:
    """A pickle that writes `RAN` beside the folder when it is loaded."""
    command = f"touch '{folder.parent / RAN}'"
    return b"\x80\x02cposix\nsystem\n(U" + bytes([len(command)]) + command.encode() + b"tR."


def _pickle(folder: Path, draw: random.Random) -> None:
    for path in folder.glob("model*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(pickled(folder))


def _pickle_in_place(folder: Path, draw: random.Random) -> None:
    path = draw.choice(sorted(folder.glob("*.safetensors")))
    path.unlink()
    path.write_bytes(pickled(folder))


def _code(folder: Path, draw: random.Random) -> None:
    """What `trust_remote_code` would run."""
    code = f"import pathlib\npathlib.Path({str(folder.parent / RAN)!r}).touch()\n"
    for name in ("modeling_marian", "tokenization_marian", "configuration_marian"):
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    _set(folder / "config.json", auto_map={"AutoModel": "modeling_marian.Model"})
    _set(folder / "config.json", trust_remote_code=True)


def _index(folder: Path, draw: random.Random) -> None:
    """An index that names files elsewhere."""
    secret = folder.parent / "secret.safetensors"
    paths = ("../secret.safetensors", str(secret), "x/../../secret.safetensors", "/dev/zero", "~")
    weights = sorted(folder.glob("*.safetensors"))
    names = [name for path in weights for name in load_file(path)]
    for path in weights:
        path.unlink()
    files = dict.fromkeys(names, draw.choice(paths))
    content = json.dumps({"weight_map": files})
    (folder / "model.safetensors.index.json").unlink(missing_ok=True)
    (folder / "model.safetensors.index.json").write_text(content, encoding="utf-8")


def _link_out(folder: Path, draw: random.Random) -> None:
    """A link to a file that is no model; links as such are how the hub's cache stores files."""
    path = draw.choice([path for path in folder.iterdir() if path.is_file()])
    path.unlink()
    path.symlink_to(draw.choice(("/etc/passwd", "/proc/self/mem", "/proc/kmsg", "/dev/tty", ".")))


def _header(folder: Path, draw: random.Random) -> None:
    """A header of 15 MB that is valid: 200,000 empty tensors."""
    path = draw.choice(sorted(folder.glob("*.safetensors")))
    tensor = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps({f"t{i}": tensor for i in range(200_000)}).encode()
    path.unlink()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def _big_json(folder: Path, draw: random.Random) -> None:
    """JSON of 15 MB that takes much more memory."""
    path = draw.choice(sorted(folder.glob("*.json")))
    path.unlink()
    inner = draw.choice(('{"%d": []}', '"%d"', "[[],[%d]]"))
    entries = ",".join(f'"k{i}":{inner % i}' for i in range(600_000))
    path.write_text(f"{{{entries[: 15 * 2**20].rpartition(',')[0]}}}", encoding="utf-8")


def _deep_pieces(folder: Path, draw: random.Random) -> None:
    """Pieces that are special elsewhere."""
    path = draw.choice(sorted(folder.glob("*vocab.json")) or [folder / "added_tokens.json"])
    if not path.exists():
        path.write_text(json.dumps({f"__{code}__": 100 for code in "abcdefgh"}), encoding="utf-8")
    ids = json.loads(path.read_bytes())
    for old, new in zip(
        draw.sample(sorted(ids), 6),
        ("__\n__", "__\0__", "\ud800", "<row 3>", "a" * 10**6, "__\ud800__"),
        strict=True,
    ):
        ids.setdefault(new, ids.pop(old))
    path.unlink()
    path.write_text(json.dumps(ids), encoding="utf-8")


def _languages(folder: Path, draw: random.Random) -> None:
    """Languages that are none."""
    odd = ("\ud800", "\0", "a\nb", "../..", "x" * 10**6, "\x1b[31m", 3, ["en"])
    changes: dict[str, object] = {
        key: draw.choice(odd) for key in ("source_lang", "target_lang", "unk_token", "src_lang")
    }
    tags = [f"__{language}__" for language in odd] + ["eng_Latn", "deu_L\x1b[31m", "abc_X" * 99]
    changes["additional_special_tokens"] = draw.sample(tags, 5)
    changes["added_tokens_decoder"] = {str(200 + i): {"content": t} for i, t in enumerate(tags)}
    _set(folder / "tokenizer_config.json", **changes)


def _set(path: Path, **changes: object) -> None:
    values = json.loads(path.read_bytes()) if path.exists() else {}
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(values | changes), encoding="utf-8")


def _unreadable(folder: Path, draw: random.Random) -> None:
    """A socket, which cannot be opened."""
    path = draw.choice([path for path in folder.iterdir() if path.is_file()])
    path.unlink()
    here = Path.cwd()
    os.chdir(folder)  # its path may be too long for a socket
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)


TRICKS: dict[str, Callable[[Path, random.Random], None]] = {
    "a file of 8 GiB": make_sparse,
    "pytorch_model.bin that runs code": _pickle,
    "a pickle in the place of weights": _pickle_in_place,
    "code that comes with the model": _code,
    "an index that names files elsewhere": _index,
    "a link to something else": _link_out,
    "a header of 15 MB": _header,
    "JSON of 15 MB": _big_json,
    "odd pieces": _deep_pieces,
    "odd languages": _languages,
    "a socket": _unreadable,
}


def _change_npz(folder: Path, draw: random.Random) -> str:
    """Write an npz file in which an array is another."""
    arrays = _load_npz(folder)
    what = change_arrays(arrays, draw)
    _save_npz(folder, arrays)
    return what


def _change_settings(folder: Path, draw: random.Random) -> str:
    """Change a line of the settings in the npz file."""
    arrays = _load_npz(folder)
    what, text = change_yaml(arrays[MODEL_YML].tobytes().rstrip(b"\0"), draw)
    arrays[MODEL_YML] = np.frombuffer(text + b"\0", dtype=np.int8)
    _save_npz(folder, arrays)
    return f"settings: {what}"


def _load_npz(folder: Path) -> Arrays:
    with np.load(folder / "model.npz") as stored:
        return dict(stored)


def _save_npz(folder: Path, arrays: Arrays) -> None:
    (folder / "model.npz").unlink()
    np.savez(folder / "model.npz", **arrays)


def _trick_marian(folder: Path, draw: random.Random) -> str:
    name, trick = draw.choice(list(MARIAN_TRICKS.items()))
    trick(folder, draw)
    return name


class _Attack:
    """Pickled, it writes `RAN` beside the folder when it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.command = f"touch '{folder.parent / RAN}'"

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def _pickled_array(folder: Path, draw: random.Random) -> None:
    arrays = _load_npz(folder)
    arrays[draw.choice(sorted(arrays))] = np.array([_Attack(folder)], dtype=object)
    _save_npz(folder, arrays)


def _rewrite_zip(
    folder: Path, change: Callable[[zipfile.ZipFile, zipfile.ZipInfo, bytes], None]
) -> None:
    """Write the archive again; `change` writes each entry."""
    path = folder / "model.npz"
    with zipfile.ZipFile(path) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    path.unlink()
    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in entries:
            change(archive, entry, content)


def _names_of_paths(folder: Path, draw: random.Random) -> None:
    names = (
        "../{}",
        "/tmp/{}",
        "x/../../{}",
        "C:\\{}",
        "\n{}",
        "{}/",
        "\udcff{}",
        "a" * 60_000 + "{}",
    )
    odd, kept = draw.choice(names), draw.randrange(5)

    def change(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, content: bytes) -> None:
        name = odd.format(entry.filename) if hash(entry.CRC) % 5 == kept else entry.filename
        archive.writestr(name.encode("utf-8", "replace").decode(), content)

    _rewrite_zip(folder, change)


def _bomb(folder: Path, draw: random.Random) -> None:
    """An array of zeros that is a thousand times smaller compressed."""
    size = draw.choice((2**20, 2**24, 2**28))
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': (1, {size}), }}\n".encode()
    body = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(4 * size)
    with zipfile.ZipFile(folder / "model.npz.new", "w", zipfile.ZIP_DEFLATED, True, 1) as archive:
        archive.writestr("encoder_Wemb.npy", body)
    (folder / "model.npz.new").replace(folder / "model.npz")


def _lie(folder: Path, draw: random.Random) -> None:
    """Sizes, checksums, methods or flags of the central directory that are not so."""
    content = bytearray((folder / "model.npz").read_bytes())
    places = [i for i in range(len(content)) if content.startswith(b"PK\x01\x02", i)]
    start = draw.choice(places)
    offset, width = draw.choice(((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (42, 4)))
    number = draw.choice((0, 1, 8, 14, 99, 2**16 - 1, 2**31, 2**32 - 1)) % 2 ** (8 * width)
    content[start + offset : start + offset + width] = number.to_bytes(width, "little")
    (folder / "model.npz").unlink()
    (folder / "model.npz").write_bytes(content)


def _many_entries(folder: Path, draw: random.Random) -> None:
    (folder / "model.npz").unlink()
    with zipfile.ZipFile(folder / "model.npz", "w") as archive:
        for i in range(70_000):
            archive.writestr(f"a{i}.npy", b"")


def _vocabularies_elsewhere(folder: Path, draw: random.Random) -> None:
    paths = ("../secret.spm", "/etc/passwd", "/dev/zero", "x\0.spm", "model.npz", ".", "..", "3")
    names = [draw.choice(paths), draw.choice(paths)]
    _write_decoder(folder, f"vocabs: {json.dumps(names)}\n")


def _big_list(folder: Path, draw: random.Random) -> None:
    """A vocabulary of 15 MB, as a list."""
    line = draw.choice(("k{}: {}\n", '"\\u{:04x}": {}\n', "{}:{}: \n", "'{}'' ': {}\n"))
    text = "".join(line.format(i % 2**16 if "u{" in line else i, i) for i in range(2**20))
    (folder / "vocab.yml").write_text(text[: 15 * 2**20], encoding="utf-8")
    _write_decoder(folder, "vocabs: [vocab.yml, vocab.yml]\n")


def _write_decoder(folder: Path, text: str) -> None:
    (folder / "model.npz.decoder.yml").unlink()
    (folder / "model.npz.decoder.yml").write_text(text, encoding="utf-8")


def _billion(folder: Path, draw: random.Random) -> None:
    """A list of a billion values, from aliases of aliases, as the value of a key."""
    if draw.random() < 0.5:
        key = draw.choice(("vocabs", "beam-size", "normalize", "word-penalty", "unknown"))
        value = draw.choice(("*l9", "[*l9, *l9]", "{a: *l9}"))
        _write_decoder(folder, f"{LAUGHS}\n{key}: {value}\n")
        return
    arrays = _load_npz(folder)
    lines = arrays[MODEL_YML].tobytes().rstrip(b"\0").decode().splitlines()
    place = draw.choice([i for i, line in enumerate(lines) if ": " in line])
    lines[place] = lines[place].partition(":")[0] + ": *l9"
    text = "\n".join([LAUGHS, *lines])
    arrays[MODEL_YML] = np.frombuffer(text.encode() + b"\0", dtype=np.int8)
    _save_npz(folder, arrays)


def _two_models(folder: Path, draw: random.Random) -> None:
    (folder / "model.npz").rename(folder / "a.npz")
    (folder / "b.npz").symlink_to("/dev/zero")


MARIAN_TRICKS: dict[str, Callable[[Path, random.Random], None]] = {
    "a pickled array": _pickled_array,
    "a pickle in the place of the npz": lambda folder, draw: _replace(folder / "model.npz", folder),
    "entries with names of paths": _names_of_paths,
    "a bomb of zeros": _bomb,
    "a directory that is not true": _lie,
    "lists of a billion values": _billion,
    "70,000 entries": _many_entries,
    "vocabularies elsewhere": _vocabularies_elsewhere,
    "a vocabulary of 15 MB": _big_list,
    "two models": _two_models,
    "a file of 8 GiB": make_sparse,
    "a link to something else": _link_out,
    "a socket": _unreadable,
}


def _replace(path: Path, folder: Path) -> None:
    path.unlink()
    path.write_bytes(pickled(folder))
