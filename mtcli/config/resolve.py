"""Resolve what a config leaves to its environment: absolute paths, the cache, local copies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mtcli.config.schema.data import DataConfig, HubSource, Source, TextSource, TmxSource
from mtcli.config.schema.logging import LoggerConfig, TensorboardConfig, WandbConfig
from mtcli.config.schema.root import TrainConfig
from mtcli.config.schema.tokenizer import TokenizerConfig
from mtcli.errors import ConfigError
from mtcli.system.user_paths import expanded


def resolve(config: TrainConfig, working_dir: Path) -> TrainConfig:
    """The config that means the same wherever it is read; resolving it twice changes nothing.

    Args:
        config: A valid config.
        working_dir: Absolute folder that relative paths start from.

    Raises:
        ConfigError: a path names a user or an environment variable that does not exist, or has
            bytes that are not UTF-8.
    """
    run_dir = _absolute(config.run_dir, working_dir)
    tokenizer = config.tokenizer
    return replace(
        config,
        # their values are in the config, whatever a later mtcli understands by their names
        preset=None,
        compat=None,
        run_dir=run_dir,
        data=_resolve_data(config, working_dir, run_dir.parent / ".cache"),
        tokenizer=_resolve_tokenizer(tokenizer, working_dir),
        training=replace(
            config.training, init_from=_absolute_or_none(config.training.init_from, working_dir)
        ),
        logging=[_resolve_logger(logger, working_dir) for logger in config.logging],
    )


def _resolve_logger(logger: LoggerConfig, working_dir: Path) -> LoggerConfig:
    if isinstance(logger, TensorboardConfig | WandbConfig):
        return replace(logger, output=_absolute_or_none(logger.output, working_dir))
    return logger


def _resolve_tokenizer(tokenizer: TokenizerConfig, working_dir: Path) -> TokenizerConfig:
    return replace(
        tokenizer,
        model=_absolute_or_none(tokenizer.model, working_dir),
        src_model=_absolute_or_none(tokenizer.src_model, working_dir),
        tgt_model=_absolute_or_none(tokenizer.tgt_model, working_dir),
    )


def _resolve_data(config: TrainConfig, working_dir: Path, default_cache: Path) -> DataConfig:
    data, langs = config.data, (config.src_lang, config.tgt_lang)
    root = _absolute_or_none(data.root, working_dir)
    start = working_dir if root is None else root
    has_root = root is not None
    return replace(
        data,
        root=root,
        cache_dir=_absolute(data.cache_dir or default_cache, working_dir),
        train=[_resolve_source(source, start, langs, has_root=has_root) for source in data.train],
        valid=data.valid
        and [_resolve_source(source, start, langs, has_root=has_root) for source in data.valid],
    )


def _resolve_source(
    source: Source, start: Path, langs: tuple[str, str], *, has_root: bool
) -> Source:
    if isinstance(source, TextSource):
        return replace(source, src=_absolute(source.src, start), tgt=_absolute(source.tgt, start))
    if isinstance(source, TmxSource):
        src_lang, tgt_lang = source.src_lang or langs[0], source.tgt_lang or langs[1]
        source = replace(source, src_lang=src_lang, tgt_lang=tgt_lang)
    if not isinstance(source, HubSource):
        return replace(source, path=_absolute(source.path, start))
    if has_root and source.local_src is not None and source.local_tgt is not None:
        return TextSource(
            src=_absolute(source.local_src, start), tgt=_absolute(source.local_tgt, start)
        )
    return source  # its local files are under a root that may yet be set, so they stay relative


def _absolute_or_none(path: Path | None, start: Path) -> Path | None:
    return None if path is None else _absolute(path, start)


def _absolute(path: Path, start: Path) -> Path:
    path = start / expanded(path, start)
    if any("\ud800" <= character <= "\udfff" for character in str(path)):
        raise ConfigError(
            f"the name of `{path}` is not UTF-8",
            hint="rename that folder or file, or use another one",
        )
    # Behind a symbolic link `..` is not the folder before it, so only the file system can tell.
    return path.resolve() if ".." in path.parts else path
