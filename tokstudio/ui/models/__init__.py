"""Qt models over NumPy arrays: nothing is copied row by row."""
