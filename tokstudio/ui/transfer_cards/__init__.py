"""The parts of the Transfer page. `facts` and `checks` know no window."""
