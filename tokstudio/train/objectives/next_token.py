"""Next-token prediction in the target tokenizer."""

from tokstudio.train.objectives.base import Scores, objective


@objective("next_token", title="Next token")
class NextToken:
    """Mean of -log p(token | tokens before it) over the tokens of the text."""

    def __init__(self, pair, config):
        pass

    def prepare(self, student, teacher, scores):
        return None

    def count(self, student, prepared) -> float:
        return float(student.scored().sum())

    def loss_sum(self, scores: Scores, student, prepared):
        return -scores.picked.sum()
