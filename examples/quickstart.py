"""Which flights will be late? The library in ten lines; run it from the checkout: `python examples/quickstart.py`."""

from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from fastml.ensemble import XGBClassifier

flights = pd.read_parquet(Path(__file__).with_name("flights.parquet"))
X, y = flights.drop(columns="late"), flights["late"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
model = XGBClassifier(n_estimators=200, grow_policy="lossguide", max_leaves=63, max_depth=0, learning_rate=0.1)
model.fit(X_train, y_train)
print(f"AUC {roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]):.4f}")
