"""The languages of a run that starts from a model which translates between several."""

from __future__ import annotations

from mtcli.bundle.card import LanguageTags, read_checked
from mtcli.bundle.languages import tags_of
from mtcli.bundle.model_folder import Bundle
from mtcli.config.dump import plain_values
from mtcli.config.schema.root import TrainConfig
from mtcli.config.schema.sections import section
from mtcli.errors import ConfigError
from mtcli.folders import write_json
from mtcli.runs.folder import RunFolder

_FILE = "languages.json"


@section
class RunLanguages:
    """Which languages a run trains, of those that its model knows."""

    src_lang: str
    """As the model calls it."""
    tgt_lang: str
    languages: LanguageTags


def find_languages(
    config: TrainConfig, run: RunFolder, start: Bundle | None
) -> RunLanguages | None:
    """The languages of a run; None if its model is not told any.

    A run that begins takes them from the model that it starts from, and keeps them in its folder,
    where it finds them when it resumes without that model.

    Args:
        config: of the run.
        run: its folder.
        start: the model that it starts from, with the languages of the run chosen; None if it
            resumes, or starts from none.

    Raises:
        ConfigError: pairs as long as the config allows do not fit with their tags.
        ModelFolderError: what the run has kept is damaged.
    """
    path = run.tokenizers / _FILE
    if start is None:
        if config.training.init_from is None or not path.exists():
            return None
        return read_checked(path, RunLanguages)
    card = start.card
    if card.languages is None:
        path.unlink(missing_ok=True)
        return None
    languages = RunLanguages(
        src_lang=card.src_lang, tgt_lang=card.tgt_lang, languages=card.languages
    )
    _check_lengths(config, languages)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, plain_values(languages))
    return languages


def _check_lengths(config: TrainConfig, languages: RunLanguages) -> None:
    """Check that the longest pair fits with what stands before its texts."""
    tags = tags_of(languages)
    longest = config.data.max_length + max(len(tags.src), len(tags.tgt)) + 1
    for key, size in (
        ("model.max_positions", config.model.max_positions),
        ("batch.max_tokens", config.batch.max_cells),
    ):
        if size < longest:
            raise ConfigError(
                f"{key} ({size}) must be at least {longest}: data.max_length"
                f" ({config.data.max_length}), the pieces that name languages, and EOS",
                hint="lower `data.max_length`",
            )
