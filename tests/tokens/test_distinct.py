import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tokstudio.tokens.distinct import counted, distinct


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5), max_size=30))
def test_it_is_what_numpy_says(values):
    array = np.array(values, np.int64)
    wanted, counts = np.unique(array, return_counts=True)
    assert distinct(array).tolist() == counted(array)[0].tolist() == wanted.tolist()
    assert counted(array)[1].tolist() == counts.tolist()
