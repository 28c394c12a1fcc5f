"""`fastml.show_config()` and the errors of absent extras."""

import pytest

import fastml
from fastml._engines import runtime
from fastml.extras import require


def test_show_config_returns_a_dictionary_on_request(capsys):
    config = fastml.show_config(as_dict=True)
    assert config["fastml"] == fastml.__version__
    assert config["instruction_set"] == runtime.instruction_set()
    assert config["versions"]["numpy"][0].isdigit()
    assert capsys.readouterr().out == ""


def test_show_config_prints_a_line_for_each_entry(capsys):
    config = fastml.show_config(as_dict=True)
    assert fastml.show_config() is None
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(config) - 1 + len(config["versions"])
    assert f"{'instruction set':<16} {runtime.instruction_set()}" in lines


def test_an_absent_extra_names_the_command_that_installs_it():
    with pytest.raises(ImportError, match=r"Reading moons needs nosuchmoon.*pip install 'fastml\[cli\]'"):
        require("nosuchmoon.files", "cli", "Reading moons")


def test_a_present_extra_is_imported():
    assert require("json.decoder", "cli", "Reading JSON").__name__ == "json.decoder"
