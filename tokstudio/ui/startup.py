"""Seconds from the start of this process, and the probe that `tokstudio bench startup` asks for."""

import os
import sys
import time

PROBE = "TOKSTUDIO_STARTUP_PROBE"


def seconds_since_start() -> float:
    """Since the kernel made this process."""
    if sys.platform == "linux":
        with open("/proc/self/stat", encoding="ascii", errors="replace") as stat:
            ticks = float(stat.read().rpartition(")")[2].split()[19])  # field 22, after the name
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    import psutil

    return time.time() - psutil.Process().create_time()


def probing() -> bool:
    return os.environ.get(PROBE) == "1"


def report_first_tokens() -> None:
    """One line on stderr: `first-tokens SECONDS`."""
    sys.stderr.write(f"first-tokens {seconds_since_start():.3f}\n")
    sys.stderr.flush()


def watch(window) -> None:
    """Ends the program once every pane of Compare shows colored tokens; status 1 where one cannot."""
    page, done = window.page("compare"), []

    def end(status: int) -> None:
        done.append(status)
        window.end(status)

    def look(*_) -> None:
        if done:
            return
        failed = [pane.error for pane in page.session.panes if pane.error is not None]
        if failed:
            sys.stderr.write(f"no first tokens: {failed[0]}\n")
            end(1)
        elif page.panes and all(pane.view.colored for pane in page.panes.values()):
            report_first_tokens()
            end(0)

    for pane in page.panes.values():
        pane.view.first_colored.connect(look)
    page.session.pane_changed.connect(look)
