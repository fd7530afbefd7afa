"""An error is a sentence, and perhaps a hint."""

import pickle

from mtcli.errors import ConfigError, ExitCode


def test_the_hint_is_a_line_of_its_own():
    error = ConfigError("`x` is not a valid duration", hint="use for example `30m`")
    assert str(error) == "`x` is not a valid duration\nhint: use for example `30m`"
    assert (error.sentence, error.hint) == ("`x` is not a valid duration", "use for example `30m`")
    assert error.exit_code == ExitCode.USER_ERROR


def test_without_a_hint_the_sentence_stands_alone():
    assert str(ConfigError("no such key")) == "no such key"


def test_it_survives_the_way_from_another_process():
    error = pickle.loads(pickle.dumps(ConfigError("a", hint="b")))
    assert (str(error), error.sentence, error.hint) == ("a\nhint: b", "a", "b")
