"""The array types of the engine, and the one door through which numbers enter it."""

from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

INT64_LIMIT = 2**63

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def kernel(function: _Kernel) -> _Kernel:
    """Compile a function of int64 arrays to machine code that runs without Python's lock.

    The code is cached on disk, so one machine compiles it once. Under ``NUMBA_DISABLE_JIT=1``
    the function runs as the plain Python it is written in, with the same result.
    """
    return cast(_Kernel, _Compiled(function))


class _Compiled:
    """A function that is compiled when it is first called.

    Only then is numba imported, which takes half a second: most commands compute nothing.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        update_wrapper(self, function)

    def __call__(self, *values: Any) -> Any:
        return self._dispatcher(*values)

    @cached_property
    def _dispatcher(self) -> Any:
        import numba

        # nogil, as days run on threads. Neither fastmath nor parallel: no order of operations may
        # depend on the machine.
        return numba.njit(cache=True, nogil=True)(self._function)

    @property
    def _numba_type_(self) -> Any:
        """What numba knows this by where another kernel calls it."""
        return self._dispatcher._numba_type_


def integers(values: ArrayLike, shape: tuple[int, ...], name: str) -> Integers:
    """Return values as a fresh, contiguous int64 array of the stated shape.

    A copy, so that kernels always meet one memory layout and a caller's array stays its own.

    Raises:
        TypeError: values are not integers (bool and float included).
        ValueError: the shape differs.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name}: {array.dtype} given, integers needed; scale the unit instead")
    if array.shape != shape:
        raise ValueError(f"{name}: shape {array.shape} given, {shape} needed")
    return np.array(array, dtype=np.int64, order="C")


def largest_magnitude(values: Integers) -> int:
    """Return the largest absolute value as a Python int, 0 for an empty array."""
    return max(abs(int(values.max())), abs(int(values.min()))) if values.size else 0


def require_int64(bound: int, name: str) -> None:
    """Refuse a computation whose largest possible magnitude does not fit int64.

    Raises:
        OverflowError: bound is 2**63 or more.
    """
    if bound >= INT64_LIMIT:
        raise OverflowError(
            f"{name}: may reach {bound}, the limit is {INT64_LIMIT - 1}; check the unit"
        )


def narrow(values: Integers, bound: int) -> Integers:
    """Return an array of Python ints as int64 if a bound of their magnitude fits, else as it is.

    What is returned depends on the bound alone, not on the values that happen to be there.
    """
    return values.astype(np.int64) if bound < INT64_LIMIT else values
