"""Evaluation that is fair across tokenizers: the same bytes, intervals, reference lines, multiple choice."""
