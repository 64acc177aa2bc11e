"""Comparisons of many runs on one question, from one settings file; what is done is not done again."""
