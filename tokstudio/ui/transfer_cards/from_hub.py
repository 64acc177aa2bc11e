"""A data set of the hub as the corpus: fetched first, or streamed. Nothing of either happens before a person agrees."""

from typing import Any

from tokstudio.train.config import DataConfig
from tokstudio.ui.transfer_cards.budget import STREAM

FETCH_WORDS = (
    "The id of a data set with text, JSON lines or Parquet files, such as roneneldan/TinyStories. Look up asks for"
    " names and sizes only; nothing is fetched before you agree."
)


class FromHub:
    """Part of `pages.transfer.TransferPage`, whose attributes it works on."""

    _agreed: frozenset[tuple[str, str, str]] = frozenset()  # what a person wants read over the network

    def _from_hub(self, way: str) -> None:
        if way == STREAM:
            self._ask_to_stream(start=False)
            return
        from tokstudio.tokens.download_texts import plan_texts
        from tokstudio.ui.panes.download_dialog import DownloadDialog

        dialog = DownloadDialog(self, "", plan_texts, FETCH_WORDS, "owner/name")
        dialog.fetched.connect(self._fetched)
        dialog.open()

    def _fetched(self, hub_id: str) -> None:
        here = {"data.corpus": f"hub:{hub_id}", "data.stream": False, "data.revision": "", "data.files": ""}
        self._change(here, f"corpus {hub_id}")

    def may_stream(self) -> bool:
        """Has a person agreed to what the run would read? Asks where not, and starts then."""
        data = self.config.data
        if not data.stream or _key(data) in self._agreed:
            return True
        self.estimate.go.set_busy(None)
        self._ask_to_stream(start=True)
        return False

    def _ask_to_stream(self, *, start: bool) -> None:
        from tokstudio.ui.panes.stream_dialog import StreamDialog

        dialog = StreamDialog(self, self.config)
        dialog.agreed.connect(lambda values: self._take_stream(values, start))
        dialog.open()
        if dialog.field.text():
            dialog.look.setFocus()

    def _take_stream(self, values: dict[str, Any], start: bool) -> None:
        self._change(values, f"stream {values['data.corpus'].removeprefix('hub:')}")
        self._agreed |= {_key(self.config.data)}
        if start:
            self.start(queue=self._queue)


def _key(data: DataConfig) -> tuple[str, str, str]:
    return data.corpus, data.revision, data.files
