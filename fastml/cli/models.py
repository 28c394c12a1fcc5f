"""What `--model` names: one line here for each family that comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from fastml.cli.errors import CommandError, unknown
from fastml.cli.target import Target


@dataclass(frozen=True)
class Model:
    """Where the estimators of a model are, and with which parameters the command line starts them."""

    module: str
    classifier: str
    regressor: str | None  # None: for classes only
    defaults: dict[str, Any] = field(default_factory=dict)
    of_classes: dict[str, Any] = field(default_factory=dict)  # of the classifier only
    patience: int = 0  # rounds without a better validation score before the fit stops; 0: takes no validation set

    def estimator_class(self, target: Target) -> type:
        """The class for the target's task."""
        name = self.classifier if target.is_classification else self.regressor
        if name is None:
            raise CommandError(
                f"--model: {self.classifier} predicts classes, and the target is {target}: use --model chaid or tree, "
                "or --task classification if its numbers are classes"
            )
        return getattr(import_module(self.module), name)


@dataclass(frozen=True)
class Clustering:
    """Where an estimator is that learns without a target."""

    module: str
    name: str
    defaults: dict[str, Any] = field(default_factory=dict)

    def estimator_class(self) -> type:
        return getattr(import_module(self.module), self.name)


BOOSTED = {"n_estimators": 300, "learning_rate": 0.1}

MODELS = {
    "xgb": Model(
        "fastml.ensemble",
        "XGBClassifier",
        "XGBRegressor",
        {**BOOSTED, "grow_policy": "lossguide", "max_leaves": 63, "max_depth": 0},
        patience=30,
    ),
    "gbdt": Model(
        "fastml.ensemble",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
        {**BOOSTED, "max_depth": None, "max_leaf_nodes": 63},
    ),
    "tree": Model(
        "fastml.tree",
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        {"max_leaf_nodes": 255, "min_samples_leaf": 20},
    ),
    "id3": Model("fastml.tree", "ID3Classifier", None),
    "c45": Model("fastml.tree", "C45Classifier", None),
    "chaid": Model("fastml.tree", "CHAIDClassifier", "CHAIDRegressor"),
    "forest": Model(
        "fastml.ensemble",
        "RandomForestClassifier",
        "RandomForestRegressor",
        {"n_estimators": 300, "min_samples_leaf": 2},
    ),
    "adaboost": Model(
        "fastml.ensemble",
        "AdaBoostClassifier",
        "AdaBoostRegressor",
        {"n_estimators": 100},
    ),
    "svm": Model("fastml.svm.mixed", "MixedSVC", "MixedSVR", of_classes={"probability": True}),
}


CLUSTERINGS = {
    "kmeans": Clustering("fastml.cluster", "KMeans"),
    "minibatch": Clustering("fastml.cluster", "MiniBatchKMeans"),
    "bisecting": Clustering("fastml.cluster", "BisectingKMeans"),
    "dbscan": Clustering("fastml.cluster", "DBSCAN"),
    "hdbscan": Clustering("fastml.cluster", "HDBSCAN"),
}


def find_model(name: str) -> Model:
    """The model of that name, or an error that lists the names."""
    if name not in MODELS:
        raise unknown("model", name, [*MODELS, *CLUSTERINGS], "fastml")
    return MODELS[name]
