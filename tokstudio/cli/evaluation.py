"""Results of `tokstudio evaluate` as lines for people."""

from typing import Any

from tokstudio.cli.output import say


def say_texts(report: dict[str, Any]) -> None:
    for model in report.get("models", [report]):
        _say_model(model)
    if "difference" in report:
        difference = report["difference"]
        say(
            f"difference, second less first: {difference['bits_per_byte']:+.4f}{_between(difference['interval'])}"
        )
        if difference["better"] is None:
            say("They are equal.")
        elif difference["separated"]:
            say(f"The {difference['better']} predicts this text better.")
        else:
            say("The interval holds 0: this text does not separate them.")
    if "sliding" in report:
        _say_sliding(report["sliding"])
    common = "where no tokenizer has a token across"
    cut = {
        "lines": "after line ends",
        "common": common,
        "both": common,
        "sliding": f"{common}, and read as much text before",
    }[report["cut"]]
    say(f"Windows are cut {cut}; the end of a text is {'' if report['end_scored'] else 'not '}scored.")
    say("For comparison: " + ", ".join(f"{name} {value:.4f}" for name, value in report["references"].items()))


def _say_sliding(told: dict[str, Any]) -> None:
    """The same text, each window after as much text again that is not scored."""
    for model in told.get("models", [told]):
        say(
            f"with a sliding window: {model['bits_per_byte']:.4f}{_between(model['interval'])}  {model['model']}"
        )
    if "difference" in told:
        difference = told["difference"]
        say(f"  second less first: {difference['bits_per_byte']:+.4f}{_between(difference['interval'])}")


def _say_model(model: dict[str, Any]) -> None:
    say(f"{model['bits_per_byte']:.4f} bits per byte{_between(model['interval'])}  {model['model']}")
    say(
        f"  {model['bytes']:,} bytes, {model['tokens']:,} tokens of {model['tokenizer']}, "
        f"{model['windows']:,} windows of {model['documents']:,} documents, "
        f"each after {model['prefix'] or 'nothing'}"
    )
    say(f"  {model['perplexity_per_token']:.2f} perplexity: {model['perplexity_note'].partition(' is ')[2]}")


def say_answers(report: dict[str, Any]) -> None:
    for model in report.get("models", [report]):
        say(f"{model['model']} with {model['tokenizer']}: {model['questions']:,} questions")
        for way, title in (("accuracy_bytes", "by bytes"), ("accuracy", "as they are")):
            say(
                f"  {model[way]:.1%} right{_between(model[f'{way}_interval'], percent=True)}, likelihoods {title}; "
                f"{model[f'{way}_chance_corrected']:.1%} corrected for chance ({model['chance']:.1%})"
            )
        if model["indistinguishable"]:
            say(f"  {model['indistinguishable']:,} questions have choices that the model cannot tell apart")
    if "difference" in report:
        difference = report["difference"]
        between = _between(difference["accuracy_bytes_interval"], percent=True)
        say(f"difference by bytes, second less first: {100 * difference['accuracy_bytes']:+.1f} %{between}")
        kept = difference["accuracy_bytes_retention_chance_corrected"]
        if kept is not None:
            say(f"the second keeps {kept:.1%} of the first one's lead over chance")


def say_tasks(report: dict[str, Any]) -> None:
    for model in report.get("models", [report]):
        say(f"{model['model']} with {model['tokenizer']}, by lm-eval")
        for task, values in model["tasks"].items():
            say(f"  {task}: " + ", ".join(f"{name.partition(',')[0]} {v:.4f}" for name, v in values.items()))


def _between(interval: dict[str, Any] | None, *, percent: bool = False) -> str:
    if interval is None:
        return ""
    low, high = (f"{interval[end]:.1%}" if percent else f"{interval[end]:.4f}" for end in ("low", "high"))
    return f" ({interval['level']:.0%}: {low} to {high})"
