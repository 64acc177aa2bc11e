"""Tokstudio: see how tokenizers cut text, look into embedding matrices, move a model onto another tokenizer."""

__version__ = "0.1.0"
