"""What each part of the Embeddings page gives to a file."""

import numpy as np

from tokstudio.ui.embeddings_body import Body
from tokstudio.ui.embeddings_engine import Engine
from tokstudio.ui.embeddings_export import View
from tokstudio.ui.embeddings_list import NeighborList
from tokstudio.ui.embeddings_matrix import MatrixCard
from tokstudio.ui.embeddings_planes import RowsPlane
from tokstudio.ui.embeddings_slots import ChartSlot
from tokstudio.ui.embeddings_table import RowsTable


def origin(engine: Engine) -> dict:
    """Which files: path, tensor, shape and type of each matrix."""
    found = {}
    for letter, side in engine.sides.items():
        about = side.about
        words = f"{about['file']}, {side.tensor}, {side.rows} x {side.columns}, {about['dtype']}"
        found[f"matrix_{letter.lower()}"] = words
    return found


def views(engine: Engine, body: Body) -> list[View]:
    """Those that have something to show now."""
    found = []
    card = body.matrix_stack.currentWidget()
    if card.heat.plane is not None:
        found.append(_heat(engine, card))
    found += [_chart(slot) for slot in body.slots.slots if slot.late.chart is not None]
    found.append(_neighbors("Neighbors", body.neighbors.list, body))
    if engine.b is not None:
        found.append(_neighbors("Neighbors in B", body.neighbors.list_b, body))
        found.append(_shared(engine, body))
    if body.projection.table.isVisible():
        found.append(_table("Lasso", body.projection.table, body.projection.table))
    found.append(_projection(engine, body))
    if body.vector.values is not None:
        found.append(_vector(body))
    if not body.transfer.plan.isHidden() and body.transfer.plan.shot is not None:
        found.append(_plan(body))
    if body.transfer.course.reply is not None:
        found.append(_course(body))
    if body.health.known:
        found.append(_table("Health", body.health, body.health.table))
    return found


def _heat(engine: Engine, card: MatrixCard) -> View:
    heat, plane = card.heat, card.heat.plane
    side = engine.b if card.side == 1 and engine.b is not None else engine.a

    def values() -> np.ndarray:
        if isinstance(plane, RowsPlane):
            return plane.values
        return plane.cells(heat.view, heat.box().width(), heat.box().height())

    def table() -> dict[str, list]:
        array = values()
        if isinstance(plane, RowsPlane):
            head = {"id": plane.ids.tolist(), "token": [side.token(int(i)) for i in plane.ids]}
            return head | {f"dim {dim}": array[:, j].tolist() for j, dim in enumerate(plane.dims.tolist())}
        step = 1 << heat.row_halvings()
        first = int(heat.view.top) // step
        return {"place": [(first + i) * step for i in range(len(array))]} | {
            f"cell {j}": array[:, j].tolist() for j in range(array.shape[1])
        }

    def settings() -> dict:
        view = heat.view
        return {
            "showing": card.subtitle.text(),
            "pooling": plane.pooling,
            "level": plane.shade.level,
            "dimensions_in_order": plane.dims.tolist(),
            "rows": [view.top, view.bottom],
            "dimensions": [view.left, view.right],
        }

    return View("Heat map", lambda: card, table, values, settings)


def _chart(slot: ChartSlot) -> View:
    def table() -> dict[str, list]:
        found: dict[str, list] = {}
        for name, series in slot.late.chart._series.items():
            x = series.x if len(series.x) == len(series.y) else series.x[:-1]  # left edges of the bars
            found[f"{name} x"], found[f"{name} y"] = x.tolist(), series.y.tolist()
        longest = max(map(len, found.values()), default=0)
        return {key: [*values, *[None] * (longest - len(values))] for key, values in found.items()}

    return View(slot.picker.currentText(), lambda: slot, table)


def _neighbors(title: str, made: NeighborList, body: Body) -> View:
    def table() -> dict[str, list]:
        rows = made.model().rows
        return {
            "place": list(range(1, len(rows) + 1)),
            "id": [row.id for row in rows],
            "token": [row.token for row in rows],
            "score": [row.score for row in rows],
        }

    def settings() -> dict:
        card = body.neighbors
        return {"asked": card.token(), "metric": card.chosen_metric(), "space": card.chosen_space()}

    return View(title, lambda: made, table, None, settings)


