"""Connections break when the other machine is silent for too long, and only connections do."""

import socket

import pytest

from mtcli.system.connections import limit_silence


@pytest.fixture
def sockets():
    """A listening socket, both ends of a connection to it, and one end of a local pipe."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        local, other = socket.socketpair()
        with client, server, local, other:
            yield listener, client, server, local


def keeps_alive(connection):
    return bool(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))


def test_each_connection_is_limited_and_nothing_else(sockets):
    listener, client, server, local = sockets
    assert limit_silence(60) >= 2
    assert [keeps_alive(end) for end in (client, server)] == [True, True]
    assert [keeps_alive(end) for end in (listener, local)] == [False, False]
    client.sendall(b"still open")
    assert server.recv(100) == b"still open"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has this option")
@pytest.mark.parametrize("timeout_s", [1, 7, 600])
def test_the_time_is_kept_with_data_on_the_way_and_without(sockets, timeout_s):
    _, client, _, _ = sockets
    limit_silence(timeout_s)

    def option(name):
        return client.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))

    assert option("TCP_USER_TIMEOUT") == 1000 * timeout_s
    probing_s = option("TCP_KEEPCNT") * option("TCP_KEEPINTVL")
    assert option("TCP_KEEPIDLE") + probing_s <= max(timeout_s, 5)
