"""python -m reference: write every generated page of docs/reference anew."""

from pathlib import Path

from reference.pages import PAGES

ROOT = Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
        print(name)
