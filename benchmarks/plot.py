"""`python -m benchmarks.plot RESULT.json`: README's picture and table from what bench_peers measured."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.registry import CASES, Case

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
OURS = "fastml"
OUR_COLOUR, PEER_COLOUR, INK = "#d9480f", "#a9b4c0", "#24292f"
COLUMNS = 2
TITLES = {
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "lightgbm quantised": "LightGBM quantised",
    "catboost": "CatBoost",
}
Records = dict[str, dict[str, dict[str, Any]]]  # case -> library -> record


def by_case(paths: list[Path]) -> tuple[Records, dict[str, Any]]:
    """Records of several result files, in the registry's order, and the conditions of the first."""
    contents = [json.loads(path.read_text()) for path in paths]
    found: Records = {name: {} for name in CASES}
    for content in contents:
        for record in content["records"]:
            found.setdefault(record["case"], {})[record["library"]] = record
    return {name: records for name, records in found.items() if set(records) - {OURS}}, contents[0]["conditions"]


def title(library: str) -> str:
    """The name as its makers write it."""
    return TITLES.get(library, library)


def duration(seconds: float) -> str:
    """Three significant digits in the unit that suits: 2.35 s, 87.1 ms."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def picture(results: Records, path: Path) -> None:
    """One panel a case, one bar a library, shortest first: seconds to fit."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= {"svg.hashsalt": OURS, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
    from matplotlib import pyplot

    shown = [name for name in results if not CASES[name].latency]
    n_rows = -(-len(shown) // COLUMNS)
    figure, panels = pyplot.subplots(n_rows, COLUMNS, figsize=(10, 1.75 * n_rows), squeeze=False, layout="constrained")
    for panel in panels.flat[len(shown) :]:
        panel.set_axis_off()
    for name, panel in zip(shown, panels.flat, strict=False):
        records = sorted(results[name].values(), key=lambda r: r["fit_s"], reverse=True)
        times = [r["fit_s"] for r in records]
        libraries = [r["library"] for r in records]
        panel.barh(
            [title(x) for x in libraries],
            times,
            color=[OUR_COLOUR if x == OURS else PEER_COLOUR for x in libraries],
            height=0.72,
        )
        for y, (library, time) in enumerate(zip(libraries, times, strict=True)):
            weight = "bold" if library == OURS else "normal"
            panel.text(time + max(times) * 0.012, y, duration(time), va="center", color=INK, fontweight=weight)
        panel.set_title(CASES[name].title, loc="left", fontsize=10, color=INK)
        panel.set_xlim(0, max(times) * 1.14)
        panel.set_xticks([])
        panel.tick_params(axis="y", length=0, colors=INK)
        panel.spines[:].set_visible(False)
    figure.suptitle("Time to fit, shorter is better", x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, facecolor="white", metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def _row(case: Case, records: dict[str, dict[str, Any]]) -> str:
    ours = records.get(OURS, {})
    peers = sorted((r for r in records.values() if r["library"] != OURS), key=lambda r: r["fit_s"])
    fastest = peers[0]
    rivals = [records[name]["score"] for name in case.rivals if name in records]
    cells = [
        case.title,
        f"**{duration(ours['fit_s'])}**" if ours else "",
        f"{title(fastest['library'])} {duration(fastest['fit_s'])}",
        f"{ours['ratio']:.2f}" if ours else "",
        f"{case.goal:.2f}" if case.goal else "",
        f"{ours['score']:.4f}" if ours else "",
        f"{max(rivals):.4f}" if rivals else "",
        duration(ours["predict_s"]) if ours else "",
        duration(min(r["predict_s"] for r in peers)),
    ]
    if any("peak_mb" in r for r in records.values()):
        cells += [f"{ours['peak_mb']:.0f} MB" if ours else "", f"{min(r['peak_mb'] for r in peers):.0f} MB"]
    return "| " + " | ".join(cells) + " |"


def table(results: Records, conditions: dict[str, Any]) -> str:
    """The markdown table, and below it how it was measured."""
    memory = any("peak_mb" in r for records in results.values() for r in records.values())
    head = ["fit", "fastml", "fastest peer", "ratio", "goal", "score", "score to match", "predict"]
    head += ["fastest peer's"] + (["memory", "least peer's"] if memory else [])
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [_row(CASES[name], records) for name, records in results.items() if not CASES[name].latency]
    for name, records in results.items():
        if CASES[name].latency:
            rows = sorted(records.values(), key=lambda r: r["row_us"])
            said = ", ".join(f"{title(r['library'])} {r['row_us']:.3g} us ({r['row_proba_us']:.3g})" for r in rows)
            lines += ["", f"{CASES[name].title}, by the shortest way (by `predict_proba`): {said}."]
    versions = ", ".join(f"{name} {version}" for name, version in conditions["versions"].items() if " " not in name)
    lines += [
        "",
        f"{conditions['processor']}, {conditions['threads']} threads, Python {conditions['python']}; {versions}. "
        f"Medians of {max(conditions['repeat'], conditions['seeds'])} runs in which the libraries alternate; "
        f"scores are means over {conditions['seeds']} splits.",
    ]
    return "\n".join(lines)


def insert(readme: Path, text: str) -> None:
    """Replace what stands between the two marks of the README."""
    before, rest = readme.read_text().split(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plot", description=__doc__)
    parser.add_argument("results", nargs="+", type=Path, help="JSON files of bench_peers")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.svg", help=".svg or .png")
    parser.add_argument("--readme", type=Path, help=f"file with the marks {BEGIN} and {END}; without it, print")
    options = parser.parse_args(argv)
    results, conditions = by_case(options.results)
    picture(results, options.out)
    text = table(results, conditions)
    if options.readme:
        link = os.path.relpath(options.out.resolve(), options.readme.resolve().parent)
        insert(options.readme, f"![Time to fit, fastml and its peers]({Path(link).as_posix()})\n\n{text}")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
