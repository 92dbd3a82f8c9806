"""The key that signs sessions."""

from portal.secret import secret_key


def test_it_is_made_once_and_readable_by_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("TALLYSTICK_SECRET_KEY", raising=False)
    folder = tmp_path / "var"
    first = secret_key(folder)
    assert len(first) >= 60
    assert secret_key(folder) == first
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in folder.iterdir()] == ["secret_key"]


def test_two_installations_have_two_keys(tmp_path, monkeypatch):
    monkeypatch.delenv("TALLYSTICK_SECRET_KEY", raising=False)
    assert secret_key(tmp_path / "one") != secret_key(tmp_path / "two")


def test_the_environment_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("TALLYSTICK_SECRET_KEY", "given")
    assert secret_key(tmp_path) == "given"
    assert not list(tmp_path.iterdir())
