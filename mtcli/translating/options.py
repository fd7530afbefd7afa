"""How texts are translated: the search, and what is done around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mtcli.config.schema.decoding import DecodingConfig
from mtcli.decoding.options import SearchOptions, check_positive
from mtcli.translating.sentences import Splitter

_SEARCH_KEYS = ("beam_size", "normalization", "length_penalty", "stop", "max_length")
"""Keys of `DecodingConfig` that `SearchOptions` has too."""


@dataclass(frozen=True, kw_only=True)
class TranslateOptions:
    """How texts are translated.

    Raises:
        ConfigError: `batch_size` is below 1.
    """

    search: SearchOptions
    batch_size: int = 64
    """Sentences that are translated at once."""
    splitter: Splitter | None = None
    """Splits texts into sentences that are translated one by one; None translates them whole."""
    retries: bool = True
    """Translate once more, with other settings, what repeats itself."""
    has_alignments: bool = False
    """Say which words of a translation come from which words of the source; needs an engine that
    shows attention."""
    reads_documents: bool = False
    """Translate neighbouring lines together; a blank line ends a document."""
    alignment_layer: int | None = None
    """See `DecodingConfig`."""
    alignment_heads: Sequence[int] | None = None
    """See `DecodingConfig`."""

    def __post_init__(self) -> None:
        check_positive("batch_size", self.batch_size)

    @classmethod
    def of_model(cls, generation: DecodingConfig) -> TranslateOptions:
        """What `generation.json` of a model folder says."""
        return cls(
            search=SearchOptions(**{key: getattr(generation, key) for key in _SEARCH_KEYS}),
            batch_size=generation.batch_size,
            alignment_layer=generation.alignment_layer,
            alignment_heads=generation.alignment_heads,
        )

    def with_overrides(self, overrides: Mapping[str, object]) -> TranslateOptions:
        """The same options with other values.

        Args:
            overrides: values by name: those of `SearchOptions` and `batch_size`. None changes
                nothing.

        Raises:
            ConfigError: a value is out of range.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        batch_size = given.pop("batch_size", self.batch_size)
        return replace(self, search=replace(self.search, **given), batch_size=batch_size)  # type: ignore[arg-type]
