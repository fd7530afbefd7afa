"""Jobs beside each other: their order, their threads, and what becomes of an error."""

import threading

import pytest
import torch

from mtcli.decoding.beside import run_beside


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("num_threads", [1, 2, 7])
def test_results_come_in_the_order_of_the_jobs(two_threads, num_threads):
    assert run_beside([lambda i=i: i * i for i in range(9)], num_threads) == [
        i * i for i in range(9)
    ]
    assert run_beside([], num_threads) == []


def test_two_jobs_are_at_work_at_a_time_with_a_thread_of_arithmetic_each(two_threads):
    barrier = threading.Barrier(2, timeout=20)

    def job():
        barrier.wait()  # nobody passes alone
        return torch.get_num_threads(), threading.get_ident()

    found = run_beside([job] * 4, 2)
    assert [num_threads for num_threads, _ in found] == [1] * 4
    assert len({ident for _, ident in found}) == 2
    assert torch.get_num_threads() == 2


def test_a_single_job_has_this_thread_and_all_its_threads_of_arithmetic(two_threads):
    def job():
        return torch.get_num_threads(), threading.get_ident()

    assert run_beside([job], 2) == [(2, threading.get_ident())]


def test_an_error_ends_the_jobs_that_wait_and_leaves_the_threads_as_they_were(two_threads):
    done = []

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_beside([fail, *[lambda: done.append(1)] * 1000], 2)
    assert len(done) < 1000
    assert torch.get_num_threads() == 2
