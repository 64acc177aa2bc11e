"""The benchmark of corpus comparison, on little text."""

from tokstudio.bench import corpus


def test_ratios_have_an_upper_limit(monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")  # as the benchmark sets it; put back after the test
    monkeypatch.setattr(corpus, "SIZE", 100_000)
    monkeypatch.setattr(corpus, "TIMES", 1)
    figures = {figure.name: figure for figure in corpus.measure_corpus(1)}
    assert set(figures) == {"corpus_wall_ratio", "corpus_cpu_ratio", "corpus_mb_s"}
    assert figures["corpus_cpu_ratio"].target == 1.1
    assert all(figure.value > 0 for figure in figures.values())
