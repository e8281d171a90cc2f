"""Linear algebra on one thread, and as many as before afterwards."""

from __future__ import annotations

import scipy.linalg  # noqa: F401 - it brings a library of its own, which must be loaded to be watched
import threadpoolctl

from vtbench.core.threads.blas import blas_on_one_thread


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"}


def test_it_holds_inside_and_is_put_back() -> None:
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        with blas_on_one_thread():
            assert threads() == {1}
        assert threads() == {2}

        @blas_on_one_thread()
        def inside() -> set[int]:
            return threads()

        assert inside() == {1} == inside() and threads() == {2}
