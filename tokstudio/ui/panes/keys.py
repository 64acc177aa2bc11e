"""The keys of the Compare page's panes."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut

if TYPE_CHECKING:
    from tokstudio.ui.compare_views.text import TextView


def connect_keys(view: "TextView") -> None:
    """Letters work where nothing is typed: in the panes."""
    tools = view.toolbar
    anywhere = (
        ("F8", lambda: view.step(1)),
        ("Shift+F8", lambda: view.step(-1)),
        ("Ctrl+T", view.add_pane),
        ("Ctrl+W", view.pane_set.remove_front),
        ("Ctrl+Shift+Left", lambda: view.pane_set.move_front(-1)),
        ("Ctrl+Shift+Right", lambda: view.pane_set.move_front(1)),
        ("Ctrl+Shift+Home", view.pane_set.pin_front),
        ("Ctrl+F", view.editor.find.start),
        ("Ctrl+Shift+C", view.copy_ids),
        ("Ctrl+G", view.editor.find.start_at),
        ("Alt+PgDown", lambda: view.editor.pager.turn(1)),
        ("Alt+PgUp", lambda: view.editor.pager.turn(-1)),
    )
    in_panes = (  # letters, where nothing is typed
        ("/", view.editor.find.start),
        ("W", tools.marks.toggle),
        ("B", lambda: tools.toggle_show("bytes")),
        ("I", lambda: tools.toggle_show("ids")),
        ("C", lambda: tools.toggle_show("characters")),
        ("D", lambda: tools.toggle_mode("disagreement")),
        ("Ctrl+C", lambda: view.copy("text")),
        ("Ctrl+A", lambda: view.select(0, len(view.session.data), reveal=False)),
        ("Esc", lambda: view.select(-1, -1)),
    )
    for place, keys in ((view, anywhere), (view.row, in_panes)):
        for key, slot in keys:
            QShortcut(QKeySequence(key), place, context=Qt.WidgetWithChildrenShortcut).activated.connect(slot)
