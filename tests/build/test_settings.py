"""Each setting takes, and says so when it did not."""

import os
import re
from contextlib import contextmanager

import pytest

from tests import settings
from tests.settings import SETTINGS, Run


@pytest.fixture
def run(tmp_path):
    folder, clone = tmp_path / "setting", tmp_path / "setting/clone"
    clone.mkdir(parents=True)
    (clone / ".venv").symlink_to(tmp_path)
    variables = {k: v for k, v in os.environ.items() if "MAKE" not in k}
    return Run(folder, clone, variables)


def test_four_loops_run_beside_it_and_end_with_it(run):
    with SETTINGS["busy"](run) as check:
        assert check() == ""
    assert check() == "4 loops have ended"


def test_other_fonts_are_there_or_it_says_so(run):
    with SETTINGS["fonts"](run) as check:
        said = check()
        if not said.startswith("there is no fc-match"):
            assert said == ""
            run.variables["FONTCONFIG_FILE"] = "/dev/null"
            assert re.match(r"sans-serif is ", check())


def test_the_path_has_a_space(run):
    with SETTINGS["space"](run) as check:
        assert check() == ""
        assert run.clone.is_dir()
        assert not (run.clone / ".venv").is_symlink()


def test_a_load_that_is_there_already_is_said(run, monkeypatch):
    monkeypatch.setattr(settings.time, "monotonic", iter([0, 1, 999]).__next__)
    monkeypatch.setattr(settings.time, "sleep", lambda _: None)
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 0, 0))
    with SETTINGS["alone"](run) as check:
        assert check() == "something else runs: load 99.0"


def test_products_round_in_another_way_or_it_says_so(run):
    with SETTINGS["rounding"](run) as check:
        assert check() == ""
        run.variables["ROUND_AS"] = "AVX2"
        assert check() == "products round as before"


def test_what_a_hostile_user_has_set_takes_or_it_says_so(run):
    with SETTINGS["hostile"](run) as check:
        run.variables["LC_ALL"] = "C"  # which is everywhere
        assert check() == "the locale is None None\n"
        run.variables |= {"LC_ALL": "xx_XX.UTF-8", "TZ": "UTC"}
        run.variables["HOME"] = str(run.clone)
        run.umask = 0o22
        said = check().splitlines()
    assert [line.split()[0] for line in said] == [
        "tr_TR.UTF-8", "Pacific/Kiritimati", "the", "Matplotlib", "Keras"
    ]  # fmt: skip


def test_a_setting_that_did_not_take_or_is_red_is_a_failure(
    run, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(settings, "LOGS", tmp_path)
    monkeypatch.setattr(settings, "fresh", lambda _: run)
    (run.clone / "Makefile").write_text("test:\n\t@echo 7 passed\n")
    assert settings.main(["busy"]) == 0
    assert re.match(r"busy: green \(0:\d\d\) 7 passed$", capsys.readouterr()[0])
    (run.clone / "Makefile").write_text("test:\n\t@echo 1 failed; false\n")
    assert settings.main(["busy"]) == 1
    assert "1 failed" in (said := capsys.readouterr()[0])
    assert "busy: red" in said
    monkeypatch.setitem(SETTINGS, "busy", broken)
    assert settings.main(["busy"]) == 1
    assert "busy: the setting did not take: none" in capsys.readouterr()[0]
    assert settings.main(["nothing"]) == 2


@contextmanager
def broken(run):
    yield lambda: "none"
