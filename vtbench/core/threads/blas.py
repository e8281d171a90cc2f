"""Linear algebra of NumPy and SciPy whose last digits do not depend on the number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def blas_on_one_thread() -> Iterator[None]:
    """Products and decompositions that the body asks for run on one thread, so that their sums have one order.

    It holds for the whole process, and for libraries that are loaded when it begins; how many threads there were is put
    back. Also a decorator.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    with threadpool_limits(limits=1, user_api="blas"):
        yield
