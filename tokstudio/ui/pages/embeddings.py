"""Look into a model's embedding matrix, or into two: heat map, distributions, neighbors, projection, health."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QFileDialog, QMenu, QStackedLayout, QWidget

from tokstudio.embed.known import known_matrices
from tokstudio.embed.service import Reply
from tokstudio.errors import TokstudioError
from tokstudio.ui.embeddings_body import APART, HEALTH, MATRIX, TRANSFER, VECTOR, Body, empty_page
from tokstudio.ui.embeddings_engine import A, B, Engine, Side
from tokstudio.ui.embeddings_export import ExportButton, View
from tokstudio.ui.embeddings_side import list_rows
from tokstudio.ui.embeddings_transfer import runs_to_look_into
from tokstudio.ui.embeddings_vector import SAME_ROW
from tokstudio.ui.embeddings_views import origin, views
from tokstudio.ui.embeddings_wiring import connect
from tokstudio.ui.embeddings_words import first_token, in_other
from tokstudio.ui.page_list import parts
from tokstudio.ui.reveal import Thing
from tokstudio.ui.widgets.basic import button
from tokstudio.ui.widgets.problem import Problem

NARROW = 1208  # pixels of the page: the window's 1280 without the rail
FILES = "Matrices (*.safetensors *.gguf *.npy *.index.json)"
DIFFERENCE = 2


class EmbeddingsPage(QWidget):
    name, title, icon, order = "embeddings", "Embeddings", "embeddings", 3

    def __init__(self, context, **made):
        """`made`: what `parts_apart` makes, where it was made before."""
        super().__init__()
        self._context = context
        self._wanted_token, self._opened_once, self._row_of_b = "", False, -1
        self._row, self._near = (
            -1,
            np.zeros(0, np.int64),
        )  # asked row of A, -1 for a sum; it and its neighbors
        self.engine = Engine(self)
        self._actions: list[QWidget] = []
        kinds = context.settings.get("embeddings.charts", ["", "", ""])
        self.body = Body(self.engine, kinds, parts(EmbeddingsPage, context, made), self)
        self._start_problem = Problem()
        self._stack = QStackedLayout(self)
        self._stack.addWidget(
            empty_page(self._start_problem, self._choose, self._choose_file, self.open_known)
        )
        self._stack.addWidget(self.body)
        self.setAcceptDrops(True)
        connect(self)

    @staticmethod
    def parts_apart(_context) -> dict[str, Callable]:
        return APART

    # ---------------------------------------------------------------- the window's side

    def subtitle(self) -> str:
        return " and ".join(side.name for side in self.engine.sides.values())

    def actions(self) -> list[QWidget]:
        if not self._actions:  # made once: the top bar only hides what it no longer shows
            opener = button("Open matrix…", "folder")
            opener.clicked.connect(lambda: self.menu(A).exec(opener.mapToGlobal(opener.rect().bottomLeft())))
            self._actions = [opener, ExportButton(self.views, lambda: origin(self.engine), self._context)]
            for action in self._actions:
                action.setParent(self)
                action.hide()
        return self._actions[:1] if self.engine.a is None else list(self._actions)

    def things(self) -> list[Thing]:
        return [Thing(side.path, side.name) for side in self.engine.sides.values()]

    def views(self) -> list[View]:
        """What can be exported now."""
        return views(self.engine, self.body)

    def menu(self, letter: str) -> QMenu:
        menu = QMenu(self)
        menu.addAction("Open a folder…", lambda: self._choose(letter))
        menu.addAction("Open a file…", lambda: self._choose_file(letter))
        menu.addSeparator()
        for known in known_matrices():
            menu.addAction(known.name, lambda name=known.name: self.open_known(name, letter))
        if runs := runs_to_look_into():
            below = menu.addMenu("Runs")
            for folder in runs:
                below.addAction(folder.name, lambda path=str(folder): self.open(path, letter=letter))
        return menu

    def opened(self) -> None:
        """Shown: the matrix of last time comes back, once, if it is still there."""
        if self._opened_once:
            return
        self._opened_once = True
        path = self._context.settings.get("embeddings.path", "")
        if path and self.engine.a is None and Path(path).exists():
            self.open(path, self._context.settings.get("embeddings.tensor"))

    def receive(
        self, path: str = "", tensor: str | None = None, token: str = "", second: str = "", **_other
    ) -> None:
        """`token`: text or "#id" to ask for; with `path` in that matrix, else in the open one. `second`: a matrix
        to lay beside it."""
        self._opened_once = True
        if path:
            self.open(path, tensor, token=token)
        elif token and self.engine.a is not None:
            self.body.neighbors.set_token(token)
            self.ask(token)
        if second:
            self.open(second, letter=B)

    def close_down(self) -> None:
        self.body.transfer.close_down()
        self.engine.maths.close()

    # ---------------------------------------------------------------- opening

    def _choose(self, letter: str = A) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Open the folder of a model"):
            self.open(path, letter=letter)

    def _choose_file(self, letter: str = A) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a matrix", "", FILES)
        if path:
            self.open(path, letter=letter)

    def open_known(self, name: str, letter: str = A) -> None:
        known = next(known for known in known_matrices() if known.name == name)
        self.open(str(known.path), token=known.token if letter == A else "", letter=letter)

    def open(self, path: str, tensor: str | None = None, *, token: str = "", letter: str = A) -> None:
        """What is shown stays until the new matrix has been read."""
        if letter == A:
            same = self.engine.a is not None and path == self.engine.a.path
            self._wanted_token = token or (self.body.neighbors.token() if same else "")
        self.engine.open(letter, str(path), tensor)

    def matrix_opened(self, letter: str) -> None:
        side, body = self.engine.sides[letter], self.body
        self.card(letter).show_matrix(tuple(side.about["shape"]))
        self.card(letter).set_names(side.token)
        for problem in (body.problem, self._start_problem):
            problem.clear()
        body.pair.clear(
            "Comparing both models…" if self.engine.b is not None else "Open a second matrix to compare."
        )
        if letter == A:
            body.header.show_first(side)
            self._row = -1
            for part in (body.neighbors, body.projection, body.health):
                part.clear()
            body.projection.set_side(side)
            self._show_transfer(side)
            self._context.settings.set("embeddings.path", side.path)
            self._context.settings.set("embeddings.tensor", side.tensor)
            if body.middle.currentIndex() == HEALTH:
                self.engine.ask_health()
        else:
            self._show_second(side)
        self._stack.setCurrentIndex(1)
        self._context.refresh_header()

    def matrix_closed(self, letter: str) -> None:
        if letter == B:
            self._show_second(None)
            self.show_matrix_of(0)
            self.body.pair.clear("Open a second matrix to compare.")
            self._context.refresh_header()

    def _show_transfer(self, side: Side) -> None:
        there = self.body.transfer.show_model(Path(side.path), side)
        self.body.header.show_transfer(there)
        if not there and self.body.middle.currentIndex() == TRANSFER:
            self.show_view(MATRIX)

    def _show_second(self, side: Side | None) -> None:
        body, two = self.body, side is not None
        body.header.show_second(side)
        body.neighbors.show_second(two)
        body.vector.show_second(two)
        for card in body.matrices:
            card.sides.setVisible(two)
            equal = two and side.columns == self.engine.a.columns
            card.sides.button(DIFFERENCE).setEnabled(equal)
            card.sides.button(DIFFERENCE).setToolTip("" if equal else "Needs two matrices of one width")

    # ---------------------------------------------------------------- answers

    def card(self, letter: str):
        return self.body.matrices["AB".index(letter)]

    def named(self, letter: str) -> None:
        side = self.engine.sides[letter]
        self.body.header.show_named(side)
        self.card(letter).set_names(side.token)
        if letter == A:
            self.body.matrices[DIFFERENCE].set_names(side.token)
            self._first_neighbors()
        elif self._near.size:
            self._ask_b()
            self.ask_pair()
        self.engine.ask_compare()

    def _first_neighbors(self) -> None:
        token = first_token(self.engine.a.names, self._wanted_token)
        self.body.neighbors.set_token(token)
        self.ask(token)

    def ask_row(self, row: int) -> None:
        """The neighbors of row `row`; its number is asked for, so that equal texts cannot be mixed up."""
        self.body.neighbors.set_token(f"#{row}")
        self.ask(f"#{row}")

    def ask_row_of_b(self, row: int) -> None:
        """A row of B was pointed at: its neighbors there, while A stays."""
        self._row_of_b = row
        card = self.body.neighbors
        self.engine.ask_neighbors(
            B, f"#{row}", card.chosen_count(), card.chosen_metric(), card.chosen_space()
        )

    def ask(self, token: str) -> None:
        card = self.body.neighbors
        self.engine.ask_neighbors(A, token, card.chosen_count(), card.chosen_metric(), card.chosen_space())

    def _ask_b(self) -> None:
        """The same token in B, as its vocabulary writes it; a sum as it was typed."""
        if self.engine.b is not None:
            card, token = self.body.neighbors, self.body.neighbors.token()
            if self._row >= 0:
                token = in_other(self.engine.a.names, self._row, self.engine.b.names)
            self.engine.ask_neighbors(
                B, token, card.chosen_count(), card.chosen_metric(), card.chosen_space()
            )

    def ask_pair(self) -> None:
        if self._row >= 0 and self.engine.b is not None:
            by_row = self.body.vector.by.index() == SAME_ROW
            self.engine.ask_pair(row=self._row) if by_row else self.engine.ask_pair(f"#{self._row}")
            self.engine.ask_difference(self._near)

    def show_neighbors(self, letter: str, reply: Reply) -> None:
        side, row, ids = self.engine.sides[letter], reply.values["row"], reply.arrays["ids"]
        found = list_rows(ids, reply.arrays["scores"], reply.values["metric"], side.token)
        title = side.token(row) if row >= 0 else reply.values["token"]
        numbers = np.concatenate([[row], ids])
        self.card(letter).show_nearest(reply.arrays["rows"][:30], numbers[:30], title)
        if letter == B:
            self.body.neighbors.show_in_b(row, found)
            return
        self._row, self._near = row, numbers[:30] if row >= 0 else ids[:29]
        if row < 0:
            self.engine.maths.cancel("pair")  # of the row before
        self.body.neighbors.show_neighbors(row, found, reply.values["seconds"])
        marked = [*reply.values["terms"], *ids[:12].tolist()]
        self.body.projection.picture.set_chosen([(int(i), side.token(int(i))) for i in marked])
        values = reply.arrays["rows"][0]
        self.body.slots.set_norm(float(np.linalg.norm(values.astype(np.float64))))
        self.body.vector.show_row(side, title, row, values)
        self._ask_b()
        self.ask_pair()

    def show_difference(self, reply: Reply) -> None:
        ids = reply.arrays["ids"]
        if len(ids):
            title = self.engine.a.token(self._row) if self._row >= 0 else self.body.neighbors.token()
            self.body.matrices[DIFFERENCE].show_difference(reply.arrays["rows"], ids, title)

    def show_comparison(self, reply: Reply) -> None:
        self.body.header.show_pair(reply.values["join"], reply.values["figures"])
        self.body.pair.show_comparison(self.engine, reply)

    def rejoin(self, rule: str) -> None:
        self.engine.rule = rule
        self.engine.ask_compare()
        self.ask_pair()

    def figures(self, letter: str) -> None:
        side = self.engine.sides[letter]
        if letter == A:
            self.body.header.show_figures(side)
            self.body.vector.show_place(side)
            if side.spectrum is not None and side.spectrum is not self.body.projection.shown:
                self.body.projection.show_points(side.spectrum)
        if side.summary is not None:
            self.card(letter).show_summary_of(side.summary)

    def pictured(self, letter: str, reply: Reply) -> None:
        self.card(letter).tiles_ready(reply.values["cells"], reply.values["order"], reply.arrays.get("order"))

    def reorder(self, letter: str, order: str) -> None:
        self.engine.sides[letter].order = order
        self.engine.ask_picture(self.engine.sides[letter])

    def order_columns(self, place: int, order: str) -> None:
        """`place` of the card that wants its dimensions in another order; the difference goes by A's."""
        letter = "ABA"[place]
        if place < DIFFERENCE:
            self.engine.sides[letter].columns_by = self.card(letter).columns_of_tiles()
        self.engine.ask_columns(letter, order)

    def columns_ordered(self, letter: str, reply: Reply) -> None:
        for place, card in enumerate(self.body.matrices):
            if "ABA"[place] == letter:
                card.set_columns(reply)

    def open_row(self, place: int) -> None:
        """A double click on a row: its values. Of B's row those of the same token in A are shown, too."""
        if place == 1 and self._row_of_b >= 0:
            self.ask(in_other(self.engine.b.names, self._row_of_b, self.engine.a.names))
        self.show_view(VECTOR)

    # ---------------------------------------------------------------- views

    def show_view(self, index: int) -> None:
        self.body.middle.setCurrentIndex(index)
        self.body.header.set_view(index)
        if index == HEALTH and not self.body.health.known and self.engine.a is not None:
            self.engine.ask_health()

    def show_matrix_of(self, side: int) -> None:
        self.body.matrix_stack.setCurrentIndex(side)
        self.show_view(MATRIX)

    def keep_charts(self) -> None:
        self._context.settings.set("embeddings.charts", [slot.kind for slot in self.body.slots.slots])

    # ---------------------------------------------------------------- trouble and progress

    def failed(self, slot: str, error: TokstudioError) -> None:
        what, _, letter = slot.partition(" ")
        body = self.body
        if what == "neighbors":
            body.neighbors.show_error(error) if letter == A else body.neighbors.show_error_in_b(error)
        elif what == "vocabulary":  # the rows go by their numbers then; why, is said
            self.named(letter)
            self._context.fail(error)
        elif what == "pair":
            body.vector.show_error(error)
        elif what == "compare":
            body.pair.show_error(error)
        elif what == "course":
            body.transfer.course.show_error(error)
        elif what == "course_row":
            body.transfer.course.show_row_error(error)
        elif what == "difference":
            return  # its button says why
        elif what == "pyramid" and letter in self.engine.sides:
            self.engine.sides[letter].order = self.card(letter).keep_order()
            self._context.fail(error)
        elif what == "layout":
            body.projection.failed()
            self._context.fail(error)
        else:
            self._show_problem(slot, error)

    def _show_problem(self, slot: str, error: TokstudioError) -> None:
        shown = self.body.problem if self.engine.a is not None else self._start_problem
        actions = [("Open another…", self._choose)]
        if slot == "process" and (side := self.engine.a) is not None:
            actions.insert(0, ("Open again", lambda: self.open(side.path, side.tensor)))
            self.body.projection.failed()
        shown.show_error(error, actions)

    def progressed(self, slot: str, title: str, share: float) -> None:
        key = f"embeddings.{slot}"
        if share < 0:
            self._context.job_done(key)
        else:
            self._context.job(key, title, share, lambda: self._cancel(slot))

    def _cancel(self, slot: str) -> None:
        self.engine.maths.cancel(slot)
        if slot == "layout":
            self.body.projection.dropped()

    # ---------------------------------------------------------------- drops and sizes

    def dragEnterEvent(self, event) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        """One path is A; with two the second one is B."""
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            for letter, path in zip((A, B), paths, strict=False):
                self.open(path, letter=letter)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.body.arrange(self.width() < NARROW)
