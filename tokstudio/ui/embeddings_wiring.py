"""What listens to what on the Embeddings page."""

from PySide6.QtCore import Qt

from tokstudio.ui.embeddings_engine import B
from tokstudio.ui.embeddings_matrix import WHOLE
from tokstudio.ui.embeddings_steps import Steps
from tokstudio.ui.reveal import Thing, offer


def connect(page) -> None:
    page.steps = Steps(page, page._context)
    engine, body, header = page.engine, page.body, page.body.header
    engine.opened.connect(page.matrix_opened)
    engine.closed.connect(page.matrix_closed)
    engine.named.connect(page.named)
    for signal in (engine.summarized, engine.spectrum, engine.spread):
        signal.connect(page.figures)
    engine.pictured.connect(page.pictured)
    engine.tile.connect(lambda letter, reply: page.card(letter).put_tile(reply))
    engine.columns_ordered.connect(page.columns_ordered)
    engine.neighbors.connect(page.show_neighbors)
    engine.compared.connect(page.show_comparison)
    engine.paired.connect(body.vector.show_pair)
    engine.differed.connect(page.show_difference)
    engine.checked.connect(lambda reply: body.health.show_health(engine.a, reply))
    engine.laying_out.connect(body.projection.show_phase)
    engine.laid_out.connect(body.projection.show_layout)
    engine.failed.connect(page.failed)
    engine.progressed.connect(page.progressed)
    header.tensor_chosen.connect(
        lambda letter, name: page.open(engine.sides[letter].path, name, letter=letter)
    )
    header.view_chosen.connect(page.show_view)
    header.second_wanted.connect(
        lambda: page.menu(B).exec(header.add.mapToGlobal(header.add.rect().bottomLeft()))
    )
    for letter, model in header.models.items():
        offer(model, page._context, lambda letter=letter: Thing(engine.path(letter)), "embeddings")
    header.swapped.connect(engine.swap)
    header.second_closed.connect(lambda: engine.close(B))
    body.neighbors.asked.connect(lambda token, _metric: page.ask(token))
    body.neighbors.list.activated.connect(lambda index: page.ask_row(index.data(Qt.UserRole).id))
    for place, card in enumerate(body.matrices):
        letter = "ABA"[place]  # the difference goes by rows of A
        card.row_chosen.connect(page.ask_row if place != 1 else page.ask_row_of_b)
        card.side_chosen.connect(page.show_matrix_of)
        card.mode.changed.connect(lambda mode: setattr(engine, "looked_at", mode == WHOLE))
        card.vector_wanted.connect(lambda: page.show_view(1))
        card.columns_chosen.connect(lambda order, place=place: page.order_columns(place, order))
        card.row_opened.connect(lambda place=place: page.open_row(place))
        card.order_chosen.connect(lambda order, letter=letter: page.reorder(letter, order))
        card.tiles_wanted.connect(lambda pooling, tiles, letter=letter:
                                  engine.ask_tiles(letter, pooling, tiles))  # fmt: skip
    course = body.transfer.course
    course.wanted.connect(engine.ask_course)
    course.row_wanted.connect(engine.ask_course_row)
    engine.coursed.connect(course.show_course)
    engine.coursed_row.connect(course.show_row)
    body.transfer.before_wanted.connect(lambda path: page.open(path, letter=B))
    body.vector.paired_by.connect(lambda _: page.ask_pair())
    body.pair.rule_chosen.connect(page.rejoin)
    for part in (body.pair, body.health, body.projection):
        part.row_chosen.connect(page.ask_row)
    body.projection.layout_wanted.connect(engine.ask_layout)
    body.projection.layout_dropped.connect(lambda: engine.maths.cancel("layout"))
    for slot in body.slots.slots:
        slot.chosen.connect(lambda _: page.keep_charts())
