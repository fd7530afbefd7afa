"""A hub that cannot be reached is found out in a moment, and only the cache is asked then."""

import http.server
import socket
import threading

import datasets
import huggingface_hub.constants
import pytest

from mtcli.config.schema.data import HubSource
from mtcli.data.reachability import offline_unless_reachable, why_unreachable
from mtcli.data.tables import read_hub
from mtcli.errors import DataError


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_error(404)

    def log_message(self, *_): ...


@pytest.fixture
def server():
    with http.server.HTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def nobody():
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(autouse=True)
def online(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for place in (datasets.config, huggingface_hub.constants):
        monkeypatch.setattr(place, "HF_HUB_OFFLINE", False)


def test_any_answer_will_do(server):
    assert why_unreachable(server) == ""


def test_nobody_answers(nobody):
    assert why_unreachable(nobody) == "Connection refused"


def test_a_proxy_that_nobody_runs(server, nobody, monkeypatch):
    monkeypatch.setenv("http_proxy", nobody)
    assert why_unreachable("http://example.invalid") == "Connection refused"
    monkeypatch.setenv("http_proxy", server)
    assert why_unreachable("http://example.invalid") == ""


def test_a_server_that_is_silent(monkeypatch):
    monkeypatch.setattr("mtcli.data.reachability._TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "timed out" in why_unreachable(f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_other_proxies_are_not_judged(nobody, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    assert why_unreachable(nobody) == ""


@pytest.mark.parametrize("is_there", [True, False])
def test_only_the_cache_is_asked_and_only_then(server, nobody, monkeypatch, is_there):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server if is_there else nobody)
    with offline_unless_reachable() as why:
        assert bool(why) is not is_there
        assert datasets.config.HF_HUB_OFFLINE is not is_there
        assert huggingface_hub.constants.is_offline_mode() is not is_there
    assert not datasets.config.HF_HUB_OFFLINE
    assert not huggingface_hub.constants.is_offline_mode()


def test_whoever_is_offline_on_purpose_is_not_asked(nobody, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", nobody)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with offline_unless_reachable() as why:
        assert why == ""
    assert datasets.config.HF_HUB_OFFLINE


def test_it_is_one_sentence_without_retries(nobody, monkeypatch, tmp_path, capfd):
    """All of the library runs here, which otherwise retries five times, and says so."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", nobody)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", nobody)
    monkeypatch.chdir(tmp_path)
    source = HubSource(
        kind="hub", name="someone/nothing", split="train", src_field="en", tgt_field="de"
    )
    with pytest.raises(DataError) as caught:
        list(read_hub(source))
    assert str(caught.value) == (
        "cannot get the train split of someone/nothing from the hub: the hub cannot be reached"
        " (Connection refused), and it is not in the cache\n"
        "hint: to read local files instead, set `data.root`, `local_src` and `local_tgt`"
    )
    assert "etry" not in capfd.readouterr().err
