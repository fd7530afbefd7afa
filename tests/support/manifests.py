"""Manifests that agree with what a test changed in a folder."""

import json

from mtcli.folders import sha256_of


def fix_manifest(model, name):
    """Make the manifest agree with a file that a test changed."""
    manifest = json.loads((model / "MANIFEST.json").read_text("utf-8"))
    path = model / name
    manifest["files"][name] = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
    (model / "MANIFEST.json").write_text(json.dumps(manifest), "utf-8")
