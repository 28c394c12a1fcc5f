"""What the command line takes."""

import argparse

from fastml import __version__

FILES = "CSV, Parquet, Arrow/Feather, or .npz"


def _fraction_or_file(text: str) -> float | str:
    """A share of the rows, or else the name of a file."""
    try:
        fraction = float(text)
    except ValueError:
        return text
    if not 0 <= fraction < 1:
        raise argparse.ArgumentTypeError(f"{text} must be at least 0 and less than 1: it is a share of the rows")
    return fraction


def _count(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def parser() -> argparse.ArgumentParser:
    """The parser of `fastml`."""
    top = argparse.ArgumentParser(prog="fastml", description="Train and use models of classical machine learning.")
    top.add_argument("--traceback", action="store_true", help="with an error, show where in the code it came up")
    top.add_argument("--version", action="version", version=f"fastml {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a model on the rows of a file")
    train.add_argument("file", metavar="FILE", help=f"the rows to learn from: {FILES} (X and y, or named arrays)")
    train.add_argument("--target", metavar="COLUMN", help="the column to predict; clusterings have none")
    models = (
        "xgb (the default), gbdt, forest, adaboost, tree, svm; multiway: chaid, and for classes c45, id3 (no numbers); "
        "clusterings, without --target: kmeans, minibatch, bisecting, dbscan, hdbscan"
    )
    train.add_argument("--model", default="xgb", metavar="NAME", help=models)
    train.add_argument(
        "--task",
        choices=["regression", "classification"],
        help="what to make of the target; by default it is recognised, and said",
    )
    train.add_argument(
        "--exclude", nargs="+", action="extend", default=[], metavar="COLUMN", help="columns to leave out"
    )
    train.add_argument(
        "--valid",
        type=_fraction_or_file,
        metavar="FRACTION|FILE",
        help="share of the rows to validate on, drawn at random, or a file of them; 0 for none (default: 0.2)",
    )
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="a parameter of the estimator, such as learning_rate=0.05; may be given many times",
    )
    train.add_argument("--drop-missing-target", action="store_true", help="leave out rows whose target is missing")
    train.add_argument("--seed", type=_count, default=0, metavar="N", help="of every random choice (default: 0)")
    train.add_argument("--jobs", type=_count, metavar="N", help="threads; by default as many as there are processors")
    train.add_argument(
        "--scale",
        choices=["none", "deviation", "range"],
        help="of a clustering: columns as they are (the default), or divided by their standard deviation or range",
    )
    train.add_argument("--out", metavar="OUT", help="of a clustering: file of the labels, .csv, .parquet or .feather")
    train.add_argument("--save", metavar="PATH", help="where to save the model")
    train.add_argument("--plot", metavar="PNG", help="where to draw the learning curve, the importances and the errors")

    predict = commands.add_parser("predict", help="predict for the rows of a file")
    predict.add_argument("model", metavar="MODEL", help="what `fastml train --save` wrote")
    predict.add_argument("file", metavar="FILE", help=f"the rows to predict for: {FILES}")
    predict.add_argument("--out", metavar="OUT", help=".csv, .parquet or .feather; by default CSV on standard output")
    predict.add_argument("--jobs", type=_count, metavar="N", help="threads")

    commands.add_parser("info", help="say what fastml is built with and runs on")
    return top
