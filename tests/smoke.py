"""What an installed fastml must do at the least; run by file name, far from the sources: `python tests/smoke.py`."""

import sys
import tempfile
from pathlib import Path

# The folder of this file is no place to import fastml from: what is installed is to be tested.
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

import numpy as np  # noqa: E402

import fastml  # noqa: E402
from fastml.ensemble import XGBClassifier  # noqa: E402

assert "site-packages" in fastml.__file__, f"this is the checkout, not the installed package: {fastml.__file__}"
fastml.show_config()

rng = np.random.default_rng(0)
X = rng.normal(size=(500, 5))
y = X[:, 0] * X[:, 1] > 0
model = XGBClassifier(n_estimators=50).fit(X, y)
accuracy = np.mean(model.predict(X) == y)
assert accuracy > 0.9, accuracy
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "model.fastml")
    model.save(path)
    again = fastml.io.load(path)
assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
print(f"smoke test passed: accuracy {accuracy:.3f}")
