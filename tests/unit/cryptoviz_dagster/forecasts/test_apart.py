import operator
import os

import pytest

from cryptoviz_dagster.forecasts.apart import run_apart


def test_the_result_comes_from_a_process_of_low_priority():
    assert run_apart(os.getpid) != os.getpid()
    assert run_apart(os.nice, 0) >= os.nice(0) + 1


def test_what_the_function_raises_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        run_apart(operator.truediv, 1, 0)
