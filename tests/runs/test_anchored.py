"""A run may be resumed from any folder: its settings name files by their whole path."""

from tokstudio.cli.commands.transfer import anchored
from tokstudio.train.config import DataConfig, TransferConfig


def test_files_get_their_whole_path_and_names_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("model", "python"):
        (tmp_path / name).mkdir()
    (tmp_path / "text.txt").write_text("text")
    config = anchored(
        TransferConfig(model="model", tokenizer="demo:code", data=DataConfig(corpus="text.txt"))
    )
    assert config.model == str(tmp_path / "model")
    assert config.tokenizer == "demo:code"
    assert config.data.corpus == str(tmp_path / "text.txt")
    assert anchored(TransferConfig()).data.corpus == "python"
