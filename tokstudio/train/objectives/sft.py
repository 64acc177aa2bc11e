"""Next-token prediction by the name that trainers of instructions give it."""

from tokstudio.train.objectives.base import objective
from tokstudio.train.objectives.next_token import NextToken

objective("sft", title="Next token (supervised fine-tuning)", label="SFT", cached=True)(NextToken)
