"""Transfer: choose what moves where, see what it takes, start."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from tokstudio.align.special_map import special_map
from tokstudio.errors import TokstudioError
from tokstudio.runs.store import RunStore
from tokstudio.train.config import TransferConfig, demo
from tokstudio.train.kinds import PURPOSES, purpose_of, target_reference
from tokstudio.train.settings import load_toml, to_dict
from tokstudio.ui.background import Worker
from tokstudio.ui.context import Context
from tokstudio.ui.page_list import parts
from tokstudio.ui.reveal import Thing, offer
from tokstudio.ui.transfer_cards import apart, checks
from tokstudio.ui.transfer_cards.checks import Check
from tokstudio.ui.transfer_cards.estimate import WIDTH
from tokstudio.ui.transfer_cards.facts import (
    CorpusFacts,
    Estimate,
    Expected,
    ModelFacts,
    PairFacts,
    corpus_facts,
    estimate,
    expected,
    model_facts,
    pair_facts,
    sample_of,
)
from tokstudio.ui.transfer_cards.from_hub import FromHub
from tokstudio.ui.transfer_cards.measure import Measuring, correction
from tokstudio.ui.transfer_cards.out import Out
from tokstudio.ui.transfer_cards.purpose import taken_up
from tokstudio.ui.transfer_cards.starting import Starting
from tokstudio.ui.transfer_cards.steps import words_of
from tokstudio.ui.transfer_cards.values import follow_model, set_values
from tokstudio.ui.widgets.basic import button

WIDE = 1208  # page width from which the three cards stand side by side
CARDS = 412  # their height
MEASURED = ("model", "tokenizer", "data", "mode")  # settings whose change asks for new facts
PAUSE = 250  # milliseconds without typing before the pair is measured again


class TransferPage(FromHub, Starting, Out, QWidget):
    name, title, icon, order = "transfer", "Transfer", "transfer", 5
    prepare = staticmethod(apart.prepare)

    def __init__(self, context: Context, store: RunStore | None = None, **made: QWidget):
        """`made`: what `parts_apart` makes, where it was made before."""
        super().__init__()
        self.context = context
        self.store = store or RunStore()
        self.config = demo()
        self._generation = 0
        self._queue = False  # start, or wait for its turn?
        self._waits = False  # for the checks, to start then
        self._model: ModelFacts | None = None
        self._pair: PairFacts | None = None
        self._corpus: CorpusFacts | None = None
        self._device: dict[str, Any] | None = None
        self._expected: Expected | None = None
        self._worker, self._asker = Worker(self), Worker(self)  # the device's answer takes seconds
        self._worker.done.connect(self._arrived)
        self._asker.done.connect(self._arrived)
        self._soon = QTimer(self, singleShot=True, interval=PAUSE)
        self._soon.timeout.connect(self._measure)
        self._starting = QTimer(self, singleShot=True, interval=20)
        self._starting.timeout.connect(self._start)
        self._reset = button("Demo settings", "undo")
        self._reset.clicked.connect(lambda: self._change(to_dict(demo()), "demo settings"))
        self._reset.setParent(self)  # owned here, shown by the top bar
        self._reset.hide()
        self._measured: tuple[TransferConfig, float, dict[str, Any]] | None = None
        self.measuring = Measuring(self)
        self._build(parts(TransferPage, context, made))
        self._show()

    @staticmethod
    def parts_apart(_context: Context) -> dict[str, Callable[[], QWidget]]:
        return apart.CARDS

    def _build(self, made: dict[str, Any]) -> None:
        self.method, self.pair, self.budget = made["method"], made["pair"], made["budget"]
        self.preflight, self.estimate, self.form = made["preflight"], made["estimate"], made["form"]
        self.preview = made["preview"]
        self.method.recipe_picked.connect(
            lambda values, name: self._change(values, f"recipe \u201c{name}\u201d")
        )
        self.method.purpose_picked.connect(
            lambda name: self._change(taken_up(name, self.config), PURPOSES[name].title.lower())
        )
        self.form.edited.connect(self._change)
        self.form.save_asked.connect(self._save_toml)
        self.preflight.fix.connect(self.fix)
        self.estimate.queue.connect(lambda: self.start(queue=True))
        self.estimate.measure_asked.connect(lambda: self.measuring.begin(self.config))
        self.estimate.cancel_asked.connect(self.measuring.cancel)
        self.measuring.progressed.connect(self.estimate.show_measuring)
        self.measuring.found.connect(self._tried)
        for picker in (self.pair.model, self.pair.tokenizer, self.pair.teacher, self.budget.corpus):
            offer(picker.combo, self.context, lambda picker=picker: Thing(picker.reference), self.name)
        for card in (self.method, self.pair, self.budget):
            card.edited.connect(self._change)
        self.budget.corpus.asked.connect(self._from_hub)
        self.preflight.again.connect(self._again)
        self.preflight.changed.connect(self._permit)
        self.estimate.start.connect(lambda: self.start())
        self.estimate.copy_command.connect(self._copy_command)
        inside = QWidget()
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(16, 16, 16, 16)
        self._grid.setSpacing(12)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        scroll.setAccessibleName("Settings of the transfer")
        for part in (scroll.viewport(), inside):
            part.setAutoFillBackground(False)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addWidget(scroll, 1)
        self._foot = QVBoxLayout()
        self._layout.addLayout(self._foot)
        self._wide: bool | None = None
        self._arrange(True)

    # ---------------------------------------------------------------- the shell

    def subtitle(self) -> str:
        return "new run"

    def actions(self) -> list[QWidget]:
        return [self._reset]

    def things(self) -> list[Thing]:
        corpus = self.config.data.corpus
        chosen = (
            self.config.model,
            self.config.tokenizer,
            self.config.teacher,
            corpus if corpus != "python" and not self.config.data.stream else "",
        )
        return [Thing(reference) for reference in chosen if reference]

    def opened(self) -> None:
        self._measure()

    def receive(self, model: str = "", tokenizer: str = "", like: str = "") -> None:
        """A model folder or a tokenizer that was chosen elsewhere. `like`: the folder of a run to do again."""
        if like:
            try:
                config = load_toml(TransferConfig, Path(like) / "config.toml")
                self._change(to_dict(config), f"settings of {Path(like).name}")
            except TokstudioError as error:
                self.estimate.problem.show_error(error)
            return
        values = {"model": model, "tokenizer": tokenizer}
        self._change({name: value for name, value in values.items() if value})

    def close_down(self) -> None:
        self._soon.stop()
        self._starting.stop()
        self._worker.close()
        self._asker.close()
        self.measuring.close()

    # ---------------------------------------------------------------- settings

    def _change(self, values: dict[str, Any], words: str = "") -> None:
        """An empty dict: something was typed that is no value yet. `words`: what it is called, where it is more than
        one setting."""
        before = self.config
        try:
            self.config = set_values(self.config, follow_model(self.config, values))
        except TokstudioError as error:
            self.estimate.problem.show_error(error)
            return
        told, key = words_of(before, self.config)
        self.context.changes.record(self.name, words or told, before, self.config, self._bring, key=key)
        self._changed(before)

    def _bring(self, config: TransferConfig) -> None:
        """For undo."""
        before, self.config = self.config, config
        self._changed(before)

    def _changed(self, before: TransferConfig) -> None:
        self._wait_no_more()
        self.estimate.problem.clear()
        self._show()
        if any(getattr(before, name) != getattr(self.config, name) for name in MEASURED):
            self._soon.start()

    def _show(self) -> None:
        self.method.show_config(self.config, len(self._pair.target) if self._pair else 0)
        self.pair.show_config(self.config)
        self.estimate.show_purpose(purpose_of(self.config))
        self.budget.show_config(self.config)
        self.form.show_config(self.config)
        self.budget.show_expected(self._expected, self.config)
        if self._corpus is not None:
            self.budget.show_corpus(self._corpus, self.config)
        self._forecast()
        self._permit()

    def _forecast(self) -> None:
        memory = disk = 0.0  # of a model that is not known nothing is
        if self._model is not None:
            needs = self._needs(self.config)
            corrected = correction(self.config, needs.memory, *self._measured) if self._measured else None
            self.estimate.show_estimate(needs, self._device["memory"] if self._device else None, corrected)
            memory, disk = needs.memory * (corrected.memory if corrected else 1.0), needs.disk
        self.preflight.set_check("folder", checks.folder(self.store.folder, disk))
        if self._device is not None:
            self.preflight.set_check(
                "device", checks.on_device(self._device, memory, self.config.train.device)
            )
            self.preflight.set_check("runtime", checks.runtime(self._device))

    def _needs(self, config: TransferConfig) -> Estimate:
        assert self._model is not None
        return estimate(self._model, self._pair, config, self.store, cuda=self._on_cuda())

    def _tried(self, config: TransferConfig, answer: dict[str, Any] | TokstudioError) -> None:
        """Two steps of `config` were made, or could not be."""
        self.estimate.show_measuring(None)
        if not isinstance(answer, TokstudioError):
            self.estimate.problem.clear()
            self._measured = (config, self._needs(config).memory, answer) if self._model else None
        elif not self.measuring.cancelled:
            self.estimate.problem.show_error(answer)
        self._show()

    def _on_cuda(self) -> bool:
        return self._device is not None and self._device["device"] == "cuda"

    def _permit(self) -> None:
        failed = self.preflight.failed()
        if failed:
            self.estimate.allow(f"Failed: {failed[0].lower()}")
        elif purpose_of(self.config) == "distil" and not self.config.teacher:
            self.estimate.allow("Choose a teacher")
        elif not (self.budget.valid and self.method.valid and self.form.valid):
            self.estimate.allow("A field needs another value")
        else:
            waiting = any(line.check.state == "run" for line in self.preflight.lines.values())
            self.estimate.allow("", "Checks still run" if waiting else "Starts at once")

    # ---------------------------------------------------------------- measuring

    def _again(self) -> None:
        checks.ask_device.cache_clear()
        corpus_facts.cache_clear()
        self._device = None
        self._measure()

    def _measure(self) -> None:
        """Asks for everything again; answers to older questions are dropped."""
        self._generation += 1
        config, generation = self.config, self._generation
        for key in ("model", "round", "special", "corpus"):
            self.preflight.set_check(key, Check("run", "Reading\N{HORIZONTAL ELLIPSIS}"))
        self.preflight.set_check("others", checks.others(self.store))
        self._worker.submit(("model", generation), lambda: model_facts(config.model))
        self._worker.submit(
            ("pair", generation),
            lambda: pair_facts(config.model, target_reference(config), sample_of(config.data, config.model)),
        )
        self._worker.submit(("corpus", generation), lambda: corpus_facts(config.data, config.model))
        self._worker.submit(("expected", generation), lambda: expected(config, self.store))
        if self._device is None:
            for key in ("device", "runtime"):
                self.preflight.set_check(key, Check("run", "Asking PyTorch\N{HORIZONTAL ELLIPSIS}"))
            self._asker.submit(("device", generation), checks.ask_device)

    def _arrived(self, key: tuple[str, int], answer: Any) -> None:
        what, generation = key
        if generation != self._generation and what != "device":
            return
        if isinstance(answer, TokstudioError):
            self._failed(what, answer)
        else:
            self._take(what, answer)
        self._show()
        self._go_on()

    def _failed(self, what: str, error: TokstudioError) -> None:
        if what == "model":
            self._model = None
        elif what == "corpus":
            self._corpus = None
            self.budget.forget_corpus()
        rows = {"pair": ("round", "special"), "device": ("device", "runtime")}.get(what, (what,))
        for row in rows:
            self.preflight.set_check(row, checks.failed(error))
        if what == "pair":
            self.pair.problem.show_error(error)

    def _take(self, what: str, answer: Any) -> None:
        if what == "model":
            self._model = answer
            self.pair.show_model(answer)
            self.preflight.set_check("model", checks.model(answer))
        elif what == "pair":
            self._pair = answer
            self.pair.show_pair(answer)
            specials = special_map(answer.source, answer.target)
            self.preview.show_pair(answer, specials)
            self.preflight.set_check("round", checks.round_trip(answer))
            self.preflight.set_check("special", checks.special(specials))
        elif what == "corpus":
            self._corpus = answer
            self.preflight.set_check("corpus", checks.corpus(answer))
        elif what == "expected":
            self._expected = answer
        else:
            self._device = answer

    # ---------------------------------------------------------------- room

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self.width() >= WIDE)

    def _arrange(self, wide: bool) -> None:
        """Three cards and two below; or one below the other, with the button always in sight."""
        if wide == self._wide:
            return
        self._wide = wide
        self.estimate.set_compact(not wide)
        self._foot.setContentsMargins(16, 0, 16, 0 if wide else 12)
        self._foot.removeWidget(self.estimate)
        cards = (self.method, self.pair, self.budget)
        for place, card in enumerate(cards):
            card.setMinimumHeight(CARDS if wide else 0)
            self._grid.addWidget(card, 0 if wide else place, place * 2 if wide else 0, 1, 2 if wide else 6)
        self._grid.addWidget(self.preflight, 1 if wide else 3, 0, 1, 4 if wide else 6)
        self._grid.addWidget(self.preview, 2 if wide else 4, 0, 1, 6)
        self._grid.addWidget(self.form, 3 if wide else 5, 0, 1, 6)
        if wide:
            self._grid.addWidget(self.estimate, 1, 4, 1, 2)
            self.estimate.setMinimumWidth(WIDTH - 40)
        else:
            self.estimate.setMinimumWidth(0)
            self._foot.addWidget(self.estimate)
        for column in range(6):
            self._grid.setColumnStretch(column, 1)
        self._grid.setRowStretch(1, 1 if wide else 0)
