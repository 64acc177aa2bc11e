"""What a run is told, complete and frozen. No torch here: the window draws its forms from these classes."""

from dataclasses import dataclass, field

from tokstudio.train.divergences import DIVERGENCES
from tokstudio.train.s2t2_config import S2t2Config
from tokstudio.train.settings import entries, setting
from tokstudio.train.student_config import ExpansionConfig, ProjectorConfig, RowFitConfig


@dataclass(frozen=True)
class DataConfig:
    corpus: str = setting(
        "python",
        "Corpus",
        'A text file, JSON lines, a Parquet or Arrow file, a folder of them, hub:ID of what "tokstudio data download" '
        'fetched or of what is streamed, or "python": the library of this Python.',
    )
    stream: bool = setting(
        False,
        "Stream",
        "Read hub:ID over the network while the run works, instead of a copy that was fetched before.",
    )
    revision: str = setting(
        "",
        "Revision",
        "Of a streamed data set: the commit whose files are read. It is looked up once, when the run is created, "
        "so that a resumed run reads the same.",
    )
    files: str = setting(
        "", "Files", "Of a streamed data set: only files whose names begin with this; empty: all with text."
    )
    mix_bytes: int = setting(
        8 << 20,
        "Mixed together",
        "So much of a streamed data set is in memory at a time, its windows in random order.",
        unit="bytes",
        low=4096,
        high=1 << 30,
    )
    held_out: str = setting(
        "",
        "Held-out file",
        "A file or folder to measure on; empty: a part of the corpus, chosen by the names of its documents.",
    )
    text_field: str = setting(
        "", "Text field", "The field of a row that holds the text; empty: found by its name."
    )
    chat_template: str = setting(
        "",
        "Chat template",
        "For rows with messages: a Jinja file or a model family; empty: the template of the model.",
    )
    learn: str = setting(
        "answers",
        "Learnt of chats",
        "answers: what an assistant says, and what follows a prompt. all: every turn.",
        choices=("answers", "all"),
    )
    window_bytes: int = setting(
        1024, "Window", "Text is cut after line ends into windows of this size.", unit="bytes", low=32
    )
    too_long: str = setting(
        "refuse",
        "Windows too long for the model",
        "cut: at the last byte where both tokenizers cut.",
        choices=("refuse", "cut"),
    )
    pack: bool = setting(False, "Packing", "Several short texts share a row, each with positions of its own.")
    held_out_bytes: int = setting(
        98_304,
        "Held-out text",
        "How much text that is never trained on is measured on.",
        unit="bytes",
        low=1024,
    )


@dataclass(frozen=True)
class OptimizerConfig:
    name: str = setting(
        "adamw",
        "Optimizer",
        "muon: orthogonalized momentum for the body's matrices. adamw8bit: moments of the body in 2 bytes a weight "
        "instead of 8; needs the package bitsandbytes.",
        choices=("adamw", "adamw8bit", "muon"),
    )
    learning_rate: float = setting(3e-4, "Learning rate", "Peak rate of the body.", low=0)
    embedding_learning_rate: float = setting(
        3e-3, "Embedding learning rate", "Peak rate of the token rows.", low=0
    )
    copied_row_rate: float = setting(
        0.05,
        "Rate of copied rows",
        "Factor of the embedding rate for token rows that were copied: they know their place already.",
        low=0,
        high=1,
    )
    muon_learning_rate: float = setting(
        0.02, "Muon learning rate", "Peak rate of the body's matrices under muon.", low=0
    )
    weight_decay: float = setting(0.01, "Weight decay", low=0)
    warmup_steps: int = setting(5, "Warm-up", unit="steps", low=0)
    schedule: str = setting(
        "linear",
        "Schedule",
        "How the rate falls after the warm-up. constant: not at all.",
        choices=("linear", "cosine", "constant"),
    )
    decay_share: float = setting(
        1.0, "Decay", "Last part of the run in which the rate falls to zero.", low=0, high=1
    )
    gradient_clip: float = setting(
        1.0, "Gradient clip", "Largest global norm; 0 leaves gradients alone.", low=0
    )


