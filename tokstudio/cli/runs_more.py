"""`tokstudio runs`: the queue, the trash, tags and notes, comparisons and reports."""

import argparse
import time
from dataclasses import asdict

from tokstudio.cli.output import emit_json, say
from tokstudio.cli.output import note as remark
from tokstudio.errors import InputError
from tokstudio.runs import notes, tracking
from tokstudio.runs.configs import difference
from tokstudio.runs.queue import Queue
from tokstudio.runs.store import RunStore
from tokstudio.runs.trash import Trash


def queue(store: RunStore, args: argparse.Namespace) -> int:
    waiting = Queue(store)
    if args.name:
        waiting.add(args.name)
    names = waiting.names()
    if args.json:
        emit_json({"queue": names, "held": waiting.held})
        return 0
    for place, name in enumerate(names, 1):
        say(f"{place}  {name}")
    if waiting.held:
        remark("The queue is held: `tokstudio runs release` lets it go on.")
    if not names:
        remark("Nothing waits.")
    return 0


def unqueue(store: RunStore, args: argparse.Namespace) -> int:
    Queue(store).remove(args.name)
    args.name = None
    return queue(store, args)


def move(store: RunStore, args: argparse.Namespace) -> int:
    if len(args.values) != 1 or not args.values[0].isdigit():
        raise InputError("`runs move` needs a name and a place.", hint="Place 1 starts next.")
    Queue(store).move(args.name, int(args.values[0]) - 1)
    args.name = None
    return queue(store, args)


def hold(store: RunStore, args: argparse.Namespace) -> int:
    Queue(store).hold(args.action == "hold")
    return queue(store, args)


def discard(store: RunStore, args: argparse.Namespace) -> int:
    Queue(store).remove(args.name)
    thrown = Trash(store).throw(args.name)
    if args.json:
        emit_json({"discarded": thrown.name})
    else:
        remark(f"{thrown.name} is in the trash; `tokstudio runs restore {thrown.name}` brings it back.")
    return 0


def restore(store: RunStore, args: argparse.Namespace) -> int:
    name = Trash(store).restore(args.name)
    emit_json({"restored": name}) if args.json else remark(f"{name} is back.")
    return 0


def trash(store: RunStore, args: argparse.Namespace) -> int:
    held = Trash(store)
    if args.yes:
        gone = held.empty()
        emit_json({"deleted": gone}) if args.json else remark(f"{gone} deleted.")
        return 0
    if args.json:
        emit_json({"trash": [{"name": one.name, "at": one.at} for one in held.runs()]})
        return 0
    for one in held.runs():
        say(f"{one.name}  {time.strftime('%Y-%m-%d %H:%M', time.localtime(one.at))}")
    return 0


def tag(store: RunStore, args: argparse.Namespace) -> int:
    folder = store.open(args.name).folder
    notes.write(folder, notes.Notes(notes.split(" ".join(args.values)), notes.read(folder).note))
    return _say_notes(store, args)


def note(store: RunStore, args: argparse.Namespace) -> int:
    folder = store.open(args.name).folder
    notes.write(folder, notes.Notes(notes.read(folder).tags, " ".join(args.values)))
    return _say_notes(store, args)


def _say_notes(store: RunStore, args: argparse.Namespace) -> int:
    now = notes.read(store.open(args.name).folder)
    if args.json:
        emit_json({"run": args.name, "tags": list(now.tags), "note": now.note})
    else:
        say(f"{args.name}: {', '.join(now.tags) or 'no tags'}" + (f"; {now.note}" if now.note else ""))
    return 0


def track(_store: RunStore, args: argparse.Namespace) -> int:
    now = asdict(tracking.load(tracking.settings_file()))
    pairs = [text.partition("=") for text in filter(None, [args.name, *args.values])]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise InputError(f"{wrong[0]!r} sets nothing.", hint="Write for example wandb=offline.")
    if pairs:
        now |= {name: value for name, _, value in pairs}
        tracking.save(tracking.checked(now), tracking.settings_file())
    emit_json(now) if args.json else say("\n".join(f"{name:<8} {value}" for name, value in now.items()))
    return 0


def diff(store: RunStore, args: argparse.Namespace) -> int:
    names = [args.name, *args.values]
    if len(names) < 2:
        raise InputError("`runs diff` needs two names or more.", hint="`tokstudio runs` lists them.")
    rows = difference([store.open(name).folder for name in names])
    if args.json:
        emit_json({"runs": names, "settings": {name: values for name, values in rows}})
        return 0
    for name, values in rows:
        say(f"{name:<34} {'   '.join(str(value) for value in values)}")
    if not rows:
        remark("Their settings are the same.")
    return 0


def report(store: RunStore, args: argparse.Namespace) -> int:
    from tokstudio.runs.report import html, markdown

    folder = store.open(args.name).folder
    for path, made in ((args.html, html), (args.markdown, lambda folder: markdown(folder, args.markdown))):
        if path is not None:
            try:
                path.write_text(made(folder), encoding="utf-8")
            except OSError as error:
                raise InputError(f"{path} cannot be written: {error.strerror}.") from None
            remark(f"Written to {path}.")
    if args.html is None and args.markdown is None:
        say(markdown(folder).rstrip())
    return 0


def import_(store: RunStore, args: argparse.Namespace) -> int:
    from pathlib import Path

    from tokstudio.runs.trainer_state import import_state

    run = import_state(store, Path(args.name))
    emit_json({"run": run.folder.name}) if args.json else remark(f"Imported as {run.folder.name}.")
    return 0
