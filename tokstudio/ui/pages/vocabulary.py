"""All tokens of one tokenizer: search, sort, look at one; beside another vocabulary; its health; its merges; and
new ones trained."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.embed.known import matrix_folder
from tokstudio.embed.vocabulary import Vocabulary
from tokstudio.errors import TokstudioError
from tokstudio.tokens.catalog import catalog
from tokstudio.ui import theme
from tokstudio.ui.embeddings_export import Exporter
from tokstudio.ui.models.vocabulary import BYTES, COUNT, HEADINGS, NORM, SCRIPT, TOKEN, TWIN, VocabularyModel
from tokstudio.ui.reveal import Thing
from tokstudio.ui.vocabulary_cards.engine import VocabularyEngine
from tokstudio.ui.vocabulary_cards.flow_card import WAITS
from tokstudio.ui.vocabulary_cards.header import VocabularyHeader
from tokstudio.ui.vocabulary_cards.layout import APART, CHARTS, DIFFERENCES, HEALTH, MERGES, VocabularyLayout
from tokstudio.ui.vocabulary_cards.out import Out
from tokstudio.ui.vocabulary_cards.row_menu import RowMenu
from tokstudio.ui.vocabulary_cards.steps import Steps
from tokstudio.ui.vocabulary_cards.terms import fields_of, keys_of, with_keys, with_term, with_terms
from tokstudio.ui.widgets.choice_list import Choice

FIRST = ("tiktoken:o200k_base", "tiktoken:cl100k_base", "bert-base-uncased")
PANEL = 420  # pixels of the training panel


class VocabularyPage(Out, QWidget):
    name, title, icon, order = "vocabulary", "Vocabulary", "vocabulary", 2

    def __init__(self, context, **made: QWidget):
        """`made`: what `parts_apart` makes, where it was made before."""
        super().__init__()
        self._context = context
        self._reference, self._token = "", None
        self.engine = VocabularyEngine(self)
        self.model = VocabularyModel()
        self.header = VocabularyHeader(self)
        self.parts = parts = VocabularyLayout(self.model, **made)
        self.query, self.hits, self.problem = parts.query, parts.hits, parts.problem
        self.facets, self.table, self.detail = parts.facets, parts.table, parts.detail
        self.training: QWidget | None = None  # made when it is asked for
        self._typed = QTimer(self, singleShot=True, interval=40)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(parts)
        self._mask = np.zeros(0, bool)
        self.steps, self.row_menu = Steps(self, context), RowMenu(self)  # before what a change brings about
        self._connect()

    @staticmethod
    def parts_apart(_context=None) -> dict[str, Callable[[], QWidget]]:
        """What may be made before the page, each in a turn of its own."""
        return APART

    @property
    def vocabulary(self) -> Vocabulary | None:
        return self.engine.vocabulary

    def _connect(self) -> None:
        engine, parts = self.engine, self.parts
        self.query.textChanged.connect(lambda _: self._typed.start())
        self.query.returnPressed.connect(self._search)
        self._typed.timeout.connect(self._search)
        self.facets.changed.connect(self._tick)
        self.table.token_chosen.connect(self._choose)
        self.table.selected.connect(lambda _: self._show_selected())
        self.model.modelReset.connect(self._describe)
        self.detail.neighbors_wanted.connect(self._go_to_neighbors)
        self.detail.merges_wanted.connect(self.show_merges)
        engine.opened.connect(self._opened)
        engine.ranked.connect(self.model.set_ranks)
        engine.facts_changed.connect(self._show_facts)
        engine.found.connect(self._show_hits)
        engine.refused.connect(self._wrong_query)
        engine.inspected.connect(self.detail.show_inspection)
        engine.played.connect(lambda values: parts.player.show_played(self.vocabulary, values))
        engine.failed.connect(self._failed)
        engine.progressed.connect(self._progressed)
        parts.modes.changed.connect(self._mode_changed)
        parts.player.text_wanted.connect(lambda text: engine.play(text=text) if text else None)
        parts.player.token_chosen.connect(self._reveal)
        parts.health.check_wanted.connect(self._check)
        parts.health.shown.connect(lambda key: self._put("type", f"type:{key}"))
        parts.differences.compare_wanted.connect(self.compare_with)
        parts.differences.shown.connect(lambda key: self._put("in", f"in:{key}"))
        parts.differences.swapped.connect(self._swap)
        parts.differences.file_wanted.connect(self.header.ask_other)
        parts.charts.termed.connect(self._put)
        parts.charts.flow.listed.connect(
            lambda terms: self.query.setText(with_terms(self.query.text(), terms))
        )
        parts.charts.flow.crossed.connect(self._cross)
        parts.charts.exporter = Exporter(self, self._origin, self._context)
        parts.charts.count_wanted.connect(self.header.ask_corpus)
        parts.charts.matrix_wanted.connect(self.header.ask_matrix)
        self._connect_header()

    def _connect_header(self) -> None:
        header = self.header
        header.open_wanted.connect(self.open)
        header.other_wanted.connect(self.parts.differences.add)
        header.corpus_wanted.connect(self.engine.count)
        header.matrix_wanted.connect(self.engine.read_norms)
        header.export_wanted.connect(lambda path, selection: self.export_to(Path(path), selection))
        header.copy_wanted.connect(self.copy_selection)
        header.command_wanted.connect(self._copy_command)
        header.training_wanted.connect(self.show_training)
        header.check_wanted.connect(self._check)
        header.mode_wanted.connect(self.parts.modes.set_index)
        header.fill_charts = lambda menu: self.parts.charts.exporter.fill(menu, self.parts.charts.views())

    # ---------------------------------------------------------------- the window's side

    def subtitle(self) -> str:
        return f"{self.vocabulary.name}, {len(self.vocabulary):,} tokens" if self.vocabulary else ""

    def things(self) -> list[Thing]:
        return [Thing(self._reference, self.vocabulary.name)] if self.vocabulary else []

    def actions(self) -> list[QWidget]:
        return self.header.actions()

    def commands(self) -> list[Choice]:
        return self.header.commands(DIFFERENCES, MERGES)

    def regions(self) -> list[QWidget]:
        return [self.query, self.table, self.parts.modes.button(self.parts.modes.index()), self.detail.merges]

    def opened(self) -> None:
        """Shown: the tokenizer of last time, else GPT-4o's."""
        if self._reference:
            return
        if words := self._context.settings.get("vocabulary.query", ""):
            self.query.setText(str(words))
        known = {entry.reference for entry in catalog()}
        last = self._context.settings.get("vocabulary.reference", "")
        if last and (last in known or Path(last).exists()):
            self.open(last)
        else:
            self.open(next((reference for reference in FIRST if reference in known), "bytes"))

    def receive(self, tokenizer: str = "", token: int | None = None, query: str = "", **_other) -> None:
        """`tokenizer`: a reference; `token`: the id to choose; `query`: what to search for."""
        self._token = token if token is not None else self._token
        if query:
            self.query.setText(query)
        if tokenizer and tokenizer != self._reference:
            self.open(tokenizer)
        elif token is not None:
            self._reveal(token)

    def keep(self) -> None:
        """Once a minute, and at the end."""
        self._context.settings.set("vocabulary.query", self.query.text())

    def close_down(self) -> None:
        self._typed.stop()
        self.parts.player.playing.stop()
        if self.training is not None:
            self.training.close_down()
        self.engine.close()

    # ---------------------------------------------------------------- opening

    def open(self, reference: str) -> None:
        self._reference = self._reference or reference
        self.engine.open(reference)

    def _opened(self) -> None:
        vocabulary = self.vocabulary
        self._reference = vocabulary.reference
        if (
            self.training is not None and self.training.start.isVisible()
        ):  # not while it learns or shows a result
            self.training.set_parent_tokenizer(self._reference, vocabulary.name)
        self.problem.clear()
        self._context.settings.set("vocabulary.reference", self._reference)
        self.model.set_vocabulary(vocabulary)
        for part in (self.facets, self.detail):
            part.setEnabled(True)
        self.detail.neighbors.setVisible(matrix_folder(self._reference) is not None)
        self._show_facts()
        self.table.choose(self._token)
        self._search()
        self.compare_with(self._partners())
        self._mode_changed(self.parts.modes.index())
        self._context.refresh_header()

    def _partners(self) -> list[str]:
        """The vocabularies of last time, else a well-known other one: two lengths above each other."""
        known = {entry.reference for entry in catalog()}
        last = self._context.settings.get("vocabulary.others", [])
        kept = [r for r in last if r != self._reference and (r in known or Path(r).exists())]
        return kept or [r for r in FIRST if r != self._reference and r in known][:1]

    def compare_with(self, others: list[str]) -> None:
        self._context.settings.set("vocabulary.others", others)
        self.engine.compare([r for r in others if r != self._reference])

    def _swap(self, reference: str) -> None:
        """What only the other one has is listed in the other one."""
        self._cross(reference, "in:only")

    def _cross(self, reference: str, query: str) -> None:
        """Tokens of the other vocabulary, beside this one."""
        self.steps.cross(reference, query)

    # ---------------------------------------------------------------- searching

    def _search(self) -> None:
        self._typed.stop()
        if self.vocabulary is None:
            return
        query = self.query.text()
        self.facets.set_ticked({field: keys_of(query, field) for field in ("type", "script")})
        self.engine.search(query)

    def _show_hits(self, mask: np.ndarray) -> None:
        self.parts.wrong.hide()
        self.parts.old.hide()
        theme.set_role(self.query, "", "problem")
        count, token = len(self.vocabulary), self.table.token()
        self._mask = mask
        self.model.set_mask(mask)
        self.table.choose(token)
        self.hits.setText(f"{int(mask.sum()):,} of {count:,}")
        self._show_matches()

    def _show_matches(self) -> None:
        lengths, searched = self.vocabulary.lengths, bool(self.query.text().strip())
        mask = self._mask if searched and len(self._mask) == len(lengths) else np.zeros(len(lengths), bool)
        self.parts.charts.show_matches(lengths, mask)

    def _tick(self, ticked: dict[str, list[str]]) -> None:
        query = self.query.text()
        for field, keys in ticked.items():
            query = with_keys(query, field, keys)
        self.query.setText(query)

    def _put(self, field: str, term: str) -> None:
        self.query.setText(with_term(self.query.text(), field, term))

    def _wrong_query(self, message: str, hint: str) -> None:
        if "cut" in fields_of(self.query.text()) and self.engine.shared and not self.engine.flow:
            message, hint = WAITS, ""  # what it asks for is worked out, then it is asked again
            self.engine.cut()
        self.parts.wrong.setText(f"{message} {hint}".strip())
        self.parts.wrong.show()
        self.parts.old.show()
        theme.set_role(self.query, "true" if hint else "", "problem")
        theme.set_role(self.parts.wrong, "danger" if hint else "muted")

    # ---------------------------------------------------------------- what is known

    def _show_facts(self) -> None:
        engine = self.engine
        facts = {SCRIPT: engine.scripts, COUNT: engine.counts, NORM: engine.norms}
        if engine.twins and self.parts.modes.index() == DIFFERENCES:
            facts[TWIN] = engine.twins[0]
        self.model.set_facts({column: values for column, values in facts.items() if values is not None})
        self.table.show_known()
        self.facets.show_counts(self.vocabulary.kinds, engine.scripts, engine.flags)
        for card in (self.parts.charts, self.parts.differences, self.parts.health):
            card.show_facts(engine)
        self.parts.health.set_busy(engine.maths.busy("health"))
        self._show_token_facts()
        if self.parts.modes.index() in (DIFFERENCES, CHARTS):
            engine.cut()
        waits = {"count", "norm", "in", "cut", "type"} & fields_of(self.query.text())
        if waits and self.parts.wrong.isVisible():
            self._search()  # what could not be answered a moment ago

    def _check(self) -> None:
        self.parts.modes.set_index(HEALTH)
        self.engine.check()
        self.parts.health.set_busy(True)

    def _mode_changed(self, mode: int) -> None:
        if self.vocabulary is None:
            return
        self._show_facts()
        if mode == HEALTH and not self.engine.health and not self.engine.maths.busy("health"):
            self._check()
        if mode == MERGES and self._token is not None:
            self._play(self._token)
        QTimer.singleShot(0, self.table, lambda: self.table.scrollTo(self.table.currentIndex()))

    # ---------------------------------------------------------------- one token

    def _choose(self, token: int) -> None:
        self._token = token
        self.detail.show_token(self.vocabulary, token)
        self._show_token_facts()
        self.engine.inspect(token)
        if self.parts.modes.index() == MERGES:
            self._play(token)

    def _show_token_facts(self) -> None:
        engine, token = self.engine, self._token
        if token is None or token >= len(self.vocabulary):
            return
        counts, norms = engine.counts, engine.norms
        count = None if counts is None else int(counts[token])
        rank = None if counts is None else int((counts > counts[token]).sum()) + 1
        norm = None if norms is None or not np.isfinite(norms[token]) else float(norms[token])
        share = None if norm is None else round(100 * float(np.mean(norms[np.isfinite(norms)] <= norm)))
        self.detail.show_facts(count, rank, norm, share)

    def show_merges(self, token: int) -> None:
        if self.parts.modes.index() == MERGES:
            self._play(token)
        self.parts.modes.set_index(MERGES)

    def _play(self, token: int) -> None:
        if "BPE" in self.vocabulary.algorithm:
            self.engine.play(token)
        else:
            self.parts.player.show_trouble(
                f"{self.vocabulary.algorithm} vocabularies are not made by merging."
            )

    def _reveal(self, token: int) -> None:
        """Choose `token` also where the query has hidden it."""
        if self.model.row_of(token) is None and self.query.text():
            self._token = token
            self.query.clear()
            self._search()
            self.detail.show_token(self.vocabulary, token)
        self.table.choose(token)

    def _go_to_neighbors(self, token: int) -> None:
        self._context.go("embeddings", path=str(matrix_folder(self._reference)), token=f"#{token}")

    def _describe(self) -> None:
        column, order = self.model.sorted_by
        way = "" if order == Qt.AscendingOrder else ", largest first"
        name = "bytes" if column in (TOKEN, BYTES) else HEADINGS[column].lower()
        self.parts.sorted.setText(f"Sorted by {name}{way}")
        self._show_selected()

    def _show_selected(self) -> None:
        chosen = self.table.selected_rows()
        more = f"{chosen:,} selected of " if chosen > 1 else ""
        self.parts.shown.setText(f"{more}{self.model.rowCount():,} shown")

    # ---------------------------------------------------------------- training

    def _close_training(self) -> None:
        self.parts.hide_side(self.training)
        self.header.show_training(False)

    def show_training(self) -> None:
        if self.training is None:
            from tokstudio.ui.vocabulary_cards.training import TrainingPanel

            self.training = TrainingPanel(self._context)
            self.training.closed.connect(self._close_training)
            self.training.opened.connect(self.open)
        self.training.set_parent_tokenizer(self._reference, self.vocabulary.name if self.vocabulary else "")
        self.parts.show_side(self.training, PANEL)
        self.training.show()
        self.header.show_training(True)

    # ---------------------------------------------------------------- trouble and progress

    def _failed(self, slot: str, error: TokstudioError) -> None:
        self.parts.health.set_busy(self.engine.maths.busy("health"))
        if slot == "process":
            self.problem.show_error(error, [("Open again", lambda: self.open(self._reference))])
        elif slot == "vocabulary":
            self.problem.show_error(error, [("Open another…", self.header.ask_file)])
        elif slot == "play":
            self.parts.player.show_trouble(str(error))
        else:
            self._context.fail(error)

    def _progressed(self, slot: str, title: str, share: float) -> None:
        key = f"vocabulary.{slot}"
        if share < 0:
            self._context.job_done(key)
        else:
            self._context.job(key, title, share, lambda: self.engine.maths.cancel(slot))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.parts.arrange(self.width(), self.height())
