from __future__ import annotations

import os
from pathlib import Path

import pytest

from vopub.errors import MissingProgramError, ServiceError
from vopub.process import find_program, interpreter, run, service_account


def test_programs_never_run_as_root_and_see_none_of_our_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    done = run(["/usr/bin/python3", "-c", "import os; print(os.getuid(), dict(os.environ))"])
    uid, _, environ = done.stdout.partition(" ")
    assert int(uid) == service_account().uid != 0
    assert "SECRET_OF_THE_CALLER" not in environ


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(MissingProgramError, match="apt-get install python3-gavo") as caught:
        find_program("no-such-program", package="python3-gavo")
    assert caught.value.exit_code == 3


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(ServiceError, match="did not end within"):
        run(["sleep", "30"], timeout=0.2)


def test_a_program_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="cannot run"):
        run([str(tmp_path / "gone")])


def test_an_error_of_a_run_keeps_the_last_lines() -> None:
    done = run(["/usr/bin/python3", "-c", "import sys; print('said'); sys.exit('why')"])
    assert done.returncode == 1
    message = str(ServiceError.from_process(done, hint="do this"))
    assert "said | why" in message
    assert message.endswith("; do this")


def test_root_without_the_service_user_is_told_what_to_do() -> None:
    if os.geteuid() != 0:
        assert service_account("no-such-user").uid == os.geteuid()
        return
    with pytest.raises(MissingProgramError, match="make setup"):
        service_account("no-such-user")


def test_the_interpreter_can_be_run_by_the_service_user() -> None:
    assert run([interpreter(), "-c", "import vopub"]).returncode == 0
