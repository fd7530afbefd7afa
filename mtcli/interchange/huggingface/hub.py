"""Download a model from the Hugging Face hub: only the files that are imported, of one revision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import cast

from mtcli.data.reachability import why_unreachable
from mtcli.errors import MtcliError
from mtcli.interchange.foreign import ForeignModelError
from mtcli.interchange.huggingface.stored import PICKLED, conversion

INSTALL = "pip install 'huggingface_hub>=1,<3'"

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FILES = re.compile(
    r"(?:generation_|tokenizer_)?config\.json|special_tokens_map\.json|added_tokens\.json"
    r"|(?:target_)?vocab\.json|(?:source|target)\.spm|sentencepiece\.bpe\.model"
    r"|model(?:-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json"
)
"""Everything that an import reads. A model has more: weights for other libraries, pictures."""


@dataclass(frozen=True)
class Downloaded:
    """A model of the hub, in the cache of `huggingface_hub`."""

    folder: Path
    revision: str
    """The commit, by its hash."""


def is_hub_id(source: Path) -> bool:
    """Whether a source that does not exist may be the id of a model, such as `OWNER/NAME`."""
    return _ID.fullmatch(source.as_posix()) is not None


def download(hub_id: str, revision: str | None = None) -> Downloaded:
    """Download the files of a model that are imported; those in the cache are not loaded again.

    Args:
        hub_id: `OWNER/NAME`.
        revision: a branch, a tag or a commit; None: the main branch. Where the hub cannot be
            reached, it must be in the cache.

    Raises:
        ForeignModelError: `huggingface_hub` is not installed, the hub cannot be reached and the
            model is not in the cache, there is no such model or revision, or it cannot be imported.
    """
    try:
        import huggingface_hub
        from huggingface_hub import constants
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ModuleNotFoundError as error:
        raise ForeignModelError(
            f"`{hub_id}` is not a folder, and models of the Hugging Face hub need the package"
            " `huggingface_hub`, which is not installed",
            hint=f"run `{INSTALL}`",
        ) from error
    why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else ""
    why = why or why_unreachable(constants.ENDPOINT)
    if why:
        try:
            folder = huggingface_hub.snapshot_download(
                hub_id, revision=revision, allow_patterns=["*"], local_files_only=True
            )
        except LocalEntryNotFoundError:
            raise _unreachable(hub_id, why) from None
        return Downloaded(Path(folder), Path(folder).name)
    # the same of all versions, which use different libraries for the network
    transport_error = cast("type[Exception]", HfHubHTTPError.__mro__[1])
    try:
        info = huggingface_hub.HfApi().model_info(hub_id, revision=revision)
        names = [file.rfilename for file in info.siblings or ()]
        _refuse_pickled(hub_id, names)
        folder = huggingface_hub.snapshot_download(
            hub_id,
            revision=info.sha,
            allow_patterns=[name for name in names if _FILES.fullmatch(name)],
        )
    except (OSError, transport_error) as error:
        raise _described(hub_id, revision, error) from None
    return Downloaded(Path(folder), str(info.sha))


def _refuse_pickled(hub_id: str, names: list[str]) -> None:
    """Refuse a model without safetensors files before anything of it is downloaded."""
    if any(name.endswith(".safetensors") for name in names):
        return
    pickled = next((name for name in PICKLED if name in names), None)
    if pickled is None:
        raise ForeignModelError(f"`{hub_id}` of the Hugging Face hub has no `model.safetensors`")
    folder = Path(hub_id.partition("/")[2])
    raise ForeignModelError(
        f"`{pickled}` of `{hub_id}` cannot be imported: it is a pickle, which can run code",
        hint=f"run `hf download {quote(hub_id)} --local-dir {quote(str(folder))}`, convert it with"
        f" `transformers`: {conversion(folder, 'AutoModelForSeq2SeqLM')}, and import the folder",
    )


def _unreachable(hub_id: str, why: str) -> MtcliError:
    return ForeignModelError(
        f"`{hub_id}` is neither a folder nor in the cache, and the Hugging Face hub cannot be"
        f" reached: {why}",
        hint=f"copy the folder that `hf download {quote(hub_id)} --local-dir DIR` makes on a"
        " machine that can",
    )


def _described(hub_id: str, revision: str | None, error: Exception) -> MtcliError:
    """The one sentence for an error of the hub."""
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    match error:
        case GatedRepoError():
            return ForeignModelError(
                f"`{hub_id}` of the Hugging Face hub is gated: you must ask for access first",
                hint=f"ask on https://huggingface.co/{hub_id}, then run `hf auth login`",
            )
        case RevisionNotFoundError():
            return ForeignModelError(f"`{hub_id}` has no revision `{revision}`")
        case RepositoryNotFoundError():
            return ForeignModelError(
                f"`{hub_id}` is neither a folder nor a model of the Hugging Face hub",
                hint="check the name; for a private model, run `hf auth login`",
            )
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return ForeignModelError(f"cannot download `{hub_id}` from the Hugging Face hub: {reason}")