@dataclass(frozen=True)
class TrainConfig:
    steps: int = setting(100, "Steps", "Optimizer steps.", low=1)
    batch_size: int = setting(16, "Batch", "Windows of text in one forward pass.", low=1)
    accumulate: int = setting(1, "Accumulate", "Forward passes in one step.", low=1)
    seed: int = setting(17, "Seed", low=0)
    device: str = setting("auto", "Device", "auto: CUDA if present, else the CPU.")
    precision: str = setting(
        "auto", "Precision", "auto: bf16 on CUDA, fp32 on the CPU.", choices=("auto", "fp32", "bf16")
    )
    evaluate_every: int = setting(20, "Measure every", unit="steps", low=1)
    checkpoint_every: int = setting(20, "Checkpoint every", unit="steps", low=1)
    sample_every: int = setting(20, "Sample every", unit="steps", low=1)
    sample_tokens: int = setting(32, "Sample length", unit="tokens", low=1)
    keep_checkpoints: int = setting(2, "Checkpoints kept", low=1)
    threads: int = setting(0, "CPU threads", "0: all cores.", low=0)
    recoveries: int = setting(
        2,
        "Recoveries",
        "How often a run whose loss became NaN goes back to a checkpoint and on with half the rate.",
        low=0,
    )
    teacher_cache: bool = setting(
        False,
        "Teacher cache",
        "Write what the teacher says of every token once, 8 bytes each, and let it leave memory.",
    )
    parallel: str = setting(
        "ddp",
        "Several devices",
        "ddp: whole weights on each. fsdp: each holds a part, so that larger models fit. Of no effect on one.",
        choices=("ddp", "fsdp"),
    )
    gradient_checkpointing: bool = setting(
        False,
        "Gradient checkpointing",
        "Compute activations again in the backward pass: less memory, more time.",
    )
    compile: bool = setting(
        False,
        "Compile the model",
        "With torch.compile: the first steps take minutes, later ones less. For long runs on CUDA.",
    )


@dataclass(frozen=True)
class AlmConfig:
    """Approximate likelihood matching (arXiv 2503.20083): chunk probabilities of student and teacher agree."""

    temperature: float = setting(5.0, "Temperature", "Divides chunk log-probabilities.", low=1)
    threshold: float = setting(
        0.1,
        "Boundary threshold",
        "Chunks are merged until the text is this likely to end there.",
        low=0,
        high=1,
    )
    divergence: str = setting(
        "binary_kl",
        "Divergence",
        "limit and absolute take no temperature.",
        choices=DIVERGENCES,
    )
    boundary_mass: bool = setting(
        True, "Boundary mass", "Add the probability that a word ends after the chunk."
    )
    chunks: str = setting(
        "merge",
        "Chunks",
        "merge: until a boundary is likely. space: up to white space. pairs: until the last tokens mean the same "
        "in both tokenizers, as counted in the texts. unconstrained: as the tokenizers cut.",
        choices=("merge", "space", "pairs", "unconstrained"),
    )
    pair_threshold: float = setting(
        1e-4,
        "Largest bias of a pair",
        "For pairs: share of the text's tokens that would have made one of the two ends another.",
        low=0,
        high=1,
    )
    numerator: str = setting(
        "chunk_count",
        "Weight of a chunk",
        "One, the tokens that the teacher has in it, or the logarithm of one more.",
        choices=("chunk_count", "token_count", "log1p_token_count"),
    )
    denominator: str = setting("chunk_count", "Divided by", choices=("chunk_count", "token_count"))
    renyi_alpha: float = setting(0.5, "Rényi order", "1 is the KL divergence.", low=0.01, high=10)


@dataclass(frozen=True)
class AggregateConfig:
    """How several losses become one step."""

    name: str = setting("sum", "Aggregation", choices=entries("aggregate"))
    schedules: tuple[str, ...] = setting(
        (),
        "Schedules of weights",
        "For scheduled: one of constant, linear, cosine, reverse_cosine for each objective.",
    )
    gradnorm_rate: float = setting(0.025, "GradNorm rate", low=0)
    gradnorm_alpha: float = setting(0.12, "GradNorm pull", "How strongly rates are made equal.", low=0)


@dataclass(frozen=True)
class LatentsConfig:
    """Hidden states of student and teacher agree where both tokenizers cut."""

    what: str = setting("last_hidden", "States", choices=("last_hidden", "all_hidden", "qkv"))
    norm: str = setting(
        "l2_channelwise",
        "Normalization",
        "Squared distance over the teacher's mean square: of all channels together, or of each.",
        choices=("l2", "l2_channelwise"),
    )
    project: bool = setting(
        False, "Projection", "Learn a linear map from the student's states to the teacher's."
    )


@dataclass(frozen=True)
class KdConfig:
    """Whole distributions: kl, mined, dskd, gold."""

    temperature: float = setting(1.0, "Temperature", "Divides logits.", low=0.01)
    direction: str = setting("forward", "Direction", choices=("forward", "reverse", "js"))
    matched_weight: float = setting(
        -1.0,
        "Weight of shared tokens",
        "For gold; negative: the share of probability they hold.",
        low=-1,
        high=1,
    )


@dataclass(frozen=True)
class LoraConfig:
    rank: int = setting(64, "Rank", low=1)
    alpha: float = setting(64.0, "Alpha", low=0)
    targets: tuple[str, ...] = setting(
        (), "Adapted matrices", "Names of the body's linear maps, as q_proj, v_proj; empty: all of them."
    )
    save_adapters: bool = setting(
        False, "Adapters alone", "Beside the merged model, write the adapters and the token rows for peft."
    )


