"""Settings of the translation stage. No torch here: the window draws its form from this class."""

from dataclasses import dataclass

from tokstudio.train.settings import setting


@dataclass(frozen=True)
class S2t2Config:
    """Sparse Sinkhorn token translation (arXiv 2411.00593): learn a sparse map between the vocabularies first."""

    steps: int = setting(
        0,
        "Translation steps",
        "Steps in which only the translation is learnt and the model is frozen. 0: no translation stage.",
        low=0,
    )
    learning_rate: float = setting(
        0.02,
        "Translation learning rate",
        "In units of a row's probability; softmax, whose scores are logarithms, wants ten times more.",
        low=0,
    )
    candidates: int = setting(
        32, "Candidates", "Source tokens a target token may draw on. 0: all that the texts use.", low=0
    )
    neighbors: str = setting(
        "auxiliary",
        "Neighbors",
        "Candidates beyond a token's own bytes and pieces. auxiliary: source tokens in similar places of the texts. "
        "rows: nearest in the model's own matrix. none: no others.",
        choices=("auxiliary", "rows", "none"),
    )
    spread: float = setting(
        0.05, "Spread", "Part of each row that starts on its other candidates.", low=0, high=1
    )
    solver: str = setting(
        "sparsemax",
        "Solver",
        "sparsemax: sparse plans. free: no constraint. dykstra, alternation: for comparison, without candidates.",
        choices=("sparsemax", "entmax15", "softmax", "dykstra", "alternation", "free"),
    )
    iterations: int = setting(3, "Sinkhorn iterations", low=1)
    every: int = setting(
        1,
        "Solve the plan every",
        "More than 1 saves time where the plan is large: between, the last one serves. A resumed run solves anew.",
        low=1,
        unit="steps",
    )
    marginal: str = setting(
        "plan",
        "Source marginal",
        "How much of each source token a plan holds. plan: as at the start. frequency: as in the texts. none: any.",
        choices=("plan", "frequency", "none"),
    )
    alpha: float = setting(1.0, "Alpha", "Smaller is sparser.", low=1e-6)
    alpha_end: float = setting(1.0, "Alpha at the end", "Alpha moves there geometrically.", low=1e-6)
    head: str = setting(
        "logit",
        "Head",
        "logit: translated rows. prob: translated probabilities, exported by their logit reading.",
        choices=("logit", "prob"),
    )
    shared: bool = setting(True, "One plan", "One plan serves input and output.")
    norm: str = setting(
        "none",
        "Length of mixed rows",
        "none: a mean of rows is shorter than they are. sources: each mixture gets the mean length of its rows.",
        choices=("none", "sources"),
    )
    residual: int = setting(
        0,
        "Rank of a correction",
        "Learn a low-rank correction of either sign beside the plan, for this model alone. 0: none.",
        low=0,
    )
    residual_rate: float = setting(0.005, "Rate of the correction", low=0)
    plan: str = setting("", "Saved plan", "Start from the plan.safetensors of another run: weak to strong.")
    finetune: bool = setting(
        True, "Training after", "Go on training all weights once the translation is folded."
    )

    @property
    def translates(self) -> bool:
        """Is there a translation, learnt here or elsewhere?"""
        return bool(self.steps or self.plan)