def _projection(engine: Engine, body: Body) -> View:
    picture = body.projection.picture

    def table() -> dict[str, list]:
        points, side = picture.points(), engine.a
        rows = [picture.row_of(place) for place in range(len(points))]
        return {
            "id": rows,
            "token": [side.token(row) for row in rows],
            "x": points[:, 0].tolist(),
            "y": points[:, 1].tolist(),
        }

    return View("Projection", lambda: picture, table, picture.points, lambda: dict(body.projection.about))


def _vector(body: Body) -> View:
    card = body.vector

    def table() -> dict[str, list]:
        a, b = card.values, card.other
        size = max(len(a), 0 if b is None else len(b))
        columns = {"dim": list(range(size)), "A": [*a.tolist(), *[None] * (size - len(a))]}
        if b is not None:
            columns["B"] = [*b.tolist(), *[None] * (size - len(b))]
        return columns

    def settings() -> dict:
        pair = card.relation.text() if card.other is not None else ""
        r = card.stats["r"].value.text() if pair else ""
        return {"showing": card.subtitle.text(), **({"pair": pair, "r": r} if pair else {})}

    return View("Vector", lambda: card, table, None, settings)


def _shared(engine: Engine, body: Body) -> View:
    """Every shared token with its correlation and its cosine after the rotation, in the order of A's rows."""
    card = body.pair

    def table() -> dict[str, list]:
        if card.reply is None:
            return {}
        found = card.reply.arrays
        columns = {"id in A": found["ids_a"].tolist(), "id in B": found["ids_b"].tolist()}
        columns["token"] = [engine.a.token(row) for row in columns["id in A"]]
        columns |= {"r": found["r"].tolist()} if len(found["r"]) else {}
        return columns | {"cosine, rotated": found["aligned"].tolist()}

    def settings() -> dict:
        return {} if card.reply is None else {key: card.reply.values[key] for key in ("join", "figures")}

    return View("Two models", lambda: card, table, None, settings)


def _plan(body: Body) -> View:
    """Entries of the plan that is shown: its start, now, or the change."""
    card = body.transfer.plan

    def table() -> dict[str, list]:
        rows = card.shot.rows(card.kind_name)
        name = card.pair is not None
        return {
            "target id": rows.row.tolist(),
            "target": [card.pair.target_text(int(i)) if name else "" for i in rows.row],
            "source id": rows.columns.tolist(),
            "source": [card.pair.source_text(int(i)) if name else "" for i in rows.columns],
            "share": rows.weights.tolist(),
        }

    def settings() -> dict:
        return {
            "showing": card.about.text(),
            "plan": card.kind_name,
            "file": card.shot.file,
            "end": card.shot.role,
        }

    return View("Transfer plan", lambda: card, table, None, settings)


def _course(body: Body) -> View:
    """Every row at every checkpoint, in shares; the array is [4, checkpoints, rows] in the order of the columns."""
    card = body.transfer.course
    kinds = ("moved", "total", "away", "cosine")

    def table() -> dict[str, list]:
        stops, arrays = card.reply.values["stops"], card.reply.arrays
        count = arrays["moved"].shape[1]
        steps = [stop["step"] for stop in stops for _ in range(count)]
        made: dict[str, list] = {"step": steps, "row": list(range(count)) * len(stops)}
        names = [card.token(row) for row in range(count)]
        return made | {"token": names * len(stops)} | {kind: arrays[kind].ravel().tolist() for kind in kinds}

    def array() -> np.ndarray:
        return np.stack([card.reply.arrays[kind] for kind in kinds])

    def settings() -> dict:
        stops = [stop["path"] for stop in card.reply.values["stops"]]
        return {"run": str(card.folder), "checkpoints": stops, "source": card.reply.values["source"]["path"],
                "showing": card.place.text(), "distances": list(kinds)}  # fmt: skip

    return View("Checkpoints", lambda: card, table, array, settings)


def _table(title: str, widget, table: RowsTable) -> View:
    def columns() -> dict[str, list]:
        return {column.title: list(column.values) for column in table.rows.columns}

    return View(title, lambda: widget, columns)
