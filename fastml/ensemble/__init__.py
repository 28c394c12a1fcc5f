"""Ensembles, under scikit-learn's and XGBoost's names."""
