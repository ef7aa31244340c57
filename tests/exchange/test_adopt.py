"""An imported model on its way to the runs."""

import pytest

from simagents.errors import InputError
from simagents.exchange import adopt, import_catk


@pytest.fixture
def imported(catk):
    args = import_catk.Args(catk.checkpoint, catk.agent, catk.map, catk.out)
    import_catk.main(args)
    return catk.out


def test_the_files_are_copied_as_they_are(imported, tmp_path):
    adopt.main(adopt.Args(imported, tmp_path / "run"))
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"recipe.json", "model.safetensors", "vocabulary.safetensors"}
    for name in names:
        assert (tmp_path / "run" / name).read_bytes() == (imported / name).read_bytes()


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.safetensors"])
def test_a_file_that_was_changed_since_is_refused_and_not_written(imported, tmp_path, name):
    content = bytearray((imported / name).read_bytes())
    content[-1] ^= 1
    (imported / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: differs from what digests\.json says of it"):
        adopt.main(adopt.Args(imported, tmp_path / "run"))
    assert not (tmp_path / "run" / name).exists()


def test_what_import_leaves_unfinished_has_no_digests(imported, catk, monkeypatch):
    """Killed while it writes again over an older import."""

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(import_catk, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        import_catk.main(import_catk.Args(catk.checkpoint, catk.agent, catk.map, catk.out))
    assert not (imported / "digests.json").exists()
