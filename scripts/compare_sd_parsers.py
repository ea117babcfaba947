"""Prints what sd-parsers and Pegbar read of each fixture, as a table in Markdown."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sd_parsers import ParserManager

FOLDER = Path(sys.argv[1])
PEGBAR = os.environ["PEGBAR_BIN"]
# What no generator wrote, or no honest one.
NOT_ASKED = ("bomb", "deep", "many", "nul", "odd-json", "comfyui-cycle", "comment", "exif",
             "unknown", "xmp-extended")
TOOLS = {"png-text", "comment", "exif", "unread"}


def theirs(path):
    found = ParserManager().parse(path)
    if found is None:
        return "–"
    asked = {
        "prompt": lambda: any(prompt.value for prompt in found.prompts),
        "negative": lambda: any(prompt.value for prompt in found.negative_prompts),
        "model": lambda: any(model.name for model in found.models),
        "seed": lambda: any(sampler.parameters.get("seed") is not None
                            for sampler in found.samplers),
    }
    what = []
    for name, has in asked.items():
        try:
            if has():
                what.append(name)
        except Exception as error:  # that it fails is part of the answer
            what.append(f"{name} fails ({type(error).__name__})")
    return ", ".join(what) or "–"


def ours(path, studio):
    run = [PEGBAR, "--json", "asset"]
    added = subprocess.run([*run, "add", path], cwd=studio, check=True, capture_output=True)
    asset = json.loads(added.stdout)[0]["id"]
    shown = subprocess.run([*run, "show", asset], cwd=studio, check=True, capture_output=True)
    claims = json.loads(shown.stdout)["claims"]
    fields = {}
    for claim in claims:
        if claim["tool"] not in TOOLS:
            fields |= claim["fields"]
    names = {"prompt": "prompt", "negativePrompt": "negative", "model": "model", "seed": "seed"}
    what = [name for field, name in names.items() if field in fields]
    if not what and any(claim["tool"] not in TOOLS for claim in claims):
        what = ["properties"]
    return ", ".join(what) or "–"


def main():
    files = sorted(FOLDER.iterdir())
    files = [file for file in files
             if file.suffix != ".md" and not file.stem.startswith(NOT_ASKED)]
    with tempfile.TemporaryDirectory() as studio:
        subprocess.run([PEGBAR, "init"], cwd=studio, check=True, capture_output=True)
        subprocess.run([PEGBAR, "project", "create", "Fixtures"], cwd=studio, check=True,
                       capture_output=True)
        print("| file | sd-parsers | Pegbar |\n|---|---|---|")
        for file in files:
            print(f"| {file.name} | {theirs(file)} | {ours(file.resolve(), studio)} |")


main()
