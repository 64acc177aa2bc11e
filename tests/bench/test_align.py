"""The benchmark of alignment, on little text: figures with a lower limit."""

from tokstudio.bench import align
from tokstudio.bench.base import Figure


def test_figures_have_a_lower_limit(monkeypatch):
    monkeypatch.setattr(align, "SIZE", 20_000)
    figures = list(align.measure_alignment(1))
    assert [figure.name for figure in figures] == ["align_mb_s", "agreement_mb_s", "agreement_bert_mb_s"]
    assert all(figure.at_least and figure.target == 20 and figure.value > 0 for figure in figures)


def test_a_lower_limit_is_met_from_below_up():
    assert Figure(name="rate", value=21, unit="MB/s", target=20, at_least=True).met
    assert not Figure(name="rate", value=19, unit="MB/s", target=20, at_least=True).met
    assert not Figure(name="rate", value=float("nan"), unit="MB/s", target=20, at_least=True).met
