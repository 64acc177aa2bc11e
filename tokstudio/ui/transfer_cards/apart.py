"""What the Transfer page is made of, each card in a turn of the event loop of its own, and what they list."""

from tokstudio.tokens.catalog import catalog
from tokstudio.train.objectives.base import OBJECTIVES
from tokstudio.train.recipes import recipes
from tokstudio.transfer.base import METHODS
from tokstudio.ui.transfer_cards.budget import BudgetCard
from tokstudio.ui.transfer_cards.estimate import EstimateCard
from tokstudio.ui.transfer_cards.form import SettingsForm
from tokstudio.ui.transfer_cards.method import MethodCard
from tokstudio.ui.transfer_cards.pair import PairCard
from tokstudio.ui.transfer_cards.preflight import PreflightCard
from tokstudio.ui.transfer_cards.preview import PreviewCard

CARDS = {
    "method": MethodCard,
    "pair": PairCard,
    "budget": BudgetCard,
    "preflight": PreflightCard,
    "estimate": EstimateCard,
    "form": SettingsForm,
    "preview": PreviewCard,
}


def prepare() -> None:
    """Methods, objectives, recipes and tokenizers are files, read when they are listed for the first time."""
    for listed in (METHODS, OBJECTIVES, recipes(), catalog()):
        list(listed)