@dataclass(frozen=True)
class TransferConfig:
    """Move `model` onto `tokenizer`."""

    model: str = setting("demo:english", "Source model", "A model folder, or demo:english.")
    tokenizer: str = setting("demo:code", "Target tokenizer", "Any tokenizer reference.")
    method: str = setting("mean-pieces", "Initialization", "How new token rows start.")
    input_norm: str = setting(
        "none",
        "Length of new input rows",
        "none: as they come. sources: of the rows behind each. mean: of the mean row. Copies stay as they are.",
        choices=("none", "sources", "mean"),
    )
    output_norm: str = setting(
        "none",
        "Length of new output rows",
        "The same for the head, where it has rows of its own.",
        choices=("none", "sources", "mean"),
    )
    special_map: tuple[str, ...] = setting(
        (), "Special tokens", "Copied from other tokens than by name or role: <|im_end|>=</s> each."
    )
    audit: bool = setting(
        True, "Look for untrained rows", "Source rows that training seems never to have reached are kept out."
    )
    objectives: tuple[str, ...] = setting(
        ("next_token", "alm"),
        "Objectives",
        "What is minimized, together.",
        choices=entries("objectives"),
    )
    weights: tuple[float, ...] = setting((1.0, 1.0), "Weights", "One factor an objective.")
    mode: str = setting(
        "full",
        "Trained weights",
        "full: all. lora: low-rank adapters, and the token rows.",
        choices=entries("students"),
    )
    untie: bool = setting(
        False,
        "Separate output rows",
        "Input and output rows part where the source model has one matrix for both.",
    )
    expansion: ExpansionConfig = field(default_factory=ExpansionConfig)
    projector: ProjectorConfig = field(default_factory=ProjectorConfig)
    row_fit: RowFitConfig = field(default_factory=RowFitConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    alm: AlmConfig = field(default_factory=AlmConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    aggregate: AggregateConfig = field(default_factory=AggregateConfig)
    latents: LatentsConfig = field(default_factory=LatentsConfig)
    kd: KdConfig = field(default_factory=KdConfig)
    s2t2: S2t2Config = field(default_factory=S2t2Config)
    teacher: str = setting(
        "",
        "Teacher",
        "A model folder with a tokenizer of its own; empty: what the source model was at the start.",
    )
    donor: str = setting(
        "", "Donor model", "A model with the target tokenizer, for the initializations that need one."
    )
    check_export: bool = setting(
        True, "Check the export", "Load it in a fresh process and compare its numbers."
    )


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a new Llama-architecture model."""

    hidden_size: int = setting(256, "Hidden size", low=8)
    intermediate_size: int = setting(640, "MLP size", low=8)
    num_hidden_layers: int = setting(4, "Layers", low=1)
    num_attention_heads: int = setting(4, "Heads", low=1)
    max_position_embeddings: int = setting(1024, "Longest input", unit="tokens", low=16)
    tie_word_embeddings: bool = setting(True, "Tied embeddings", "One matrix for input and output rows.")


@dataclass(frozen=True)
class PretrainConfig:
    """Train a small language model from scratch."""

    tokenizer: str = setting("demo:english", "Tokenizer")
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    train: TrainConfig = field(default_factory=TrainConfig)


def demo_model() -> PretrainConfig:
    """What made the demo model in `resources/demo/english`."""
    return PretrainConfig(
        data=DataConfig(window_bytes=960),
        optimizer=OptimizerConfig(
            name="muon",
            learning_rate=0.003,
            embedding_learning_rate=0.006,
            muon_learning_rate=0.02,
            weight_decay=0.01,
            warmup_steps=20,
            decay_share=0.33,
        ),
        train=TrainConfig(
            steps=900, batch_size=24, evaluate_every=100, checkpoint_every=50, sample_every=200
        ),
    )


def demo() -> TransferConfig:
    """The demo transfer: what `tokstudio transfer --demo` and the one button run.

    Fitted to two CPU cores and two minutes; the lab notes in CHANGELOG.md say what else was tried.
    """
    return TransferConfig(
        objectives=("next_token", "projected_kl", "alm"),
        weights=(1.0, 3.0, 1.0),
        data=DataConfig(held_out_bytes=65_536),
        optimizer=OptimizerConfig(
            learning_rate=5e-4, embedding_learning_rate=0.02, copied_row_rate=0.05, warmup_steps=4
        ),
        train=TrainConfig(
            steps=240, batch_size=3, evaluate_every=40, checkpoint_every=40, sample_every=80, sample_tokens=24
        ),
    )
