"""The card of an exported model: what it came from, how it was trained, what was measured, under which licenses.

`README.md` of the export, with the header that the Hugging Face hub reads. Licenses are those that the source's
folders state; where they state none, the card says so rather than guess.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokstudio.transfer.gap import gap_of

LICENSES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING", "NOTICE", "USE_POLICY.md")
TITLES = {
    "transfer": "moved onto another tokenizer",
    "finetune": "trained further on a text",
    "distil": "taught by another model",
}


@dataclass(frozen=True)
class License:
    name: str  # as the hub calls it, "" where none is stated
    files: tuple[Path, ...] = ()


def license_of(folder: Path | None) -> License:
    """What a model's or tokenizer's folder states."""
    if folder is None or not folder.is_dir():
        return License("")
    files = tuple(path for name in LICENSES if (path := folder / name).is_file())
    return License(_stated(folder / "README.md"), files)


def _stated(readme: Path) -> str:
    """`license:` of the header of a card."""
    try:
        lines = readme.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    if not lines or lines[0].strip() != "---":
        return ""
    for line in lines[1:]:
        if line.strip() == "---":
            break
        key, colon, value = line.partition(":")
        if colon and key.strip() == "license":
            return value.strip().strip("\"'")
    return ""


def write_card(
    export: Path,
    report: Mapping[str, Any],
    *,
    kind: str,
    settings_toml: str,
    model: Path | None,
    tokenizer: Path | None,
    data: Mapping[str, Any],
) -> Path:
    """Write `README.md` and copy license files. `model`, `tokenizer`: folders they came from; `data`: `corpus`,
    `fingerprint`, `train` and `held_out`, in characters; `told`: in words, of a stream."""
    licenses = {"model": license_of(model), "tokenizer": license_of(tokenizer)}
    if model == tokenizer:
        licenses["tokenizer"] = licenses["model"]
    _copy(export, licenses, same=model == tokenizer)
    path = export / "README.md"
    text = "\n".join(
        [
            *_header(report, licenses["model"]),
            "",
            *_about(report, kind),
            "",
            *_opening(export),
            "",
            *_figures(report, kind),
            "",
            *_data(report, data),
            "",
            *_licenses(licenses, same=model == tokenizer),
            "",
            "## Settings",
            "",
            "```toml",
            settings_toml.strip(),
            "```",
            "",
        ]
    )
    path.write_text(text, encoding="utf-8")
    return path


def _copy(export: Path, licenses: Mapping[str, License], *, same: bool) -> None:
    for what, found in licenses.items():
        if what == "tokenizer" and same:
            continue
        for file in found.files:
            shutil.copyfile(file, export / f"{file.stem}-{what}{file.suffix}")


def _header(report: Mapping[str, Any], found: License) -> list[str]:
    source = Path(str(report["source"]["model"])).name
    return [
        "---",
        "library_name: transformers",
        "pipeline_tag: text-generation",
        *([f"license: {found.name}"] if found.name else []),
        f"base_model: {source}",
        "tags: [tokstudio]",
        "---",
    ]


def _about(report: Mapping[str, Any], kind: str) -> list[str]:
    source, target = report["source"], report["target"]
    name = Path(str(source["model"])).name
    lines = [f"# {name}, {TITLES[kind]}", ""]
    if kind == "transfer":
        lines.append(
            f"{name} had the tokenizer {source['tokenizer']} ({source['vocab_size']:,} tokens). This model has "
            f"{target['tokenizer']} ({target['vocab_size']:,} tokens)."
        )
    else:
        lines.append(
            f"Its tokenizer is the source's: {target['tokenizer']} ({target['vocab_size']:,} tokens)."
        )
    if teacher := report.get("teacher"):
        lines.append(f"Its teacher was {Path(str(teacher['model'])).name}.")
    return lines


def _opening(export: Path) -> list[str]:
    lines = ["## Opening", ""]
    code = [
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        'folder = "this folder"',
        "model = AutoModelForCausalLM.from_pretrained(folder)",
        "tokenizer = AutoTokenizer.from_pretrained(folder)",
    ]
    if (export / "expanded_bytes.py").exists():
        lines += [
            "It needs the file `expanded_bytes.py` of this folder: `HOW_TO_OPEN.txt` says why. Read it first.",
            "",
        ]
        code = ["import sys", *code[:3], "sys.path.insert(0, folder)", "import expanded_bytes", "", *code[3:]]
    return [*lines, "```python", *code, "```"]


def _figures(report: Mapping[str, Any], kind: str) -> list[str]:
    rows = [("source model", report["source"]["bits_per_byte"])]
    if teacher := report.get("teacher"):
        rows.append(("teacher", teacher["bits_per_byte"]))
    if kind == "transfer":
        rows.append(("after initialization", report["initialized"]["bits_per_byte"]))
    rows.append(("this model", report["trained"]["bits_per_byte"]))
    lines = ["## Measured", "", "| | bits per byte |", "| --- | --- |"]
    lines += [f"| {name} | {value:.4f} |" for name, value in rows]
    lines += ["", f"On {report['held_out_bytes']:,} bytes of held-out text; lower is better."]
    if kind == "transfer":
        lines.append(
            f"That text is {report['tokens_source']:,} tokens before and {report['tokens_target']:,} after."
        )
    if gap := gap_of(report):
        lines.append(f"Gap closed by training: {gap.sentence()}.")
    if (worst := report["export"].get("max_abs_logit_difference")) is not None:
        lines.append(f"Loaded again in a fresh process, the largest difference of a logit was {worst:.1e}.")
    return lines


def _data(report: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    if data.get("told"):
        held_out = f"{data['held_out']:,} characters that were not trained on"
        return ["## Text", "", f"Trained on {data['told']}; measured on {held_out}."]
    name = "the library of Python" if data["corpus"] == "python" else Path(str(data["corpus"])).name
    return [
        "## Text",
        "",
        f"Trained on {name}: {data['train']:,} characters, measured on a part of {data['held_out']:,} that was not "
        f"trained on. Fingerprint {data['fingerprint']}.",
    ]


def _licenses(licenses: Mapping[str, License], *, same: bool) -> list[str]:
    lines = ["## Licenses", ""]
    for what, found in licenses.items():
        if what == "tokenizer" and same:
            continue
        words = "model and tokenizer" if same else what
        stated = found.name or ("see the file beside this one" if found.files else "its folder states none")
        lines.append(f"- Source {words}: {stated}.")
    lines.append("- The text it was trained on may have a license of its own.")
    return lines
