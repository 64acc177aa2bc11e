"""What a figure in bits per byte has to be read beside: the same models of counts as in every evaluation."""

from tokstudio.train.evaluation.references import ORDERS, references

__all__ = ["ORDERS", "references"]
