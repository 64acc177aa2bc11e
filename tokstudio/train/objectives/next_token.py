"""Next-token prediction in the target tokenizer."""

from tokstudio.train.objectives.base import AnyScores, Objective, objective


@objective("next_token", title="Next token", cached=True)
class NextToken(Objective):
    """Mean of -log p(token | tokens before it) over the tokens of the text that a loss may count."""

    def __init__(self, pair, config):
        pass

    def prepare(self, student, teacher, scores):
        return None

    def count(self, student, prepared) -> float:
        return float(student.counted().sum())

    def loss_sum(self, scores: AnyScores, student, prepared):
        if not student.learned:
            return -scores.picked.sum()
        return -scores.picked.where(student.counted(), 0.0).sum()
