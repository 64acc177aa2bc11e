"""The menu that says what new runs are also recorded for."""

from tokstudio.runs import tracking
from tokstudio.runs.tracking import Tracking
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.tracking_menu import TrackingMenu


def test_a_choice_is_written_and_marked(qtbot, tokstudio_home):
    menu = TrackingMenu(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(menu)
    menu.mark()
    assert [key for key, action in menu.choices.items() if action.isChecked()] == [
        ("wandb", "off"),
        ("trackio", "off"),
    ]
    menu.choices["wandb", "offline"].trigger()
    menu.choices["trackio", "local"].trigger()
    assert tracking.load(tracking.settings_file()) == Tracking(wandb="offline", trackio="local")
    again = TrackingMenu(Context(Settings(tokstudio_home / "window.ini")))
    qtbot.addWidget(again)
    again.mark()
    assert again.choices["wandb", "offline"].isChecked()


def test_a_file_that_cannot_be_read_is_told_and_kept(qtbot, tokstudio_home):
    tokstudio_home.mkdir()
    tracking.settings_file().write_text("wandb = ")
    context, told = Context(Settings(tokstudio_home / "window.ini")), []
    context.failed.connect(told.append)
    menu = TrackingMenu(context)
    qtbot.addWidget(menu)
    menu.mark()
    menu.choose("wandb", "online")
    assert len(told) == 2
    assert tracking.settings_file().read_text() == "wandb = "
