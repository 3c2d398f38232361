"""Ten thousand agency files made from the two samples, and what checking them costs.

Half speak SOAP, half REST; each has a code of its own. Agencies on one product share the folder with its WSDL; with `own` each
brings a copy, so that each WSDL is read anew. Everything is made in one temporary folder.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agencies.registry import check_agency_file
from agencies.rubricator_file import load_rubricator
from bench.figures import Figures
from bench.ground import CONFIG

SAMPLES = ("city-roads", "housing-inspection")


def checked(count: int, *, own: bool) -> Figures:
    """Processor time of checking `count` files, in all and for each. Raises FileFaults for a file that is not sound."""
    categories = {one.code for one in load_rubricator(CONFIG / "rubricator.yaml").categories}
    with tempfile.TemporaryDirectory(prefix="okno-bench-files-") as name:
        paths = list(_written(Path(name), count, own=own))
        gc.collect()
        began_s = time.process_time()
        for path in paths:
            check_agency_file(path, categories)
        used_s = time.process_time() - began_s
    return {"files": float(count), "cpu_s": used_s, "each_ms": used_s * 1000 / count}


def _written(folder: Path, count: int, *, own: bool) -> Iterator[Path]:
    texts = {code: (CONFIG / "agencies" / f"{code}.yaml").read_text(encoding="utf-8") for code in SAMPLES}
    if not own:
        for code in SAMPLES:
            shutil.copytree(CONFIG / "agencies" / code, folder / code)
    for number in range(count):
        sample = SAMPLES[number % len(SAMPLES)]
        code = f"{sample}-{number:05d}"
        text = texts[sample].replace(f"code: {sample}\n", f"code: {code}\n", 1)
        if own:
            shutil.copytree(CONFIG / "agencies" / sample, folder / code)
            text = text.replace(f"{sample}/", f"{code}/")
        path = folder / f"{code}.yaml"
        path.write_text(text, encoding="utf-8")
        yield path
