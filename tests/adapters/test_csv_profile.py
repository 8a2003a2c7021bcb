"""The figures of a file and of its content are the same."""

from pathlib import Path

from function_app.adapters.csv_profile import profile_csv


def test_a_file_and_its_content_have_the_same_figures(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a;b\n1,5;2\n3;4\n")

    profile = profile_csv(file)

    assert profile.rows == 2
    assert profile_csv(file.read_bytes()) == profile
