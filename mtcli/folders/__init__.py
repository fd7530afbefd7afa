"""Folders that are complete or absent: temporary names, manifests, atomic renames."""

from mtcli.folders.json_files import parse_json, read_json
from mtcli.folders.links import follow_link, link_target, replace_link
from mtcli.folders.manifest import (
    FORMAT_VERSION,
    MANIFEST,
    read_manifest,
    refuse_newer_format,
    sha256_of,
)
from mtcli.folders.refusals import is_refusal
from mtcli.folders.rights import check_readable, read_start, why_refused
from mtcli.folders.sealed import read_sealed_json, write_sealed_json
from mtcli.folders.verifying import verify_files, verify_folder
from mtcli.folders.writing import (
    new_folder,
    remove_folder,
    remove_leftovers,
    write_bytes_atomically,
    write_json,
    write_text_atomically,
)

__all__ = [
    "FORMAT_VERSION",
    "MANIFEST",
    "check_readable",
    "follow_link",
    "is_refusal",
    "link_target",
    "new_folder",
    "parse_json",
    "read_json",
    "read_manifest",
    "read_sealed_json",
    "read_start",
    "refuse_newer_format",
    "remove_folder",
    "remove_leftovers",
    "replace_link",
    "sha256_of",
    "verify_files",
    "verify_folder",
    "why_refused",
    "write_bytes_atomically",
    "write_json",
    "write_sealed_json",
    "write_text_atomically",
]
