"""The JSON settings of a Hugging Face folder: a key is used, ignored for a reason, or unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtcli.folders import read_json
from mtcli.interchange.foreign import ForeignModelError
from mtcli.interchange.foreign_settings import ForeignSettings

_TRAINING = "only training over there uses it"
_CACHE = "mtcli always keeps keys and values between steps"
_ABOUT = "it says how the file was made"
_LABELS = "it belongs to classification"
_OLD = "`transformers` does not read it any more"
_OUTPUTS = "it chooses what a forward pass returns"

IGNORED: Mapping[str, str] = {
    "init_std": _TRAINING,
    "encoder_layerdrop": f"{_TRAINING}; see `regularization.layer_dropout`",
    "decoder_layerdrop": f"{_TRAINING}; see `regularization.layer_dropout`",
    "classifier_dropout": _TRAINING,
    "classif_dropout": _TRAINING,
    "gradient_checkpointing": f"{_TRAINING}; see `training.activation_checkpointing`",
    "use_cache": _CACHE,
    "cache_implementation": _CACHE,
    "_name_or_path": _ABOUT,
    "_from_model_config": _ABOUT,
    "architectures": "`model_type` says the same",
    "transformers_version": _ABOUT,
    "dtype": "weights are stored in float32",
    "torch_dtype": "weights are stored in float32",
    "is_decoder": "an encoder and a decoder are imported",
    "add_cross_attention": "an encoder and a decoder are imported",
    "num_hidden_layers": "`encoder_layers` says the same",
    "id2label": _LABELS,
    "label2id": _LABELS,
    "num_labels": _LABELS,
    "_num_labels": _LABELS,
    "problem_type": _LABELS,
    "add_bias_logits": _OLD,
    "add_final_layer_norm": _OLD,
    "extra_pos_embeddings": _OLD,
    "normalize_before": _OLD,
    "normalize_embedding": _OLD,
    "static_position_embeddings": _OLD,
    "prefix": _OLD,
    "task_specific_params": _OLD,
    "tokenizer_class": "the files of the tokenizer say what it is",
    "output_attentions": _OUTPUTS,
    "output_hidden_states": _OUTPUTS,
    "output_scores": _OUTPUTS,
    "return_dict": _OUTPUTS,
    "return_dict_in_generate": _OUTPUTS,
    "chunk_size_feed_forward": "it bounds memory and changes no result",
    "bos_token_id": "the decoder starts with `decoder_start_token_id`",
    "early_stopping": "a search of mtcli stops when as many hypotheses ended as it keeps",
    "renormalize_logits": "the probabilities of mtcli keep the share of padding",
    "num_return_sequences": "see `mtcli translate --n-best`",
    "trust_remote_code": "no code of a model is run",
}
"""Keys of `config.json` and `generation_config.json` that change nothing here, with the reason."""

NEUTRAL: Mapping[str, Any] = {
    "do_sample": False,
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
    "typical_p": 1.0,
    "repetition_penalty": 1.0,
    "diversity_penalty": 0.0,
    "num_beam_groups": 1,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "min_length": 0,
    "min_new_tokens": 0,
    "exponential_decay_length_penalty": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "remove_invalid_values": False,
    "pruned_heads": {},
    "tf_legacy_loss": False,
    "torchscript": False,
    "use_bfloat16": False,
    "cross_attention_hidden_size": None,
    "sep_token_id": None,
    "finetuning_task": None,
    "is_encoder_decoder": True,
}
"""Keys that say nothing with these values, which are those of a search; other values are not kept
by a model folder."""

LARGEST_SETTINGS_BYTES = 4 * 2**20
"""Of a JSON file; the largest are those of tokenizers that list a thousand pieces of their own."""

_MOST_KEYS = 1000
"""Of an object of settings; an unknown one is a warning each."""


class Settings(ForeignSettings):
    """The object in one JSON file, whose keys are marked as used when they are asked for.

    Raises:
        ForeignModelError: the file is missing or not an object.
    """

    def __init__(self, path: Path) -> None:
        values = read_json(path, ForeignModelError, LARGEST_SETTINGS_BYTES)
        if not isinstance(values, dict):
            raise ForeignModelError(f"{path} is damaged: it is not an object")
        if len(values) > _MOST_KEYS:
            raise ForeignModelError(f"{path} is damaged: it has {len(values)} keys")
        super().__init__(path, values)

    def number(self, key: str, default: float) -> float:
        """A finite number of at least 0.

        Raises:
            ForeignModelError: it is of another type.
        """
        value = self.get(key)
        value = default if value is None else value
        if type(value) not in (int, float) or not 0 <= value < math.inf:
            raise self.wrong(key, "must be a number, at least 0")
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false.

        Raises:
            ForeignModelError: it is of another type.
        """
        value = self.get(key)
        value = default if value is None else value
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def leftovers(self) -> tuple[dict[str, str], list[str]]:
        """Keys that nobody asked for: those that are ignored, with the reason, and warnings."""
        ignored: dict[str, str] = {}
        warnings: list[str] = []
        for key, value in self._values.items():
            if key in self._used or (key in NEUTRAL and value in (NEUTRAL[key], None)):
                continue
            if key in IGNORED:
                ignored[key] = IGNORED[key]
            elif key in NEUTRAL:
                warnings.append(
                    f"`{key}: {self.shown(value)}` of {self.path.name} is not kept: a model folder"
                    " has no such default"
                )
            else:
                warnings.append(
                    f"`{self.shown(key)}` of {self.path.name} is unknown, and was not used"
                )
        return ignored, warnings
